"""GNetPlus, the serial protocol of small MIFARE readers (Promag, GIGA-TMS)."""

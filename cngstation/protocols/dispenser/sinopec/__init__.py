"""Sinopec FA: IC-card dispensers of the fuel trade, mode 1 (30H to 3FH), host side."""

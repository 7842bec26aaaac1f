"""NXP PN532 over its high-speed UART: frames, commands and the dialogue."""

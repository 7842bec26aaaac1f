"""UniPump: the serial protocol of the first Technotrade forecourt controller."""

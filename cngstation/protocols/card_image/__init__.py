"""What our cards carry, byte by byte."""

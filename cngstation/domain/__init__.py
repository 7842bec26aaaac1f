"""Rules of the trade as plain data and functions; no input or output."""

"""The dispenser monitor: every line polled, every fill booked, every nozzle live."""

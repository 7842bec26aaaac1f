"""Compac CNG dispensers on Modbus-RTU: monitor, lock and price."""

"""Dispenser wire protocols, one folder each, and the canonical model they map to."""

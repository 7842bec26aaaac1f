"""The station's SQLite file; no rules."""

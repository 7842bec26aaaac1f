"""Card reader wire protocols, one folder each."""

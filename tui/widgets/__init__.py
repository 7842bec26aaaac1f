"""One widget a file; each draws from the desk it is given."""

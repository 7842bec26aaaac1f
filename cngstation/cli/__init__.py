"""The commands of `cngstation`, one module each."""

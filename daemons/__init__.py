"""Composition roots: each daemon puts its parts together and decides nothing."""

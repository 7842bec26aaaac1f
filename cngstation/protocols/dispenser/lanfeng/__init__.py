"""Lanfeng: twelve bytes asked, twelve answered; the smallest of the protocols."""

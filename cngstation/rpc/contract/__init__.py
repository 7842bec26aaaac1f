"""What each daemon offers on its socket: one module per daemon, figures shared."""

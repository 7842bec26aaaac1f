"""Use cases, one per module, named by the cashier's verb."""

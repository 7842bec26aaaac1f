"""Real ports under asyncio; no rules."""

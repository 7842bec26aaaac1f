"""The screen: shows what the daemons say and asks them to act."""

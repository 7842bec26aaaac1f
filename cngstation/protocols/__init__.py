"""Sans-IO codecs and dialogues: bytes to messages and back; no clock, no ports."""

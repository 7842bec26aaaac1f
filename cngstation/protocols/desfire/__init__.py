"""NXP MIFARE DESFire EV1 and later, spoken to as ISO 7816-4 wraps its commands.

A command is a conversation: a generator that yields command APDUs, is sent the answers
and returns what they mean. Whoever drives it owns the reader; nothing here waits.
"""

"""The fuel trade's CPU card: electronic purse with grey lock (灰锁) over APDUs.

Built after public programs of the trade; no real card was read: UNVERIFIED.
"""

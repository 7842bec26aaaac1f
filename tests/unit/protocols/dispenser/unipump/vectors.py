"""Constructed UniPump frames, written out; none of them is a capture."""


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text)


STATUS = _bytes("10 02 31 53 55 AD 10 03")
LOCK = _bytes("10 02 31 4C 14 65 10 03")
AUTHORISE = _bytes("10 02 31 41 31 50 30 30 30 31 30 30 30 30 30 33 39 38 D8 55 10 03")
HALT = _bytes("10 02 31 48 15 A6 10 03")
CLOSE = _bytes("10 02 31 43 30 37 AA FE 10 03")
UNLOCK = _bytes("10 02 31 55 D5 AF 10 03")
TOTALS = _bytes("10 02 31 54 31 AE DB 10 03")
VERSION = _bytes("10 02 00 56 80 3E 10 03")
NOZZLE_UP = _bytes("10 02 31 53 31 33 30 29 AB 10 03")
AMOUNT = _bytes("10 02 31 41 30 37 31 30 30 30 30 31 32 33 34 64 CE 10 03")
TRANSACTION = _bytes(
    "10 02 31 54 30 37 31 30 30 30 30 31 32 33 34 30 33 39 38"
    "30 30 30 30 34 39 31 31 74 FE 10 03"
)
# The low byte of its CRC is 10H and stands twice.
STUFFED = _bytes("10 02 31 41 31 50 30 30 30 30 32 30 30 33 30 33 39 38 10 10 1C 10 03")
EXTENDED = _bytes(
    "10 02 31 45 54 37 3B 31 3B 31 32 33 34 3B 33 39 38 3B 34 39 31 31 3B 9B 6A 10 03"
)
EVERY = {
    name: value for name, value in sorted(globals().items()) if isinstance(value, bytes)
}

"""Constructed Modbus frames of a Compac dispenser; none of them is a capture.

The three first are written out; the answers' CRCs are computed here bit by bit.
"""

from collections.abc import Sequence

READ_LIVE = bytes.fromhex("01 03 00 63 00 20 B4 0C")
LOCK = bytes.fromhex("01 06 00 C7 00 01 F9 F7")
EXCEPTION = bytes.fromhex("01 83 02 C0 F1")


def sealed(body: bytes) -> bytes:
    """Append CRC-16/MODBUS, low byte first."""
    crc = 0xFFFF
    for byte in body:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return body + crc.to_bytes(2, "little")


def registers(values: Sequence[int], device: int = 1) -> bytes:
    """The answer to a read."""
    data = b"".join(value.to_bytes(2, "big") for value in values)
    return sealed(bytes([device, 3, len(data)]) + data)


def live(**changes: int) -> list[int]:
    """Registers 100 to 131 after a sale of 12.345 kg at 3.98."""
    by_number = {
        100: 0x0001, 101: 398,
        102: 0, 103: 12_345, 104: 0, 105: 4_913,
        106: 0x0000, 107: 0x0012, 108: 0x3456,
        109: 0x0000, 110: 0x0048, 111: 0x9912,
        112: 187, 113: 0, 114: 0, 115: 0xFFFB, 116: 23, 117: 0x0012, 118: 0x3456,
        124: 1, 125: 0, 126: 12_345, 127: 0, 128: 49_130, 129: 0xFF38,
        130: 35, 131: 200,
    }  # fmt: skip
    by_number |= {int(name.removeprefix("r")): value for name, value in changes.items()}
    return [by_number.get(number, 0) for number in range(100, 132)]

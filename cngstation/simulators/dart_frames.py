"""The wire form of a simulated DART pump, written apart from the host's codec."""

from fastcrc import crc16

POLL, NAK, EOT, ACK, ACKPOLL = 0x2, 0x5, 0x7, 0xC, 0xE
DATA = 0x3
SF, ETX, DLE = 0xFA, 0x03, 0x10
LONGEST_FRAME = 600


def control(address: int, kind: int, block: int = 0) -> bytes:
    """Return a control frame."""
    return bytes((address, kind << 4 | block, SF))


def data_block(address: int, block: int, data: bytes) -> bytes:
    """Return a data frame with its checksum and escapes."""
    covered = bytes((address, DATA << 4 | block)) + data
    crc = crc16.arc(covered)
    out = bytearray(covered[:2])
    for byte in data + bytes((crc & 0xFF, crc >> 8)):
        if byte == SF:
            out.append(DLE)
        out.append(byte)
    return bytes(out) + bytes((ETX, SF))


def unpack(frame: bytes) -> bytes | None:
    """Return the data of a data frame; None when its checksum is wrong."""
    plain = bytearray()
    for byte in frame[2:-2]:
        if byte == SF and plain and plain[-1] == DLE:
            plain.pop()
        plain.append(byte)
    if len(plain) < 2 or frame[-2] != ETX:
        return None
    data, low, high = bytes(plain[:-2]), plain[-2], plain[-1]
    if crc16.arc(frame[:2] + data) != low | high << 8:
        return None
    return data


class Ear:
    """Cuts what one pump hears at every SF that no DLE precedes."""

    def __init__(self, address: int) -> None:
        self._address = address
        self._held = bytearray()

    def hear(self, data: bytes) -> list[bytes]:
        """Return the frames to this address, from their address byte on."""
        frames = []
        for byte in data:
            self._held.append(byte)
            if byte == SF and self._held[-2:-1] != bytes((DLE,)):
                frames.append(self._from_address(bytes(self._held)))
                self._held.clear()
            elif len(self._held) > LONGEST_FRAME:
                self._held.clear()
        return [frame for frame in frames if frame]

    def _from_address(self, held: bytes) -> bytes:
        if len(held) >= 3 and held[-3] == self._address and held[-2] != ETX:
            return held[-3:]
        for at in range(len(held) - 3):
            if held[at] == self._address and held[at + 1] >> 4 == DATA:
                return held[at:]
        return b""

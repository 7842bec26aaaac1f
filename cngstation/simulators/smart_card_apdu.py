"""Commands to a simulated smart card: split into their parts, or refused."""

from dataclasses import dataclass


class Refused(Exception):
    """The card answers with this status and has done nothing."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status:04X}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Apdu:
    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes

    @property
    def head(self) -> bytes:
        """The four bytes before the length."""
        return bytes([self.cla, self.ins, self.p1, self.p2])


def parsed(apdu: bytes) -> Apdu:
    """Split a short APDU; of one without data the expected length is its data."""
    require(len(apdu) >= 4, 0x6700)
    cla, ins, p1, p2, *rest = apdu
    if len(rest) > 1:
        length = rest[0]
        require(len(rest) in {length + 1, length + 2}, 0x6700)
        return Apdu(cla, ins, p1, p2, bytes(rest[1 : 1 + length]))
    return Apdu(cla, ins, p1, p2, bytes(rest))


def require(holds: object, status: int) -> None:
    if not holds:
        raise Refused(status)

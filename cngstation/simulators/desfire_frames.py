"""How a simulated DESFire card is spoken to: 90 CMD 00 00 [Lc data] 00, data 91 status.

Facts: MF3ICDX21_41_81 short data sheet; libfreefare (mifare_desfire.c).
"""

from typing import Final

LONGEST_APDU: Final = 60
OK, MORE = 0x00, 0xAF
NO_CHANGES, UNKNOWN, INTEGRITY, NO_KEY = 0x0C, 0x1C, 0x1E, 0x40
LENGTH, DENIED, PARAMETER, NO_APPLICATION = 0x7E, 0x9D, 0x9E, 0xA0
AUTHENTICATION, BOUNDARY, NO_ROOM = 0xAE, 0xBE, 0xCE
DUPLICATE, NO_FILE = 0xDE, 0xF0


class Fault(Exception):
    """The card answers a command with this status and ends the session."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def require(holds: bool, status: int) -> None:  # noqa: FBT001 - an assertion
    """End a command with a status unless something holds."""
    if not holds:
        raise Fault(status)


def frame_of(command: bytes) -> tuple[int, bytes]:
    """Return code and data of a wrapped frame."""
    data = command[5:-1]
    well_formed = (
        5 <= len(command) <= LONGEST_APDU
        and command[2:4] == b"\0\0"
        and command[-1:] == b"\0"
        and (len(command) == 5 or len(data) == command[4] > 0)
    )
    require(well_formed, LENGTH)
    return command[1], data

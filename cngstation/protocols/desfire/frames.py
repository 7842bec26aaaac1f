"""Native DESFire commands in APDUs, and the frames of long ones.

command  90 CMD 00 00 [Lc data] 00      goes on with   90 AF 00 00 [Lc data] 00
answer   data 91 status                 goes on while  status is AF
"""

from collections.abc import Generator
from typing import TypeVar

from cngstation.protocols.desfire.status import (
    MORE_FRAMES,
    OK,
    CardAnswersWrongly,
    CardReported,
)

T = TypeVar("T")
Conversation = Generator[bytes, bytes, T]

CLASS = 0x90
_SW1 = 0x91
# A command and its data fill 55 bytes at most: DESFire functional specification.
LONGEST_DATA = 54
# 32 KiB is the largest card; an answer that goes on for ever must not fill the memory.
MOST_FRAMES = 600


def wrap(code: int, data: bytes = b"") -> bytes:
    """Return the APDU of one frame."""
    length = bytes([len(data)]) if data else b""
    return bytes([CLASS, code, 0, 0]) + length + data + b"\0"


def unwrap(answer: bytes) -> tuple[bytes, int]:
    """Return data and status of one frame.

    Raises:
        CardAnswersWrongly: this is not what a DESFire card says.
    """
    if len(answer) < 2 or answer[-2] != _SW1:
        raise CardAnswersWrongly(why="it is not the answer of a DESFire card")
    return answer[:-2], answer[-1]


def call(code: int, data: bytes = b"") -> Conversation[bytes]:
    """Send a command in as many frames as it takes; return all of its answer.

    Raises:
        CardReported: the card says that it failed.
        CardAnswersWrongly: the answer has not the form it must have.
    """
    answer, status = unwrap((yield wrap(code, data[:LONGEST_DATA])))
    for at in range(LONGEST_DATA, len(data), LONGEST_DATA):
        if status != MORE_FRAMES or answer:
            raise CardReported(status)
        more = wrap(MORE_FRAMES, data[at : at + LONGEST_DATA])
        answer, status = unwrap((yield more))
    for _ in range(MOST_FRAMES):
        if status == OK:
            return answer
        if status != MORE_FRAMES:
            raise CardReported(status)
        part, status = unwrap((yield wrap(MORE_FRAMES)))
        answer += part
    raise CardAnswersWrongly(why="it goes on without end")

"""Commands of a GNetPlus reader for MIFARE Classic cards, and its reasons.

A key goes to the reader (`SaveKey`) before it is used, and stays there until the next:
the protocol has no other way. Blocks are numbered within the open sector.
Source: mifarepy 3.0.0 (UNVERIFIED on a real reader).
"""

from dataclasses import dataclass
from typing import Literal

from cngstation.protocols.card_reader.gnetplus.frames import Frame

POLL = 0x00
VERSION = 0x01
ECHO = 0x1B
ANTICOLLISION = 0x21
SELECT = 0x22
AUTHENTICATE = 0x23
READ = 0x24
WRITE = 0x25
HALT = 0x2A
SAVE_KEY = 0x2B
REQUEST_ALL = 0x2F

BAD_COMMAND = 0x01
BAD_LENGTH = 0x02
BAD_CRC = 0x03
BAD_ADDRESS = 0x04
NOT_AUTHENTICATED = 0x05
NO_CARD = 0x06
READ_FAILED = 0x07
BAD_BLOCK = 0x09
BAD_SECTOR = 0x0A
BAD_KEY = 0x0B
TIMEOUT = 0x0C

# The reader says these before it has spoken to a card.
REFUSED_BEFORE_FIELD = frozenset(
    {BAD_COMMAND, BAD_LENGTH, BAD_CRC, BAD_BLOCK, BAD_SECTOR}
)
# A card that was not selected, or has left: some firmware calls it a bad address.
CARD_IS_GONE = frozenset({BAD_ADDRESS, NO_CARD, TIMEOUT})
KEY_IS_WRONG = frozenset({NOT_AUTHENTICATED, BAD_KEY})

UID_BYTES = 4
BLOCK_BYTES = 16
BLOCKS_A_SECTOR = 4
_KEY_CODES = {"A": 0x60, "B": 0x61}


@dataclass(frozen=True, slots=True)
class Command:
    """A command and how long its answer may take.

    One that `changes_card` is sent once, whatever happens to its answer. `answer` is
    how many bytes the answer has; None where any number will do.
    """

    frame: Frame
    answer_within_ms: int = 500
    changes_card: bool = False
    answer: int | None = None

    def fits(self, data: bytes) -> bool:
        """Whether an answer has the length that this command's has."""
        return self.answer is None or len(data) == self.answer


def version() -> Command:
    """Ask the reader what it is."""
    return Command(Frame(VERSION))


def echo(data: bytes) -> Command:
    """Have data sent back."""
    return Command(Frame(ECHO, data), answer=len(data))


def request() -> Command:
    """Wake every card in the field."""
    return Command(Frame(REQUEST_ALL))


def anticollision() -> Command:
    """Ask for the UID of a card that was woken."""
    return Command(Frame(ANTICOLLISION), answer=UID_BYTES)


def select(uid: bytes) -> Command:
    """Select the card with this UID."""
    return Command(Frame(SELECT, uid))


def save_key(sector: int, key: bytes, kind: Literal["A", "B"]) -> Command:
    """Give the reader a key."""
    data = bytes([_KEY_CODES[kind], sector]) + key
    return Command(Frame(SAVE_KEY, data), answer_within_ms=1_000)


def authenticate(sector: int, kind: Literal["A", "B"]) -> Command:
    """Open a sector of the selected card with the key that was given."""
    return Command(Frame(AUTHENTICATE, bytes([_KEY_CODES[kind], sector])))


def read_block(block: int) -> Command:
    """Read a block of the open sector."""
    data = bytes([block % BLOCKS_A_SECTOR])
    return Command(Frame(READ, data), answer=BLOCK_BYTES)


def write_block(block: int, data: bytes) -> Command:
    """Store a block of the open sector."""
    frame = Frame(WRITE, bytes([block % BLOCKS_A_SECTOR]) + data)
    return Command(frame, changes_card=True)


def halt() -> Command:
    """Let the card sleep."""
    return Command(Frame(HALT))

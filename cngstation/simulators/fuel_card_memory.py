"""A fuel trade's CPU card as a file: its keys, files and purse, locked while in use.

One JSON object, padded with blanks to 8 KiB and always written in one piece: what a
command changes is there whole or not at all. The lock keeps a card in one place.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cngstation.simulators.fuel_card_codes import own_key
from cngstation.simulators.held_file import HeldFile, make_file

IMAGE_BYTES = 8_192
FILE_BYTES = {0x15: 30, 0x16: 41, 0x1B: 32, 0x1C: 96, 0x0D: 64}
KEY_NAMES = ("load", "unload", "unlock", "maintenance", "tac", "purchase")
PIN_TRIES = 3
IDLE, GREY, TAC_PENDING = 0x00, 0x01, 0x10
_NO_PROOF = "00" * 30
_DEFAULT_PIN = "999999"


@dataclass
class Memory:
    """All that a card keeps without power; bytes are hexadecimal digits."""

    uid: str
    number: str
    contactless: bool
    keys: dict[str, str]
    files: dict[str, str]
    pin: str = _DEFAULT_PIN
    pin_tries: int = PIN_TRIES
    balance: int = 0
    overdraft: int = 0
    on_line: int = 0
    off_line: int = 0
    lock_proof: str = _NO_PROOF
    lock_session: str = ""
    lock_count: str = ""
    last: dict[str, str | int] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    @property
    def lock_state(self) -> int:
        """The first byte of the lock proof."""
        return int(self.lock_proof[:2], 16)

    def image(self) -> bytes:
        """Return the bytes of the file."""
        return json.dumps(asdict(self)).encode("ascii").ljust(IMAGE_BYTES)


def card_file(folder: Path, uid: bytes) -> Path:
    """Return the file of a card."""
    return folder / f"{uid.hex().upper()}.cpu"


def make_fuel_card(
    folder: Path,
    uid: bytes,
    *,
    number: str,
    masters: dict[str, bytes],
    contactless: bool = True,
    first_counts: tuple[int, int] = (0, 0),
) -> Path:
    """Make a card as its maker delivers it, unless the file exists; return its path.

    It has its number of 16 digits, its keys from the masters, an empty purse and the
    counters that the maker's test left.
    """
    path = card_file(folder, uid)
    if path.exists():
        return path
    digits = bytes.fromhex(number)
    application = b"\x10" + b"\xff" * 7 + b"\x11\x01\x01\x00" + digits
    application += bytes.fromhex("20260101203612310100")
    unset = {f"{sfi:02X}": "ff" * size for sfi, size in FILE_BYTES.items()}
    memory = Memory(
        uid=uid.hex(),
        number=number,
        contactless=contactless,
        keys={name: own_key(masters[name], digits).hex() for name in KEY_NAMES},
        files=unset | {"15": application.hex(), "1B": "00" * FILE_BYTES[0x1B]},
        on_line=first_counts[0],
        off_line=first_counts[1],
    )
    return make_file(path, memory.image())


class HeldFuelCard(HeldFile):
    """A card held by one device; its file stays locked until `leave`."""

    def __init__(self, path: Path) -> None:
        """Take a card.

        Raises:
            CardElsewhere: another device holds it.
            FileNotFoundError: there is no such card.
        """
        super().__init__(path)
        self._stored = os.pread(self._fd, IMAGE_BYTES, 0)
        self.memory = Memory(**json.loads(self._stored))

    def keep(self) -> None:
        """Store what changed, in one piece."""
        image = self.memory.image()
        if image != self._stored:
            os.pwrite(self._fd, image, 0)
            self._stored = image

"""What is said to a card on the simulated reader, and what it holds."""

from cngstation.drivers.card_reader import KeyKind
from cngstation.drivers.pn532_reader import Pn532Reader
from tests.issued_cards import (
    UID,
)
from tests.simulated_devices import SimulatedReader

FEN = 5_000
TORN_AS = ("before", "after", "garbage")
# What is said to the card in a reading, a top-up and an issue: key A or B, read, write.
READING = ["60", "30", "30", "30"] * 3
SLOT = ["A0", "A0", "A0", "30", "30", "30"]
TOP_UP = ["61", "30", *SLOT]  # the spare slot is still as it was read
ISSUE = [
    *("60", "A0", "A0", "A0", "A0"),  # info and its trailer
    *("60", "A0", "60", "A0"),  # the trailers of both slots
    *("60", "30", "30", "30", "60", "30", "30", "30"),  # info and slot B proved
    *("61", *SLOT),  # slot A
]


def take_out(device: SimulatedReader) -> None:
    """Leave the field empty."""
    if device.hand("state")["card"] is not None:
        device.hand("remove")


def lay_down(device: SimulatedReader, image: bytes) -> None:
    """Put the card into the field with this content."""
    take_out(device)
    device.card_file(UID.hex()).write_bytes(image)
    device.hand("insert", uid=UID.hex())


def image_of(device: SimulatedReader) -> bytes:
    """Return what the card holds."""
    return device.card_file(UID.hex()).read_bytes()


def said(device: SimulatedReader) -> list[str]:
    """Return what was said to the card since the log was cleared."""
    shown = device.hand("exchanges", clear=True)["exchanges"]
    names = [exchange["command"].split() for exchange in shown]
    return [name[1] for name in names if name[0] == "40"]


def tears(commands: list[str], torn_as: str) -> list[int]:
    """Number the commands at which a tear can leave the card so."""
    return [
        nth
        for nth, command in enumerate(commands, 1)
        if command == "A0" or torn_as == "before"
    ]


class Troubled(Pn532Reader):
    """A reader that forgets writes and refuses keys as told."""

    forgets: frozenset[int] = frozenset()
    refuses: list[int]

    async def write_block(self, block: int, data: bytes) -> None:
        """Say that a block was written, also where it was not."""
        if block not in self.forgets:
            await super().write_block(block, data)

    async def authenticate(self, block: int, key: bytes, key_kind: KeyKind) -> None:
        """Refuse a good key as often as told."""
        if block in self.refuses:
            self.refuses.remove(block)
            await super().authenticate(block, bytes(6), key_kind)
        await super().authenticate(block, key, key_kind)


def spoilt(image: bytes, at: int) -> bytes:
    """Return an image with one byte changed."""
    return image[:at] + bytes([image[at] ^ 0xFF]) + image[at + 1 :]

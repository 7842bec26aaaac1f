"""What a DESFire card of ours says and holds, for its tests."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cngstation.drivers.purse_card import (
    PurseCard,
)
from cngstation.errors import (
    StationError,
)
from cngstation.protocols.card_image import desfire_layout as layout
from cngstation.protocols.card_image.purse import (
    CardState,
    Purse,
)
from cngstation.simulators.card_field import TornBlock
from cngstation.simulators.virtual_desfire import DesfireInField
from tests.desfire_field import UID, DesfireField

FEN = 5_000
BEFORE, AFTER = TornBlock.BEFORE, TornBlock.AFTER
COMMIT = 0xC7
# What is said to the card: an issue, a reading, a top-up.
ISSUE = (
    "5A 6A 60 AF AF CA 5A"  # no application, no other one: made and selected
    " 64 6F 64 64 AA AF CC CB CB C4 C4 C4 5A"  # its files, its keys, its own key last
    " AA AF BD 3D AF 3D AF 6C 0C C7 6C BD BD"  # one commit, then read back
)
READING = "5A AA AF BD 6C BD"
TOP_UP = "5A AA AF BD 3D AF 6C 0C C7 6C BD"


def said(field: DesfireField) -> str:
    """Return what was said to the card, and forget it."""
    words = " ".join(f"{code:02X}" for code in field.sent)
    field.sent.clear()
    return words


def value_on(field: DesfireField) -> int:
    """Return what the value file holds; the card lies on the reader again after it."""
    field.remove()
    application = field.image()["applications"][layout.APPLICATION.hex()]
    field.insert()
    value: int = application["files"][str(layout.VALUE_FILE)]["value"]
    return value


async def purse_on(card: PurseCard) -> Purse:
    """Return the purse of a whole card."""
    reading = await card.read(UID)
    assert reading.state is CardState.OURS
    assert reading.whole
    assert reading.purse is not None
    return reading.purse


async def at_every_frame(
    field: DesfireField,
    content: bytes,
    act: Callable[[], Awaitable[None]],
    check: Callable[[int, int, StationError], Awaitable[None]],
    *,
    frames: int,
    torn: TornBlock,
) -> None:
    """Pull the card in each frame of an act that starts from the same card."""
    for nth in range(1, frames + 1):
        field.restore(content)
        field.sent.clear()
        field.pull_at(nth, torn)
        with pytest.raises(StationError) as failed:
            await act()
        pulled_in = field.sent[nth - 1]
        field.insert()
        await check(nth, pulled_in, failed.value)


def change_stored(
    field: DesfireField, change: Callable[[dict[str, Any]], None]
) -> None:
    """Change what the card holds behind everybody's back."""
    if field.field.card is not None:
        field.remove()
    with DesfireInField(field.folder / f"{UID.hex().upper()}.desfire") as held:
        image = held.changed()
        change(image)
        held.store(image)
    field.insert()


def our_file(image: dict[str, Any], file_no: int) -> dict[str, Any]:
    """Return a file of our application."""
    application = image["applications"][layout.APPLICATION.hex()]
    file: dict[str, Any] = application["files"][str(file_no)]
    return file

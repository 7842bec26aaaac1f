"""What both readers on a serial port keep to when the port goes away and comes back."""

from collections.abc import Awaitable, Callable

import pytest

from cngstation.drivers.card_reader import CardGone
from cngstation.drivers.gnetplus_reader import GNetPlusReader
from cngstation.drivers.pn532_reader import Pn532Reader
from cngstation.errors import DeviceUnavailable
from tests.unit.drivers.scripted_readers import (
    FOUND,
    UID,
    ScriptedChip,
    ScriptedGNetPlus,
    ScriptedLink,
)

Reader = GNetPlusReader | Pn532Reader
DATA = bytes(range(16))


async def on(link: ScriptedLink) -> Reader:
    """Return a reader that is open on this link, with its card selected."""

    async def open_link() -> ScriptedLink:
        return link

    driver = Pn532Reader if isinstance(link, ScriptedChip) else GNetPlusReader
    reader = driver(open_link)
    await reader.open()
    assert await reader.find_card() == UID
    return reader


@pytest.fixture(params=["pn532", "gnetplus"])
def link(request: pytest.FixtureRequest) -> ScriptedLink:
    """A reader of each kind."""
    return ScriptedChip(FOUND) if request.param == "pn532" else ScriptedGNetPlus()


async def lose_and_open(reader: Reader, link: ScriptedLink) -> None:
    """The port goes away in a command and is opened again."""
    link.is_lost = True
    with pytest.raises(DeviceUnavailable, match="lost"):
        await reader.read_block(4)
    link.is_lost = False


async def only_close(reader: Reader, _link: ScriptedLink) -> None:
    """Its owner closes the port."""
    await reader.close()


async def only_open(reader: Reader, _link: ScriptedLink) -> None:
    """Its owner opens it without closing it first."""
    await reader.open()


@pytest.mark.parametrize("way", [lose_and_open, only_close, only_open])
async def test_a_card_must_be_found_again_after_the_port_was_away(
    link: ScriptedLink, way: Callable[[Reader, ScriptedLink], Awaitable[None]]
) -> None:
    """Another card may lie there by now: nothing goes to it before it was asked for."""
    reader = await on(link)
    await way(reader, link)
    with pytest.raises(CardGone):
        await reader.write_block(4, DATA)


async def test_a_write_that_the_port_did_not_take_is_not_in_doubt(
    link: ScriptedLink,
) -> None:
    """Nothing left this machine."""
    reader = await on(link)
    link.is_lost = True
    with pytest.raises(DeviceUnavailable, match="lost"):
        await reader.write_block(4, DATA)


async def test_a_name_of_a_reader_is_washed() -> None:
    """What it says of itself is shown: no escape sequence, and no book."""
    name = b"\x1b[2JGN 1" + b"x" * 100
    reader = await on(ScriptedGNetPlus(name))
    assert "\x1b" not in reader.health.firmware
    assert "GN 1" in reader.health.firmware
    assert len(reader.health.firmware) <= 40

"""A card goes to the technology that knows it, and its writes after it."""

from typing import Any

import pytest

from cngstation.drivers.card_reader import CardGone, CardTraits
from cngstation.drivers.purse_card import CardReading
from cngstation.drivers.whichever_card import CardOfNoKind, WhicheverCard
from cngstation.protocols.card_image.purse import CardInfo, CardState, Purse

UID, OTHER = b"\x01\x02\x03\x04", b"\x05\x06\x07\x08"
PURSE = Purse(1, 0, 0, "01000042", None, 5_000, 5_000, 0, None, 0, 1, 0)
INFO = CardInfo("5101", 450, "川A12345", 0, 0)
BOTH = CardTraits(has_sectors=True, takes_apdus=True)
SECTORS = CardTraits(has_sectors=True, takes_apdus=False)
APDUS = CardTraits(has_sectors=False, takes_apdus=True)
NEITHER = CardTraits(has_sectors=False, takes_apdus=False)


class Reader:
    """A reader whose card has traits."""

    def __init__(self) -> None:
        self.traits = BOTH
        self.selected: list[bytes] = []
        self.is_empty = False

    async def reselect(self, uid: bytes) -> None:
        """Take note."""
        if self.is_empty:
            raise CardGone
        self.selected.append(uid)


class Technology:
    """A technology that knows some cards; notes what it is asked."""

    def __init__(self, knows: set[bytes]) -> None:
        self.knows = knows
        self.asked: list[Any] = []

    async def read(self, uid: bytes, *, selected: bool = False) -> CardReading:
        """Say what the card is to it."""
        self.asked.append(("read", uid, selected))
        if uid in self.knows:
            return CardReading(CardState.OURS, uid, PURSE)
        return CardReading(CardState.FOREIGN, uid)

    async def write_purse(self, reading: CardReading, purse: Purse) -> None:
        """Take note."""
        self.asked.append(("purse", reading.uid, purse))

    async def write_info(self, uid: bytes, info: CardInfo) -> None:
        """Take note."""
        self.asked.append(("info", uid, info))

    async def personalise(self, uid: bytes, purse: Purse, info: CardInfo) -> None:
        """Take note."""
        self.asked.append(("issue", uid, purse, info))

    async def wipe(self, reading: CardReading) -> None:
        """Take note."""
        self.asked.append(("wipe", reading.uid))


def three(
    *knows: set[bytes],
) -> tuple[Reader, WhicheverCard, Technology, Technology, Technology]:
    """Return a reader and its card over sectors and two technologies of APDUs."""
    reader = Reader()
    sectors, first, second = (Technology(known) for known in knows)
    card = WhicheverCard(reader, sectors, (first, second))
    return reader, card, sectors, first, second


async def test_each_technology_is_asked_until_one_knows_the_card() -> None:
    """Applications first, each but the first after a new selection; then sectors."""
    reader, card, sectors, first, second = three({UID}, set(), set())
    assert (await card.read(UID)).state is CardState.OURS
    assert reader.selected == [UID]
    assert first.asked == [("read", UID, True)]
    assert second.asked == sectors.asked == [("read", UID, False)]


async def test_the_one_that_knows_it_gets_the_writes() -> None:
    """All writes go to the technology of the last reading, without another one."""
    reader, card, sectors, first, second = three(set(), set(), {UID})
    reading = await card.read(UID, selected=True)
    assert reader.selected == []
    await card.write_purse(reading, PURSE)
    await card.write_info(UID, INFO)
    await card.personalise(UID, PURSE, INFO)
    await card.wipe(reading)
    assert second.asked == [
        ("read", UID, False), ("purse", UID, PURSE), ("info", UID, INFO),
        ("issue", UID, PURSE, INFO), ("wipe", UID),
    ]  # fmt: skip
    assert (len(first.asked), sectors.asked) == (1, [])


async def test_another_card_is_read_before_it_is_written() -> None:
    """What one card was says nothing of the next."""
    _, card, sectors, _, second = three({OTHER}, set(), {UID})
    await card.read(UID)
    await card.write_info(OTHER, INFO)
    assert sectors.asked == [("read", OTHER, False), ("info", OTHER, INFO)]
    assert ("info", OTHER, INFO) not in second.asked


async def test_a_card_is_asked_only_what_it_can_answer() -> None:
    """No APDU to a card of sectors, no sector of a card that has none."""
    reader, card, sectors, first, second = three({UID}, {UID}, {UID})
    reader.traits = SECTORS
    await card.read(UID)
    assert (len(sectors.asked), first.asked, second.asked) == (1, [], [])
    reader.traits = APDUS
    first.knows = second.knows = set()
    assert await card.read(UID) == CardReading(CardState.FOREIGN, UID)
    assert (len(sectors.asked), len(first.asked), len(second.asked)) == (1, 1, 1)


async def test_a_card_that_nobody_knows_is_refused_in_words() -> None:
    """One with sectors gets the sectors' own words; any other that it is no kind."""
    reader, card, sectors, *_ = three(set(), set(), set())
    await card.personalise(UID, PURSE, INFO)
    assert sectors.asked[-1][0] == "issue"
    for traits in (APDUS, NEITHER):
        reader.traits = traits
        with pytest.raises(CardOfNoKind, match="a kind that the station does not use"):
            await card.personalise(UID, PURSE, INFO)


async def test_a_card_that_left_is_not_written_as_the_one_before() -> None:
    """A reading that failed forgets what was known."""
    reader, card, sectors, *_ = three({UID}, set(), set())
    await card.read(UID)
    reader.is_empty = True
    with pytest.raises(CardGone):
        await card.read(UID)
    with pytest.raises(CardGone):
        await card.write_info(UID, INFO)
    assert len(sectors.asked) == 1

"""Staff cards on both technologies: whose they are, and that no tear loses one."""

from pathlib import Path

import pytest

from cngstation.drivers.card_reader import KeyRefused
from cngstation.drivers.mifare_purse_card import MifarePurseCard
from cngstation.drivers.purse_card import WriteNotConfirmed
from cngstation.drivers.staff_card import StaffCard, StaffCardKind
from cngstation.errors import DeviceError
from cngstation.protocols.card_image import staff as layout
from cngstation.protocols.card_image.purse import CardState
from cngstation.protocols.card_image.staff import Holder, NameTooLong, StaffKeys, Token
from cngstation.simulators.card_field import TornBlock
from tests.desfire_field import UID as DESFIRE_UID
from tests.desfire_field import DesfireField
from tests.unit.drivers.fake_mifare import (
    AFTER,
    BEFORE,
    GARBAGE,
    INFO,
    MASTER,
    PURSE,
    UID,
    FakeReader,
)

HOLDER = Holder("00000001", "王建国")
FIRST, NEXT = b"1" * 16, b"2" * 16


async def issued() -> FakeReader:
    """Return a reader with a staff card."""
    reader = FakeReader()
    await StaffCard(reader, MASTER).issue(UID, HOLDER, FIRST)
    reader.calm()
    return reader


async def shown(reader: FakeReader) -> bytes:
    """Return the token that a card shows."""
    reader.calm()
    found = await StaffCard(reader, MASTER).read(UID)
    assert found is not None
    assert found.token is not None
    return found.token.secret


async def test_a_card_says_whose_it_is_and_shows_its_newest_token() -> None:
    """Each token is written over the older of the two, so three are told apart."""
    reader = await issued()
    for secret in (NEXT, b"3" * 16, b"4" * 16):
        found = await StaffCard(reader, MASTER).read(UID)
        assert found is not None
        assert (found.kind, found.holder) == (StaffCardKind.BY_TOKEN, HOLDER)
        await StaffCard(reader, MASTER).renew(found, secret)
        assert await shown(reader) == secret


@pytest.mark.parametrize("torn", [BEFORE, AFTER, GARBAGE])
async def test_a_renewal_torn_anywhere_leaves_the_old_token_or_the_new(
    torn: str,
) -> None:
    """In every command; and the card takes the next one in either case."""
    reader = await issued()
    whole = await StaffCard(reader, MASTER).read(UID)
    assert whole is not None
    reader.calm()
    await StaffCard(reader, MASTER).renew(whole, b"x" * 16)
    commands, seen = reader.commands, set()
    for nth in range(1, commands + 1):
        reader = await issued()
        found = await StaffCard(reader, MASTER).read(UID)
        assert found is not None
        reader.calm()
        reader.breaks_at, reader.torn = nth, torn
        with pytest.raises(DeviceError):
            await StaffCard(reader, MASTER).renew(found, NEXT)
        left = await shown(reader)
        assert left in {FIRST, NEXT}
        seen.add(left)
        again = await StaffCard(reader, MASTER).read(UID)
        assert again is not None
        await StaffCard(reader, MASTER).renew(again, b"5" * 16)
        assert await shown(reader) == b"5" * 16
    assert seen == {FIRST, NEXT}  # the last block decides


@pytest.mark.parametrize("torn", [BEFORE, AFTER, GARBAGE])
async def test_an_issue_torn_anywhere_is_done_again(torn: str) -> None:
    """Until it is whole the card is nobody's, or its holder's."""
    reader = await issued()
    counted = FakeReader()
    await StaffCard(counted, MASTER).issue(UID, HOLDER, FIRST)
    for nth in range(1, counted.commands + 1, 3):
        reader = FakeReader()
        reader.breaks_at, reader.torn = nth, torn
        with pytest.raises((DeviceError, KeyRefused)):
            await StaffCard(reader, MASTER).issue(UID, HOLDER, FIRST)
        reader.calm()
        half = await StaffCard(reader, MASTER).read(UID)
        assert half is None or half.holder in {None, HOLDER}
        reader.calm()
        await StaffCard(reader, MASTER).issue(UID, HOLDER, NEXT)
        assert await shown(reader) == NEXT


async def test_a_purse_is_no_staff_card_and_a_staff_card_no_purse() -> None:
    """Neither is read as the other, nor written over."""
    purse = FakeReader()
    await MifarePurseCard(purse, MASTER).personalise(UID, PURSE, INFO)
    before = [bytes(block) for block in purse.blocks]
    assert await StaffCard(purse, MASTER).read(UID) is None
    with pytest.raises(KeyRefused):
        await StaffCard(purse, MASTER).issue(UID, HOLDER, FIRST)
    assert [bytes(block) for block in purse.blocks] == before
    staff = await issued()
    before = [bytes(block) for block in staff.blocks]
    reading = await MifarePurseCard(staff, MASTER).read(UID)
    assert reading.state is CardState.FOREIGN
    with pytest.raises(KeyRefused):
        await MifarePurseCard(staff, MASTER).personalise(UID, PURSE, INFO)
    assert [bytes(block) for block in staff.blocks] == before


async def test_a_card_of_another_station_says_nothing() -> None:
    """Another master key opens no sector."""
    reader = await issued()
    assert await StaffCard(reader, bytes(16)).read(UID) is None


def test_what_is_not_under_our_mac_counts_for_nothing() -> None:
    """One flipped bit is no token and no name; a name too long is refused."""
    keys = StaffKeys(MASTER, UID)
    images = [
        (layout.encode_token(Token(7, FIRST), keys), layout.decode_token),
        (layout.encode_holder(HOLDER, keys), layout.decode_holder),
    ]
    for image, decode in images:
        assert decode(image, keys) is not None
        for bit in range(len(image) * 8):
            flipped = bytearray(image)
            flipped[bit // 8] ^= 1 << bit % 8
            assert decode(bytes(flipped), keys) is None
        assert decode(image, StaffKeys(MASTER, b"abcd")) is None
    assert repr(keys) == "StaffKeys(...)"
    with pytest.raises(NameTooLong):
        layout.encode_holder(Holder("00000001", "王" * 42), keys)
    forty = Holder("00000001", "王" * 40)
    assert layout.decode_holder(layout.encode_holder(forty, keys), keys) == forty


async def test_a_card_with_a_key_proves_it(tmp_path: Path) -> None:
    """It is issued once, re-issued to another, and opens under no other master key."""
    field = DesfireField(tmp_path)
    card = StaffCard(field, MASTER)
    assert await card.read(DESFIRE_UID) is None
    made = await card.issue(DESFIRE_UID, HOLDER, FIRST)
    assert (made.kind, made.holder, made.token) == (StaffCardKind.BY_KEY, HOLDER, None)
    assert await StaffCard(field, bytes(16)).read(DESFIRE_UID) is None
    with pytest.raises(KeyRefused):
        await StaffCard(field, bytes(16)).issue(DESFIRE_UID, HOLDER, FIRST)
    other = Holder("00000002", "李小红")
    assert (await card.issue(DESFIRE_UID, other, FIRST)).holder == other


async def test_an_issue_on_a_card_with_a_key_torn_anywhere_is_done_again(
    tmp_path: Path,
) -> None:
    """Pulled in whichever frame, it is nobody's card, and is issued at the next try."""
    counted = DesfireField(tmp_path)
    await StaffCard(counted, MASTER).issue(DESFIRE_UID, HOLDER, FIRST)
    for nth in range(1, len(counted.sent) + 1):
        folder = tmp_path / str(nth)
        folder.mkdir()
        field = DesfireField(folder)
        field.pull_at(nth, TornBlock.AFTER)
        with pytest.raises((DeviceError, WriteNotConfirmed)):
            await StaffCard(field, MASTER).issue(DESFIRE_UID, HOLDER, FIRST)
        field.insert()
        await StaffCard(field, MASTER).issue(DESFIRE_UID, HOLDER, FIRST)
        found = await StaffCard(field, MASTER).read(DESFIRE_UID)
        assert found is not None
        assert found.holder == HOLDER


async def test_a_card_that_somebody_wrote_on_is_not_taken() -> None:
    """It opens as a new one does, but it is not empty: nothing is written over."""
    reader = FakeReader()
    reader.blocks[4 * layout.HOLDER_SECTORS[1]][:] = b"somebody's data."
    before = [bytes(block) for block in reader.blocks]
    with pytest.raises(KeyRefused):
        await StaffCard(reader, MASTER).issue(UID, HOLDER, FIRST)
    assert [bytes(block) for block in reader.blocks] == before

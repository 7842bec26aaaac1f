"""Our purse on a card in a fake reader that can be pulled away at every command."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cngstation.drivers.card_reader import (
    CardGone,
    CardSaidNo,
    KeyKind,
    KeyRefused,
)
from cngstation.drivers.mifare_purse_card import MifarePurseCard
from cngstation.drivers.purse_card import (
    CardBroken,
    CardNotAsRead,
    WriteNotConfirmed,
)
from cngstation.errors import (
    DeviceUnavailable,
    LocalProtocolError,
    RemoteProtocolError,
    StationError,
)
from cngstation.protocols.card_image import access_bits
from cngstation.protocols.card_image.diversification import CardKeys
from cngstation.protocols.card_image.purse import (
    LAST_GEN,
    CardState,
    CounterExhausted,
    GreyMark,
    Purse,
    encode_slot,
)
from tests.unit.drivers.fake_mifare import (
    AFTER,
    BEFORE,
    GARBAGE,
    INFO,
    MASTER,
    PURSE,
    UID,
    FakeReader,
    commands_of,
    issued,
)


async def test_an_issued_card_is_read_whole() -> None:
    """Slot A holds the purse in generation 1, the info who it is."""
    _, card = await issued()
    reading = await card.read(UID)
    assert reading.state is CardState.OURS
    assert reading.purse == replace(PURSE, gen=1)
    assert reading.info == INFO
    assert reading.current == 0


async def test_every_sector_of_an_issued_card_has_our_keys() -> None:
    """No transport key is left on what we use, and no two keys are alike."""
    reader, _ = await issued()
    keys = [bytes(reader.blocks[s * 4 + 3]) for s in (1, 2, 3)]
    assert len({k[:6] for k in keys} | {k[10:] for k in keys}) == 6
    assert all(k[6:9] == access_bits.PURSE_SECTOR for k in keys)
    assert not any(b"\xff" * 6 in k for k in keys)


async def test_the_stale_slot_is_written_in_turn() -> None:
    """Each write goes to the other slot, one generation up; the older one stays."""
    reader, card = await issued()
    for gen in range(2, 6):
        reading = await card.read(UID)
        assert reading.purse is not None
        kept = bytes(b"".join(reader.blocks[4 + 4 * (gen % 2) :][:3]))
        await card.write_purse(reading, replace(reading.purse, balance=gen, wseq=gen))
        found = await card.read(UID)
        assert found.purse is not None
        assert (found.purse.gen, found.purse.balance) == (gen, gen)
        assert found.current == 1 - (reading.current or 0)
        assert kept == bytes(b"".join(reader.blocks[4 + 4 * (gen % 2) :][:3]))


@pytest.mark.parametrize("torn", [BEFORE, AFTER, GARBAGE])
@pytest.mark.parametrize("later", [CardGone, lambda: RemoteProtocolError(why="x")])
async def test_a_purse_write_torn_anywhere_is_old_or_new(
    torn: str, later: Callable[[], StationError]
) -> None:
    """At every command of a write: the old purse or the new one, never neither."""
    reader, card = await issued()
    reading = await card.read(UID)
    new = replace(PURSE, balance=9_999, wseq=2)
    before = [bytes(block) for block in reader.blocks]
    total = await commands_of(lambda c: c.write_purse(reading, new), reader)
    seen = set()
    for at in range(1, total + 1):
        reader.blocks = [bytearray(block) for block in before]
        await reader.find_card()
        reader.calm()
        reader.breaks_at, reader.torn, reader.error = at, torn, later
        with pytest.raises(StationError) as failed:
            await card.write_purse(reading, new)
        untouched = [bytes(block) for block in reader.blocks] == before
        reader.calm()
        found = await card.read(UID)
        assert found.purse is not None
        assert found.purse in (replace(PURSE, gen=1), replace(new, gen=2))
        assert found.info == INFO
        if not untouched:
            assert isinstance(failed.value, WriteNotConfirmed)
        seen.add(found.purse.gen)
    assert seen == {1, 2}


@pytest.mark.parametrize("torn", [BEFORE, AFTER, GARBAGE])
async def test_an_issue_torn_anywhere_can_be_done_again(torn: str) -> None:
    """At every command of an issue: blank, torn or whole, and a second try mends it."""
    total = await commands_of(lambda c: c.personalise(UID, PURSE, INFO), FakeReader())
    states = set()
    for at in range(1, total + 1):
        reader = FakeReader()
        card = MifarePurseCard(reader, MASTER)
        before = [bytes(block) for block in reader.blocks]
        reader.breaks_at, reader.torn = at, torn
        with pytest.raises(StationError) as failed:
            await card.personalise(UID, PURSE, INFO)
        if [bytes(block) for block in reader.blocks] != before:
            assert isinstance(failed.value, WriteNotConfirmed)
        reader.calm()
        found = await card.read(UID)
        states.add(found.state)
        if found.state is CardState.OURS:
            assert found.purse == replace(PURSE, gen=1)
            assert found.info == INFO
            continue
        assert found.state in {CardState.BLANK, CardState.TORN_ISSUE}
        assert found.purse is None
        await card.personalise(UID, PURSE, INFO)
        again = await card.read(UID)
        assert (again.purse, again.info) == (replace(PURSE, gen=1), INFO)
    assert {CardState.BLANK, CardState.TORN_ISSUE, CardState.OURS} == states


@pytest.mark.parametrize("torn", [BEFORE, AFTER, GARBAGE])
async def test_an_info_write_torn_leaves_the_purse(torn: str) -> None:
    """The purse does not depend on the info; a torn info is none."""
    reader, card = await issued()
    new = replace(INFO, plate="川A99999")
    before = [bytes(block) for block in reader.blocks]
    total = await commands_of(lambda c: c.write_info(UID, new), reader)
    for at in range(1, total + 1):
        reader.blocks = [bytearray(block) for block in before]
        reader.calm()
        reader.breaks_at, reader.torn = at, torn
        with pytest.raises(StationError):
            await card.write_info(UID, new)
        reader.calm()
        found = await card.read(UID)
        assert found.purse == replace(PURSE, gen=1)
        assert found.info in (INFO, new, None)


async def test_what_reads_back_otherwise_is_not_confirmed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A card that says yes and keeps the old bytes is found out."""
    reader, card = await issued()
    reading = await card.read(UID)

    async def forgetful(block: int, data: bytes) -> None:
        pass

    monkeypatch.setattr(reader, "write_block", forgetful)
    with pytest.raises(WriteNotConfirmed):
        await card.write_purse(reading, replace(PURSE, balance=1))


async def test_a_reader_that_dies_amid_an_issue_confirms_nothing() -> None:
    """A pulled cable after the first write is not "nothing was sent"."""
    reader = FakeReader()
    reader.breaks_at = 4
    reader.error = lambda: DeviceUnavailable(device="reader", why="gone")
    with pytest.raises(WriteNotConfirmed):
        await MifarePurseCard(reader, MASTER).personalise(UID, PURSE, INFO)


async def test_a_damaged_slot_leaves_the_other() -> None:
    """One slot of garbage is borne; two are named, and so is a card of others."""
    reader, card = await issued()
    await card.write_purse(await card.read(UID), replace(PURSE, balance=7))
    reader.blocks[8] = bytearray(b"\x5a" * 16)
    found = await card.read(UID)
    assert (found.state, found.current) == (CardState.OURS, 0)
    reader.blocks[4] = bytearray(b"\x5a" * 16)
    assert (await card.read(UID)).state is CardState.BOTH_BAD


async def test_a_card_of_another_master_key_is_foreign() -> None:
    """Another company's card, and a card in use with transport keys, are foreign."""
    reader, _ = await issued()
    stranger = MifarePurseCard(reader, bytes(16))
    assert (await stranger.read(UID)).state is CardState.FOREIGN
    fresh = FakeReader()
    card = MifarePurseCard(fresh, MASTER)
    assert (await card.read(UID)).state is CardState.BLANK
    fresh.blocks[5][0] = 1
    assert (await card.read(UID)).state is CardState.FOREIGN


async def test_a_foreign_card_is_not_taken_over() -> None:
    """Its keys are not the transport keys: nothing of it is written."""
    reader, _ = await issued()
    before = [bytes(block) for block in reader.blocks]
    with pytest.raises(KeyRefused):
        await MifarePurseCard(reader, bytes(16)).personalise(UID, PURSE, INFO)
    assert [bytes(block) for block in reader.blocks] == before


@pytest.mark.parametrize("sector", [1, 2, 3])
async def test_a_dead_sector_of_a_new_card_is_named(sector: int) -> None:
    """A sector that no key opens beside ones that open is damage, not a stranger."""
    reader = FakeReader()
    reader.blocks[sector * 4 + 3] = bytearray(b"\x5a" * 16)
    with pytest.raises(CardBroken, match=f"Sector {sector} "):
        await MifarePurseCard(reader, MASTER).personalise(UID, PURSE, INFO)


@pytest.mark.parametrize("refusal", [CardSaidNo(block=12), CardGone()])
async def test_a_sector_that_opens_and_lets_nothing_be_read_is_shut(
    monkeypatch: pytest.MonkeyPatch, refusal: StationError
) -> None:
    """Access bits gone bad are damage to a reading, and end an issue."""
    reader, card = await issued()
    read = reader.read_block

    async def refusing(block: int) -> bytes:
        if block // 4 == 3:
            raise refusal
        return await read(block)

    monkeypatch.setattr(reader, "read_block", refusing)
    found = await card.read(UID)
    assert (found.state, found.whole, found.info) == (CardState.OURS, False, None)
    if isinstance(refusal, CardSaidNo):
        with pytest.raises(CardBroken, match="Sector 3 "):
            await card.personalise(UID, PURSE, INFO)


@pytest.mark.parametrize("nth", range(1, 4))
async def test_a_key_refused_once_by_noise_stops_no_issue(
    monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    """Each sector of a new card is tried again before it is called dead."""
    reader = FakeReader()
    authenticate, asked = reader.authenticate, 0

    async def noisy(block: int, key: bytes, key_kind: KeyKind) -> None:
        nonlocal asked
        asked += 1
        await authenticate(block, bytes(6) if asked == nth else key, key_kind)

    monkeypatch.setattr(reader, "authenticate", noisy)
    card = MifarePurseCard(reader, MASTER)
    await card.personalise(UID, PURSE, INFO)
    assert (await card.read(UID)).purse == replace(PURSE, gen=1)


async def test_what_does_not_fit_the_card_is_found_before_it_is_touched() -> None:
    """A bad purse or info is refused while the blank card is still blank."""
    reader = FakeReader()
    card = MifarePurseCard(reader, MASTER)
    with pytest.raises(StationError):
        await card.personalise(UID, replace(PURSE, balance=2**40), INFO)
    with pytest.raises(StationError):
        await card.personalise(UID, PURSE, replace(INFO, price_fen=2**20))
    assert reader.commands == 0


async def test_the_last_generation_is_the_end() -> None:
    """A counter at its end refuses the write; nothing was sent."""
    reader, card = await issued()
    reading = await card.read(UID)
    assert reading.purse is not None
    worn = replace(reading, purse=replace(reading.purse, gen=LAST_GEN))
    sent = reader.commands
    with pytest.raises(CounterExhausted):
        await card.write_purse(worn, PURSE)
    with pytest.raises(LocalProtocolError, match="has none"):
        await card.write_purse(replace(reading, purse=None), PURSE)
    assert reader.commands == sent


async def test_the_grey_mark_comes_with_the_reading() -> None:
    """An unpaid fill on the card is read with its place and number."""
    _, card = await issued()
    grey = GreyMark("51010001", 7, 66)
    await card.write_purse(await card.read(UID), replace(PURSE, grey=grey))
    found = await card.read(UID)
    assert found.purse is not None
    assert found.purse.grey == grey


async def test_keys_of_few_cards_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache of derived keys is bounded and forgets the card seen longest ago."""
    card = MifarePurseCard(FakeReader(), MASTER)
    uids = [number.to_bytes(4, "big") for number in range(70)]
    for uid in uids:
        card._keys_of(uid)
    card._keys_of(uids[6])
    card._keys_of(b"\xff\xff\xff\xff")
    assert len(card._keys) == 64
    assert uids[6] in card._keys
    assert uids[7] not in card._keys


def lay_slot_b(reader: FakeReader, purse: Purse, *, version: int = 1) -> None:
    """Store a slot as a dispenser would, under the card's own MAC."""
    keys = CardKeys(MASTER, UID)
    body = bytes([version]) + encode_slot(purse, keys)[1:40]
    image = body + keys.mac(body)
    for n in range(3):
        reader.blocks[8 + n][:] = image[16 * n : 16 * n + 16]


async def test_a_reading_older_than_a_fill_writes_nothing() -> None:
    """The dispenser's debit in the spare slot is not written over."""
    reader, card = await issued()
    reading = await card.read(UID)
    filled = replace(PURSE, gen=2, pseq=1, balance=100)
    lay_slot_b(reader, filled)
    with pytest.raises(CardNotAsRead):
        await card.write_purse(reading, replace(PURSE, wseq=2, balance=9_000))
    assert (await card.read(UID)).purse == filled


async def test_a_torn_fill_since_the_reading_stops_no_write() -> None:
    """Blocks 0 and 1 of a fill that never came to its end may be written over."""
    reader, card = await issued()
    reading = await card.read(UID)
    for block in (8, 9):
        reader.blocks[block][:] = b"\x5a" * 16
    await card.write_purse(reading, replace(PURSE, wseq=2, balance=9_000))
    found = await card.read(UID)
    assert found.purse == replace(PURSE, gen=2, wseq=2, balance=9_000)


@pytest.mark.parametrize(
    ("gen", "version"), [(2, 2), (1, 1)], ids=["newer version", "second state"]
)
async def test_a_sealed_slot_that_contradicts_is_never_passed_over(
    gen: int, version: int
) -> None:
    """The slot that can be read may be the older one: shown, not whole, not written."""
    reader, card = await issued()
    lay_slot_b(reader, replace(PURSE, gen=gen, pseq=1, balance=100), version=version)
    before = [bytes(block) for block in reader.blocks]
    reading = await card.read(UID)
    assert reading.state is CardState.OURS
    assert reading.purse == replace(PURSE, gen=1)
    assert not reading.whole
    with pytest.raises(CardNotAsRead):
        await card.write_purse(reading, replace(PURSE, wseq=2))
    assert [bytes(block) for block in reader.blocks] == before

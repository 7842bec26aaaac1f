"""A fuel card that proves nothing, is of somebody else or fails."""

import pytest

from cngstation.drivers.fuel_card_keys import MASTER_BYTES, Key, KeysInMemory
from cngstation.drivers.fuel_card_session import CardDoesNotProve, PasswordNeeded
from cngstation.drivers.purse_card import (
    CardNotAsRead,
    CardReading,
    WriteNotConfirmed,
)
from cngstation.errors import (
    LocalProtocolError,
)
from cngstation.protocols.card_image.purse import (
    CardState,
)
from cngstation.protocols.fuel_card import keys
from cngstation.protocols.fuel_card.status import FuelCardReported
from tests.fuel_cards import (
    COUNTER_TERMINAL,
    FUEL_UID,
    NUMBER,
)
from tests.unit.drivers.fuel_purse_card.stand import (
    INFO,
    NEW,
    Stand,
    loaded,
    relabelled,
)


async def test_a_copy_does_not_prove_itself(stand: Stand) -> None:
    """All files of ours and another key: told in words, never read as ours."""
    reading = await stand.issued()
    stand.memory.keys = dict.fromkeys(stand.memory.keys, "00" * 16)
    with pytest.raises(CardDoesNotProve, match="a copy"):
        await stand.read()
    with pytest.raises(CardDoesNotProve):
        await loaded(1)(stand.purse_card, reading)
    assert stand.memory.balance == 50_000


@pytest.mark.parametrize("head", ["8050", "e07a09"])
async def test_a_recorded_proof_proves_nothing_twice(stand: Stand, head: str) -> None:
    """A card that says again what a genuine one said is found out, grey or not."""
    await (stand.issued() if head == "8050" else stand.grey())
    stand.reader.heads()
    await stand.read()
    begin = next(a for a in stand.reader.said if a.startswith(bytes.fromhex(head)))
    assert COUNTER_TERMINAL not in begin
    recorded = stand.reader.card.perform(begin)
    stand.reader.answers = {bytes.fromhex(head): recorded}
    with pytest.raises(CardDoesNotProve):
        await stand.read()


async def test_a_load_that_moved_nothing_is_a_doubt(stand: Stand) -> None:
    """The card says it is done; what it proves afterwards decides."""
    reading = await stand.issued()
    stand.reader.answers = {b"\x80\x52": bytes.fromhex("A1A2A3A49000")}
    with pytest.raises(WriteNotConfirmed):
        await loaded(1)(stand.purse_card, reading)


async def test_a_file_that_was_not_stored_is_a_doubt(stand: Stand) -> None:
    """It is read back before the counter moves."""
    reading = await stand.issued()
    stand.reader.answers = {b"\x04\xd6": b"\x90\x00"}
    with pytest.raises(WriteNotConfirmed):
        await relabelled(stand.purse_card, reading)
    assert stand.memory.on_line == 1


@pytest.mark.parametrize("keys_of_others", [True, False])
async def test_a_card_of_others_is_foreign(stand: Stand, keys_of_others: bool) -> None:
    """Another company's keys, or money on a card that we never issued."""
    if keys_of_others:
        stand.memory.keys = dict.fromkeys(stand.memory.keys, "00" * 16)
    else:
        stand.memory.balance = 1
    assert (await stand.read()).state is CardState.FOREIGN
    with pytest.raises((CardNotAsRead, LocalProtocolError)):
        await stand.purse_card.personalise(FUEL_UID, NEW, INFO)


@pytest.mark.parametrize(
    ("head", "answer"),
    [("00a4", "6a82"), ("00a4", "6e00"), ("00b095", "6a82"), ("00b095", "ffff9000"),
     ("00b09c", "6b00"), ("00b08d", "6981")],
)  # fmt: skip
async def test_a_card_made_otherwise_is_foreign(
    stand: Stand, head: str, answer: str
) -> None:
    """No application, no such file, or another shape of it."""
    stand.reader.answers = {bytes.fromhex(head): bytes.fromhex(answer)}
    assert await stand.read() == CardReading(CardState.FOREIGN, FUEL_UID)


@pytest.mark.parametrize("head", ["00a4", "00b09c", "8050"])
async def test_a_failing_memory_is_no_foreign_card(stand: Stand, head: str) -> None:
    """A fault of the chip raises: an act that is open must not be given up for it."""
    await stand.issued()
    stand.reader.answers = {bytes.fromhex(head): bytes.fromhex("6581")}
    with pytest.raises(FuelCardReported, match="6581h"):
        await stand.read()


async def test_a_password_is_tried_once(stand: Stand) -> None:
    """A card whose holder chose one is never blocked by looking at it."""
    await stand.issued()
    stand.memory.pin = "123456"
    for _ in range(5):
        with pytest.raises(PasswordNeeded, match="chosen a password"):
            await stand.read()
    assert stand.memory.pin_tries == 2
    stand.memory.files["1B"] = "01" + stand.memory.files["1B"][2:]
    stand.purse_card = stand.new_purse_card()
    with pytest.raises(PasswordNeeded):
        await stand.read()
    assert stand.memory.pin_tries == 2


async def test_an_answer_without_sense_to_a_load_is_a_doubt(stand: Stand) -> None:
    """Something came back and nobody knows what was done."""
    reading = await stand.issued()
    for nonsense in ("", "90", "019000"):
        stand.reader.answers = {b"\x80\x52": bytes.fromhex(nonsense)}
        with pytest.raises(WriteNotConfirmed):
            await loaded(1)(stand.purse_card, reading)


async def test_what_the_card_refuses_it_has_not_done(stand: Stand) -> None:
    """A wrong code of the load is the card's own word, and no doubt."""
    reading = await stand.issued()
    stand.reader.answers = {b"\x80\x52": bytes.fromhex("9302")}
    with pytest.raises(FuelCardReported, match="9302h"):
        await loaded(1)(stand.purse_card, reading)


def test_keys_show_nothing_of_themselves() -> None:
    """Neither in a trace nor in a log."""
    key_set = KeysInMemory(b"secret-of-a-test" * 4)
    assert "secret" not in repr(key_set)
    assert MASTER_BYTES == 64
    with pytest.raises(ValueError, match="64 bytes"):
        KeysInMemory(bytes(63))


async def test_each_key_has_its_place_in_the_file() -> None:
    """Load, unload, unlock, maintenance, one after the other."""
    masters = [bytes([n]) * 16 for n in range(4)]
    key_set = KeysInMemory(b"".join(masters))
    number, random = bytes.fromhex(NUMBER), bytes(4)
    for key in (Key.LOAD, Key.UNLOAD, Key.UNLOCK):
        own = keys.diversify(masters[key], number)
        expected = keys.code(keys.session_key(own, random, 7), b"data")
        assert await key_set.session_code(key, number, random, 7, b"data") == expected
    own = keys.diversify(masters[Key.MAINTENANCE], number)
    expected = keys.maintenance_code(own, random, b"data")
    assert await key_set.maintenance_code(number, random, b"data") == expected

"""The virtual CPU card: every state and refusal, and codes that others compute too."""

from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cngstation.protocols.fuel_card import commands, files, keys
from cngstation.protocols.fuel_card.answers import (
    Kind,
    LogRecord,
    began_move_covers,
    began_unlock_covers,
    done_covers,
)
from cngstation.protocols.fuel_card.commands import Command
from cngstation.protocols.fuel_card.status import FuelCardReported
from cngstation.simulators import fuel_card_codes as codes
from cngstation.simulators.fuel_card import FuelCard
from cngstation.simulators.fuel_card_memory import HeldFuelCard
from cngstation.simulators.fuel_dispenser import NotAtThisCard
from cngstation.simulators.held_file import CardElsewhere
from tests.fuel_cards import (
    COUNTER_TERMINAL,
    FUEL_UID,
    MASTERS,
    MOMENT,
    NUMBER,
    PLACE,
    Counter,
    dispenser,
    memory_in,
    new_card,
)

LATER = bytes.fromhex("20261121095000")


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    """A counter with a card whose application is open, and 500 yuan on it."""
    counter = Counter(FuelCard(memory_in(new_card(tmp_path))))
    counter.open()
    counter.load(50_000)
    return counter


def status_of(counter: Counter, command: Command[object]) -> str:
    """Say a command; return its status."""
    return counter.card.perform(command.apdu())[-2:].hex()


def figures(counter: Counter) -> tuple[int, int, int, int]:
    """Return lock state, balance, on-line and off-line counter."""
    memory = counter.card.memory
    return memory.lock_state, memory.balance, memory.on_line, memory.off_line


def test_the_cards_own_codes_are_those_computed_elsewhere() -> None:
    """The card's second reading of the ciphers gives the published figures."""
    number, random = bytes.fromhex("1000000000000231"), bytes.fromhex("A1B2C3D4")
    master = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
    own = codes.own_key(master, number)
    assert own.hex() == "c104fa6af693a34c40e52e215dfdab84"
    assert codes.session_of(own, random, 7).hex() == "88eeb3e1b6633c7c"
    purchase = bytes.fromhex("F0E0D0C0B0A090807060504030201000")
    lock = codes.lock_session_of(
        codes.own_key(purchase, number), random, b"\0\x12", b"\0\0\x12\x34",
        bytes.fromhex("11223344"),
    )  # fmt: skip
    assert lock.hex() == "acb124ffa348a988"
    told = bytes.fromhex("91 143200000001 20150313124500")
    assert codes.code_of(lock, told).hex() == "86948ca2"


@given(key=st.binary(min_size=16, max_size=16), data=st.binary(max_size=120),
       challenge=st.binary(min_size=4, max_size=8))  # fmt: skip
def test_both_readings_of_the_ciphers_agree(
    key: bytes, data: bytes, challenge: bytes
) -> None:
    """The card's and the counter's codes are the same for any key and data."""
    assert codes.code_of(key[:8], data) == keys.code(key[:8], data)
    assert codes.tac_of(key, data) == keys.transaction_code(key, data)
    assert codes.messaging_code_of(key, challenge, data) == keys.maintenance_code(
        key, challenge, data
    )


def test_a_load_is_proved_before_and_after(counter: Counter) -> None:
    """MAC1 covers balance and amount, the TAC the new balance; both are told again."""
    began = counter.say(commands.BeginLoad(1_250, COUNTER_TERMINAL))
    assert (began.balance, began.on_line) == (50_000, 1)
    session = counter.session("load", began.random, 1)
    covers = began_move_covers(50_000, 1_250, Kind.LOAD, COUNTER_TERMINAL)
    assert began.mac1 == keys.code(session, covers)
    tac = counter.load(1_250)
    own = keys.diversify(MASTERS["tac"], bytes.fromhex(NUMBER))
    told = done_covers(
        balance=51_250, counter=1, amount=1_250, kind=Kind.LOAD,
        terminal=COUNTER_TERMINAL, moment=MOMENT,
    )  # fmt: skip
    assert tac == keys.transaction_code(own, told)
    assert counter.say(commands.GetTransactionProof(Kind.LOAD, 1)).tac == tac
    assert status_of(counter, commands.GetTransactionProof(Kind.LOAD, 2)) == "9406"
    assert counter.say(commands.GetBalance()) == 51_250
    assert figures(counter) == (0, 51_250, 2, 0)
    assert counter.say(commands.ReadLog(1)) == LogRecord(
        1, 0, 1_250, Kind.LOAD, COUNTER_TERMINAL, MOMENT
    )
    assert status_of(counter, commands.ReadLog(3)) == "6a83"


def test_a_fill_locks_and_debits(counter: Counter) -> None:
    """Grey from the lock to the debit; the TAC is fetched and the card is free."""
    gun = dispenser()
    record = gun.lock(counter.card, MOMENT)
    assert figures(counter) == (1, 50_000, 1, 1)
    proof = counter.say(commands.GetLockProof())
    assert (proof.is_grey, proof.balance, proof.off_line) == (True, 50_000, 0)
    assert (proof.terminal.hex(), proof.moment) == (PLACE, MOMENT)
    gun.debit(counter.card, record, 12_345, LATER)
    assert figures(counter) == (0, 37_655, 1, 1)
    assert counter.say(commands.ReadLog()).kind == Kind.DEBIT


def test_a_debit_cut_off_before_its_tac_is_pending(counter: Counter) -> None:
    """State 10 keeps amount and TAC, owes nothing and takes a load, but no lock."""
    gun = dispenser()
    record = gun.lock(counter.card, MOMENT)
    forgotten = counter.card.perform
    counter.card.perform = lambda apdu: (
        b"\x69\x85" if apdu[:3] == b"\xe0\xca\x01" else forgotten(apdu)
    )
    with pytest.raises(NotAtThisCard, match="6985"):
        gun.debit(counter.card, record, 12_345, LATER)
    counter.card.perform = forgotten
    proof = counter.say(commands.GetLockProof())
    assert (proof.state, proof.is_grey) == (0x10, False)
    assert proof.amount_or_mac2 == (12_345).to_bytes(4, "big")
    counter.open()
    assert status_of(counter, commands.BeginLock(COUNTER_TERMINAL)) == "6985"
    counter.load(100)
    counter.say(commands.ClearLockProof())
    assert figures(counter) == (0, 37_755, 2, 1)
    assert status_of(counter, commands.ClearLockProof()) == "6985"


@pytest.mark.parametrize("owed", [0, 12_345, 50_000])
def test_a_grey_card_is_freed_on_line(counter: Counter, owed: int) -> None:
    """The counter debits what is owed, nothing allowed; its counter rises."""
    dispenser().lock(counter.card, MOMENT)
    counter.open()
    began = counter.say(commands.BeginUnlock(COUNTER_TERMINAL))
    assert (began.balance, began.off_line, began.on_line) == (50_000, 1, 1)
    session = counter.session("unlock", began.random, 1)
    covers = began_unlock_covers(50_000, 1, COUNTER_TERMINAL)
    assert began.mac1 == keys.code(session, covers)
    mac3 = counter.unlock(owed)
    assert figures(counter) == (0, 50_000 - owed, 2, 1)
    assert counter.say(commands.GetTransactionProof(Kind.UNLOCK, 1)).mac == mac3


def test_a_grey_card_moves_no_money(counter: Counter) -> None:
    """Load, unload and another lock are refused; more than there is is not debited."""
    dispenser().lock(counter.card, MOMENT)
    counter.open()
    before = asdict(counter.card.memory)
    for refused in (
        commands.BeginLoad(1, COUNTER_TERMINAL),
        commands.BeginUnload(1, COUNTER_TERMINAL),
        commands.BeginLock(COUNTER_TERMINAL),
        commands.ClearLockProof(),
    ):
        assert status_of(counter, refused) == "6985"
    with pytest.raises(FuelCardReported, match="9401h: its balance is too small"):
        counter.unlock(50_001)
    assert asdict(counter.card.memory) == before


def test_a_card_that_is_not_grey_is_not_freed(counter: Counter) -> None:
    """Unlock and debit need a lock."""
    assert status_of(counter, commands.BeginUnlock(COUNTER_TERMINAL)) == "6985"
    debit = commands.DebitForUnlock(1, 0, bytes(6), 1, MOMENT, bytes(4))
    assert status_of(counter, debit) == "6985"


@pytest.mark.parametrize("wrong", ["amount", "counter", "place", "count", "code"])
def test_only_the_dispenser_that_locked_it_debits(counter: Counter, wrong: str) -> None:
    """Another terminal, counter, count or code changes nothing."""
    record = dispenser().lock(counter.card, MOMENT)
    gmac = codes.code_of(record.session, (500).to_bytes(4, "big") + record.off_line)
    debit = commands.DebitForUnlock(
        amount=501 if wrong == "amount" else 500,
        off_line=1 if wrong == "counter" else 0,
        terminal=COUNTER_TERMINAL if wrong == "place" else bytes.fromhex(PLACE),
        terminal_count=2 if wrong == "count" else 1,
        moment=LATER,
        gmac=bytes(4) if wrong == "code" else gmac,
    )
    before = asdict(counter.card.memory)
    expected = "9302" if wrong in {"amount", "code"} else "6a80"
    assert status_of(counter, debit) == expected
    assert asdict(counter.card.memory) == before


@pytest.mark.parametrize("end", [
    commands.Load(MOMENT, bytes(4)),
    commands.Unload(MOMENT, bytes(4)),
    commands.Unlock(0, MOMENT, bytes(4)),
    commands.Lock(1, bytes(4), MOMENT, bytes(4)),
])  # fmt: skip
def test_an_end_needs_its_begin(counter: Counter, end: Command[object]) -> None:
    """Without one, or with a command in between, an end is refused."""
    assert status_of(counter, end) == "6985"
    counter.say(commands.BeginLoad(1, COUNTER_TERMINAL))
    counter.say(commands.GetBalance())
    assert status_of(counter, end) == "6985"


def test_a_wrong_code_moves_nothing_and_ends_the_begin(counter: Counter) -> None:
    """The right code after a wrong one is too late."""
    began = counter.say(commands.BeginLoad(1_000, COUNTER_TERMINAL))
    assert status_of(counter, commands.Load(MOMENT, bytes(4))) == "9302"
    session = counter.session("load", began.random, began.on_line)
    order = b"\0\0\x03\xe8\x01" + COUNTER_TERMINAL + MOMENT
    late = commands.Load(MOMENT, keys.code(session, order))
    assert status_of(counter, late) == "6985"
    assert figures(counter) == (0, 50_000, 1, 0)


def test_a_password_is_needed_and_blocks(counter: Counter) -> None:
    """No load without it; three wrong ones and it takes none any more."""
    counter.card.reset()
    assert status_of(counter, commands.GetBalance()) == "6a82"
    counter.say(commands.Select())
    assert status_of(counter, commands.BeginLoad(1, COUNTER_TERMINAL)) == "6982"
    wrong = commands.Verify(bytes(3))
    assert [status_of(counter, wrong) for _ in range(2)] == ["63c2", "63c1"]
    counter.say(commands.Verify())
    assert [status_of(counter, wrong) for _ in range(4)] == [
        "63c2", "63c1", "63c0", "6983",
    ]  # fmt: skip
    assert status_of(counter, commands.Verify()) == "6983"


def test_files_are_written_under_a_fresh_code_only(counter: Counter) -> None:
    """Without a challenge, with a used one, or with another code nothing changes."""
    own = keys.diversify(MASTERS["maintenance"], bytes.fromhex(NUMBER))
    bare = commands.UpdateFile(files.HOLDER, b"\x01" * 41)
    unset = counter.say(commands.ReadFile(files.HOLDER, 41))
    assert unset == b"\xff" * 41
    challenge = counter.say(commands.GetChallenge())
    code = keys.maintenance_code(own, challenge, bare.signed())
    order = commands.UpdateFile(files.HOLDER, b"\x01" * 41, code)
    counter.say(order)
    assert counter.say(commands.ReadFile(files.HOLDER, 41)) == b"\x01" * 41
    assert status_of(counter, order) == "6985"
    counter.say(commands.GetChallenge())
    assert status_of(counter, order) == "6988"
    plain = b"\x00\xd6\x96\x00\x01\x05"
    assert counter.card.perform(plain).hex() == "6982"
    assert counter.say(commands.ReadFile(files.HOLDER, 41)) == b"\x01" * 41


def test_counters_have_an_end(counter: Counter) -> None:
    """At 65 535 a move is refused before anything is moved."""
    memory = counter.card.memory
    memory.on_line = memory.off_line = 0xFFFE
    counter.load(1)
    assert status_of(counter, commands.BeginLoad(1, COUNTER_TERMINAL)) == "9402"
    record = dispenser().lock(counter.card, MOMENT)
    assert record.off_line == b"\xff\xfe"
    counter.open()
    assert status_of(counter, commands.BeginUnlock(COUNTER_TERMINAL)) == "9402"


@pytest.mark.parametrize(
    ("apdu", "answer"),
    [
        ("FFCA000000", FUEL_UID.hex() + "9000"),
        ("00A4040008A000000003535249", "6a82"),
        ("00B09E0010", "6a82"),
        ("00B0950020", "6b00"),
        ("00B202C417", "6a83"),
        ("00B20144", "6a82"),
        ("8050000103010203", "6700"),
        ("805000010B02 00000001 143200000001 10", "9403"),
        ("805000010B01 FFFFFFFF 143200000001 10", "6a80"),
        ("805005010B01 0000C351 143200000001 10", "9401"),
        ("80500B01", "6a86"),
        ("84B0950010", "6d00"),
        ("00B0", "6700"),
        ("0020000008999999", "6700"),
    ],
)
def test_other_commands_are_refused_by_their_status(
    counter: Counter, apdu: str, answer: str
) -> None:
    """Each mistake has the status that such cards give it."""
    assert counter.card.perform(bytes.fromhex(apdu)).hex() == answer


def test_a_card_on_contacts_has_no_readers_number(tmp_path: Path) -> None:
    """The reader's own command is unknown to it."""
    card = FuelCard(memory_in(new_card(tmp_path, contactless=False)))
    assert card.perform(bytes.fromhex("FFCA000000")).hex() == "6e00"


@settings(max_examples=300, deadline=None)
@given(apdus=st.lists(st.binary(max_size=48), max_size=12))
def test_random_commands_move_no_money(
    tmp_path_factory: pytest.TempPathFactory, apdus: list[bytes]
) -> None:
    """Whatever is said to an open card, it answers and keeps its figures."""
    path = tmp_path_factory.getbasetemp() / "any"
    counter = Counter(FuelCard(memory_in(new_card(path))))
    counter.open()
    counter.load(10)
    for apdu in apdus:
        for head in (b"", b"\x80\x52\0\0", b"\xe0\x7e\x09\0", b"\xe0\x7c\x08\0"):
            assert len(counter.card.perform(head + apdu)) >= 2
    assert figures(counter) == (0, 10, 1, 0)


def test_a_card_is_a_file_that_one_device_holds(tmp_path: Path) -> None:
    """What was kept is there after the power, in one piece; two devices exclude."""
    path = new_card(tmp_path)
    with HeldFuelCard(path) as held:
        counter = Counter(FuelCard(held.memory))
        counter.open()
        counter.load(700)
        assert path.read_bytes() != held.memory.image()
        held.keep()
        assert path.read_bytes() == held.memory.image()
        with pytest.raises(CardElsewhere):
            HeldFuelCard(path)
    assert memory_in(path).balance == 700
    assert new_card(tmp_path) == path
    assert memory_in(path).balance == 700

"""Our purse on a fuel card that is pulled away at every command, done or not."""

from collections.abc import Callable, Coroutine
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cngstation.drivers.card_reader import CardGone, CardTraits, ReaderHealth
from cngstation.drivers.fuel_card_keys import MASTER_BYTES, Key, KeysInMemory
from cngstation.drivers.fuel_card_session import CardDoesNotProve, PasswordNeeded
from cngstation.drivers.fuel_purse_card import LAST_ON_LINE, FuelPurseCard
from cngstation.drivers.purse_card import (
    CardNotAsRead,
    CardReading,
    WriteNotConfirmed,
)
from cngstation.errors import (
    DeviceError,
    LocalProtocolError,
    OutcomeUnknown,
    StationError,
)
from cngstation.moments import Instant
from cngstation.protocols.card_image.purse import (
    CardInfo,
    CardState,
    CounterExhausted,
    GreyMark,
    Purse,
)
from cngstation.protocols.fuel_card import keys
from cngstation.protocols.fuel_card.status import FuelCardReported
from cngstation.simulators.fuel_card import FuelCard
from tests.fuel_cards import (
    COUNTER_TERMINAL,
    FUEL_UID,
    MASTERS,
    MOMENT,
    NUMBER,
    dispenser,
    memory_in,
    new_card,
)

AREA_NO, CARD_NO = NUMBER[4:8], NUMBER[8:]
NEW = Purse(
    kind=3, payment_mode=0, price_level=2, card_no=CARD_NO,
    cylinder_due="2027-03-31", balance=50_000, recharged_total=0, consumed_total=0,
    grey=None, gen=0, wseq=1, pseq=0,
)  # fmt: skip
INFO = CardInfo(AREA_NO, 412, "苏A12345", 300, 900)
CHANGING = (b"\x04\xd6", b"\x80\x52", b"\x80\x54", b"\xe0\x7e")
Act = Callable[[FuelPurseCard, CardReading], Coroutine[Any, Any, None]]


class FixedClock:
    """Always the same moment."""

    def now(self) -> Instant:
        """Return it."""
        return Instant(1_795_000_000_000, 0, "")


class Reader:
    """A reader with a virtual card; `tear` pulls it at a command, done or not."""

    NAME: ClassVar[str] = "test"
    health = ReaderHealth(online=True, firmware="", last_fault="")
    traits = CardTraits(has_sectors=False, takes_apdus=True)

    def __init__(self, card: FuelCard) -> None:
        self.card = card
        self.said: list[bytes] = []
        self.tear: tuple[int, bool] | None = None
        self.answers: dict[bytes, bytes] = {}
        self.is_selected = False

    async def reselect(self, uid: bytes) -> None:
        """Take the power from the card and give it back."""
        if self.tear is not None and self.tear[0] <= 0:
            raise CardGone
        self.card.reset()
        self.is_selected = True

    async def transmit(self, apdu: bytes, *, changes_card: bool = True) -> bytes:
        """Hand a command to the card."""
        if not self.is_selected:
            raise CardGone
        assert changes_card is apdu.startswith(CHANGING)
        self.said.append(apdu)
        for head, answer in self.answers.items():
            if apdu.startswith(head):
                return answer
        if self.tear is not None:
            left, done = self.tear
            self.tear = left - 1, done
            if left == 1:
                if done:
                    self.card.perform(apdu)
                self.is_selected = False
                raise OutcomeUnknown(device="card") if changes_card else CardGone
        return self.card.perform(apdu)

    def heads(self) -> list[str]:
        """Return what was said, by its first bytes, and forget it."""
        said = [apdu[:2].hex() for apdu in self.said]
        self.said.clear()
        return said


class Stand:
    """A card on a reader, and our purse over it."""

    def __init__(self, folder: Path) -> None:
        self.memory = memory_in(new_card(folder))
        self.reader = Reader(FuelCard(self.memory))
        self.purse_card = self.new_purse_card()

    def new_purse_card(self) -> FuelPurseCard:
        """Return the driver as a daemon that was started anew has it."""
        masters = b"".join(MASTERS[key.name.lower()] for key in Key)
        key_set = KeysInMemory(masters)
        return FuelPurseCard(self.reader, key_set, COUNTER_TERMINAL, FixedClock())

    async def read(self) -> CardReading:
        """Read the card."""
        return await self.purse_card.read(FUEL_UID)

    async def issued(self) -> CardReading:
        """Issue it with 500 yuan, and read it."""
        await self.purse_card.personalise(FUEL_UID, NEW, INFO)
        return await self.read()

    async def grey(self) -> CardReading:
        """Let a dispenser lock it, and read it."""
        await self.issued()
        dispenser().lock(self.reader.card, MOMENT)
        return await self.read()


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    """A card as its maker delivers it."""
    return Stand(tmp_path)


def loaded(fen: int) -> Act:
    """Return an act that adds to the balance."""

    async def act(card: FuelPurseCard, reading: CardReading) -> None:
        assert reading.purse is not None
        await card.write_purse(reading, moved(reading.purse, fen))

    return act


def moved(purse: Purse, fen: int) -> Purse:
    """Return a purse as a counter changes it; what was owed is paid."""
    return replace(purse, balance=purse.balance + fen, wseq=purse.wseq + 1, grey=None)


async def relabelled(card: FuelPurseCard, reading: CardReading) -> None:
    """Change the price level and the cylinder date, as a counter does."""
    assert reading.purse is not None
    purse = replace(moved(reading.purse, 0), price_level=5, cylinder_due=None)
    await card.write_purse(reading, purse)


async def test_a_card_as_delivered_is_blank(stand: Stand) -> None:
    """It brings its number and says what it can be issued for."""
    reading = await stand.read()
    assert reading == CardReading(
        CardState.BLANK, FUEL_UID, whole=True,
        own_key=AREA_NO + CARD_NO, modes=frozenset({0}),
    )  # fmt: skip


async def test_an_issued_card_is_ours_with_its_figures(stand: Stand) -> None:
    """All of purse and info come back, the counters from the issue on."""
    stand.memory.on_line, stand.memory.off_line = 7, 3
    reading = await stand.issued()
    assert (reading.state, reading.purse, reading.info) == (CardState.OURS, NEW, INFO)
    assert (reading.whole, reading.own_key) == (True, AREA_NO + CARD_NO)
    assert (stand.memory.on_line, stand.memory.balance) == (8, 50_000)


async def test_an_issue_without_money_counts_too(stand: Stand) -> None:
    """A load of nothing moves the counter, and that ends the issue."""
    await stand.purse_card.personalise(FUEL_UID, replace(NEW, balance=0), INFO)
    reading = await stand.read()
    assert (reading.state, reading.purse) == (CardState.OURS, replace(NEW, balance=0))


@pytest.mark.parametrize("fen", [12_345, 0, -50_000])
async def test_a_write_moves_balance_and_counter(stand: Stand, fen: int) -> None:
    """A load, one of nothing, and an unload: read back as written, nothing else."""
    reading = await stand.issued()
    stand.reader.heads()
    await loaded(fen)(stand.purse_card, reading)
    begin, end = ("8050", "8054") if fen < 0 else ("8050", "8052")
    proof = ["e0ca", "e07a", "8050"]
    assert stand.reader.heads() == ["00a4", "0020", *proof, begin, end, *proof]
    assert (await stand.read()).purse == moved(NEW, fen)
    log = stand.memory.log[0]
    assert log[-26:-14] == COUNTER_TERMINAL.hex()


async def test_a_card_says_for_what_it_is_grey(stand: Stand) -> None:
    """Station and nozzle are the terminal's, the number the off-line counter's."""
    reading = await stand.grey()
    grey = GreyMark(station_no="14320000", gun=1, trans_no=0)
    assert reading.purse == replace(NEW, grey=grey, pseq=1)


@pytest.mark.parametrize("owed", [0, 12_345, 50_000])
async def test_a_grey_card_is_freed_by_a_counter(stand: Stand, owed: int) -> None:
    """What is owed is debited and the grey mark goes, in one command."""
    reading = await stand.grey()
    await loaded(-owed)(stand.purse_card, reading)
    assert (await stand.read()).purse == replace(
        NEW, balance=50_000 - owed, wseq=2, pseq=1
    )
    assert stand.memory.lock_state == 0


async def test_more_than_the_balance_is_not_debited(stand: Stand) -> None:
    """A debt above the balance is refused before anything is sent."""
    reading = await stand.grey()
    before = asdict(stand.memory)
    with pytest.raises(LocalProtocolError, match="below zero"):
        await loaded(-50_001)(stand.purse_card, reading)
    assert asdict(stand.memory) == before


async def test_a_grey_card_is_not_loaded(stand: Stand) -> None:
    """Nothing is sent: the card would refuse, and a debt is no top-up."""
    reading = await stand.grey()
    stand.reader.heads()
    with pytest.raises(LocalProtocolError, match="a load of a grey card"):
        await loaded(1)(stand.purse_card, reading)
    assert stand.reader.heads() == []


async def test_a_tac_that_nobody_fetched_stops_nothing(stand: Stand) -> None:
    """The counter reads and loads a card whose debit is done, and leaves its proof."""
    reading = await stand.grey()
    stand.memory.lock_proof = "10" + stand.memory.lock_proof[2:]
    reading = await stand.read()
    assert reading.purse == replace(NEW, pseq=1)
    await loaded(500)(stand.purse_card, reading)
    assert (await stand.read()).purse == replace(moved(NEW, 500), pseq=1)
    assert stand.memory.lock_state == 0x10


ACTS: dict[str, tuple[bool, Act, Purse | None]] = {
    "load": (False, loaded(12_345), moved(NEW, 12_345)),
    "unload": (False, loaded(-700), moved(NEW, -700)),
    "relabel": (
        False, relabelled,
        replace(moved(NEW, 0), price_level=5, cylinder_due=None),
    ),
    "free": (True, loaded(-700), replace(moved(NEW, -700), pseq=1)),
}  # fmt: skip


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("name", ACTS)
async def test_a_torn_write_is_told_by_the_counter(
    tmp_path: Path, name: str, done: bool
) -> None:
    """Pulled at each command: as before or as after, and the counter says which."""
    is_grey, act, after = ACTS[name]
    nth, seen = 0, set()
    while True:
        nth += 1
        stand = Stand(tmp_path / f"{nth}")
        before = await (stand.grey() if is_grey else stand.issued())
        stand.reader.heads()
        stand.reader.tear = nth, done
        try:
            await act(stand.purse_card, before)
        except StationError as error:
            told = error
        else:
            break
        began = any(apdu.startswith(CHANGING) for apdu in stand.reader.said)
        assert isinstance(told, WriteNotConfirmed if began else CardGone)
        stand.reader.tear = None
        stand.purse_card = stand.new_purse_card()
        again = await stand.read()
        assert again.purse is not None
        assert before.purse is not None
        counted = again.purse.wseq - before.purse.wseq
        assert counted in {0, 1}
        if counted:
            assert again.purse == after
        else:
            seen_money = (again.purse.balance, again.purse.grey)
            assert seen_money == (before.purse.balance, before.purse.grey)
            await act(stand.purse_card, again)
            assert (await stand.read()).purse == after
        seen.add(counted)
    assert seen == {0, 1}
    assert nth > 8


@pytest.mark.parametrize("done", [False, True])
async def test_a_torn_issue_is_gone_on_with(tmp_path: Path, done: bool) -> None:
    """Pulled at each command: blank, torn or whole; the same issue makes it whole."""
    nth, states = 0, set()
    while True:
        nth += 1
        stand = Stand(tmp_path / f"{nth}")
        stand.memory.on_line = 7
        await stand.read()
        stand.reader.heads()
        stand.reader.tear = nth, done
        try:
            await stand.purse_card.personalise(FUEL_UID, NEW, INFO)
        except StationError as error:
            told = error
        else:
            break
        began = any(apdu.startswith(CHANGING) for apdu in stand.reader.said)
        assert isinstance(told, WriteNotConfirmed if began else DeviceError)
        stand.reader.tear = None
        stand.purse_card = stand.new_purse_card()
        again = await stand.read()
        states.add(again.state)
        if again.state is not CardState.OURS:
            assert again.purse is None
            await stand.purse_card.personalise(FUEL_UID, NEW, INFO)
            again = await stand.read()
        assert (again.purse, again.info) == (NEW, INFO)
        assert (stand.memory.balance, stand.memory.on_line) == (50_000, 8)
    assert states == {CardState.BLANK, CardState.TORN_ISSUE, CardState.OURS}


@pytest.mark.parametrize("done", [False, True])
async def test_a_torn_wipe_is_done_again(tmp_path: Path, done: bool) -> None:
    """Pulled at each command: the purse that was read, or none; then a new card."""
    nth, states = 0, set()
    while True:
        nth += 1
        stand = Stand(tmp_path / f"{nth}")
        reading = await stand.issued()
        stand.reader.tear = nth, done
        try:
            await stand.purse_card.wipe(reading)
        except StationError:
            stand.reader.tear = None
        else:
            break
        stand.purse_card = stand.new_purse_card()
        again = await stand.read()
        states.add(again.state)
        assert again.purse == (NEW if again.state is CardState.OURS else None)
        await stand.purse_card.wipe(again)
        again = await stand.read()
        assert (again.state, stand.memory.balance) == (CardState.BLANK, 0)
    unset = {name: "ff" * len(bytes.fromhex(stand.memory.files[name]))
             for name in ("16", "1C", "0D")}  # fmt: skip
    assert {name: stand.memory.files[name] for name in unset} == unset
    assert states >= {CardState.OURS, CardState.TORN_ISSUE}


async def test_a_wiped_card_is_issued_again_from_its_counters(stand: Stand) -> None:
    """The new life counts from one, whatever the chip has counted before."""
    await stand.purse_card.wipe(await stand.issued())
    assert (await stand.issued()).purse == NEW
    assert stand.memory.on_line == 3


async def test_an_issue_over_a_wipe_that_was_cut_off_takes_the_money_first(
    stand: Stand,
) -> None:
    """The old balance never becomes part of the new one."""
    reading = await stand.issued()
    stand.reader.tear = 7, True  # selected, proved, challenged, marked
    with pytest.raises(WriteNotConfirmed):
        await stand.purse_card.wipe(reading)
    stand.reader.tear = None
    assert (await stand.read()).state is CardState.TORN_ISSUE
    assert stand.memory.balance == 50_000
    await stand.purse_card.personalise(FUEL_UID, replace(NEW, balance=100), INFO)
    assert (await stand.read()).purse == replace(NEW, balance=100)


async def test_info_is_written_alone(stand: Stand) -> None:
    """Plate, price and limits change; purse and counters stay."""
    await stand.issued()
    info = replace(INFO, plate="苏B99999", price_fen=455, limit_per_fill_yuan=0)
    await stand.purse_card.write_info(FUEL_UID, info)
    reading = await stand.read()
    assert (reading.purse, reading.info) == (NEW, info)
    stand.reader.heads()
    await stand.purse_card.write_info(FUEL_UID, info)
    assert "04d6" not in stand.reader.heads()
    with pytest.raises(LocalProtocolError, match="another number"):
        await stand.purse_card.write_info(FUEL_UID, replace(info, area_no="9999"))


async def test_an_old_reading_writes_nothing(stand: Stand) -> None:
    """A card that was loaded or locked since is refused, whoever read it last."""
    reading = await stand.issued()
    await loaded(100)(stand.purse_card, reading)
    before = asdict(stand.memory)
    with pytest.raises(CardNotAsRead):
        await loaded(100)(stand.purse_card, reading)
    newer = await stand.read()
    dispenser().lock(stand.reader.card, MOMENT)
    with pytest.raises(CardNotAsRead):
        await loaded(100)(stand.purse_card, newer)
    with pytest.raises(CardNotAsRead):
        await stand.purse_card.wipe(newer)
    assert stand.memory.balance == before["balance"]


async def test_a_grey_card_is_not_wiped(stand: Stand) -> None:
    """A debt does not vanish with the card."""
    reading = await stand.grey()
    before = asdict(stand.memory)
    with pytest.raises(CardNotAsRead):
        await stand.purse_card.wipe(reading)
    assert asdict(stand.memory) == before


@pytest.mark.parametrize("changes", [
    {"wseq": 1}, {"wseq": 3}, {"pseq": 1}, {"balance": -1}, {"card_no": "99999999"},
    {"payment_mode": 1}, {"grey": GreyMark("14320000", 1, 5)},
])  # fmt: skip
async def test_a_change_that_no_counter_makes_is_refused(
    stand: Stand, changes: dict[str, Any]
) -> None:
    """Before anything is sent."""
    reading = await stand.issued()
    stand.reader.heads()
    with pytest.raises(LocalProtocolError):
        await stand.purse_card.write_purse(reading, replace(moved(NEW, 0), **changes))
    assert stand.reader.heads() == []


async def test_a_worn_card_is_refused_before_its_counter_ends(stand: Stand) -> None:
    """It can still be read with proof, and wiped."""
    await stand.issued()
    stand.memory.on_line = LAST_ON_LINE
    reading = await stand.read()
    with pytest.raises(CounterExhausted):
        await loaded(1)(stand.purse_card, reading)
    assert stand.memory.balance == 50_000
    await stand.purse_card.wipe(reading)
    assert (await stand.read()).state is CardState.BLANK


@pytest.mark.parametrize("changes", [
    {"card_no": "99999999"}, {"payment_mode": 1}, {"wseq": 2}, {"balance": -1},
])  # fmt: skip
async def test_an_issue_that_does_not_fit_the_card_is_refused(
    stand: Stand, changes: dict[str, Any]
) -> None:
    """Another number, mode or counter: nothing is written."""
    before = asdict(stand.memory)
    with pytest.raises(LocalProtocolError):
        await stand.purse_card.personalise(FUEL_UID, replace(NEW, **changes), INFO)
    assert asdict(stand.memory) == before


async def test_a_card_with_a_purse_is_not_issued(stand: Stand) -> None:
    """Its money would be gone."""
    await stand.issued()
    before = asdict(stand.memory)
    with pytest.raises(LocalProtocolError, match="holds a purse"):
        await stand.purse_card.personalise(FUEL_UID, NEW, INFO)
    assert asdict(stand.memory) == before


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

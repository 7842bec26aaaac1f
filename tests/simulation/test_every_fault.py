"""Every fault of line and dispenser at every protocol: each fill is booked once.

The faults are switches of the simulators, the book is the real one. A fill before the
fault and one after it stand in the books too; what a fault leaves behind is exactly the
rows that the table names.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from cngstation.protocols.dispenser.canonical import NoFill, SaleRecord, Totals
from cngstation.protocols.dispenser.dialogue import TotaliserJumped
from cngstation.services.act_on_card import CardActs
from cngstation.services.book_sale import SaleBook
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.fetch_records import RecordFetch
from cngstation.services.number_by_total import name_jump
from cngstation.storage import findings
from cngstation.storage.database import Database
from cngstation.storage.facts import rows
from cngstation.storage.sales import NozzleKey
from tests.simulation.faulty_far_ends import JxFarEnd, PtsFarEnd, far_end
from tests.simulation.faulty_line import FarEnd, Fill, Told, priced
from tests.small_station import opened

KEY = NozzleKey("51010001", 1, 1)
PROTOCOLS = ("jxv4", "sinopec", "dart", "lanfeng", "compac", "unipump", "pts")
SERIAL = PROTOCOLS[:-1]
SEEDS = range(100, 120)
VOLUMES = (2_340, 1_510, 3_000)
# Cards of the simulated JX-V4 guns are none of the station's; the others sell for cash
# that no crew owes.
ALWAYS = {"jxv4": {"unknown_card"}}
CASH = {"cash_without_crew"}

WIRE = {
    "lose_request": 0.3,
    "lose_answer": 0.3,
    "bit_error": 0.01,
    "byte_loss": 0.01,
    "byte_repeat": 0.01,
    "flip": 0.3,
    "noise": 0.5,
    "truncate": 0.3,
    "delay": 0.3,
    "duplicate": 0.5,
    "glue": 0.3,
    "reorder": 0.3,
    "foreign": 0.3,
    "wrong_gun": 0.3,
}
JX_ONLY = {"aa_inside": 0.2, "bad_crc": 0.3, "lose_ack": 0.7}
HTTP = {
    "drop": 0.3,
    "server_error": 0.3,
    "half_answer": 0.3,
    "deep": 0.3,
    "stale": 0.3,
    "lose_packets": 0.5,
    "double_packets": 0.5,
    "shuffle_packets": 0.5,
    "wrong_gun": 0.3,
    "delay": 0.5,
}


@dataclass(frozen=True)
class Outcome:
    """What the fault itself was seen to sell, and the rows that it must open."""

    fills: tuple[Fill, ...] = ()
    rows: frozenset[str] = frozenset()
    has_struck: bool = True


def sell(far: FarEnd, milli: int) -> Fill:
    """Fill so much and let it be told."""
    far.begin(milli)
    far.run(milli / 1_000 + 1)
    far.end()
    far.run(8)
    return priced(milli)


def on_bad_wire(name: str, share: float) -> Callable[[FarEnd], Outcome]:
    """Return a fill on a wire that goes wrong all the time."""

    def strike(far: FarEnd) -> Outcome:
        far.set_fault(name, share)
        sold = sell(far, VOLUMES[1])
        far.run(8)
        far.set_fault(name, 0)
        struck = far.happened() > 0
        far.run(12)
        return Outcome((sold,), has_struck=struck)

    return strike


def power_lost(far: FarEnd) -> Outcome:
    """The power goes in mid-fill and comes back."""
    far.begin(VOLUMES[1])
    far.run(1)
    flowed = far.cut_power()
    assert 0 < flowed.quantity_milli < VOLUMES[1]
    far.run(5)
    if not isinstance(far, JxFarEnd):
        far.end()
    far.run(15)
    return Outcome((flowed,), POWER_ROWS.get(far.protocol, frozenset()))


def killed(far: FarEnd) -> Outcome:
    """The monitor dies between commit and acknowledgement."""
    far.restart_host(dies=True)
    sold = sell(far, VOLUMES[1])
    far.restart_host()
    far.run(12)
    return Outcome((sold,))


def memory_cleared(far: FarEnd) -> Outcome:
    """A new board: numbers and totals begin again."""
    far.clear_memory()
    far.run(12)
    far.ask_totals()
    # Only Compac's totaliser is read all the time: it is seen to fall at rest.
    return Outcome((), NEW_LIFE | (BREAK if far.protocol == "compac" else set()))


def number_reset(far: FarEnd) -> Outcome:
    """Numbers begin again below those that are booked; the totaliser goes on."""
    if isinstance(far, JxFarEnd):
        far.gun.memory.counters.last_trans_no = 0
    elif isinstance(far, PtsFarEnd):
        far.point.last_number = 0
    else:
        far.device.memory.clear_records()  # type: ignore[attr-defined]
    far.ask_totals()
    return Outcome((), NEW_LIFE)


def clock_wrong(far: FarEnd) -> Outcome:
    """The dispenser's clock is years off."""
    if isinstance(far, JxFarEnd):
        clock = far.gun.clock
        clock._reading = clock._reading.replace(year=2019)
    elif isinstance(far, PtsFarEnd):
        far.skew = timedelta(days=-2_000)
    else:
        far.device._reading -= timedelta(days=2_000)  # type: ignore[attr-defined]
    sold = sell(far, VOLUMES[1])
    return Outcome((sold,))


def numbers_wrap(far: FarEnd) -> Outcome:
    """Behind the largest number comes the first one; one of u32 is never reached."""
    rows = frozenset() if far.protocol == "pts" else NEW_LIFE
    return Outcome((sell(far, VOLUMES[1]),), rows)


def totals_wrap(far: FarEnd) -> Outcome:
    """The totaliser goes over its end; where it is the number, that begins anew."""
    rows = NEW_LIFE if far.protocol in BY_TOTAL else BREAK
    return Outcome((sell(far, VOLUMES[1]),), rows)


NUMBERED = ("jxv4", "sinopec", "pts")
BY_TOTAL = ("dart", "lanfeng", "compac", "unipump")
BREAK, NEW_LIFE = frozenset({"totaliser_break"}), frozenset({"device_counter_reset"})
# A pump that shows zero after a power cut was last seen a moment before it.
POWER_ROWS = {
    "jxv4": frozenset({"grey_card"}),
    "dart": BREAK,
    "lanfeng": BREAK,
}
DEVICE: dict[str, tuple[Callable[[FarEnd], Outcome], tuple[str, ...]]] = {
    "power_lost": (power_lost, PROTOCOLS),
    "killed": (killed, PROTOCOLS),
    "memory_cleared": (memory_cleared, PROTOCOLS),
    "number_reset": (number_reset, NUMBERED),
    "clock_wrong": (clock_wrong, NUMBERED),
    "numbers_wrap": (numbers_wrap, NUMBERED),
    "totals_wrap": (totals_wrap, SERIAL),
}


def cases() -> Iterator[object]:
    """Yield protocol, fault and what strikes, each with a name of its own."""
    for protocol in PROTOCOLS:
        shares = HTTP if protocol == "pts" else WIRE
        if protocol == "jxv4":
            shares = shares | JX_ONLY
        for name, share in shares.items():
            strike = on_bad_wire(name, share)
            yield pytest.param(protocol, name, strike, id=f"{protocol}-{name}")
        for name, (strike, where) in DEVICE.items():
            if protocol in where:
                yield pytest.param(protocol, name, strike, id=f"{protocol}-{name}")


class Recorded:
    """A line that told its totals, and reads records again by their numbers."""

    def __init__(self, far: FarEnd) -> None:
        self._far = far
        self.totals: Totals | None = None

    async def request_totals(self, _gun: int) -> Totals:
        assert self.totals is not None
        return self.totals

    async def request_record(
        self, _gun: int, device_seq: int
    ) -> SaleRecord | NoFill | None:
        return self._far.read_again(device_seq)


async def booked(database: Database, far: FarEnd, told: list[Told]) -> None:
    """Book in its order what the line told; read again what is missing."""
    acts = CardActs(database, every_kind(), cut_off_minute=0, prints_wanted=0)
    book = SaleBook(database, acts, cut_off_minute=0)
    records = [one for one in told if isinstance(one, SaleRecord)]
    beside = (KEY,) if far.protocol == "sinopec" else ()
    nozzle = NozzleSetting(KEY, records[0].unit, beside)

    async def commit(_gun: int, record: SaleRecord, source: str) -> bool:
        await book.book(nozzle, record, source)
        return True

    fetch = RecordFetch(book, database, commit)
    fetch.line = line = Recorded(far)
    for one in told:
        match one:
            case SaleRecord():
                missing = (await book.book(nozzle, one, "online")).missing
                assert await fetch.fetch(1, nozzle, missing)
            case TotaliserJumped():
                known, found = one.known_milli, one.found_milli
                await database.write(
                    lambda tx, k=known, f=found: name_jump(tx, KEY, k, f)
                )
            case Totals():
                line.totals = one
                await fetch.compare(1, nozzle, lambda: True)


@pytest.fixture(scope="module")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A station's file in which nothing has happened, made once."""
    import asyncio

    path = tmp_path_factory.mktemp("books") / "empty.db"

    async def make() -> None:
        async with opened(path):
            pass

    asyncio.run(make())
    return path


async def strike_once(
    folder: Path,
    empty_file: Path,
    protocol: str,
    fault: str,
    strike: Callable[[FarEnd], Outcome],
    seed: int = 5,
) -> bool:
    """Sell before, during and after a fault; compare the books with what flowed.

    Tells whether the fault has struck.
    """
    near = fault.removesuffix("_wrap")
    far = far_end(protocol, folder, near=near, seed=seed)
    sold = [sell(far, VOLUMES[0])]
    outcome = strike(far)
    sold += [*outcome.fills, sell(far, VOLUMES[2])]
    far.run(12 if fault in DEVICE else 1)
    shutil.copy(empty_file, folder / "s.db")
    async with opened(folder / "s.db") as database:
        await booked(database, far, far.told)
        found = await database.read(
            lambda connection: [
                Fill(row["quantity_milli"], row["amount_e4"])
                for row in rows(connection, "SELECT * FROM sale ORDER BY seq", ())
            ]
        )
        open_rows = {row.kind for row in await database.read(findings.open_findings)}
    assert sorted(found) == sorted(sold), seed
    assert open_rows == ALWAYS.get(protocol, CASH) | outcome.rows, seed
    return outcome.has_struck


@pytest.mark.parametrize(("protocol", "fault", "strike"), list(cases()))
async def test_each_fill_is_booked_once_whatever_happens(
    tmp_path: Path,
    empty_file: Path,
    protocol: str,
    fault: str,
    strike: Callable[[FarEnd], Outcome],
) -> None:
    """A fill before, one during and one after; and no row but those of the fault.

    What is read again by its number is booked behind the fill after it.
    """
    assert await strike_once(tmp_path, empty_file, protocol, fault, strike)


@pytest.mark.campaign
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize(("protocol", "fault", "strike"), list(cases()))
async def test_each_fill_is_booked_once_with_many_seeds(
    tmp_path: Path,
    empty_file: Path,
    protocol: str,
    fault: str,
    strike: Callable[[FarEnd], Outcome],
) -> None:
    """The same with other draws of each fault."""
    if fault in DEVICE:
        return
    for seed in SEEDS:
        folder = tmp_path / str(seed)
        folder.mkdir()
        await strike_once(folder, empty_file, protocol, fault, strike, seed)

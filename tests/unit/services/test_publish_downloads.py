"""Lists and prices follow the books; who holds what is a fact; hands go on top."""

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from cngstation.domain.card_life import CardState
from cngstation.errors import DatabaseBusy, LocalProtocolError
from cngstation.moments import MS_PER_HOUR, Clock, time_text
from cngstation.protocols.dispenser.forecourt import (
    DownloadKind,
    Downloads,
    ListKind,
)
from cngstation.services.approve import Approvals, SecondPersonMissing
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.count_refusals import RefusalLog
from cngstation.services.list_numbers import (
    NoCardNumber,
    NumberLists,
    OwnCardListed,
    wire_number,
)
from cngstation.services.open_rows import finding_row
from cngstation.services.publish_downloads import DownloadKeeper
from cngstation.services.show_downloads import DownloadWatch
from cngstation.services.verify_books import verify_file
from cngstation.storage import cards, downloads, facts, findings
from cngstation.storage.database import Database
from cngstation.storage.operators import Operator
from cngstation.storage.sales import NozzleKey
from cngstation.units import Unit
from tests.download_world import (
    NOZZLE,
    ON_THE_WIRE,
    OTHER,
    THIRD,
    BusyAt,
    OfferedLine,
    Station,
    download_station,
)
from tests.small_station import (
    CARD,
    CASHIER,
    MORNING,
    a_card,
    cash_sale,
)


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    """Return a station whose lists were looked at once."""
    async with download_station(tmp_path / "s.db") as station:
        yield station


async def test_a_line_is_offered_an_empty_base_first(station: Station) -> None:
    """So that what an older system left in the dispensers goes."""
    (offer,) = station.line.offers
    assert set(offer.lists) == {ListKind.BASE}
    assert (offer.lists[ListKind.BASE].version, offer.prices) == (1, None)
    assert station.line.numbers(ListKind.BASE) == ()


@pytest.mark.parametrize("state", downloads.REFUSED_STATES)
async def test_a_card_that_may_not_fill_is_added_and_taken_off_again(
    station: Station, state: CardState
) -> None:
    """By its state in the register, with a version more each time."""
    await station.state(state)
    assert await station.keeper.look()
    assert station.line.numbers(ListKind.ADDED) == (ON_THE_WIRE,)
    assert not await station.keeper.look()
    await station.state(CardState.NORMAL)
    assert await station.keeper.look()
    added = station.line.offers[-1].lists[ListKind.ADDED]
    assert (added.cards, added.version) == ((), 2)
    assert station.line.offers[-1].lists[ListKind.BASE].version == 1
    proof = verify_file(station.path)
    assert proof.proved, proof.first_bad


async def test_a_card_that_is_being_issued_is_no_news(station: Station) -> None:
    """It is inactive until it is written, and nobody has it."""
    new = a_card(
        card_key="510100000002", uid="CAFE0002", state=CardState.INACTIVE, wseq=0
    )
    await station.db.write(lambda tx: cards.add(tx, new))
    assert not await station.keeper.look()
    await station.db.write(
        lambda tx: cards.change(tx, new.card_key, reason="a test", wseq=1)
    )
    assert await station.keeper.look()


async def test_by_hand_the_whole_list_goes_as_a_new_base(station: Station) -> None:
    """And the changes start again from nothing, as new versions."""
    await station.state(CardState.LOST)
    await station.keeper.look()
    await station.keeper.send_lists(CASHIER, whole=True)
    lists = station.line.offers[-1].lists
    assert (lists[ListKind.BASE].version, lists[ListKind.BASE].cards) == (
        2,
        (ON_THE_WIRE,),
    )
    assert (lists[ListKind.ADDED].version, lists[ListKind.ADDED].cards) == (2, ())


async def test_lists_wait_for_a_person_or_for_their_hour(station: Station) -> None:
    """Prices go at once all the same."""
    line = OfferedLine()
    by_hand = DownloadKeeper(station.db, station.clock, when="by_hand")
    by_hand.serve(line, [Unit.M3])
    await station.state(CardState.BLACK)
    await by_hand.look()
    assert ListKind.ADDED not in line.offers[-1].lists
    await by_hand.send_lists(CASHIER, whole=False)
    assert line.numbers(ListKind.ADDED) == (ON_THE_WIRE,)

    await station.state(CardState.NORMAL)
    at_noon = DownloadKeeper(station.db, station.clock, when="12:00")
    at_noon.serve(line, [Unit.M3])
    await at_noon.look()
    assert line.numbers(ListKind.ADDED) == (ON_THE_WIRE,)
    station.clock.forward(3 * MS_PER_HOUR)
    assert await at_noon.look()
    assert line.numbers(ListKind.ADDED) == ()
    await station.state(CardState.LOST)
    await at_noon.look()
    assert line.numbers(ListKind.ADDED) == ()  # tomorrow


async def test_prices_are_offered_from_their_moment_on(station: Station) -> None:
    """A planned price is no news before its hour, and it is news then."""
    await station.price(0, 398)
    await station.price(2, 350)
    await station.keeper.look()
    table = station.line.offers[-1].prices
    assert table is not None
    assert (table.version, table.prices_e4) == (1, (39_800, 39_800, 35_000))

    await station.price(0, 420, MORNING + MS_PER_HOUR)
    assert not await station.keeper.look()
    station.clock.forward(MS_PER_HOUR)
    assert await station.keeper.look()
    table = station.line.offers[-1].prices
    assert table is not None
    assert (table.version, table.prices_e4) == (2, (42_000, 42_000, 35_000))
    proof = verify_file(station.path)
    assert proof.proved, proof.first_bad


async def test_a_price_that_a_wrong_clock_began_is_taken_back(
    station: Station,
) -> None:
    """The clock jumps past a plan's moment and is put right: the old price is back."""
    await station.price(0, 350)
    await station.price(0, 900, MORNING + MS_PER_HOUR)
    await station.keeper.look()
    station.clock.wall_ms = MORNING + 2 * MS_PER_HOUR
    await station.keeper.look()
    assert station.line.offers[-1].prices is not None
    assert station.line.offers[-1].prices.prices_e4 == (90_000,)
    station.clock.wall_ms = MORNING + 60_000
    assert await station.keeper.look()
    assert station.line.offers[-1].prices.prices_e4 == (35_000,)
    station.clock.wall_ms = MORNING + MS_PER_HOUR
    assert await station.keeper.look()
    assert station.line.offers[-1].prices.prices_e4 == (90_000,)


@pytest.mark.parametrize("off_ms", [-365 * 24 * MS_PER_HOUR, 365 * 24 * MS_PER_HOUR])
async def test_a_clock_that_is_a_year_off_sends_no_other_price(
    station: Station, off_ms: int
) -> None:
    """Neither the one of last year nor the next; dispensers go by the wall clock."""
    await station.price(0, 350)
    station.clock.forward(1_000)
    await station.price(0, 398)
    await station.price(0, 900, MORNING + MS_PER_HOUR)
    await station.keeper.look()
    await station.db.write(lambda tx: facts.post(tx, cash_sale("E1")))
    station.clock.wall_ms += off_ms
    await station.keeper.look()
    offered = station.line.offers[-1].prices
    assert offered is not None
    assert (offered.version, offered.prices_e4) == (1, (39_800,))
    assert offered.effective_at <= time_text(station.clock.wall_ms)
    station.clock.forward(2 * MS_PER_HOUR)
    await station.keeper.look()
    offered = station.line.offers[-1].prices
    assert offered is not None
    assert offered.prices_e4 == (39_800,), "none begins while the clock is in doubt"


async def test_a_line_of_two_units_gets_no_prices(station: Station) -> None:
    """One table has one unit; a wrong price is worse than an old one."""
    await station.price(0, 398)
    line = OfferedLine()
    station.keeper.serve(line, [Unit.M3, Unit.KG])
    await station.keeper.look()
    assert line.offers[-1].prices is None
    assert station.line.offers[-1].prices is not None


async def test_more_than_dispensers_can_hold_is_a_row(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says which went out and why; the row closes when all fit again."""
    monkeypatch.setattr("cngstation.services.fit_downloads.LARGEST_BASE", 1)
    await station.state(CardState.LOST)
    await station.db.write(
        lambda tx: downloads.list_number(
            tx, OTHER, "black", source="file", reason="a test"
        )
    )
    await station.keeper.look()
    assert station.line.numbers(ListKind.ADDED) == (OTHER,)
    (row,) = await station.db.read(findings.open_findings)
    assert row.kind == "list_too_long"
    told = {fact.name: fact.value for fact in finding_row(row).facts}
    assert told == {
        "count": "2", "most": "1", "out": "1", "dangerous": "1",
        "first": ON_THE_WIRE, "last": ON_THE_WIRE, "subject": "blacklist",
    }  # fmt: skip
    await station.db.write(
        lambda tx: downloads.list_number(
            tx, THIRD, "black", source="file", reason="a test"
        )
    )
    await station.keeper.look()
    (row,) = await station.db.read(findings.open_findings)
    assert json.loads(row.facts)["last"] == THIRD
    for number in (OTHER, THIRD):
        await station.db.write(
            lambda tx, number=number: downloads.list_number(
                tx, number, "none", source="hand", reason="a test"
            )
        )
    await station.keeper.look()
    assert station.line.numbers(ListKind.ADDED) == (ON_THE_WIRE,)
    assert await station.db.read(findings.open_findings) == []


async def test_a_card_that_was_taken_back_goes_out_first(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its number: nobody has it."""
    monkeypatch.setattr("cngstation.services.fit_downloads.LARGEST_BASE", 1)
    older = "0000000000000001"
    await station.db.write(
        lambda tx: downloads.list_number(
            tx, older, "black", source="file", reason="a test"
        )
    )
    await station.state(CardState.CANCELLED)
    await station.keeper.look()
    assert station.line.numbers(ListKind.ADDED) == (older,)
    (row,) = await station.db.read(findings.open_findings)
    assert json.loads(row.facts)["dangerous"] == 0


class Gate:
    """Knows one second person."""

    second = None
    outlet_no = ""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.refusals = RefusalLog(database, clock)

    async def identify(
        self, login_name: str, password: SecretStr, terminal: str
    ) -> Operator:
        """Never asked in these tests with a right password."""
        raise AssertionError(login_name)

    async def require_right(self, operator: Operator, right: str) -> None:
        """Never asked either."""
        raise AssertionError(operator)


async def test_numbers_by_hand(station: Station) -> None:
    """Of other stations only; off the blacklist takes a second person."""
    lists = NumberLists(station.db, Approvals(Gate(station.db, station.clock)), "5101")

    async def put(number: str, on: str) -> None:
        await lists.put(
            number, on, reason="said by phone", actor=CASHIER, approval=None
        )

    await put(OTHER, "black")
    await station.keeper.look()
    assert station.line.numbers(ListKind.ADDED) == (OTHER,)
    with pytest.raises(SecondPersonMissing):
        await put(OTHER, "none")
    with pytest.raises(SecondPersonMissing):
        await put(OTHER, "white")
    with pytest.raises(OwnCardListed):
        await put(CARD, "black")
    await station.state(CardState.BLACK)
    with pytest.raises(OwnCardListed):
        await put(CARD, "white")
    await station.state(CardState.NORMAL)
    with pytest.raises(NoCardNumber):
        await put("77", "black")
    assert await station.db.read(downloads.refused_numbers) == {OTHER}
    await put("0000777700000001", "white")
    await station.keeper.look()
    assert station.line.numbers(ListKind.WHITE) == ("0000777700000001",)
    assert verify_file(station.path).proved


@pytest.mark.parametrize("number", ["", "1234567", "١٢٣٤٥٦٧٨", "12345678901234567"])
def test_what_is_no_number_is_refused(number: str) -> None:
    """Digits of this world only, 8, 12 or 16 of them."""
    with pytest.raises(NoCardNumber):
        wire_number(number, "5101")


def test_a_printed_number_gets_the_area() -> None:
    """As cards of this area are known on the wire."""
    assert wire_number(" 00000001 ", "5101") == "0000510100000001"


async def test_a_line_that_cannot_carry_it_does_not_keep_it_from_the_others(
    station: Station,
) -> None:
    """Its dispensers keep what they hold; the next line is offered all the same."""

    class Narrow:
        def offer(self, downloads: Downloads) -> None:
            raise LocalProtocolError(why="655.36 does not fit")

    keeper, last = DownloadKeeper(station.db, station.clock), OfferedLine()
    keeper.serve(Narrow(), [Unit.M3])
    keeper.serve(last, [Unit.M3])
    await keeper.look()
    assert last.numbers(ListKind.BASE) == ()


@pytest.mark.parametrize("when", ["at_once", "08:00"])
@pytest.mark.parametrize("call", range(1, 9))
async def test_a_busy_database_keeps_no_news_from_the_lines(
    station: Station, when: str, call: int
) -> None:
    """Wherever it is busy, the next look finishes what this one began."""
    line = OfferedLine()
    keeper = DownloadKeeper(station.db, station.clock, when=when)
    keeper.serve(line, [Unit.M3])
    await keeper.look()
    station.clock.forward(24 * MS_PER_HOUR)
    await station.state(CardState.LOST)
    keeper._database = BusyAt(station.db, call)
    for _ in range(2):
        with contextlib.suppress(DatabaseBusy):
            await keeper.look()
    assert line.numbers(ListKind.ADDED) == (ON_THE_WIRE,)


@pytest.mark.parametrize("narrow", ["prices", "white", "both"])
async def test_what_does_not_fit_keeps_the_blacklist_from_no_line(
    station: Station, narrow: str
) -> None:
    """A price or a white list beyond a protocol's figures is left out alone."""

    class Narrow(OfferedLine):
        def offer(self, downloads: Downloads) -> None:
            wide = {
                "prices": downloads.prices is not None,
                "white": ListKind.WHITE in downloads.lists,
            }
            if any(
                is_wide for name, is_wide in wide.items() if narrow in (name, "both")
            ):
                raise LocalProtocolError(why="it does not fit")
            super().offer(downloads)

    await station.db.write(
        lambda tx: downloads.list_number(
            tx, OTHER, "white", source="hand", reason="a test"
        )
    )
    await station.price(0, 398)
    await station.state(CardState.LOST)
    keeper, line = DownloadKeeper(station.db, station.clock), Narrow()
    keeper.serve(line, [Unit.M3], "south")
    await keeper.look()
    assert line.numbers(ListKind.ADDED) == (ON_THE_WIRE,)
    assert (line.offers[-1].prices is None) == (narrow != "white")
    assert (ListKind.WHITE in line.offers[-1].lists) == (narrow == "prices")
    (row,) = await station.db.read(findings.open_findings)
    assert (row.kind, row.subject) == ("list_not_carried", "line south")
    told = json.loads(row.facts)
    assert "it does not fit" in told["why"]
    assert (
        told["what"]
        == {
            "prices": "the prices",
            "white": "the white list",
            "both": "prices and white list",
        }[narrow]
    )
    # Another run of the program closes it when all fits.
    again = DownloadKeeper(station.db, station.clock)
    again.serve(OfferedLine(), [Unit.M3], "south")
    await again.look()
    assert await station.db.read(findings.open_findings) == []


async def test_a_nozzle_waits_for_the_prices_of_its_own_unit(station: Station) -> None:
    """Where its unit has no price there is nothing to wait for."""
    other = NozzleSetting(NozzleKey("03160001", 1, 2), Unit.KG)
    await station.price(0, 398)
    await station.keeper.look()
    watch = DownloadWatch(station.db)
    watch.serve([NOZZLE, other], frozenset({DownloadKind.BASE, DownloadKind.PRICES}))
    rows = (await watch.board()).nozzles
    assert {(r.nozzle_no, r.kind): r.state for r in rows} == {
        (1, "base"): "waiting",
        (1, "prices"): "waiting",
        (2, "base"): "waiting",
    }

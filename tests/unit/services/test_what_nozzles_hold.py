"""What nozzles say that they hold is a fact; what nobody sent them is doubted."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from cngstation.domain.card_life import CardState
from cngstation.protocols.dispenser.dialogue import DownloadAdvanced
from cngstation.protocols.dispenser.forecourt import (
    DownloadKind,
    ListKind,
    StationData,
)
from cngstation.protocols.ndjson import LONGEST_LINE
from cngstation.rpc.contract.downloads import NumberQuery
from cngstation.services import publish_downloads
from cngstation.services.publish_downloads import wanted_versions
from cngstation.services.show_downloads import DownloadWatch
from cngstation.services.verify_books import verify_file
from cngstation.storage import downloads
from cngstation.storage.database import Transaction
from cngstation.storage.download_tries import note_refused
from tests.download_world import (
    NOZZLE,
    ON_THE_WIRE,
    OTHER,
    BusyAt,
    Station,
    download_station,
)
from tests.small_station import (
    CASHIER,
    MORNING,
)


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    """Return a station whose lists were looked at once."""
    async with download_station(tmp_path / "s.db") as station:
        yield station


async def test_what_a_nozzle_holds_is_a_fact_that_outlives_us(
    station: Station,
) -> None:
    """Sending is told of meanwhile; a version that is not wanted any more waits."""
    watch = DownloadWatch(station.db)
    watch.serve([NOZZLE], frozenset({DownloadKind.BASE, DownloadKind.ADDED}))
    await station.state(CardState.LOST)
    await station.keeper.look()
    await station.price(0, 398)
    await station.keeper.look()

    async def states() -> dict[str, tuple[str, int, int]]:
        rows = (await watch.board()).nozzles
        return {row.kind: (row.state, row.wanted, row.held) for row in rows}

    assert await states() == {
        "base": ("waiting", 1, 0),
        "added": ("waiting", 1, 0),
        "prices": ("no_way", 1, 0),
    }
    part = DownloadAdvanced(1, DownloadKind.BASE, 1, 20, 40, is_in_force=False)
    await watch.advanced(NOZZLE, part)
    assert (await states())["base"] == ("sending", 1, 0)
    whole = DownloadAdvanced(1, DownloadKind.BASE, 1, 40, 40, is_in_force=True)
    await watch.advanced(NOZZLE, whole)
    await watch.advanced(NOZZLE, whole)
    assert (await states())["base"] == ("in_force", 1, 1)
    count = await station.db.read(
        lambda c: c.execute("SELECT count(*) FROM nozzle_version").fetchone()[0]
    )
    assert count == 1
    await station.keeper.send_lists(CASHIER, whole=True)
    assert (await states())["base"] == ("waiting", 2, 1)
    assert verify_file(station.path).proved


def in_force(version: int, kind: DownloadKind = DownloadKind.ADDED) -> DownloadAdvanced:
    """Return what a nozzle says that it holds."""
    return DownloadAdvanced(1, kind, version, 1, 1, is_in_force=True)


@pytest.fixture
async def watch(station: Station) -> DownloadWatch:
    """Return the watch of a nozzle that fetches lists; one card is added to them."""
    watch = DownloadWatch(station.db)
    kinds = frozenset({DownloadKind.BASE, DownloadKind.ADDED, DownloadKind.PRICES})
    watch.serve([NOZZLE], kinds)
    watch.doubted = station.keeper.doubt
    await station.state(CardState.LOST)
    await station.price(0, 398)
    await station.keeper.look()
    return watch


async def test_a_version_that_nobody_sent_goes_whole_once_more(
    station: Station, watch: DownloadWatch
) -> None:
    """A backup was put back: the nozzle's list has this version and other numbers."""
    await watch.advanced(NOZZLE, in_force(1))
    await station.keeper.look()
    lists = station.line.offers[-1].lists
    assert {kind: one.version for kind, one in lists.items()} == {"base": 2, "added": 2}
    assert station.line.numbers(ListKind.ADDED) == (ON_THE_WIRE,)
    prices_now = station.line.offers[-1].prices
    assert prices_now is not None
    assert (prices_now.version, prices_now.prices_e4) == (2, (39_800,))
    board = await watch.board()
    assert {figure.cause for figure in board.lists} == {"anew"}
    offers = len(station.line.offers)
    assert await watch.sent([NOZZLE], DownloadKind.ADDED, 2)
    await watch.advanced(NOZZLE, in_force(2))
    await station.keeper.look()
    assert len(station.line.offers) == offers
    assert verify_file(station.path).proved


async def test_a_refusal_is_kept_with_its_reason_until_it_is_taken(
    station: Station, watch: DownloadWatch
) -> None:
    """A program that was started anew still knows of it, once; times are told."""
    sent_ms = station.clock.wall_ms

    async def prices_row(watch: DownloadWatch) -> tuple[str, str, str, int]:
        rows = {row.kind: row for row in (await watch.board()).nozzles}
        row = rows["prices"]
        return row.state, row.result, row.why, row.tried_ms

    assert await prices_row(watch) == ("waiting", "", "", 0)
    assert await watch.sent([NOZZLE], DownloadKind.PRICES, 1)
    assert await prices_row(watch) == ("waiting", "sent", "", sent_ms)
    station.clock.forward(60_000)
    refusal = DownloadAdvanced(
        1, DownloadKind.PRICES, 1, 1, 1, is_in_force=False, refused="no 3 \x1b[2J"
    )
    for _ in range(2):
        await watch.advanced(NOZZLE, refusal)
    refused = ("refused", "refused", "no 3 \ufffd[2J", sent_ms + 60_000)
    assert await prices_row(watch) == refused
    again = DownloadWatch(station.db)
    again.serve([NOZZLE], frozenset({DownloadKind.BASE, DownloadKind.PRICES}))
    assert await prices_row(again) == refused
    count = "SELECT count(*) FROM version_refused"
    rows = await station.db.read(lambda c: c.execute(count).fetchone()[0])
    assert rows == 1
    station.clock.forward(60_000)
    assert await again.sent([NOZZLE], DownloadKind.PRICES, 1)
    assert await prices_row(again) == (*refused[:3], sent_ms + 120_000)
    await again.advanced(NOZZLE, in_force(1, DownloadKind.PRICES))
    assert await prices_row(again) == ("in_force", "taken", "", sent_ms + 120_000)
    assert verify_file(station.path).proved


def started_anew(station: Station) -> DownloadWatch:
    """Return the watch of a program that was just started."""
    watch = DownloadWatch(station.db)
    watch.serve([NOZZLE], frozenset({DownloadKind.BASE, DownloadKind.ADDED}))
    watch.doubted = station.keeper.doubt
    return watch


async def test_what_was_sent_before_we_were_killed_is_no_doubt(
    station: Station, watch: DownloadWatch
) -> None:
    """The nozzle fetched it, and nobody lived to note that it holds it."""
    for _ in range(2):
        assert await watch.sent([NOZZLE], DownloadKind.ADDED, 1)
    assert not await watch.sent([NOZZLE], DownloadKind.ADDED, 2), "nobody published it"
    offers = len(station.line.offers)
    await started_anew(station).advanced(NOZZLE, in_force(1))
    await station.keeper.look()
    assert len(station.line.offers) == offers
    held = await station.db.read(lambda c: downloads.held(c, NOZZLE.key))
    assert held["added"][0] == 1
    rows = await station.db.read(
        lambda c: c.execute("SELECT count(*) FROM version_sent").fetchone()[0]
    )
    assert rows == 1
    assert verify_file(station.path).proved


async def test_a_note_of_one_nozzle_says_nothing_of_another(
    station: Station, watch: DownloadWatch
) -> None:
    """Each fetches for itself; what the other was sent proves nothing."""
    beside = replace(NOZZLE, key=replace(NOZZLE.key, nozzle_no=2))
    watch.serve([beside], frozenset({DownloadKind.BASE, DownloadKind.ADDED}))
    assert await watch.sent([beside], DownloadKind.ADDED, 1)
    await started_anew(station).advanced(NOZZLE, in_force(1))
    await station.keeper.look()
    assert station.line.offers[-1].lists[ListKind.ADDED].version == 2


async def test_a_note_of_one_content_says_nothing_of_another(
    station: Station, watch: DownloadWatch
) -> None:
    """The numbers of versions go round, and a backup lets them be used once more.

    The backup has the note of version 1; what the nozzle holds as 2 it was sent in the
    life that is lost, and 2 is published with other numbers since.
    """
    assert await watch.sent([NOZZLE], DownloadKind.ADDED, 1)
    await station.state(CardState.NORMAL)
    await station.keeper.look()
    await started_anew(station).advanced(NOZZLE, in_force(2))
    await station.keeper.look()
    assert station.line.offers[-1].lists[ListKind.ADDED].version == 3
    station.clock.forward(publish_downloads.BETWEEN_DOUBTS_MS)

    def once_round(tx: Transaction) -> None:
        downloads.list_number(tx, OTHER, "black", source="hand", reason="a test")
        downloads.publish_list(tx, "added", 1, [OTHER], cause="books")

    await station.db.write(once_round)
    await started_anew(station).advanced(NOZZLE, in_force(1))
    await station.keeper.look()
    assert station.line.offers[-1].lists[ListKind.ADDED].version == 2


async def test_what_is_doubted_again_waits(
    station: Station, watch: DownloadWatch
) -> None:
    """A monitor that dies again and again keeps no dispenser from its fills."""
    await watch.advanced(NOZZLE, in_force(1))
    await station.keeper.look()
    again = DownloadWatch(station.db)
    again.serve([NOZZLE], frozenset({DownloadKind.BASE, DownloadKind.ADDED}))
    again.doubted = station.keeper.doubt
    await again.advanced(NOZZLE, in_force(2))
    await station.keeper.look()
    assert station.line.offers[-1].lists[ListKind.ADDED].version == 2
    assert not await station.db.read(lambda c: downloads.held(c, NOZZLE.key))
    station.clock.forward(publish_downloads.BETWEEN_DOUBTS_MS)
    await station.keeper.look()
    assert station.line.offers[-1].lists[ListKind.ADDED].version == 3


async def test_what_was_sent_or_is_known_or_is_old_is_no_doubt(
    station: Station, watch: DownloadWatch
) -> None:
    """Nor is what a nozzle says a second time that names whatever it is told."""
    offers = len(station.line.offers)
    await watch.advanced(NOZZLE, in_force(77))  # it will fetch the other one itself
    assert await watch.sent([NOZZLE], DownloadKind.ADDED, 1)
    await watch.advanced(NOZZLE, in_force(1))
    again = DownloadWatch(station.db)  # the program was started anew
    again.serve([NOZZLE], frozenset({DownloadKind.BASE, DownloadKind.ADDED}))
    again.doubted = station.keeper.doubt
    await again.advanced(NOZZLE, in_force(1))
    shown = DownloadWatch(station.db)  # shows its price and fetches nothing
    shown.serve([NOZZLE], frozenset({DownloadKind.PRICES}))
    shown.doubted = station.keeper.doubt
    await shown.advanced(NOZZLE, in_force(1, DownloadKind.PRICES))
    await station.keeper.look()
    assert len(station.line.offers) == offers
    for version in (1, 2, 3):
        await watch.advanced(NOZZLE, in_force(version, DownloadKind.BASE))
        await station.keeper.look()
        base = station.line.offers[-1].lists[ListKind.BASE]
        assert base.version == 2


async def test_what_a_nozzle_holds_is_noted_however_busy_the_database_is(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said once; a note that is lost would never come again."""
    monkeypatch.setattr("cngstation.services.wait_while_busy.PAUSE_MS", 1)
    for call in (1, 2):
        watch = DownloadWatch(BusyAt(station.db, call))  # type: ignore[arg-type]
        watch.serve([NOZZLE], frozenset({DownloadKind.BASE}))
        await watch.advanced(NOZZLE, in_force(10 + call, DownloadKind.BASE))
        held = await station.db.read(lambda c: downloads.held(c, NOZZLE.key))
        assert held["base"][0] == 10 + call


async def test_the_largest_station_is_told_whole_and_a_message_holds_a_page(
    station: Station,
) -> None:
    """64 nozzles, every kind: each nozzle once, and no page longer than a message."""
    watch = DownloadWatch(station.db, station=StationData(255, 1, 2, 3, 4))
    nozzles = [
        replace(NOZZLE, key=replace(NOZZLE.key, dispenser_no=no, nozzle_no=no))
        for no in range(1, 65)
    ]
    watch.serve(nozzles, frozenset(DownloadKind))
    await station.state(CardState.LOST)
    await station.price(0, 398)
    await station.keeper.look()
    await station.keeper.send_lists(CASHIER, whole=True)
    await station.db.write(
        lambda tx: downloads.publish_list(
            tx, ListKind.WHITE, 255, ["0" * 15 + "1"], cause="hand"
        )
    )
    await station.db.write(
        lambda tx: downloads.publish_list(tx, ListKind.DELETED, 255, [], cause="hand")
    )

    def refused(tx: Transaction) -> None:
        for one in nozzles:
            for kind in (*ListKind, "prices"):
                version = wanted_versions(tx.connection, one.sold, MORNING)[kind][0]
                of = downloads.published(tx.connection, kind, one.sold, version)
                assert of is not None
                note_refused(tx, one.key, of, "拒" * 99)

    await station.db.write(refused)
    found, after = [], 0
    while True:
        board = await watch.board(after)
        assert len(board.model_dump_json()) < LONGEST_LINE
        found += [(row.nozzle_no, row.kind) for row in board.nozzles]
        after = board.next_nozzle
        if not after:
            break
    assert found == [(no, k) for no in range(1, 65) for k in KINDS]


KINDS = ("station", "base", "added", "deleted", "white", "prices")


async def test_every_listed_number_is_told_with_where_it_came_from(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Page by page in their order, by digits, and by the list."""
    monkeypatch.setattr("cngstation.services.show_downloads.MOST_NUMBERS", 3)
    watch = DownloadWatch(station.db)
    await station.state(CardState.LOST)

    def put(tx: Transaction) -> None:
        for no in range(7):
            source = "hand" if no % 2 else "file"
            on = "white" if no == 3 else "black"
            number = f"{99990000 + no:016d}"
            downloads.list_number(tx, number, on, source=source, reason="lost")
        downloads.list_number(tx, ON_THE_WIRE, "black", source="hand", reason="lost")
        downloads.list_number(tx, "0" * 16, "none", source="hand", reason="lost")

    await station.db.write(put)

    async def told(**wanted: str) -> list[tuple[str, str, str, str]]:
        found, after = [], ""
        while True:
            page = await watch.numbers(NumberQuery(after=after, **wanted))
            assert len(page.rows) <= 3
            found += [(r.card_no, r.list, r.source, r.state) for r in page.rows]
            after = page.next_place
            if not after:
                return found

    everything = await told()
    assert len(everything) == len(set(everything)) == 9
    assert everything == sorted(everything, key=lambda row: (row[0], row[2]))
    own = [row for row in everything if row[0] == ON_THE_WIRE]
    assert own == [
        (ON_THE_WIRE, "black", "hand", ""),
        (ON_THE_WIRE, "black", "own", "lost"),
    ]
    assert await told(list="white") == [("0000000099990003", "white", "hand", "")]
    assert await told(digits="90004") == [("0000000099990004", "black", "file", "")]
    black = {row[0] for row in await told(list="black")}
    assert black == await station.db.read(downloads.refused_numbers)

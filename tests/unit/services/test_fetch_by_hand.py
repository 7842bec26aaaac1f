"""Records fetched again by hand: asked once each, what came, what is not there."""

import asyncio
import json
from typing import Any

import pytest

from cngstation.errors import DeviceTimeout, Refusal
from cngstation.protocols.dispenser.canonical import Capability
from cngstation.services.answer_refetch import _state
from cngstation.services.control_nozzles import ControlledLine, NozzleNotHere
from cngstation.services.fetch_by_hand import (
    HandFetch,
    RefetchNoDay,
    RefetchNotCarried,
    RefetchRange,
    RefetchRunning,
    Wanted,
)
from cngstation.storage import facts, findings
from tests.furnished_station import fill
from tests.small_station import CASHIER
from tests.unit.services.test_watch_forecourt import FakeLine, Forecourt, forecourt

__all__ = ["forecourt"]


def by_hand(yard: Forecourt, *able: Capability) -> HandFetch:
    """Return who fetches by hand at a line that can do so much."""
    line: Any = yard.line
    controlled = ControlledLine(line, yard.desk, frozenset(able), yard.desk.records)
    return HandFetch(yard.db, [controlled])


async def ended(fetch: HandFetch) -> dict[str, Any]:
    """Wait for its end; return how far it came, as the screen is told."""
    async with asyncio.timeout(30):
        while fetch.progress.state == "running":
            await asyncio.sleep(0.005)
    assert fetch._task is not None
    await fetch._task
    return _state(fetch.progress).model_dump()


async def test_a_range_is_asked_and_told(forecourt: Forecourt) -> None:
    """What is booked is not asked for; what is not there is a row; all is audited."""
    for number in (1, 6):
        await forecourt.desk.record(1, fill(number))
    await forecourt.settled()
    forecourt.line.asked.clear()
    forecourt.line.memory = {3: fill(3), 5: fill(5)}
    fetch = by_hand(forecourt, Capability.REREAD)
    await fetch.begin(Wanted(1, first=2, last=8), CASHIER)
    with pytest.raises(RefetchRunning):
        await fetch.begin(Wanted(1, first=2, last=8), CASHIER)
    told = await ended(fetch)
    assert forecourt.line.asked == [2, 3, 4, 5, 7, 8]
    counted = (told["booked"], told["known"], told["not_there"], told["total"])
    assert counted == (2, 1, 4, 7)
    stretches = [(one["first"], one["last"]) for one in told["absent"]]
    assert stretches == [(2, 2), (4, 4), (7, 8)]
    rows = await forecourt.db.read(findings.open_findings)
    (gap,) = [json.loads(r.facts) for r in rows if r.kind == "sequence_gap"]
    assert (gap["first"], gap["last"]) == (2, 4), "7 and 8 were never given out"
    sql = "SELECT reason, after FROM audit WHERE act='record.refetch' ORDER BY seq"
    noted = await forecourt.db.read(lambda c: list(facts.rows(c, sql)))
    assert [row["after"] for row in noted] == ["1:2-8", "1:2-8"]
    assert noted[1]["reason"] == "done: absent 4 booked 2 known 1"


async def test_a_day_is_the_numbers_between_its_neighbours(
    forecourt: Forecourt,
) -> None:
    """The fills before the day and behind it are booked; those between are asked."""
    for number in (1, 2, 6):
        await forecourt.desk.record(1, fill(number))
    await forecourt.settled()
    forecourt.line.asked.clear()
    fetch = by_hand(forecourt, Capability.REREAD)
    await fetch.begin(Wanted(dispenser_no=1, day="2026-11-21"), CASHIER)
    told = await ended(fetch)
    assert forecourt.line.asked == [3, 4, 5]
    assert (told["known"], told["not_there"]) == (1, 3)


async def test_a_dispenser_that_falls_silent_ends_it(forecourt: Forecourt) -> None:
    """What was asked up to there is told, and why it ended."""
    for number in (1, 4):
        await forecourt.desk.record(1, fill(number))
    await forecourt.settled()
    forecourt.line.error = DeviceTimeout(device="line", wait_ms=1)
    fetch = by_hand(forecourt, Capability.REREAD)
    await fetch.begin(Wanted(1, first=2, last=3), CASHIER)
    told = await ended(fetch)
    assert (told["state"], told["asked"]) == ("cut_off", 0)
    assert told["facts"][0]["value"]
    await fetch.begin(Wanted(1, first=2, last=3), CASHIER)
    await ended(fetch)


@pytest.mark.parametrize(
    ("wanted", "able", "refusal"),
    [
        (Wanted(9, first=2, last=3), True, NozzleNotHere),
        (Wanted(first=2, last=3), True, NozzleNotHere),
        (Wanted(1, first=2, last=3), False, RefetchNotCarried),
        (Wanted(1, first=1, last=3), True, RefetchRange),
        (Wanted(1, first=5, last=3), True, RefetchRange),
        (Wanted(1, first=2, last=2_002), True, RefetchRange),
        (Wanted(1, day="2026-11-20"), True, RefetchNoDay),
    ],
)
async def test_what_cannot_be_asked_is_refused(
    forecourt: Forecourt, wanted: Wanted, able: bool, refusal: type[Refusal]
) -> None:
    """Nothing was asked, and the next order is taken."""
    for number in (1, 2):
        await forecourt.desk.record(1, fill(number))
    fetch = by_hand(forecourt, *((Capability.REREAD,) if able else ()))
    with pytest.raises(refusal):
        await fetch.begin(wanted, CASHIER)
    assert isinstance(forecourt.line, FakeLine)
    assert forecourt.line.asked == []
    assert fetch.progress.state == "idle"

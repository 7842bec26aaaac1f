"""Whatever two people do stands in the digest of its day: every path is walked."""

from typing import Any

import pytest

from cngstation.domain.digest import Section
from cngstation.domain.two_people import ACTS
from cngstation.errors import StationError
from cngstation.services.keep_digest import DigestKeeper
from cngstation.storage import digests
from tests.simulation.money_world import World
from tests.simulation.two_people_paths import PATHS, Second

DAY_MS = 24 * 3_600_000
# Done at the forecourt by its own services, which write the same row.
ELSEWHERE = {"fill.mark", "station.initialise"}


def test_every_act_of_two_people_has_a_path_here() -> None:
    """A new act comes with its walk, or is named above."""
    assert {act for act, _ in PATHS.values()} >= set(ACTS) - ELSEWHERE


@pytest.mark.parametrize("name", PATHS)
def test_the_digest_holds_it(name: str) -> None:
    """Walked to its end with two people, then the day turns."""
    act, walk = PATHS[name]
    world = World()
    try:
        answers: list[Any] = list(walk(world, Second()))
        assert not isinstance(answers[-1], StationError), answers[-1]
        keeper = DigestKeeper(world.clock, cut_off_minute=0, wrong_tries=3)
        due = _after_a_day(world, keeper)
        rows = [row for row in due.rows if row.section is Section.TWO_PEOPLE]
        found = world.view.execute(
            "SELECT seq FROM audit WHERE act GLOB '*.approve' ORDER BY seq"
        )
        assert [row.seq for row in rows] == [seq for (seq,) in found]
        told = rows[-1]
        assert (told.act, told.first_no, told.second_no) == (
            f"{act}.approve",
            "01",
            "02",
        )
        assert told.reason
    finally:
        world.close()


def _after_a_day(world: World, keeper: DigestKeeper) -> digests.Digest:
    world.clock._ms += DAY_MS
    assert world.must(keeper.look_once(world.database)) == 1
    made = digests.last(world.view)
    assert made is not None
    return made

"""Whose turn it is: busy nozzles often, idle ones every second, dead ones in turn."""

import itertools

import pytest

from cngstation.protocols.dispenser.canonical import FuellingState, Link
from cngstation.protocols.dispenser.jxv4 import mapping
from cngstation.protocols.dispenser.jxv4.messages import Status
from cngstation.protocols.dispenser.turns import (
    BUSY_POLL_US,
    IDLE_POLL_US,
    PolledNozzle,
    Turns,
    Undecided,
    poll_period_us,
)
from tests.unit.protocols.dispenser.jxv4 import vectors

MS = 1_000
SECOND = 1_000 * MS


class Line:
    """Nozzles that are polled one after another; an exchange takes `exchange_us`."""

    def __init__(
        self,
        *,
        busy: int = 0,
        idle: int = 0,
        dead: int = 0,
        exchange_us: int = 111 * MS,
        time_out_us: int = 300 * MS,
    ) -> None:
        kinds = ["busy"] * busy + ["idle"] * idle + ["dead"] * dead
        self.nozzles = [PolledNozzle(gun) for gun in range(1, len(kinds) + 1)]
        for nozzle, kind in zip(self.nozzles, kinds, strict=True):
            nozzle.link = Link.OFFLINE if kind == "dead" else Link.ONLINE
            nozzle.period_us = BUSY_POLL_US if kind == "busy" else IDLE_POLL_US
        self.turns = Turns(self.nozzles)
        self.now_us = 1_000_000
        self.exchange_us = exchange_us
        self.time_out_us = time_out_us
        self.polls: dict[int, list[int]] = {n.gun: [] for n in self.nozzles}
        self.order: list[int] = []
        self.cycles: list[int] = []

    def run(self, seconds: int) -> None:
        until_us = self.now_us + seconds * SECOND
        while self.now_us < until_us:
            turn = self.turns.due(self.now_us) or self.turns.spare(self.now_us)
            if turn is None:
                next_us = self.turns.next_due_us()
                assert next_us > self.now_us
                self.now_us = next_us
                continue
            self.polls[turn.nozzle.gun].append(self.now_us)
            self.order.append(turn.nozzle.gun)
            if turn.cycle_us is not None:
                self.cycles.append(turn.cycle_us)
            is_dead = turn.nozzle.link is Link.OFFLINE
            self.now_us += self.time_out_us if is_dead else self.exchange_us

    def longest_ms(self, gun: int) -> int:
        """Return the longest time between two polls of a nozzle but for the first."""
        at = self.polls[gun][1:]
        return max(b - a for a, b in itertools.pairwise(at)) // MS

    def shortest_ms(self, gun: int) -> int:
        at = self.polls[gun][1:]
        return min(b - a for a, b in itertools.pairwise(at)) // MS


def test_a_busy_nozzle_is_polled_every_300_to_500_ms() -> None:
    """Beside three idle nozzles a fill is looked at three times a second."""
    line = Line(busy=1, idle=3)
    line.run(20)
    assert line.shortest_ms(1) >= 300
    assert line.longest_ms(1) <= 500


def test_two_fills_beside_a_dead_nozzle_stay_within_their_time() -> None:
    """A probe's time-out costs a fill one delay, once a second."""
    line = Line(busy=2, idle=1, dead=3)
    line.run(20)
    gaps = [b - a for a, b in zip(line.polls[1][1:], line.polls[1][2:], strict=False)]
    assert sum(gap > 500 * MS for gap in gaps) <= 20
    assert line.longest_ms(1) <= 300 + 300 + 111


@pytest.mark.parametrize("nozzles", [1, 4, 8])
def test_an_idle_nozzle_is_polled_every_second(nozzles: int) -> None:
    """Where the wire has the time, an idle nozzle costs one poll a second."""
    line = Line(idle=nozzles)
    line.run(20)
    assert all(line.shortest_ms(gun) == 1_000 for gun in line.polls)
    assert all(line.longest_ms(gun) == 1_000 for gun in line.polls)


@pytest.mark.parametrize(("busy", "idle"), [(8, 8), (4, 12), (16, 16)])
def test_an_idle_nozzle_is_never_asked_less_than_every_5_s(
    busy: int, idle: int
) -> None:
    """On a line that cannot keep its times nobody starves."""
    line = Line(busy=busy, idle=idle)
    line.run(60)
    assert max(line.longest_ms(gun) for gun in line.polls) < 5_000
    assert line.longest_ms(1) < line.longest_ms(busy + idle)


def test_busy_nozzles_use_the_whole_wire() -> None:
    """Four fills at 111 ms: each is polled every 444 ms, nothing is idle."""
    line = Line(busy=4)
    line.run(10)
    assert line.order[:12] == [1, 2, 3, 4] * 3
    assert set(line.cycles) == {444 * MS}


def test_dead_nozzles_share_one_turn_a_second() -> None:
    """However many are dead, a time-out a cycle is what they cost."""
    few, many = Line(busy=1, idle=1, dead=1), Line(busy=1, idle=1, dead=12)
    few.run(30)
    many.run(30)
    probes = [gun for gun in many.order if gun > 2][12:]
    assert sorted(probes[:12]) == list(range(3, 15))
    assert abs(len(many.polls[1]) - len(few.polls[1])) <= 12
    assert len(probes) <= 30


def test_a_line_of_dead_nozzles_is_tried_without_pause() -> None:
    """Nobody waits for the time-outs, so that the first that lives is found early."""
    line = Line(dead=3)
    line.run(3)
    assert line.order[:9] == [1, 2, 3] * 3


def test_who_has_more_to_say_is_polled_while_nobody_is_due() -> None:
    """A backlog drains on free wire, and fills are looked at as before."""
    line = Line(busy=1, idle=2)
    line.nozzles[1].has_more = True
    line.run(20)
    assert line.longest_ms(1) <= 500
    assert len(line.polls[2]) > 4 * 20
    assert line.longest_ms(3) <= 1_000 + 2 * 111


def test_two_silences_end_the_haste() -> None:
    """One silence is how a dispenser saves a list; two are not."""
    nozzle = PolledNozzle(1, has_more=True)
    nozzle.missed()
    assert nozzle.has_more
    nozzle.missed()
    assert not nozzle.has_more


def test_whoever_waits_for_the_service_has_no_turn() -> None:
    """Neither does one that rests; both are asked again when their time has come."""
    line = Line(idle=3)
    line.nozzles[0].undecided = Undecided(line.now_us, "a record")
    line.nozzles[1].rests_until_us = line.now_us + 4 * SECOND
    line.run(3)
    assert set(line.order) == {3}
    line.nozzles[0].undecided = None
    line.run(4)
    assert set(line.order) == {1, 2, 3}


def test_a_cycle_without_the_dead_lasts_an_idle_second() -> None:
    """Idle nozzles and a probe: a cycle is what the idle ones take."""
    line = Line(idle=2, dead=2)
    line.run(10)
    assert set(line.cycles[2:]) == {SECOND}


@pytest.mark.parametrize(
    ("state", "card", "period_us"),
    [
        (0xA1, bytes(8), IDLE_POLL_US),
        (0xA0, bytes(8), IDLE_POLL_US),
        (0xF0, bytes(8), IDLE_POLL_US),
        (0xA1, bytes.fromhex("5101000100012345"), BUSY_POLL_US),
        (0xA4, bytes(8), BUSY_POLL_US),
        (0xA5, bytes(8), BUSY_POLL_US),
    ],
)
def test_a_status_says_how_often(state: int, card: bytes, period_us: int) -> None:
    """What fuels, awaits a debit or holds a card is looked at often."""
    body = bytearray(vectors.IDLE[7:-4])
    body[1], body[21:29] = state, card
    status = mapping.nozzle_status(Status.from_bytes(bytes(body)), bytes(body))
    assert status.state in FuellingState
    assert poll_period_us(status) == period_us

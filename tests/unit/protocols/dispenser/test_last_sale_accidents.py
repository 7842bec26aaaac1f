"""Fills of a pump that remembers one, with lost lines and restarts by chance."""

import random

import pytest

from cngstation.protocols.dispenser.last_sale import LastSale, Total
from tests.unit.protocols.dispenser.test_last_sale import (
    SECOND,
    START,
    WRAP,
    WRAP_E4,
    shows,
)


class Accidents:
    """A pump that remembers one fill, and whose totaliser comes late."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.total = START
        self.shown = 0
        self.running = False
        self.done: list[tuple[int, int]] = []
        self.due: list[tuple[int, int]] = []
        self.delay_us = chance.choice([0, 500_000, 3 * SECOND])

    def pass_time(self, now_us: int) -> None:
        if self.running:
            self.shown += self.chance.randrange(10, 200, 10)
        while self.due and self.due[0][0] <= now_us:
            self.total += self.due.pop(0)[1]

    def lift_again(self) -> None:
        if not self.running:
            self.running = True
            self.shown = 0

    def hang_up(self, now_us: int) -> None:
        self.running = False
        if self.shown:
            behind = self.total + sum(q for _, q in self.due) + self.shown
            self.done.append((behind, self.shown))
            self.due.append((now_us + self.delay_us, self.shown))


@pytest.mark.parametrize("seed", range(40))
def test_every_fill_is_booked_once_whatever_happens(seed: int) -> None:
    """Fills, lost lines and restarts by chance."""
    run_accidents(seed)


@pytest.mark.campaign
@pytest.mark.timeout(3_000)
def test_a_campaign_of_accidents() -> None:
    for seed in range(1_000, 6_000):
        run_accidents(seed)


def run_accidents(seed: int) -> None:
    """Let a pump fill again when its last fill is booked; every fill is booked once."""
    chance = random.Random(seed)
    pump = Accidents(chance)
    sale = LastSale(wrap_milli=WRAP, wrap_e4=WRAP_E4, step_milli=10)
    booked: dict[int, int] = {}
    now_us = blind_until_us = 0
    for _ in range(1_500):
        now_us += 400_000
        pump.pass_time(now_us)
        is_blind = now_us < blind_until_us
        if pump.running and chance.random() < 0.1:
            pump.hang_up(now_us)
        elif len(booked) == len(pump.done) and chance.random() < 0.3:
            pump.lift_again()
        if not is_blind and chance.random() < 0.01:
            blind_until_us = now_us + chance.randrange(1, 20) * SECOND
        if not is_blind and chance.random() < 0.01:
            sale = LastSale(wrap_milli=WRAP, wrap_e4=WRAP_E4, step_milli=10)
        if is_blind:
            sale.line_up()
            continue
        sale.saw(
            shows(pump.shown),
            now_us,
            is_flowing=pump.running,
            is_over=not pump.running,
        )
        if sale.wants_total(now_us):
            sale.counted(Total(pump.total, 0), now_us)
        fill = sale.offer(now_us)
        if fill is not None:
            quantity = fill.figures.quantity_milli
            assert booked.setdefault(fill.device_seq, quantity) == quantity
            accepted = chance.random() < 0.8
            sale.decided(fill.device_seq, now_us, accepted=accepted)
    if pump.running:
        pump.hang_up(now_us)
    for _ in range(80):
        now_us += 500_000
        pump.pass_time(now_us)
        sale.saw(shows(pump.shown), now_us, is_flowing=False, is_over=True)
        if sale.wants_total(now_us):
            sale.counted(Total(pump.total, 0), now_us)
        fill = sale.offer(now_us)
        if fill is not None:
            booked[fill.device_seq] = fill.figures.quantity_milli
            sale.decided(fill.device_seq, now_us, accepted=True)
    assert sorted(booked.items()) == pump.done
    assert sum(booked.values()) == pump.total - START

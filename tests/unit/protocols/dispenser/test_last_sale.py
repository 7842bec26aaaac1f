"""Fills of a pump that remembers one: each rule, and a pump of accidents over them."""

from dataclasses import dataclass, field

import pytest

from cngstation.protocols.dispenser.last_sale import (
    MOST_WAITING,
    OFFERED_AGAIN_US,
    UPDATE_LIMIT_US,
    Figures,
    Jump,
    LastSale,
    Stage,
    Total,
)

SECOND = 1_000_000
WRAP = 10_000_000
WRAP_E4 = 10_000_000_000
START = 500_000
PRICE = 39_800


def shows(quantity: int) -> Figures:
    return Figures(quantity, quantity * PRICE // 1_000, PRICE)


@dataclass
class Bench:
    """A nozzle's fills on a fake clock, polled once a second at rest."""

    sale: LastSale = field(
        default_factory=lambda: LastSale(
            wrap_milli=WRAP, wrap_e4=WRAP_E4, step_milli=10
        )
    )
    now_us: int = 0
    total: int = START
    shown: int = 0
    booked: list[tuple[int, int]] = field(default_factory=list)
    jumps: list[Jump] = field(default_factory=list)
    is_flowing: bool = False
    is_over: bool = True
    accepts: bool = True

    def poll(self, times: int = 1, every_us: int = SECOND) -> None:
        for _ in range(times):
            self.now_us += every_us
            self.sale.saw(
                shows(self.shown),
                self.now_us,
                is_flowing=self.is_flowing,
                is_over=self.is_over,
            )
            if self.sale.wants_total(self.now_us):
                total = Total(self.total % WRAP, self.total * 4)
                self.sale.counted(total, self.now_us)
            fill = self.sale.offer(self.now_us)
            if fill is not None:
                if self.accepts:
                    self.booked.append((fill.device_seq, fill.figures.quantity_milli))
                self.sale.decided(fill.device_seq, self.now_us, accepted=self.accepts)
            self.jumps += self.sale.take_jumps()

    def flow(self, *quantities: int) -> None:
        self.is_flowing, self.is_over = True, False
        for quantity in quantities:
            self.shown = quantity
            self.poll(every_us=300_000)
        self.is_flowing, self.is_over = False, True

    def rest(self) -> "Bench":
        """Line up at a pump that shows nothing."""
        self.poll(8)
        assert self.sale.is_settled
        return self


def test_a_fill_is_booked_under_the_totaliser_behind_it() -> None:
    bench = Bench().rest()
    bench.flow(0, 1_000, 2_500)
    bench.total += 2_500
    bench.poll(3)
    assert bench.booked == [(START + 2_500, 2_500)]
    assert bench.sale.is_settled


def test_the_last_figures_count_and_must_stay_for_750_ms() -> None:
    bench = Bench().rest()
    bench.flow(0, 1_000)
    bench.shown, bench.total = 1_040, START + 1_040
    bench.poll(every_us=300_000)
    bench.poll(2, every_us=300_000)
    assert bench.sale.stage is Stage.ENDING
    bench.poll(every_us=300_000)
    assert bench.booked == [(START + 1_040, 1_040)]


def test_a_fill_ends_when_the_nozzle_is_back() -> None:
    bench = Bench().rest()
    bench.flow(0, 1_000)
    bench.total += 1_000
    bench.is_over = False
    bench.poll(10)
    assert bench.booked == []
    assert not bench.sale.is_settled
    bench.is_over = True
    bench.poll(2)
    assert bench.booked == [(START + 1_000, 1_000)]


def test_a_late_reply_in_a_fill_does_not_cut_it() -> None:
    bench = Bench().rest()
    bench.flow(0, 400, 900, 500, 1_200, 1_500)
    bench.total += 1_500
    bench.poll(4)
    assert bench.booked == [(START + 1_500, 1_500)]


@pytest.mark.parametrize("polls", [1, 3, 6])
def test_a_late_reply_behind_a_fill_is_not_another(polls: int) -> None:
    """It shows the fill before its end: ending, being counted, or in the books."""
    bench = Bench().rest()
    bench.flow(0, 400, 1_500)
    bench.poll(polls)
    bench.flow(900)
    bench.shown = 1_500
    bench.total = START + 1_500
    bench.poll(20)
    assert bench.booked == [(START + 1_500, 1_500)]
    assert bench.jumps == []


def test_a_totaliser_that_comes_late_is_waited_for() -> None:
    bench = Bench().rest()
    bench.flow(0, 1_000)
    bench.poll(6)
    assert bench.booked == []
    bench.total += 1_000
    bench.poll(2)
    assert bench.booked == [(START + 1_000, 1_000)]


def test_a_totaliser_that_rises_with_the_flow_fits_too() -> None:
    bench = Bench().rest()
    bench.is_flowing, bench.is_over = True, False
    for _ in range(10):
        bench.shown += 100
        bench.total += 100
        bench.poll(every_us=300_000)
    bench.is_flowing, bench.is_over = False, True
    bench.poll(3)
    assert bench.booked == [(START + 1_000, 1_000)]


def test_a_fill_of_nothing_is_no_fill() -> None:
    bench = Bench().rest()
    bench.flow(0, 0)
    bench.poll(20)
    assert bench.booked == []
    assert bench.jumps == []


def test_an_authorised_fill_that_never_begins_leaves_the_old_one_alone() -> None:
    """The pump goes on showing the fill before, and its totaliser stands."""
    bench = Bench().rest()
    bench.flow(0, 2_000)
    bench.total += 2_000
    bench.poll(3)
    bench.flow(2_000, 2_000)
    bench.poll(8)
    assert bench.sale.is_settled, "its totaliser stood for 5 s"
    bench.poll(20)
    assert bench.booked == [(START + 2_000, 2_000)]
    assert bench.jumps == []


def test_figures_of_the_fill_before_at_the_begin_are_not_a_fill() -> None:
    bench = Bench().rest()
    bench.flow(0, 2_000)
    bench.total += 2_000
    bench.poll(3)
    bench.flow(2_000, 0, 500, 1_500)
    bench.total += 1_500
    bench.poll(3)
    assert bench.booked == [(START + 2_000, 2_000), (START + 3_500, 1_500)]


def test_what_is_shown_at_the_begin_is_offered_once_the_totaliser_stood_5_s() -> None:
    bench = Bench(shown=3_000)
    bench.poll(4)
    assert bench.booked == []
    bench.poll(8)
    assert bench.booked == [(START, 3_000)]
    again = Bench(shown=3_000)
    again.poll(12)
    assert again.booked == bench.booked, "the same number when it is read again"


def test_a_fill_shown_at_the_begin_was_not_watched() -> None:
    sale = LastSale(wrap_milli=WRAP, wrap_e4=WRAP_E4, step_milli=10)
    for now_us in range(0, 9 * SECOND, SECOND):
        sale.saw(shows(3_000), now_us, is_flowing=False, is_over=True)
        sale.counted(Total(START, 0), now_us)
    fill = sale.offer(9 * SECOND)
    assert fill is not None
    assert not fill.watched


def test_a_totaliser_read_too_early_at_the_begin_gives_no_number() -> None:
    bench = Bench(shown=3_000, total=START)
    bench.poll(5)
    bench.total += 3_000
    bench.poll(10)
    assert bench.booked == [(START + 3_000, 3_000)]


def test_a_fill_that_runs_at_the_begin_is_adopted() -> None:
    bench = Bench()
    bench.flow(700, 1_200)
    bench.total += 1_200
    bench.poll(10)
    assert bench.booked == [(START + 1_200, 1_200)]


def test_flow_without_authorisation_is_adopted() -> None:
    """Also a fill that began and ended between two polls."""
    bench = Bench().rest()
    bench.shown, bench.total = 900, START + 900
    bench.poll(3)
    assert bench.booked == [(START + 900, 900)]


def test_the_same_fill_shown_again_after_a_reset_is_not_booked_twice() -> None:
    bench = Bench().rest()
    bench.flow(0, 2_000)
    bench.total += 2_000
    bench.poll(3)
    bench.shown = 0
    bench.poll(3)
    bench.shown = 2_000
    bench.poll(30)
    assert len(bench.booked) == 1
    assert bench.jumps == []
    assert bench.sale.is_settled


def test_the_same_figures_once_more_while_nobody_looked_are_a_fill() -> None:
    bench = Bench().rest()
    bench.flow(0, 2_000)
    bench.total += 2_000
    bench.poll(3)
    bench.total += 2_000
    bench.sale.line_up()
    bench.poll(15)
    assert bench.booked == [(START + 2_000, 2_000), (START + 4_000, 2_000)]


@pytest.mark.parametrize("seen", [[], [0], [0, 2_000]])
def test_a_fill_with_the_figures_of_the_last_is_one_of_its_own(
    seen: list[int],
) -> None:
    """Also where the totaliser comes late and hardly anything was seen of it."""
    bench = Bench().rest()
    bench.flow(0, 2_000)
    bench.total += 2_000
    bench.poll(3)
    bench.flow(*seen)
    bench.shown = 2_000
    if not seen:
        bench.sale.line_up()
        bench.total += 2_000
    bench.poll(3)
    bench.total = START + 4_000
    bench.poll(20)
    assert bench.booked == [(START + 2_000, 2_000), (START + 4_000, 2_000)]
    assert bench.jumps == []


def test_what_the_totaliser_moved_without_a_fill_is_told_once() -> None:
    bench = Bench().rest()
    bench.total += 700
    bench.sale.line_up()
    bench.poll(30)
    assert bench.booked == []
    assert bench.jumps == [Jump(START, START + 700)]


def test_a_totaliser_that_takes_a_fill_in_not_at_all_is_told() -> None:
    bench = Bench().rest()
    bench.flow(0, 2_000)
    bench.poll(UPDATE_LIMIT_US // SECOND + 4)
    assert bench.booked == [(START, 2_000)]
    assert bench.jumps == [Jump(START, START)]


def test_a_beginning_fill_is_not_taken_for_a_jump() -> None:
    """Somebody asks for totals when gas flows and no poll has seen it yet."""
    bench = Bench().rest()
    bench.total += 30
    bench.sale.counted(Total(bench.total, 0), bench.now_us)
    bench.flow(0, 500, 1_000)
    bench.total += 970
    bench.poll(4)
    assert bench.booked == [(START + 1_000, 1_000)]
    assert bench.jumps == []


def test_a_fill_cut_by_a_lost_power_keeps_its_last_figures() -> None:
    bench = Bench().rest()
    bench.flow(0, 1_000, 1_800)
    bench.shown, bench.total = 0, START + 1_800
    bench.poll(4)
    assert bench.booked == [(START + 1_800, 1_800)]


def test_a_fill_that_begins_before_the_last_is_counted_leaves_both() -> None:
    bench = Bench().rest()
    bench.flow(0, 1_000)
    bench.poll(2)
    bench.flow(0, 300, 600)
    bench.total += 1_600
    bench.poll(4)
    assert bench.booked == [(START + 1_000, 1_000), (START + 1_600, 600)]


def test_the_totaliser_may_wrap_within_a_fill() -> None:
    bench = Bench(total=WRAP - 400).rest()
    bench.flow(0, 1_000)
    bench.total += 1_000
    bench.poll(3)
    assert bench.booked == [(600, 1_000)]


@pytest.mark.parametrize(
    ("known_e4", "behind_e4", "between_e4"),
    [(WRAP_E4 - 100, 10, WRAP_E4 - 23_870), (0, 0, 0), (10, 47_770, 23_890)],
)
def test_money_may_wrap_between_two_fills(
    known_e4: int, behind_e4: int, between_e4: int
) -> None:
    """By the pump's own last figure; a pump that counts no money tells none."""
    sale = LastSale(wrap_milli=WRAP, wrap_e4=WRAP_E4, step_milli=10)
    before, behind = Total(START, known_e4), Total(START + 1_600, behind_e4)
    shown = [(0, before, False)] * 8
    shown += [(quantity, before, True) for quantity in (0, 500, 1_000, 0, 300, 600)]
    shown += [(600, behind, False)] * 6
    told = []
    for second, (quantity, total, flows) in enumerate(shown):
        now_us = second * SECOND
        sale.saw(shows(quantity), now_us, is_flowing=flows, is_over=not flows)
        if sale.wants_total(now_us):
            sale.counted(total, now_us)
        if (fill := sale.offer(now_us)) is not None:
            told.append(fill.total.amount_e4)
            sale.decided(fill.device_seq, now_us, accepted=True)
    assert told == [between_e4, behind_e4]


def test_a_meter_that_runs_on_corrects_the_fill_before_it_is_counted() -> None:
    bench = Bench().rest()
    bench.flow(0, 1_000)
    bench.poll(3)
    bench.shown, bench.total = 1_010, START + 1_010
    bench.poll(4)
    assert bench.booked == [(START + 1_010, 1_010)]


def test_a_refused_fill_is_offered_again_after_4_s() -> None:
    bench = Bench(accepts=False).rest()
    bench.flow(0, 1_000)
    bench.total += 1_000
    bench.poll(3)
    assert not bench.sale.is_settled
    assert bench.sale.offer(bench.now_us) is None
    assert bench.sale.offer(bench.now_us + OFFERED_AGAIN_US) is not None


def test_a_service_that_commits_nothing_costs_bounded_memory() -> None:
    bench = Bench(accepts=False).rest()
    for _ in range(3 * MOST_WAITING):
        bench.flow(0, 1_000)
        bench.total += 1_000
        bench.poll(3)
    bench.accepts = True
    bench.poll(2 * MOST_WAITING, every_us=OFFERED_AGAIN_US)
    assert len(bench.booked) == MOST_WAITING
    assert bench.booked[-1] == (bench.total, 1_000)

"""How the fills of a pump that remembers only its last one become records, once each.

Such a pump shows the figures of its current or last fill and the totaliser of its
nozzle, and numbers nothing. A fill's number is therefore the totaliser behind it: it
rises with every fill and is the same when it is read again after a restart, so that
the book finds a fill that it has.

    LINING_UP  the program begins: what the pump shows may be booked already
    RESTING    the totaliser is known and nothing flows
    FILLING    flow, authorised or not
    ENDING     no flow: the figures must stay for 750 ms, the nozzle be back
    COUNTING   the totaliser must take the fill in; some do so seconds later

A fill whose quantity is what the totaliser moved is known at once. Otherwise the
totaliser must stay: 10 s where it was known before, 5 s where it was not. A fill of
nothing is no fill. Fills that ended while the totaliser was not to be had, or while
the record before them waited, are numbered backwards from the newest.

What the totaliser moved without a fill is told as a jump; what it moved beside a fill
the book names, which compares each record with the one before it.
"""

from collections import deque
from dataclasses import dataclass, replace
from enum import Enum, auto

from cngstation.protocols.dispenser.canonical import SaleRecord, StopReason
from cngstation.protocols.dispenser.entry import NozzleSetup
from cngstation.protocols.dispenser.without_card import sale_without_card

STABLE_US = 750_000
# A pump may write its totaliser some seconds after the fill. One that was read too
# early gives a fill a number of its own, and it would be booked twice.
UPDATE_LIMIT_US = 10_000_000
SETTLE_US = 5_000_000
OFFERED_AGAIN_US = 4_000_000
# Fills that wait for a service that commits nothing; the oldest are given up.
MOST_WAITING = 32


@dataclass(frozen=True, slots=True)
class Figures:
    """What a pump shows of its current or last fill, in the station's units."""

    quantity_milli: int
    amount_e4: int
    price_e4: int
    raw: bytes = b""

    @property
    def fill(self) -> tuple[int, int]:
        """What tells a fill from another; the price may be set at any time."""
        return self.quantity_milli, self.amount_e4


@dataclass(frozen=True, slots=True)
class Total:
    """A nozzle's totaliser."""

    quantity_milli: int
    amount_e4: int
    raw: bytes = b""


@dataclass(slots=True)
class Fill:
    """A finished fill; the totals behind it are known when it is offered.

    `flowed` if its figures were seen to rise, `watched` if it was seen to be new;
    `was_cut` if its last figures were not seen.
    """

    figures: Figures
    flowed: bool
    watched: bool
    was_cut: bool = False
    total: Total = Total(0, 0)

    @property
    def device_seq(self) -> int:
        return self.total.quantity_milli


@dataclass(frozen=True, slots=True)
class Jump:
    """A totaliser moved, or stood still, where no fill explains it."""

    known_milli: int
    found_milli: int


class Stage(Enum):
    """Where a nozzle is between two records; see the module's text."""

    LINING_UP = auto()
    RESTING = auto()
    FILLING = auto()
    ENDING = auto()
    COUNTING = auto()


class LastSale:
    """One nozzle's fills; `wrap_milli` is the totaliser's first figure it cannot show.

    `wrap_e4` is that of the totaliser of money, `step_milli` the least that the one of
    gas moves.
    """

    def __init__(self, *, wrap_milli: int, wrap_e4: int, step_milli: int) -> None:
        self._wrap = wrap_milli
        self._wrap_e4 = wrap_e4
        self._step = step_milli
        self._stage = Stage.LINING_UP
        self._known: Total | None = None
        self._shown: Figures | None = None
        self._current: Fill | None = None
        self._same_since_us = 0
        self._is_over = False
        self._held: Figures | None = None  # a reading that may be a late reply
        self._finished: list[Fill] = []
        self._read: Total | None = None
        self._read_since_us = self._read_us = 0
        self._may_be_same = False  # a fill may have ended with the figures of the last
        self._offers: deque[Fill] = deque(maxlen=MOST_WAITING)
        self._offered_us: int | None = None
        self._jumps: list[Jump] = []

    @property
    def stage(self) -> Stage:
        return self._stage

    @property
    def is_settled(self) -> bool:
        """Whether nothing is lost if the pump forgets its last fill now."""
        return self._stage is Stage.RESTING and not self._offers

    def line_up(self) -> None:
        """The pump was out of sight: its totaliser must stand before it is believed."""
        if self._stage is Stage.RESTING:
            self._look_again()

    def saw(
        self, figures: Figures, now_us: int, *, is_flowing: bool, is_over: bool
    ) -> None:
        """Take what the pump shows; `is_over` when the nozzle is back, or stopped."""
        held, self._held = self._held, None
        if held is None and self._is_doubtful(figures, is_flowing=is_flowing):
            self._held = figures
            return
        if held is not None and self._stage is Stage.RESTING and not is_flowing:
            # One look at flow: a late reply, or a fill with the figures of the last.
            self._look_again()
        if is_flowing:
            begins = self._stage is not Stage.FILLING
            if begins and held and held.quantity_milli <= figures.quantity_milli:
                self._saw_flow(held)
            self._saw_flow(figures)
        elif self._stage is Stage.FILLING:
            self._saw_end(figures, now_us, is_over=is_over)
        elif self._stage is Stage.ENDING:
            self._saw_ending(figures, now_us, is_over=is_over)
        elif self._stage is Stage.COUNTING:
            self._saw_behind(figures, now_us, is_over=is_over)
        elif self._stage is Stage.LINING_UP:
            self._begin_end(Fill(figures, flowed=False, watched=False), now_us)
            self._is_over = is_over
        elif self._shown is None or figures.fill != self._shown.fill:
            if figures.quantity_milli:
                self._begin_end(Fill(figures, flowed=False, watched=True), now_us)
                self._is_over = is_over
            else:
                self._shown = figures

    def wants_total(self, now_us: int) -> bool:
        """Tell whether the totaliser should be read now."""
        if self._stage is not Stage.COUNTING:
            return False
        return self._read is None or now_us - self._read_us >= STABLE_US

    def counted(self, total: Total, now_us: int) -> None:
        """Take a reading of the totaliser, asked for by whomever."""
        if self._stage is Stage.RESTING and self._known is not None:
            if total.quantity_milli == self._known.quantity_milli:
                return
            # A fill may just be beginning: it counts if it stays and nothing flows.
            self._stage = Stage.COUNTING
            self._read = None
        if self._stage is not Stage.COUNTING:
            return
        if self._read is None or self._read.quantity_milli != total.quantity_milli:
            self._read_since_us = now_us
        self._read, self._read_us = total, now_us
        stayed_us = now_us - self._read_since_us
        if self._known is None or self._may_be_same:
            fits = stayed_us >= SETTLE_US and (self._known is None or self._fits(total))
        else:
            fits = self._fits(total)
        if fits or stayed_us >= UPDATE_LIMIT_US:
            self._settle(total)

    def offer(self, now_us: int) -> Fill | None:
        """Return the fill to report now, oldest first."""
        waits = self._offered_us is not None
        if waits and now_us - (self._offered_us or 0) < OFFERED_AGAIN_US:
            return None
        if not self._offers:
            return None
        self._offered_us = now_us
        return self._offers[0]

    def decided(self, device_seq: int, now_us: int, *, accepted: bool) -> None:
        """Hear that a fill is committed, or could not be."""
        if not self._offers or self._offers[0].device_seq != device_seq:
            return
        self._offered_us = now_us
        if accepted:
            self._offers.popleft()
            self._offered_us = None

    def take_jumps(self) -> list[Jump]:
        """Return the jumps since the last call."""
        jumps, self._jumps = self._jumps, []
        return jumps

    # Figures

    def _look_again(self) -> None:
        """Count again: a fill may have come whose figures are those of the last."""
        self._stage = Stage.COUNTING
        self._read, self._may_be_same = None, True

    def _is_doubtful(self, figures: Figures, *, is_flowing: bool) -> bool:
        """Tell whether a reading may be a late reply, which shows what was.

        Figures that fell and flow that begins count when they are read twice.
        """
        current = self._current
        fell = (
            current is not None
            and figures.quantity_milli < current.figures.quantity_milli
        )
        begins = is_flowing and self._stage not in {Stage.FILLING, Stage.LINING_UP}
        return fell or begins

    def _saw_flow(self, figures: Figures) -> None:
        earlier = self._current
        if earlier is not None and self._is_another(figures, earlier):
            self._finish(earlier)
            earlier = None
        if earlier is None:
            # At first a pump may still show the fill before.
            new = self._shown is not None and figures.fill != self._shown.fill
            flowed = new and figures.quantity_milli > 0
        else:
            rose = figures.quantity_milli > earlier.figures.quantity_milli
            flowed = earlier.flowed or rose
        self._stage = Stage.FILLING
        self._is_over = False
        self._current = Fill(figures, flowed=flowed, watched=True)

    def _is_another(self, figures: Figures, earlier: Fill) -> bool:
        """Tell whether flow is that of the next fill; the one before may be cut."""
        if self._stage is Stage.ENDING and self._is_over:
            return True
        fell = figures.quantity_milli < earlier.figures.quantity_milli
        earlier.was_cut = fell and earlier.flowed
        return earlier.was_cut

    def _saw_end(self, figures: Figures, now_us: int, *, is_over: bool) -> None:
        current = self._current
        assert current is not None
        if self._is_another(figures, current):
            # Its last figures are gone; the totaliser will tell what is missing.
            self._finish(current)
            self._begin_end(Fill(figures, flowed=False, watched=True), now_us)
        else:
            flowed = current.flowed
            flowed |= figures.quantity_milli > current.figures.quantity_milli
            self._begin_end(Fill(figures, flowed=flowed, watched=True), now_us)
        self._is_over = is_over

    def _saw_ending(self, figures: Figures, now_us: int, *, is_over: bool) -> None:
        current = self._current
        assert current is not None
        if figures.quantity_milli < current.figures.quantity_milli:
            self._finish(current)
            self._begin_end(Fill(figures, flowed=False, watched=True), now_us)
        elif figures.fill != current.figures.fill:
            self._same_since_us = now_us
            current.figures = figures
        self._is_over = self._is_over or is_over
        if self._is_over and now_us - self._same_since_us >= STABLE_US:
            self._finish(current)

    def _saw_behind(self, figures: Figures, now_us: int, *, is_over: bool) -> None:
        if self._shown is None or figures.fill == self._shown.fill:
            return
        if not figures.quantity_milli:
            self._shown = figures
            return
        last = self._finished[-1] if self._finished else None
        if last is not None and figures.quantity_milli > last.figures.quantity_milli:
            # The meter ran on a little after its figures had stood.
            self._finished.pop()
            last.figures = figures
            self._begin_end(last, now_us)
        else:
            self._begin_end(Fill(figures, flowed=False, watched=True), now_us)
        self._is_over = is_over

    def _begin_end(self, fill: Fill, now_us: int) -> None:
        self._stage = Stage.ENDING
        self._current = fill
        self._same_since_us = now_us

    def _finish(self, fill: Fill) -> None:
        shown, self._shown = self._shown, fill.figures
        self._current = None
        self._read = None
        # The figures of the fill before are no fill; of the totaliser they may be.
        is_old = shown is not None and shown.fill == fill.figures.fill
        if fill.figures.quantity_milli and (fill.flowed or not is_old):
            self._finished.append(fill)
        elif fill.figures.quantity_milli:
            self._may_be_same = True
        self._stage = Stage.COUNTING

    # The totaliser

    def _moved(self, total: Total) -> int:
        known = self._known.quantity_milli if self._known is not None else 0
        return (total.quantity_milli - known) % self._wrap

    def _fits(self, total: Total) -> bool:
        """Tell whether the finished fills are what the totaliser has moved."""
        if self._known is None:
            return False
        expected = sum(fill.figures.quantity_milli for fill in self._finished)
        slack = (self._step - 1) * len(self._finished)
        return abs(self._moved(total) - expected) <= slack

    def _settle(self, total: Total) -> None:
        fills = self._finished
        if self._known is not None and not self._fits(total):
            fills = self._misfits(total, self._known)
        self._finished = []
        behind, known_e4 = total, self._known.amount_e4 if self._known else 0
        for fill in reversed(fills):
            fill.total = behind
            quantity = behind.quantity_milli - fill.figures.quantity_milli
            amount = behind.amount_e4 - fill.figures.amount_e4
            # Money below what it stood at has gone round; none at all is not counted.
            amount = amount % self._wrap_e4 if known_e4 else max(amount, 0)
            behind = Total(quantity % self._wrap, amount)
        self._offers.extend(fills)
        self._known = total
        self._read = None
        self._may_be_same = False
        self._stage = Stage.RESTING

    def _misfits(self, total: Total, known: Total) -> list[Fill]:
        """Return what is a fill where the totaliser moved otherwise."""
        moved, shown = self._moved(total), self._shown
        if self._finished and moved:
            return self._finished
        if not moved and not any(fill.flowed for fill in self._finished):
            return []  # the pump showed an old fill again
        at_rest = not self._finished and shown is not None and shown.quantity_milli > 0
        if shown and at_rest and abs(moved - shown.quantity_milli) < self._step:
            # The same figures once more, while nobody looked.
            return [Fill(shown, flowed=False, watched=True)]
        self._jumps.append(Jump(known.quantity_milli, total.quantity_milli))
        return self._finished


def record_of(fill: Fill, *, protocol: str, nozzle: NozzleSetup) -> SaleRecord:
    """Return the record of a fill that nobody's card paid for."""
    figures = fill.figures
    record = sale_without_card(
        protocol=protocol,
        device_seq=fill.device_seq,
        unit=nozzle.unit,
        quantity_milli=figures.quantity_milli,
        price_e4=figures.price_e4,
        amount_e4=figures.amount_e4,
        total_quantity_milli=fill.total.quantity_milli,
        total_amount_e4=fill.total.amount_e4,
        raw_frame=figures.raw + fill.total.raw,
        stop_reason=StopReason.POWER_LOSS if fill.was_cut else StopReason.UNKNOWN,
    )
    return replace(record, is_numbered_by_total=True, is_watched=fill.watched)

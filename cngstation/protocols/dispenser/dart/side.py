"""One side of a DART pump: what it said last, and what it is to be asked next."""

from collections.abc import Iterable

from cngstation.protocols.dispenser.canonical import FuellingState, NozzleStatus
from cngstation.protocols.dispenser.dart.frames import FIRST_ADDRESS
from cngstation.protocols.dispenser.dart.settings import TOTAL_DIGITS, DartSettings
from cngstation.protocols.dispenser.dart.transactions import (
    Command,
    Filled,
    NozzlePlace,
    Said,
    SideTotals,
    Status,
)
from cngstation.protocols.dispenser.entry import NozzleSetup
from cngstation.protocols.dispenser.last_sale import (
    STABLE_US,
    Figures,
    LastSale,
    Stage,
    Total,
)
from cngstation.protocols.dispenser.without_card import status_without_card

# A pump says what has changed; what it said is asked for again after so long, for a
# change may have been lost with a block.
REFRESH_US = 5_000_000
ASKED_AGAIN_US = 400_000
PRICE_QUESTIONS = 20  # then a fill without a price is better than none

_STATES = {
    Status.NOT_PROGRAMMED: FuellingState.INOPERATIVE,
    Status.AUTHORISED: FuellingState.AUTHORISED,
    Status.FILLING: FuellingState.FUELLING,
    Status.MAXIMUM_REACHED: FuellingState.SUSPENDED_FUELLING,
    Status.SWITCHED_OFF: FuellingState.CLOSED,
}
_SHOWING = frozenset({FuellingState.FUELLING, FuellingState.SUSPENDED_FUELLING})


class Side:
    """What is known of one side; `sale` turns its fills into records."""

    def __init__(self, setup: NozzleSetup, settings: DartSettings) -> None:
        self.setup = setup
        self.address = FIRST_ADDRESS + setup.gun - 1
        self.sale = LastSale(
            wrap_milli=settings.total_wrap_milli(TOTAL_DIGITS),
            wrap_e4=settings.total_wrap_e4(TOTAL_DIGITS),
            step_milli=settings.total_step_milli,
        )
        self.status: Status | None = None
        self.filled: Filled | None = None
        self.place: NozzlePlace | None = None
        self.totals: SideTotals | None = None
        self.stop_taken = False
        self._settings = settings
        self._raw = b""
        self._filled_us = self._status_us = self._seen_us = 0
        self._asked_us: dict[Command, int] = {}
        self._block = -1
        self._asked_price = 0

    def next_block(self) -> int:
        """Return the number of the next new block."""
        self._block = (self._block + 1) % 16
        return self._block

    def line_up(self) -> None:
        """It was out of sight, perhaps without power: its blocks begin with 0."""
        self._block = -1
        self.filled = None
        self.forget_status()
        self.sale.line_up()

    def forget_status(self) -> None:
        """Believe only what it says from now on."""
        self.status = None

    @property
    def is_out(self) -> bool:
        """Whether its nozzle is out; one that never said is taken to be in."""
        return self.place is not None and self.place.is_out

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way and nothing would be lost by a reset."""
        at_rest = self.status in {Status.NOT_PROGRAMMED, Status.RESET, Status.COMPLETE}
        return at_rest and not self.is_out and self.sale.is_settled

    @property
    def state(self) -> FuellingState:
        """Its state in the common vocabulary."""
        status = self.status
        if status is Status.SUSPENDED:
            flowed = self.filled is not None and self.filled.volume > 0
            suspended = FuellingState.SUSPENDED_FUELLING
            return suspended if flowed else FuellingState.SUSPENDED_STARTED
        if status is Status.RESET and self.is_out:
            return FuellingState.CALLING
        if status is Status.COMPLETE and self.is_out:
            return FuellingState.SUSPENDED_FUELLING
        if status is None:
            return FuellingState.IDLE
        return _STATES.get(status, FuellingState.IDLE)

    def take(self, sayings: Iterable[Said], raw: bytes, now_us: int) -> None:
        """Take what it said."""
        self._raw = raw
        for one in sayings:
            match one:
                case Status():
                    self.status, self._status_us = one, now_us
                    if one is Status.RESET:
                        self.stop_taken = False
                case Filled():
                    self.filled, self._filled_us = one, now_us
                case NozzlePlace():
                    self.place = one
                case SideTotals() if one.nozzle & 0xF == self._settings.nozzle:
                    self.totals = one

    def next_question(self, now_us: int) -> Command | None:
        """Return what it should be asked now, beside its totaliser."""
        if self.status is None or now_us - self._status_us >= REFRESH_US:
            question = Command.RETURN_STATUS
        elif self.filled is None or self._lacks_price or self._wants_figures(now_us):
            question = Command.RETURN_FILLING
        else:
            return None
        asked_us = self._asked_us.get(question)
        if asked_us is not None and now_us - asked_us < ASKED_AGAIN_US:
            return None
        self._asked_us[question] = now_us
        self._asked_price += self.place is None
        return question

    @property
    def _lacks_price(self) -> bool:
        """What it had to say when this program began need not name its price."""
        return self.place is None and self._asked_price < PRICE_QUESTIONS

    def _wants_figures(self, now_us: int) -> bool:
        ends = self.sale.stage in {Stage.ENDING, Stage.LINING_UP}
        return (ends or self.status is Status.FILLING) and (
            now_us - self._filled_us >= STABLE_US
        )

    def watch(self, now_us: int) -> None:
        """Let its sale see the figures; figures that must stay are new readings."""
        if self.status is None or self.filled is None or self._lacks_price:
            return
        ends = self.sale.stage in {Stage.ENDING, Stage.LINING_UP}
        if ends and self._filled_us <= self._seen_us:
            return
        self._seen_us = now_us
        is_over = not self.is_out or self.stop_taken or self.status is Status.COMPLETE
        self.sale.saw(
            self.figures(),
            now_us,
            is_flowing=self.status is Status.FILLING,
            is_over=is_over,
        )

    def figures(self) -> Figures:
        """What it shows, in the station's units."""
        filled = self.filled or Filled(0, 0)
        return Figures(
            self._settings.quantity_milli(filled.volume),
            self._settings.amount_e4(filled.amount),
            self.price_e4,
            self._raw,
        )

    @property
    def price_e4(self) -> int:
        """The price that it said last."""
        return self._settings.price_e4(self.place.price if self.place else 0)

    def total(self) -> Total | None:
        """Its totaliser, if it has said it since it was asked."""
        if self.totals is None:
            return None
        quantity = self.totals.volume * self._settings.total_step_milli
        return Total(quantity, self._settings.amount_e4(self.totals.amount), self._raw)

    def nozzle_status(self) -> NozzleStatus:
        """Return a live reading; figures are those of a fill under way."""
        state = self.state
        shows = state in _SHOWING
        figures = self.figures()
        return status_without_card(
            state,
            raw=self._raw,
            price_e4=figures.price_e4,
            quantity_milli=figures.quantity_milli if shows else 0,
            amount_e4=figures.amount_e4 if shows else 0,
            locked=self.status is Status.SWITCHED_OFF,
        )

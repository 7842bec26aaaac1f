"""What the station remembers of one fuelling point of a UniPump controller."""

from cngstation.protocols.dispenser.canonical import NozzleStatus
from cngstation.protocols.dispenser.entry import NozzleSetup
from cngstation.protocols.dispenser.last_sale import LastSale
from cngstation.protocols.dispenser.unipump import mapping
from cngstation.protocols.dispenser.unipump.frames import Frame
from cngstation.protocols.dispenser.unipump.messages import (
    Filling,
    Requests,
    State,
    Status,
    Transaction,
)

_AT_REST = frozenset({State.IDLE, State.COMPLETED})
_BUSY = frozenset({State.READY, State.WORK, State.STOPPED})


class FuellingPoint:
    """One point's last status, its prices, its lock, and its fill under way."""

    def __init__(self, setup: NozzleSetup, requests: Requests, nozzle: int) -> None:
        self.setup = setup
        self.requests = requests
        self._nozzle = nozzle
        self.sale = LastSale(
            wrap_milli=mapping.TOTAL_WRAP_MILLI,
            wrap_e4=mapping.TOTAL_WRAP_E4,
            step_milli=mapping.TOTAL_STEP_MILLI,
        )
        self.prices: tuple[int, ...] | None = None
        self.shown: Transaction | None = None  # ended and not closed
        self.is_ours = False
        self.is_filling = False
        self._state: State | None = None
        self._pending = ""
        self._closed_us: int | None = None

    def line_up(self) -> None:
        """It was out of sight: compare its totaliser, read its prices again."""
        self.sale.line_up()
        self.prices = None

    @property
    def price(self) -> int:
        """The price of its nozzle in hundredths, 0 while it is not known."""
        return 0 if self.prices is None else self.prices[self._nozzle - 1]

    @property
    def is_authorised(self) -> bool:
        """Whether a fill is allowed or goes on."""
        return self.is_filling or self._state in _BUSY or self._pending == "A"

    @property
    def is_busy(self) -> bool:
        """Whether it is better left alone but for its status."""
        return self.is_filling or self._state in _BUSY

    @property
    def is_at_rest(self) -> bool:
        """Whether nobody is at it and nothing of it is open."""
        is_open = self.shown is not None or self.is_filling or self._pending
        return self._state in _AT_REST and not is_open

    def heard(
        self, answer: Status | Filling | Transaction, frame: Frame
    ) -> NozzleStatus:
        """Take a status, in whichever of its three forms; return it mapped."""
        raw = frame.to_bytes()
        self.shown = answer if isinstance(answer, Transaction) else None
        self.is_filling = isinstance(answer, Filling)
        if isinstance(answer, Status):
            if self._state is State.OFFLINE and answer.state is not State.OFFLINE:
                self.line_up()
            self._state, self._pending = answer.state, answer.pending
            self.is_filling = answer.state is State.WORK
            self.is_ours = answer.is_locked
            return mapping.nozzle_status(answer, self.price, raw)
        self._state, self._pending = None, ""
        if isinstance(answer, Filling):
            return mapping.filling_status(answer, self.price, raw)
        return mapping.ended_status(self.price, raw)

    def watch(
        self, answer: Status | Filling | Transaction, frame: Frame, now_us: int
    ) -> None:
        """Show the fill what a status says of it."""
        if isinstance(answer, Filling):
            figures = mapping.filling_figures(answer, self.price, frame.to_bytes())
            self.sale.saw(figures, now_us, is_flowing=True, is_over=False)
        elif isinstance(answer, Transaction):
            figures = mapping.sale_figures(answer, frame.to_bytes())
            self.sale.saw(figures, now_us, is_flowing=False, is_over=True)
        elif answer.state in {State.IDLE, State.NOZZLE_UP}:
            self.sale.saw(mapping.NO_FIGURES, now_us, is_flowing=False, is_over=True)

    def is_time_to_close(self, now_us: int, pause_us: int) -> bool:
        """Tell whether the transaction that is shown may be closed now; notes it."""
        before_us = self._closed_us
        if before_us is not None and now_us - before_us < pause_us:
            return False
        self._closed_us = now_us
        return True

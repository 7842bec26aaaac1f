"""What the station remembers of each pump behind a controller.

A sale is offered to the service until it is committed, and only then closed at the
controller:

    ended, or finished by itself  -> offered, again after 5 s without an answer
    refused by the service        -> rests 4 s, is offered again
    committed                     -> closed where the controller still shows it
"""

from dataclasses import dataclass, field, replace

from cngstation.protocols.dispenser.canonical import (
    FuellingState,
    NozzleStatus,
    SaleRecord,
)
from cngstation.protocols.dispenser.dialogue import Request
from cngstation.protocols.dispenser.pts.messages import (
    KEPT_TRANSACTIONS,
    LAST_TRANSACTION,
    Filling,
    Idle,
    Sale,
)
from cngstation.protocols.dispenser.turns import PolledNozzle
from cngstation.protocols.dispenser.without_card import (
    sale_without_card,
    status_without_card,
)
from cngstation.units import Unit

PROTOCOL = "pts"
REFUSED_REST_US = 4_000_000
REPEATED_AFTER_US = 5_000_000
TOTALS_LIMIT_US = 5_000_000
_BUSY = frozenset(
    {
        FuellingState.CALLING,
        FuellingState.AUTHORISED,
        FuellingState.FUELLING,
        FuellingState.SUSPENDED_FUELLING,
    }
)
_FILLING = frozenset({FuellingState.FUELLING, FuellingState.SUSPENDED_FUELLING})
_AUTHORISING = "PumpAuthorize"


@dataclass(slots=True)
class Offered:
    """A sale that the service has not committed yet, and when it is told again."""

    record: SaleRecord
    told_again_us: int = 0


@dataclass(slots=True)
class Point(PolledNozzle):
    """One pump's link, its sale under way, and what was asked of it."""

    nozzle: int = 1
    unit: Unit = Unit.M3
    state: FuellingState | None = None  # None until it is heard
    newest: int | None = None  # the newest finished transaction that it has shown
    compared: int | None = None  # the newest that needs no fetching
    committed: int | None = None  # the newest that the service has committed
    offered: Offered | None = None
    closing: int | None = None  # a transaction that is to be closed
    closed_again_us: int = 0
    transaction: int = 0  # the fill that was seen last
    pressure_before_kpa: int | None = None
    pressure_kpa: int | None = None
    totals_request: Request | None = None
    totals_until_us: int = 0
    fetched_again_us: int = 0
    confirmed_e4: int | None = None  # the price that was set last
    prices_e4: tuple[int, ...] = field(default=())

    @property
    def is_busy(self) -> bool:
        """Whether somebody is at it."""
        return self.state in _BUSY

    @property
    def is_filling(self) -> bool:
        """Whether gas flows, or is held up."""
        return self.state in _FILLING

    @property
    def is_at_rest(self) -> bool:
        """Whether a price can change without a fill being touched."""
        return self.state in {FuellingState.IDLE, FuellingState.CLOSED}

    def to_fetch(self) -> int | None:
        """Return a transaction that it finished and closed without showing it to us.

        Only the newest: the book names what is missing before it.
        """
        if self.newest in {None, 0, self.compared} or self.offered is not None:
            return None
        return self.newest

    def is_kept(self, transaction: int) -> bool:
        """Tell whether the controller still keeps what was sold under a number."""
        if self.newest is None:
            return False
        behind = (self.newest - transaction) % LAST_TRANSACTION
        return behind < KEPT_TRANSACTIONS

    def shown(self, transaction: int | None) -> None:
        """Take note of its newest finished transaction.

        What was finished when it was first heard is compared by its counter.
        """
        if transaction is None:
            return
        self.newest = transaction
        if self.compared is None:
            self.compared = transaction

    def offer(self, record: SaleRecord) -> None:
        """Have the service told of a sale, unless it has it already."""
        if self.offered is None:
            self.offered = Offered(record)

    def ended(self, sale: Sale, raw: bytes) -> None:
        """Offer a fill that the controller shows until it is closed."""
        if sale.transaction == self.committed:
            self.closing = sale.transaction
        else:
            self.offer(self.record(sale, raw))

    def due_offer(self, now_us: int) -> SaleRecord | None:
        """Return the sale that the service is to be told of now."""
        offered = self.offered
        if offered is None or now_us < offered.told_again_us:
            return None
        offered.told_again_us = now_us + REPEATED_AFTER_US
        return offered.record

    def answered_offer(self, device_seq: int, now_us: int, *, accepted: bool) -> None:
        """Take the service's answer; one to another sale is none."""
        offered = self.offered
        if offered is None or offered.record.device_seq != device_seq:
            return
        if not accepted:
            offered.told_again_us = now_us + REFUSED_REST_US
            return
        self.offered = None
        self.committed = self.closing = device_seq
        self.compared = self.newest = device_seq

    def idle_status(self, idle: Idle, raw: bytes) -> NozzleStatus:
        """Map a pump that does not fill."""
        state = FuellingState.IDLE
        if idle.is_locked:
            state = FuellingState.CLOSED
        elif idle.request == _AUTHORISING:
            state = FuellingState.AUTHORISED
        elif idle.nozzle_up:
            state = FuellingState.CALLING
        self.state = state
        if idle.prices_e4:
            self.prices_e4 = idle.prices_e4
        return status_without_card(
            state, locked=idle.is_locked, price_e4=self.price_e4, raw=raw
        )

    @property
    def price_e4(self) -> int:
        """The price that it shows for its nozzle, 0 where it shows none."""
        return self.prices_e4[self.nozzle - 1] if self.shows_price else 0

    @property
    def shows_price(self) -> bool:
        """Tell whether it says which price is in force."""
        return len(self.prices_e4) >= self.nozzle

    def filling_status(self, filling: Filling, raw: bytes) -> NozzleStatus:
        """Map a fill that goes on."""
        if filling.transaction != self.transaction:
            self.transaction = filling.transaction
            self.pressure_before_kpa = self.pressure_kpa = None
        state = FuellingState.FUELLING
        if filling.is_suspended:
            state = FuellingState.SUSPENDED_FUELLING
        self.state = state
        return status_without_card(
            state,
            price_e4=filling.price_e4,
            quantity_milli=filling.quantity_milli,
            amount_e4=filling.amount_e4,
            pressure_kpa=self.pressure_kpa,
            raw=raw,
        )

    def ended_status(self, sale: Sale, raw: bytes) -> NozzleStatus:
        """Map a pump that shows a fill which is not closed yet."""
        self.state = FuellingState.SUSPENDED_FUELLING
        return status_without_card(FuellingState.IDLE, price_e4=sale.price_e4, raw=raw)

    def measured(self, pressure_kpa: int | None) -> None:
        """Keep a pressure; the first of a fill is the one before it."""
        if pressure_kpa is not None:
            self.pressure_kpa = pressure_kpa
            if self.pressure_before_kpa is None:
                self.pressure_before_kpa = pressure_kpa

    def record(self, sale: Sale, raw: bytes) -> SaleRecord:
        """Map a finished fill; its pressures are those that were measured during it."""
        seen = sale.transaction == self.transaction
        record = sale_without_card(
            protocol=PROTOCOL,
            device_seq=sale.transaction,
            unit=self.unit,
            quantity_milli=sale.quantity_milli,
            price_e4=sale.price_e4,
            amount_e4=sale.amount_e4,
            total_quantity_milli=sale.total_quantity_milli,
            total_amount_e4=sale.total_amount_e4,
            transaction_code=sale.nozzle,
            started_at=sale.started_at,
            ended_at=sale.ended_at,
            pressure_before_kpa=self.pressure_before_kpa if seen else None,
            pressure_after_kpa=self.pressure_kpa if seen else None,
            raw_frame=raw,
        )
        return replace(record, is_offline=sale.is_offline, last_number=LAST_TRANSACTION)


def before(transaction: int) -> int:
    """Return the number before a transaction's; they begin again behind the last."""
    return transaction - 1 if transaction > 1 else LAST_TRANSACTION

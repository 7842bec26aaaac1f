"""One pump behind a simulated PTS-2 controller: its fills, and what it remembers.

Volumes are in 1/1000, money in fen, pressure in 1/1000 psi. A pump numbers its
transactions from 1 to 65 535 and begins again.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime

from cngstation.simulators.control import HandsRefused

LAST_NUMBER = 65_535
KEPT = 1_000


@dataclass(slots=True)
class Fill:
    """A transaction that moves gas, or has."""

    number: int
    price: int
    started_at: datetime
    limit: int
    flow_per_s: float
    volume: int = 0
    amount: int = 0
    ended_at: datetime | None = None
    is_closed: bool = False
    is_offline: bool = False
    total_volume: int = 0
    total_amount: int = 0


@dataclass(slots=True)
class Point:
    """A pump with one nozzle in use; `is_automatic` fills without being allowed.

    Without `tells_total` its transactions have no totalisers.
    """

    number: int
    nozzle: int = 1
    price: int = 398
    is_automatic: bool = True
    tells_total: bool = True
    closes_itself: bool = False
    last_number: int = 0
    total_volume: int = 0
    total_amount: int = 0
    pressure: int = 0
    is_lifted: bool = False
    is_locked: bool = False
    is_offline: bool = False
    is_authorised: bool = False
    preset_volume: int = 0
    preset_amount: int = 0
    fill: Fill | None = None
    open: Fill | None = None
    kept: OrderedDict[int, Fill] = field(default_factory=OrderedDict)
    _since: float = 0.0

    def next_number(self) -> int:
        """Give out the number of a transaction."""
        self.last_number = self.last_number % LAST_NUMBER + 1
        return self.last_number

    def begin(
        self, volume: int, flow_per_s: float, now: float, clock: datetime
    ) -> Fill:
        """Let gas flow to a vehicle that takes so much."""
        if self.is_locked or self.fill is not None or self.open is not None:
            raise HandsRefused("the pump is locked, filling or not closed")
        if not self.is_lifted:
            raise HandsRefused("the nozzle hangs")
        if not (self.is_automatic or self.is_authorised):
            raise HandsRefused("the pump is not authorised")
        # An authorisation has given out the number already.
        number = self.last_number if self.is_authorised else self.next_number()
        self.is_authorised = False
        limit = min(volume, self.preset_volume or volume)
        if self.preset_amount:
            limit = min(limit, self.preset_amount * 1000 // self.price)
        self.preset_volume = self.preset_amount = 0
        self.fill = Fill(number, self.price, clock, limit, flow_per_s)
        self._since = now
        return self.fill

    def flow(self, now: float, clock: datetime) -> None:
        """Let time pass."""
        fill = self.fill
        if fill is None:
            return
        volume = min(int((now - self._since) * fill.flow_per_s), fill.limit)
        fill.volume = max(fill.volume, volume)
        fill.amount = _amount(fill)
        if fill.volume >= fill.limit:
            self.stop(clock)

    def stop(self, clock: datetime) -> None:
        """Close the valve: the transaction is at its end."""
        fill, self.fill = self.fill, None
        if fill is None:
            return
        fill.amount = _amount(fill)
        fill.ended_at = clock
        self.total_volume += fill.volume
        self.total_amount += fill.amount
        fill.total_volume, fill.total_amount = self.total_volume, self.total_amount
        self.kept[fill.number] = fill
        while len(self.kept) > KEPT:
            self.kept.popitem(last=False)
        if self.closes_itself or self.is_offline:
            fill.is_closed, fill.is_offline = True, self.is_offline
        else:
            self.open = fill

    def cut_power(self, now: float, clock: datetime) -> None:
        """Lose the power and get it back: what had flowed is a transaction."""
        self.flow(now, clock)
        self.stop(clock)
        self.is_authorised = False
        self.preset_volume = self.preset_amount = 0

    def clear_memory(self) -> None:
        """Forget every transaction: numbers and totals begin at 0.

        Raises:
            HandsRefused: gas flows.
        """
        if self.fill is not None:
            raise HandsRefused("gas flows")
        self.kept.clear()
        self.open = None
        self.last_number = self.total_volume = self.total_amount = 0

    def sell_at_once(self, volume: int, clock: datetime) -> Fill:
        """Sell without anybody looking, as a pump does that is cut off."""
        was_lifted, self.is_lifted = self.is_lifted, True
        was_automatic, self.is_automatic = self.is_automatic, True
        try:
            fill = self.begin(volume, 1.0, 0.0, clock)
        finally:
            self.is_lifted, self.is_automatic = was_lifted, was_automatic
        fill.volume = fill.limit
        self.stop(clock)
        return fill

    def close(self, number: int) -> bool:
        """Forget that a transaction is open; False where it is not."""
        if self.open is None or self.open.number != number:
            return False
        self.open.is_closed, self.open = True, None
        return True

    def authorise(self, volume: int, amount: int) -> int:
        """Allow the next fill; return its number."""
        self.is_authorised = True
        self.preset_volume, self.preset_amount = volume, amount
        return self.next_number()


def _amount(fill: Fill) -> int:
    return (fill.volume * fill.price + 500) // 1000

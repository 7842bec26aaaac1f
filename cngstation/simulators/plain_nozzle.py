"""A nozzle that reads no cards: gas for whoever stands there, and two totalisers.

Volumes are in 1/1000, money in fen, pressures in bar. What it has sold stays in a file
over a power cut; a fill that was going on ends with what had flowed when it was saved.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cngstation.simulators.control import HandsRefused

HUNG_UP, PRESET, STOPPED = 1, 2, 4
_SAVED = (
    "price",
    "total_volume",
    "total_amount",
    "volume",
    "amount",
    "last_volume",
    "last_amount",
    "last_price",
    "stop_code",
    "transaction",
    "is_open",
    "pressure_start",
    "pressure_end",
)


@dataclass(slots=True)
class PlainNozzle:
    """One nozzle; `volume` and `amount` are what its display shows."""

    number: int
    price: int = 398
    is_automatic: bool = True
    total_volume: int = 0
    total_amount: int = 0
    volume: int = 0
    amount: int = 0
    last_volume: int = 0
    last_amount: int = 0
    last_price: int = 0
    stop_code: int = 0
    transaction: int = 0
    is_open: bool = False  # a finished transaction is not closed
    pressure_start: int = 0
    pressure_end: int = 0
    is_lifted: bool = False
    is_locked: bool = False
    is_authorised: bool = False
    is_filling: bool = False
    preset_volume: int = 0
    preset_amount: int = 0
    closes_itself: bool = True
    sales: list[int] = field(default_factory=list)
    file: Path | None = None
    _limit: int = 0
    _flow_per_s: float = 0.0
    _since: float = 0.0

    def power_returns(self) -> None:
        """Remember what stood in the file; a fill that was cut is a sale."""
        if self.file is not None and self.file.exists():
            kept = json.loads(self.file.read_text())
            was_filling = kept.pop("is_filling")
            for name, value in kept.items():
                setattr(self, name, value)
            if was_filling:
                self._finish(0)

    def cut_power(self, now: float) -> None:
        """Lose the power and get it back: what had flowed is a sale."""
        self.flow(now)
        self.is_authorised = False
        self.preset_volume = self.preset_amount = 0
        if self.is_filling:
            self._finish(0)

    def clear_memory(self) -> None:
        """Get a new board: nothing was ever sold here.

        Raises:
            HandsRefused: gas flows.
        """
        if self.is_filling:
            raise HandsRefused("gas flows")
        self.total_volume = self.total_amount = self.transaction = 0
        self.last_volume = self.last_amount = self.volume = self.amount = 0
        self.is_open = False
        self.save()

    def lift(self) -> None:
        """Take it off the hook; the display goes to zero when gas may flow."""
        self.is_lifted = True

    def begin(self, volume: int, flow_per_s: float, now: float) -> None:
        """Let gas flow to a vehicle that takes so much."""
        if self.is_locked or self.is_filling or self.is_open:
            raise HandsRefused("the nozzle is locked, filling or not closed")
        if not self.is_lifted:
            raise HandsRefused("the nozzle hangs")
        if not (self.is_automatic or self.is_authorised):
            raise HandsRefused("the nozzle is not authorised")
        self._limit = min(volume, self.preset_volume or volume)
        if self.preset_amount:
            self._limit = min(self._limit, self.preset_amount * 1000 // self.price)
        self.preset_volume = self.preset_amount = 0
        self.is_authorised, self.is_filling = False, True
        self.transaction = (self.transaction + 1) % 100
        self.volume = self.amount = 0
        self.pressure_start, self.pressure_end = 35, 35
        self._flow_per_s, self._since = flow_per_s, now
        self.save()

    def flow(self, now: float) -> None:
        """Let time pass."""
        if not self.is_filling:
            return
        volume = min(int((now - self._since) * self._flow_per_s), self._limit)
        if volume != self.volume:
            self.volume, self.amount = volume, self._priced(volume)
            self.pressure_end = self.pressure_start + volume // 100
            self.save()
        if volume >= self._limit:
            self._finish(PRESET)

    def stop(self) -> None:
        """Close the valve by order."""
        if self.is_filling:
            self._finish(STOPPED)

    def hang_up(self) -> None:
        """Put it on the hook; a fill ends by it."""
        if self.is_filling:
            self._finish(HUNG_UP)
        self.is_lifted = self.is_authorised = False

    def sell(self, volume: int) -> None:
        """Sell without anybody looking."""
        if self.is_filling or (self.is_open and not self.closes_itself):
            raise HandsRefused("the nozzle is filling or not closed")
        self.is_filling = True
        self.transaction = (self.transaction + 1) % 100
        self.volume, self.amount = volume, self._priced(volume)
        self._finish(HUNG_UP)

    def close(self, transaction: int) -> bool:
        """Forget that a transaction is open; False where it is not."""
        if not self.is_open or transaction != self.transaction:
            return False
        self.is_open = False
        self.save()
        return True

    def save(self) -> None:
        """Keep it over a power cut."""
        if self.file is not None:
            everything = asdict(self)
            kept = {name: everything[name] for name in (*_SAVED, "is_filling")}
            fresh = self.file.with_suffix(".new")
            fresh.write_text(json.dumps(kept))
            fresh.replace(self.file)

    def _priced(self, volume: int) -> int:
        return (volume * self.price + 500) // 1000

    def _finish(self, code: int) -> None:
        self.is_filling = False
        self.stop_code = code
        self.last_volume, self.last_amount = self.volume, self.amount
        self.last_price = self.price
        self.total_volume += self.volume
        self.total_amount += self.amount
        self.is_open = not self.closes_itself
        self.sales.append(self.volume)
        self.save()

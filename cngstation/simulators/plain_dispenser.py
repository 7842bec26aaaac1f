"""A simulated pump without cards: a nozzle, a valve, figures and a totaliser.

It remembers its last fill only. Quantity is in 0.01 unit, money in fen. What it keeps
through a power cut is one small file, replaced by a rename: totals, the fill under way,
the price. A power cut in a fill takes the figures of the display and not the gas.
"""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

from cngstation.simulators.control import HandsRefused

TOTAL_WRAP = 10**10  # ten digits; some pumps have more


@dataclass
class Kept:
    """What survives a power cut; `pending` flowed and is not in the totals yet."""

    total_quantity: int = 0
    total_amount: int = 0
    quantity: int = 0
    amount: int = 0
    price: int = 398
    pending_quantity: int = 0
    pending_amount: int = 0
    is_running: bool = False


class PlainDispenser:
    """One side of a pump; time comes from outside, in seconds."""

    def __init__(
        self,
        file: Path,
        *,
        fresh: Kept,
        late_total_s: float = 0.0,
        needs_host: bool = True,
        must_be_reset: bool = True,
        total_wrap: int = TOTAL_WRAP,
    ) -> None:
        self._total_wrap = total_wrap
        self._file = file
        self._late_total_s = late_total_s
        self.needs_host = needs_host
        self._must_be_reset = must_be_reset
        self.is_out = self.is_authorised = self.is_complete = False
        self.is_off = self.at_maximum = False
        self.kept = fresh
        self._flow_per_s = 0.0
        self._limit: int | None = None  # what the vehicle takes
        self._preset_quantity = self._preset_amount = 0
        self._began = self._counts_at = math.inf
        self._load()

    def _load(self) -> None:
        if not self._file.exists():
            self._keep()
            return
        self.kept = Kept(**json.loads(self._file.read_text("ascii")))
        if self.kept.is_running:
            self.kept.is_running = False
            self.kept.quantity = self.kept.amount = 0
        self.is_complete = self._must_be_reset  # so a pump says after power-up
        self._count()

    @property
    def is_running(self) -> bool:
        """Whether its valve is open."""
        return self.kept.is_running

    # Hands

    def lift(self, now: float) -> None:
        """Take the nozzle out."""
        self.is_out = True
        if not (self.needs_host or self.is_off or self.is_complete):
            self._open(now)

    def fill(self, limit: int, flow_per_s: float, now: float) -> None:
        """Let the vehicle take so much as soon as the valve is open."""
        if not self.is_out:
            raise HandsRefused("the nozzle is in its holster")
        self._limit, self._flow_per_s = limit, flow_per_s
        self._began = now
        if self.is_authorised:
            self._open(now)

    def hang_up(self, now: float) -> None:
        """Put the nozzle back: whatever runs ends."""
        self.step(now)
        self.is_out = False
        self._close(now)
        self._limit = None

    def clear_memory(self) -> None:
        """Get a new board: nothing was ever sold here.

        Raises:
            HandsRefused: the valve is open.
        """
        if self.is_running:
            raise HandsRefused("the valve is open")
        self.kept = Kept(price=self.kept.price)
        self._keep()

    # The host

    def authorise(self, now: float) -> None:
        """Allow a fill; it begins when the nozzle is out and something takes gas."""
        self.is_authorised = True
        self.is_complete = self.at_maximum = False
        if self.is_out:
            self._open(now)

    def preset(self, *, quantity: int = 0, amount: int = 0) -> None:
        """Let the next fill end there."""
        self._preset_quantity, self._preset_amount = quantity, amount

    def stop(self, now: float) -> None:
        """Close the valve."""
        self.step(now)
        was_open = self.is_running or self.is_authorised
        self._close(now)
        self.is_complete |= was_open and self._must_be_reset

    def reset(self) -> None:
        """Forget presets and the last fill's end; not in a fill."""
        if not self.is_running:
            self.is_authorised = self.is_complete = self.at_maximum = False
            self.is_off = False
            self.preset()

    def switch_off(self, now: float) -> None:
        """Take the pump out of service."""
        self.stop(now)
        self.is_off = True

    def set_price(self, price: int) -> None:
        """Change the price; not in a fill."""
        if not self.is_running:
            self.kept.price = price
            self._keep()

    # Time

    def step(self, now: float) -> None:
        """Let gas flow up to now, and totals come."""
        if now >= self._counts_at:
            self._count()
        if not self.is_running or self._limit is None:
            return
        kept = self.kept
        flowed = int((now - self._began) * self._flow_per_s)
        quantity = min(flowed, self._limit, self._preset_quantity or flowed)
        amount = self._amount(quantity)
        if self._preset_amount and amount >= self._preset_amount:
            amount = self._preset_amount
            quantity = amount * 100 // kept.price
        if quantity > kept.quantity:
            kept.pending_quantity += quantity - kept.quantity
            kept.pending_amount += amount - kept.amount
            kept.quantity, kept.amount = quantity, amount
            self._keep()
        reached_amount = self._preset_amount and amount >= self._preset_amount
        reached = self._preset_quantity and quantity >= self._preset_quantity
        if reached or reached_amount:
            self.at_maximum = True

    def _amount(self, quantity: int) -> int:
        return (quantity * self.kept.price + 50) // 100

    def _open(self, now: float) -> None:
        if self.is_running:
            return
        self._count()
        self.kept.is_running = True
        self.kept.quantity = self.kept.amount = 0
        self._began = now
        self._keep()

    def _close(self, now: float) -> None:
        self.is_authorised = False
        if not self.is_running:
            return
        self.kept.is_running = False
        self.is_complete = self._must_be_reset
        self.at_maximum = False
        self.preset()
        if self._late_total_s:
            self._counts_at = now + self._late_total_s
            self._keep()
        else:
            self._count()

    def _count(self) -> None:
        kept = self.kept
        self._counts_at = math.inf
        total = kept.total_quantity + kept.pending_quantity
        kept.total_quantity = total % self._total_wrap
        total = kept.total_amount + kept.pending_amount
        kept.total_amount = total % self._total_wrap
        kept.pending_quantity = kept.pending_amount = 0
        self._keep()

    def _keep(self) -> None:
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self.kept)), "ascii")
        fresh.replace(self._file)

"""A simulated dispenser's clock, and its records on their way to the host."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cngstation.simulators.jxv4_memory import SKIPPED, UPLOADED, Ring

UPLOAD_TRIES = 10
_MINUTES_APART = 2


class Clock:
    """The dispenser's own clock, which runs with the loop's time."""

    def __init__(self, reading: datetime, now: float) -> None:
        self._reading = reading
        self._at = now

    def read(self, now: float) -> datetime:
        """Return the dispenser's time."""
        return self._reading + timedelta(seconds=now - self._at)

    def corrected_by(self, host: datetime, now: float) -> bool:
        """Take the host's time when the firmware would; tell whether it did."""
        own = self.read(now)
        same_hour = own.strftime("%y%m%d%H") == host.strftime("%y%m%d%H")
        if same_hour and abs(own.minute - host.minute) <= _MINUTES_APART:
            return False
        self._reading, self._at = host, now
        return True


@dataclass(slots=True)
class Upload:
    """One kind of record on its way to the host; skipped when tried too often."""

    command: int
    ring: Ring
    number: int = 0
    tries: int = 0

    def next_body(self) -> bytes | None:
        """Return the record to send now; the eleventh try goes to the next one."""
        kept = self.ring.first_waiting()
        if kept is not None and (kept.number, self.tries) == (
            self.number,
            UPLOAD_TRIES,
        ):
            self.ring.mark(kept.number, SKIPPED)
            kept = self.ring.first_waiting()
        if kept is None:
            return None
        self.tries = self.tries + 1 if kept.number == self.number else 1
        self.number = kept.number
        return kept.body

    def acknowledge(self) -> None:
        """Mark the record that was sent last."""
        self.ring.mark(self.number, UPLOADED)
        self.number = self.tries = 0

"""What a simulated dispenser keeps through a power cut: one file per gun.

Every change is one line of JSON, appended by one write: the figures, the transaction
under way and the records that the change touched. The lines are folded at the start
and whenever the file has grown, into one, by a rename. A line that a kill has cut short
does not parse and counts as not written, so a change is there whole or not at all.
"""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from cngstation.simulators.jxv4_lists import Holdings

WAITING, UPLOADED, SKIPPED = "waiting", "uploaded", "skipped"
RING_RECORDS = 2_000  # the firmware's ring holds 20 000
RING_SHIFT_RECORDS = 50
RING_PARAMETERS = 200  # the firmware's ring holds 1 000
LAST_TRANS_NO = 0xFFFFFFFF
# Some minutes of fuelling at ten lines a second.
FOLD_ABOVE_BYTES = 2_000_000

# The stages of a transaction, in order. `accepting` and `debiting` are written before
# the card is: after a power cut the card itself tells whether its write happened.
ACCEPTING, READY, FUELLING = "accepting", "ready", "fuelling"
AWAITING_DEBIT, DEBITING = "awaiting_debit", "debiting"
UNLOCKING = "unlocking"


@dataclass(slots=True)
class Kept:
    """A finished record and what became of its upload."""

    number: int
    mark: str
    body: bytes


class Ring:
    """The last so many records; the oldest is overwritten, sent or not."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: dict[int, Kept] = {}
        self._changed: dict[int, Kept] = {}

    def add(self, number: int, body: bytes) -> None:
        """Store a record that waits for its upload."""
        self._put(Kept(number, WAITING, body))

    def mark(self, number: int, mark: str) -> None:
        """Say what became of a record's upload."""
        kept = self._kept[number]
        kept.mark = mark
        self._changed[number] = kept

    def find(self, number: int) -> Kept | None:
        """Return a record by its number."""
        return self._kept.get(number)

    def first_waiting(self) -> Kept | None:
        """Return the oldest record that is not uploaded and not skipped."""
        return next((k for k in self._kept.values() if k.mark == WAITING), None)

    def last(self) -> Kept | None:
        """Return the newest record."""
        return next(reversed(self._kept.values()), None)

    def waiting_count(self) -> int:
        """Count the records that wait for their upload."""
        return sum(k.mark == WAITING for k in self._kept.values())

    def restore(self, rows: Iterable[list[Any]]) -> None:
        """Take rows of a file, older ones first."""
        for number, mark, body in rows:
            self._put(Kept(number, mark, bytes.fromhex(body)))

    def changed_rows(self) -> list[tuple[int, str, str]]:
        """Return what has changed since the last call, as rows of a file."""
        changed, self._changed = self._changed, {}
        return [_row(kept) for kept in changed.values()]

    def all_rows(self) -> list[tuple[int, str, str]]:
        """Return every record as a row of a file."""
        self._changed = {}
        return [_row(kept) for kept in self._kept.values()]

    def _put(self, kept: Kept) -> None:
        self._kept[kept.number] = self._changed[kept.number] = kept
        if len(self._kept) > self._limit:
            del self._kept[next(iter(self._kept))]


def _row(kept: Kept) -> tuple[int, str, str]:
    return kept.number, kept.mark, kept.body.hex()


@dataclass(slots=True)
class OpenTransaction:
    """A card that was accepted and not yet settled: the dispenser's grey record.

    Quantity in 0.01 unit, amount in fen, pressure in 0.01 MPa, times as bcd hex.
    """

    trans_no: int
    stage: str
    uid: str
    card: str
    plate: str
    payment_mode: int
    price: int
    balance: int
    wseq: int
    pseq: int
    topped_up: int
    consumed: int
    limit_per_fill_fen: int
    started_at: str
    ended_at: str = ""
    quantity: int = 0
    amount: int = 0
    pressure_before: int = 0
    pressure_after: int = 0
    stop_reason: int = 0
    real_debit: int = 0
    related_grey_id: int = 0


@dataclass(slots=True)
class Counters:
    """The figures of a gun and of its shift."""

    last_trans_no: int = 0
    total_quantity: int = 0
    total_amount: int = 0
    shift: int = 1
    employee: str = "0" * 16
    shift_quantity: int = 0
    shift_amount: int = 0
    shift_fills: int = 0
    shift_started_at: str = "00" * 7
    next_shift_record_id: int = 2
    on_duty_record_id: int = 1
    is_off_duty: bool = False
    is_locked: bool = False
    next_parameter_id: int = 1

    @property
    def next_trans_no(self) -> int:
        """Return the number after the last one; after the largest u32 comes 1."""
        return self.last_trans_no % LAST_TRANS_NO + 1

    def count(self, transaction: OpenTransaction) -> None:
        """Add a transaction that ends to the totals; an unlock moves no gas."""
        self.last_trans_no = transaction.trans_no
        if transaction.stage == UNLOCKING:
            return
        self.total_quantity += transaction.quantity
        self.total_amount += transaction.amount
        self.shift_quantity += transaction.quantity
        self.shift_amount += transaction.amount
        self.shift_fills += 1


@dataclass(slots=True)
class Memory:
    """Everything that one gun remembers."""

    path: Path
    counters: Counters
    open: OpenTransaction | None = None
    records: Ring = field(default_factory=lambda: Ring(RING_RECORDS))
    shift_records: Ring = field(default_factory=lambda: Ring(RING_SHIFT_RECORDS))
    parameters: Ring = field(default_factory=lambda: Ring(RING_PARAMETERS))
    held: Holdings = field(default_factory=Holdings)
    _saved_held: str = ""
    _fd: int = -1
    _size: int = 0

    @classmethod
    def load(cls, path: Path, fresh: Counters) -> Self:
        """Read a gun's file, or begin with fresh counters when there is none."""
        memory = cls(path, fresh)
        for line in _whole_lines(path):
            memory.counters = Counters(**line["counters"])
            memory.open = OpenTransaction(**line["open"]) if line["open"] else None
            memory.records.restore(line["records"])
            memory.shift_records.restore(line["shift_records"])
            memory.parameters.restore(line.get("parameters", ()))
            if (held := line.get("held")) is not None:
                memory.held = Holdings.restored(held)
        memory._fold()
        return memory

    def save(self) -> None:
        """Append what has changed, in one write."""
        rings = (self.records, self.shift_records, self.parameters)
        line = self._line([ring.changed_rows() for ring in rings])
        self._size += os.write(self._fd, line)
        if self._size > FOLD_ABOVE_BYTES:
            self._fold()

    def close(self) -> None:
        """Let go of the file; nothing is written."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _fold(self) -> None:
        self._saved_held = ""
        rings = (self.records, self.shift_records, self.parameters)
        line = self._line([ring.all_rows() for ring in rings])
        fresh = self.path.with_suffix(".new")
        fresh.write_bytes(line)
        fresh.replace(self.path)
        self.close()
        self._fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._size = len(line)

    def forget_everything(self, counters: Counters) -> None:
        """Lose all of it, as a cleared memory does: numbers begin again."""
        self.counters, self.open, self.held = counters, None, Holdings()
        self.records = Ring(RING_RECORDS)
        self.shift_records = Ring(RING_SHIFT_RECORDS)
        self.parameters = Ring(RING_PARAMETERS)
        self._fold()

    def _line(self, rings: list[list[tuple[int, str, str]]]) -> bytes:
        # Lists are long; most changes do not touch them, and no content changes alone.
        seen = self.held.edition()
        is_new, self._saved_held = seen != self._saved_held, seen
        facts = {
            "counters": asdict(self.counters),
            "open": asdict(self.open) if self.open else None,
            "records": rings[0],
            "shift_records": rings[1],
            "parameters": rings[2],
            "held": asdict(self.held) if is_new else None,
        }
        return json.dumps(facts).encode("ascii") + b"\n"


def _whole_lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    for line in path.read_bytes().splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            return

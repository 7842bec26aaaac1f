"""What a simulated Sinopec dispenser keeps through a power cut: one file for each.

Every change is one line of JSON, appended by one write: the figures, the fill under
way, and the records that the change touched. A line that a kill has cut short does not
parse and counts as not written.
"""

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from cngstation.simulators.jxv4_memory import Ring

RING_RECORDS = 2_048
FOLD_ABOVE_BYTES = 4_000_000
U32 = 0xFFFFFFFF


@dataclass(slots=True)
class Purse:
    """A card as the dispenser last wrote it; a grey one keeps what it owes."""

    balance: int
    count: int = 0
    owes: dict[str, Any] | None = None


@dataclass(slots=True)
class OpenFill:
    """A fill under way; `card` is empty when nobody put one in."""

    nozzle: int
    card: str
    price: int
    quantity: int = 0

    @property
    def amount(self) -> int:
        """What it costs so far, in fen."""
        return (self.quantity * self.price + 50) // 100


@dataclass(slots=True)
class Figures:
    """Everything but the records."""

    last_seq: int = 0
    terminal_count: int = 0
    totals: dict[str, int] = field(default_factory=dict)
    prices: dict[str, list[int]] = field(default_factory=dict)
    coming: dict[str, Any] | None = None
    versions: list[int] = field(default_factory=lambda: [0] * 6)
    lists: dict[str, list[str]] = field(default_factory=dict)
    station: str = ""
    employee: int = 0
    texts: list[list[Any]] = field(default_factory=list)
    purses: dict[str, Purse] = field(default_factory=dict)
    fills: dict[str, OpenFill] = field(default_factory=dict)


@dataclass(slots=True)
class Memory:
    """The file of one dispenser."""

    path: Path
    figures: Figures
    records: Ring = field(default_factory=lambda: Ring(RING_RECORDS))
    _fd: int = -1
    _size: int = 0

    @classmethod
    def load(cls, path: Path, fresh: Figures) -> Self:
        """Read a dispenser's file, or begin with fresh figures when there is none."""
        memory = cls(path, fresh)
        lines = path.read_bytes().splitlines() if path.exists() else []
        for line in lines:
            try:
                kept = json.loads(line)
            except ValueError:
                continue
            lists = kept["figures"].pop("lists")
            before = memory.figures.lists
            memory.figures = _figures(kept["figures"])
            memory.figures.lists = before if lists is None else lists
            if kept["is_cleared"]:
                memory.records = Ring(RING_RECORDS)
            memory.records.restore(kept["records"])
        memory._fold()
        return memory

    def save(self, *, with_lists: bool = False) -> None:
        """Append what has changed, in one write; lists are long and change seldom."""
        line = self._line(self.records.changed_rows(), with_lists=with_lists)
        self._size += os.write(self._fd, line)
        if self._size > FOLD_ABOVE_BYTES:
            self._fold()

    def next_seq(self) -> int:
        """Count a record; after the largest u32 comes 0."""
        self.figures.last_seq = (self.figures.last_seq + 1) & U32
        return self.figures.last_seq

    def clear_records(self) -> None:
        """Lose every record and begin to count anew, as after a new battery."""
        self.records = Ring(RING_RECORDS)
        self.figures.last_seq = 0
        self._fold()

    def close(self) -> None:
        """Let go of the file; nothing is written."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _fold(self) -> None:
        line = self._line(self.records.all_rows(), is_cleared=True, with_lists=True)
        fresh = self.path.with_suffix(".new")
        fresh.write_bytes(line)
        fresh.replace(self.path)
        self.close()
        self._fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._size = len(line)

    def _line(
        self, records: list[Any], *, is_cleared: bool = False, with_lists: bool = False
    ) -> bytes:
        lists = self.figures.lists
        without = replace(self.figures, lists={})
        facts = {
            "figures": {**asdict(without), "lists": lists if with_lists else None},
            "records": records,
            "is_cleared": is_cleared,
        }
        return json.dumps(facts).encode("ascii") + b"\n"


def _figures(kept: dict[str, Any]) -> Figures:
    purses = {card: Purse(**purse) for card, purse in kept.pop("purses").items()}
    fills = {nozzle: OpenFill(**fill) for nozzle, fill in kept.pop("fills").items()}
    return Figures(**kept, purses=purses, fills=fills)

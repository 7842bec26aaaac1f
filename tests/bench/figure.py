"""One figure of the bench: ours against a limit or a peer measured in the same run."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Better(StrEnum):
    """Which way a ratio is good."""

    LOWER = "<="
    HIGHER = ">="


class Verdict(StrEnum):
    """What a ratio says."""

    GOOD = "good"  # the goal is reached
    BELOW_GOAL = "below goal"  # the limit holds, the goal is not reached
    MISSED = "MISSED"  # a stated hard limit does not hold
    SHOWN = "shown"  # no goal is stated


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured; `ours` and `peer` are in `unit`, the ratio has none.

    `limit` is hard: missing it fails the run. Where none is stated it is None.
    """

    name: str
    ours: float
    peer: float
    unit: str
    better: Better = Better.LOWER
    limit: float | None = None
    goal: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """Ours to the peer's, or to the limit."""
        return self.ours / self.peer if self.peer else float("inf")

    @property
    def verdict(self) -> Verdict:
        """Judge the ratio by limit and goal."""
        if self.limit is not None and not self._reaches(self.limit):
            return Verdict.MISSED
        if self.goal is not None and not self._reaches(self.goal):
            return Verdict.BELOW_GOAL
        if self.limit is None and self.goal is None:
            return Verdict.SHOWN
        return Verdict.GOOD

    def row(self) -> tuple[str, ...]:
        """Return the cells of the table."""
        return (
            self.name,
            f"{self.ours:,.4g} {self.unit}",
            f"{self.peer:,.4g} {self.unit}",
            f"{self.ratio:.2f}",
            self._stated(),
            self.verdict,
        )

    def as_facts(self) -> dict[str, Any]:
        """Return the figure for the line of JSON."""
        return {**asdict(self), "ratio": round(self.ratio, 4), "verdict": self.verdict}

    def _reaches(self, stated: float) -> bool:
        if self.better is Better.LOWER:
            return self.ratio <= stated
        return self.ratio >= stated

    def _stated(self) -> str:
        parts = [] if self.limit is None else [f"{self.better} {self.limit:g}"]
        if self.goal is not None and self.goal != self.limit:
            parts.append(f"goal {self.goal:g}")
        return ", ".join(parts) or "-"


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value below which so many percent of the values lie."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)]

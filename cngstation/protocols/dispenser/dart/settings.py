"""What differs between DART pumps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from cngstation.protocols.dispenser.options import whole_numbers
from cngstation.protocols.dispenser.scales import DECIMALS, Scales

TOTAL_DIGITS = 10
_BOUNDS = {
    **DECIMALS,
    "nozzle": range(1, 9),
    "plain_ack": range(2),
    "gap_ms": range(10, 501),
}


@dataclass(frozen=True, slots=True)
class DartSettings(Scales):
    """The options of a line.

    `nozzle` is the logical nozzle of each side. `plain_ack` 1 acknowledges with C0
    whatever the block's number. `gap_ms` is the least time between the begins of two
    frames.
    """

    nozzle: int = 1
    plain_ack: int = 0
    gap_ms: int = 20

    @classmethod
    def from_mapping(cls, options: Mapping[str, int | str]) -> Self:
        """Read the options of a line; ValueError for one that is none."""
        return cls(**whole_numbers("DART", options, _BOUNDS))

"""What the bus knows of each nozzle beside its link and its turns."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cngstation.protocols.dispenser.canonical import DebitRequest
from cngstation.protocols.dispenser.jxv4.mapping import FIRMWARE_UNITS
from cngstation.protocols.dispenser.turns import PolledNozzle
from cngstation.units import Unit


@dataclass(frozen=True, slots=True)
class NozzleSettings:
    """One nozzle of a bus: its gun number and the meaning of its unit codes."""

    gun: int
    units: Mapping[int, Unit] = field(default_factory=lambda: dict(FIRMWARE_UNITS))

    def __post_init__(self) -> None:
        if not 1 <= self.gun <= 255:
            raise ValueError("a gun number is 1 to 255; 0 is the host")


@dataclass(frozen=True, slots=True)
class OfferedRecord:
    """A record that waits for its acknowledgement, which repeats its type."""

    seq: int
    transaction: int


@dataclass(frozen=True, slots=True)
class AskedDebit:
    """A debit request that waits for its decision, which repeats the card."""

    request: DebitRequest
    card: bytes


@dataclass(slots=True, kw_only=True)
class Nozzle(PolledNozzle):
    """One nozzle of the bus."""

    settings: NozzleSettings

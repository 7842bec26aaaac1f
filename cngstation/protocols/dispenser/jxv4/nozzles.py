"""What the bus knows of each nozzle beside its link and its turns."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cngstation.protocols.dispenser.canonical import DebitRequest, DeviceKind
from cngstation.protocols.dispenser.forecourt import (
    CardCheck,
    DownloadKind,
    Order,
)
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
class OfferedShift:
    """A shift record that waits for its acknowledgement."""

    seq: int


@dataclass(frozen=True, slots=True)
class OfferedParameter:
    """A changed parameter that waits for its acknowledgement."""

    seq: int


@dataclass(frozen=True, slots=True)
class AskedDebit:
    """A debit request that waits for its decision, which repeats the card."""

    request: DebitRequest
    card: bytes


@dataclass(frozen=True, slots=True)
class AskedCard:
    """A question about a card that waits for its verdict; `command` asked it."""

    check: CardCheck
    command: int


@dataclass(frozen=True, slots=True)
class AskedDownload:
    """A version that is sent once that is noted."""

    kind: DownloadKind
    version: int


@dataclass(slots=True, kw_only=True)
class Nozzle(PolledNozzle):
    """One nozzle of the bus.

    `unsure` is an order that was sent and not answered: the next status shows it.
    """

    settings: NozzleSettings
    device_kind: DeviceKind = DeviceKind.UNKNOWN
    has_unpaid: bool = False
    unsure: Order | None = None

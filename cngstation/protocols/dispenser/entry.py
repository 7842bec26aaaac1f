"""What the registry knows of a dispenser protocol."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from cngstation.protocols.dispenser.canonical import Capability
from cngstation.protocols.dispenser.dialogue import Dialogue
from cngstation.protocols.dispenser.overheard import Tap
from cngstation.units import Unit


class Transport(StrEnum):
    """What carries a protocol's bytes."""

    SERIAL = "serial"
    HTTP = "http"


@dataclass(frozen=True, slots=True)
class NozzleSetup:
    """One nozzle as the configuration describes it.

    `unit_code` is the byte by which this nozzle names `unit`, where it names one.
    """

    gun: int
    unit: Unit
    unit_code: int = 0


@dataclass(frozen=True, slots=True)
class LineSetup:
    """A line as the configuration describes it.

    `options` are the protocol's own switches, such as a register offset or a number
    of decimals; a protocol refuses one that it does not know with ValueError.
    """

    baud: int
    nozzles: tuple[NozzleSetup, ...]
    options: Mapping[str, int | str] = field(default_factory=dict)


def shown_whole(data: bytes) -> bytes:
    """Return bytes as they are: they carry no secret."""
    return data


def by_itself(_options: Mapping[str, int | str]) -> bool:
    """A nozzle sells by itself, or to its cards."""
    return False


def by_order(_options: Mapping[str, int | str]) -> bool:
    """A nozzle waits for the host."""
    return True


@dataclass(frozen=True, slots=True)
class ProtocolEntry:
    """How a line of this protocol is opened, and who speaks on it.

    `parity` is "N", "E" or "O"; characters have 8 data bits. `guns` are the numbers by
    which it addresses nozzles. `variants` are other capabilities by the value of the
    option "variant", `switches` those that an option of 1 adds. `conceal` blanks what
    of the line's bytes may not be shown. `tap` makes what understands both directions
    of such a line by listening; None: nothing.
    `answer_head` is how the answer of a nozzle to a poll begins. `fills_by_order` tells
    by a line's options whether a nozzle waits for the host to be authorised.
    """

    title: str
    capabilities: frozenset[Capability]
    dialogue: Callable[[LineSetup], Dialogue]
    transport: Transport = Transport.SERIAL
    parity: str = "N"
    stop_bits: int = 1
    bauds: tuple[int, ...] = (9600, 19200, 38400, 115200)
    guns: range = range(1, 256)
    # Of which device's records a gun's are numbered; None: each nozzle numbers its own.
    numbered_by: Callable[[int], int] | None = None
    variants: Mapping[str, frozenset[Capability]] = field(default_factory=dict)
    switches: Mapping[str, Capability] = field(default_factory=dict)
    conceal: Callable[[bytes], bytes] = shown_whole
    tap: Callable[[], Tap] | None = None
    answer_head: Callable[[int], bytes] | None = None
    fills_by_order: Callable[[Mapping[str, int | str]], bool] = by_itself

    def capabilities_with(
        self, options: Mapping[str, int | str]
    ) -> frozenset[Capability]:
        """Return what a line with these options can do."""
        able = self.variants.get(str(options.get("variant")), self.capabilities)
        more = {what for name, what in self.switches.items() if options.get(name) == 1}
        return able | more

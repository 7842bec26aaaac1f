"""Compac's Modbus-RTU in the registry of protocols."""

from cngstation.protocols.dispenser.canonical import Capability
from cngstation.protocols.dispenser.compac.registers import CompacOptions
from cngstation.protocols.dispenser.dialogue import Dialogue
from cngstation.protocols.dispenser.entry import LineSetup, ProtocolEntry
from cngstation.protocols.dispenser.overheard import Tap
from cngstation.protocols.dispenser.polled_line import PolledLine

CAPABILITIES = frozenset(
    {Capability.POLL, Capability.LOCK, Capability.PRICE, Capability.TOTALS}
)
LAST_DEVICE = 247


def _dialogue(line: LineSetup) -> Dialogue:
    # Its package is large, and most stations have no such line.
    from cngstation.protocols.dispenser.compac.strategy import CompacStrategy

    options = CompacOptions.from_mapping(line.options)
    strategy = CompacStrategy(line.baud, line.nozzles, options)
    return PolledLine([nozzle.gun for nozzle in line.nozzles], strategy)


def _tap() -> Tap:
    from cngstation.protocols.dispenser.compac.tap import compac_tap

    return compac_tap()


def _answer_head(gun: int) -> bytes:
    return bytes([gun, 3, 64])


ENTRY = ProtocolEntry(
    "Compac Modbus-RTU",
    CAPABILITIES,
    _dialogue,
    stop_bits=2,
    bauds=(9600, 19200, 38400),
    guns=range(1, LAST_DEVICE + 1),
    tap=_tap,
    answer_head=_answer_head,
)

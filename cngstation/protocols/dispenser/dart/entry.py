"""DART in the registry of protocols."""

from cngstation.protocols.dispenser.dart.frames import FIRST_ADDRESS, Control
from cngstation.protocols.dispenser.dart.settings import DartSettings
from cngstation.protocols.dispenser.dart.strategy import CAPABILITIES, DartStrategy
from cngstation.protocols.dispenser.dart.tap import dart_tap
from cngstation.protocols.dispenser.dialogue import Dialogue
from cngstation.protocols.dispenser.entry import LineSetup, ProtocolEntry, by_order
from cngstation.protocols.dispenser.polled_line import PolledLine


def _dialogue(line: LineSetup) -> Dialogue:
    settings = DartSettings.from_mapping(line.options)
    strategy = DartStrategy(line.baud, line.nozzles, settings)
    return PolledLine([nozzle.gun for nozzle in line.nozzles], strategy)


def _answer_head(gun: int) -> bytes:
    return bytes([FIRST_ADDRESS + gun - 1, Control.EOT, 0xFA])


ENTRY = ProtocolEntry(
    "DART (Wayne)",
    CAPABILITIES,
    _dialogue,
    parity="O",
    bauds=(9600, 19200),
    guns=range(1, 33),
    tap=dart_tap,
    answer_head=_answer_head,
    fills_by_order=by_order,
)

"""UniPump in the registry of protocols."""

from cngstation.protocols.dispenser.dialogue import Dialogue
from cngstation.protocols.dispenser.entry import LineSetup, ProtocolEntry, by_order
from cngstation.protocols.dispenser.options import whole_numbers
from cngstation.protocols.dispenser.polled_line import PolledLine
from cngstation.protocols.dispenser.unipump.frames import DLE, LAST_POINT, address_of
from cngstation.protocols.dispenser.unipump.messages import NOZZLES
from cngstation.protocols.dispenser.unipump.strategy import (
    CAPABILITIES,
    UnipumpStrategy,
)
from cngstation.protocols.dispenser.unipump.tap import unipump_tap

_BOUNDS = {"nozzle": range(1, NOZZLES + 1), "extended": range(2)}


def _dialogue(line: LineSetup) -> Dialogue:
    options = whole_numbers("UniPump", line.options, _BOUNDS)
    strategy = UnipumpStrategy(
        line.baud,
        line.nozzles,
        nozzle=options.get("nozzle", 1),
        is_extended=options.get("extended", 0) == 1,
    )
    return PolledLine([nozzle.gun for nozzle in line.nozzles], strategy)


def _answer_head(gun: int) -> bytes:
    return bytes([DLE, 0x02, address_of(gun)])


ENTRY = ProtocolEntry(
    "UniPump (PTS)",
    CAPABILITIES,
    _dialogue,
    bauds=(9600, 19200, 38400, 57600, 115200),
    guns=range(1, LAST_POINT + 1),
    tap=unipump_tap,
    answer_head=_answer_head,
    fills_by_order=by_order,
)

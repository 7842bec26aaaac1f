"""jsonPTS in the registry of protocols."""

from cngstation.protocols.dispenser.dialogue import Dialogue
from cngstation.protocols.dispenser.entry import (
    LineSetup,
    ProtocolEntry,
    Transport,
    by_order,
)
from cngstation.protocols.dispenser.pts.dialogue import CAPABILITIES, PtsDialogue
from cngstation.protocols.dispenser.pts.messages import LAST_POINT, NOZZLES
from cngstation.protocols.dispenser.pts.points import Point
from cngstation.protocols.dispenser.pts.tap import pts_tap

_OPTIONS = {"nozzle": range(1, NOZZLES + 1), "measurements": range(2)}


def _dialogue(line: LineSetup) -> Dialogue:
    for name, value in line.options.items():
        if name not in _OPTIONS:
            raise ValueError(f"{name} is no option of jsonPTS: {', '.join(_OPTIONS)}")
        if value not in _OPTIONS[name]:
            allowed = _OPTIONS[name]
            raise ValueError(f"{name} is {allowed[0]} to {allowed[-1]}")
    nozzle = int(line.options.get("nozzle", 1))
    points = [
        Point(setup.gun, nozzle=nozzle, unit=setup.unit) for setup in line.nozzles
    ]
    return PtsDialogue(points, measures=line.options.get("measurements", 1) == 1)


ENTRY = ProtocolEntry(
    "jsonPTS (PTS-2)",
    CAPABILITIES,
    _dialogue,
    transport=Transport.HTTP,
    bauds=(),
    guns=range(1, LAST_POINT + 1),
    fills_by_order=by_order,
    tap=pts_tap,
)

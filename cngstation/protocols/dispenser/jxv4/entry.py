"""JX-V4 in the registry of protocols."""

from cngstation.protocols.dispenser.entry import LineSetup, ProtocolEntry
from cngstation.protocols.dispenser.jxv4.dialogue import CAPABILITIES, BusDialogue
from cngstation.protocols.dispenser.jxv4.nozzles import NozzleSettings
from cngstation.protocols.dispenser.jxv4.timing import LineSpeed


def _dialogue(line: LineSetup) -> BusDialogue:
    if line.options:
        raise ValueError("this protocol has no options")
    nozzles = [NozzleSettings(n.gun, {n.unit_code: n.unit}) for n in line.nozzles]
    return BusDialogue(nozzles, LineSpeed(line.baud))


ENTRY = ProtocolEntry("JX-V4", CAPABILITIES, _dialogue)

"""What a line's section of the configuration means for its protocol."""

from cngstation.config.sections import Line
from cngstation.protocols.dispenser.jxv4.dialogue import BusDialogue
from cngstation.protocols.dispenser.jxv4.nozzles import NozzleSettings
from cngstation.protocols.dispenser.jxv4.timing import LineSpeed
from cngstation.services.check_sale import NozzleSetting
from cngstation.storage.sales import NozzleKey


def dialogue_of(line: Line) -> BusDialogue:
    """Return the dialogue that a line's dispensers speak."""
    settings = [
        NozzleSettings(nozzle.gun, {nozzle.unit_code: nozzle.unit})
        for nozzle in line.nozzles
    ]
    return BusDialogue(settings, LineSpeed(line.baud))


def nozzles_of(line: Line, station_no: str) -> dict[int, NozzleSetting]:
    """Return the nozzles of a line by their gun number on it."""
    return {
        nozzle.gun: NozzleSetting(
            NozzleKey(station_no, nozzle.dispenser_no, nozzle.nozzle_no), nozzle.unit
        )
        for nozzle in line.nozzles
    }

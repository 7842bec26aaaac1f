"""What a line's section of the configuration means for its protocol."""

from cngstation.config.sections import Line
from cngstation.drivers.serial_link import Parity, SerialSettings
from cngstation.protocols.dispenser.dialogue import Dialogue
from cngstation.protocols.dispenser.entry import LineSetup, NozzleSetup
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.services.check_sale import NozzleSetting
from cngstation.storage.sales import NozzleKey


def dialogue_of(line: Line) -> Dialogue:
    """Return the dialogue that a line's dispensers speak."""
    nozzles = tuple(
        NozzleSetup(nozzle.gun, nozzle.unit, nozzle.unit_code)
        for nozzle in line.nozzles
    )
    setup = LineSetup(line.baud, nozzles, line.options)
    return PROTOCOLS[line.protocol].dialogue(setup)


def serial_of(line: Line) -> SerialSettings:
    """Return how the port of a line is opened."""
    entry = PROTOCOLS[line.protocol]
    return SerialSettings(line.port, line.baud, Parity(entry.parity), entry.stop_bits)


def nozzles_of(line: Line, station_no: str) -> dict[int, NozzleSetting]:
    """Return the nozzles of a line by their gun number on it."""
    return {
        nozzle.gun: NozzleSetting(
            NozzleKey(station_no, nozzle.dispenser_no, nozzle.nozzle_no), nozzle.unit
        )
        for nozzle in line.nozzles
    }

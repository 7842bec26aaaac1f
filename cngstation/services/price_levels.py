"""Which price levels nozzles show: a board of one price sells by that one alone."""

from collections.abc import Iterable, Mapping

from cngstation.config.sections import Line, Nozzle
from cngstation.protocols.dispenser.canonical import Capability
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.storage.sales import NozzleKey
from cngstation.units import Unit

POSTED_LEVEL = 0


def only_level_of(line: Line, nozzle: Nozzle) -> int | None:
    """Return the one level that a nozzle shows; None: all of them."""
    if nozzle.only_level is not None:
        return nozzle.only_level
    able = PROTOCOLS[line.protocol].capabilities_with(line.options)
    return None if Capability.PRICE_LEVELS in able else POSTED_LEVEL


def only_levels(station_no: str, lines: Iterable[Line]) -> Mapping[NozzleKey, int]:
    """Return the level of each nozzle that shows one alone."""
    return {
        NozzleKey(station_no, nozzle.dispenser_no, nozzle.nozzle_no): level
        for line in lines
        for nozzle in line.nozzles
        if (level := only_level_of(line, nozzle)) is not None
    }


def levels_shown(lines: Iterable[Line]) -> Mapping[Unit, frozenset[int]]:
    """Return the levels that the nozzles of a unit show.

    A unit of which some nozzle shows all of them is not in it.
    """
    found: dict[Unit, set[int | None]] = {}
    for line in lines:
        for nozzle in line.nozzles:
            found.setdefault(nozzle.unit, set()).add(only_level_of(line, nozzle))
    return {
        unit: frozenset(level for level in levels if level is not None)
        for unit, levels in found.items()
        if None not in levels
    }

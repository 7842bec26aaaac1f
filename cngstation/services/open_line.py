"""Puts a line together: its driver, the desk behind it, and all that both serve."""

from dataclasses import dataclass

from cngstation.config import StationConfig
from cngstation.config.sections import Line as LineSection
from cngstation.drivers.dispenser_line import DispenserLine
from cngstation.moments import Clock
from cngstation.protocols.dispenser.canonical import Capability
from cngstation.services.answer_card_checks import CardChecks
from cngstation.services.answer_forecourt import NamedLine
from cngstation.services.answer_technician import TechnicianAnswers
from cngstation.services.book_sale import SaleBook
from cngstation.services.control_nozzles import ControlledLine, NozzleControl
from cngstation.services.decide_debit import DebitDesk
from cngstation.services.line_settings import (
    capabilities_of,
    conceal_of,
    dialogue_of,
    downloads_of,
    nozzles_of,
    settings_of,
)
from cngstation.services.publish_downloads import DownloadKeeper
from cngstation.services.served_line import ServedNozzle
from cngstation.services.show_downloads import DownloadWatch
from cngstation.services.station_rules import rules_of
from cngstation.services.stop_unasked import UnaskedFills
from cngstation.services.watch_device_clocks import DeviceClocks
from cngstation.services.watch_forecourt import Audience, LineDesk
from cngstation.storage.database import Database


@dataclass(frozen=True, slots=True)
class Parts:
    """What every line is joined to."""

    database: Database
    book: SaleBook
    watch: DownloadWatch
    keeper: DownloadKeeper
    tools: TechnicianAnswers
    lines: list[NamedLine]
    controlled: list[ControlledLine]
    desks: list[LineDesk]
    clocks: DeviceClocks


def open_line(
    config: StationConfig,
    section: LineSection,
    parts: Parts,
    audience: Audience,
    clock: Clock,
) -> DispenserLine:
    """Join a line of the configuration to everything; its `run` opens the port."""
    unasked = UnaskedFills(parts.database)
    desk = LineDesk(
        section.name,
        section.baud,
        nozzles_of(section, config.station.station_no),
        book=parts.book,
        debits=DebitDesk(parts.database),
        database=parts.database,
        audience=audience,
        clock=clock,
        checks=CardChecks(parts.database, clock, rules_of(config)),
        downloads=parts.watch,
        clocks=parts.clocks,
        unasked=unasked,
    )
    line = DispenserLine(
        settings_of(section),
        dialogue_of(section),
        desk,
        clock=parts.keeper.told,
        conceal=conceal_of(section),
    )
    desk.attach(line)
    parts.tools.serve(section, line)
    parts.desks.append(desk)
    parts.lines.append(NamedLine(section.name, section.baud, desk, line))
    able = capabilities_of(section)
    controlled = ControlledLine(line, desk, able, desk.records)
    parts.controlled.append(controlled)
    unasked.control = NozzleControl(parts.database, [controlled])
    ahead = Capability.PRICE_AHEAD in able
    parts.watch.serve(desk.settings, downloads_of(section), takes_ahead=ahead)
    nozzles = [
        ServedNozzle(setting.key.nozzle_no, gun, setting.unit, setting.only_level)
        for gun, setting in desk.by_gun.items()
    ]
    units = [nozzle.unit for nozzle in nozzles]
    parts.keeper.serve(line, units, section.name, nozzles, takes_ahead=ahead)
    return line

"""Answers where dispensers, reader and printer are connected, as the file says."""

from cngstation.config import StationConfig
from cngstation.config.sections import Line, Nozzle
from cngstation.protocols.dispenser.canonical import Capability
from cngstation.protocols.dispenser.entry import Transport
from cngstation.protocols.dispenser.forecourt import DownloadKind
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract.ports import (
    LINE_PORTS,
    MOST_NOZZLES,
    DevicePort,
    NozzlePort,
    Ports,
)
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.session import Nothing
from cngstation.services.line_settings import capabilities_of, downloads_of
from cngstation.services.price_levels import only_level_of

FETCHED, PRICES_ALONE, BY_HAND = "fetched", "prices", "by_hand"
ALL_LEVELS = -1


class PortAnswers:
    """The handlers of this area."""

    def __init__(self, config: StationConfig) -> None:
        self._config = config

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(LINE_PORTS, self.ports)

    async def ports(self, _: Nothing, call: CallContext) -> Ports:
        """Return every nozzle with its port, and how lists are downloaded."""
        config = self._config
        rows = [_row(line, one) for line in config.lines for one in line.nozzles]
        rows.sort(key=lambda row: row.nozzle_no)
        reader, printer = config.reader, config.printer
        return Ports(
            nozzles=tuple(rows[:MOST_NOZZLES]),
            devices=(
                DevicePort(
                    device="reader",
                    kind=reader.kind,
                    port=reader.port or reader.name,
                    baud=reader.baud or 0,
                ),
                DevicePort(
                    device="printer",
                    kind=f"{printer.columns}",
                    port=printer.port,
                    baud=printer.baud,
                ),
            ),
            blacklist=config.downloads.blacklist,
            late_hours=config.downloads.late_hours,
        )


def _row(line: Line, nozzle: Nozzle) -> NozzlePort:
    entry, able = PROTOCOLS[line.protocol], capabilities_of(line)
    kinds, only = downloads_of(line), only_level_of(line, nozzle)
    is_serial = entry.transport is Transport.SERIAL
    lists = BY_HAND
    if DownloadKind.PRICES in kinds:
        lists = FETCHED if DownloadKind.BASE in kinds else PRICES_ALONE
    return NozzlePort(
        nozzle_no=nozzle.nozzle_no,
        dispenser_no=nozzle.dispenser_no,
        address=nozzle.gun,
        unit=str(nozzle.unit),
        only_level=ALL_LEVELS if only is None else only,
        line=line.name,
        port=line.port or line.url,
        protocol=entry.title,
        baud=line.baud,
        frame=f"8{entry.parity}{entry.stop_bits}" if is_serial else "",
        lists=lists,
        ahead=Capability.PRICE_AHEAD in able,
    )

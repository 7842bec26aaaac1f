"""The dispenser monitor: every line polled, every fill booked, every nozzle live."""

from functools import partial

from cngstation.config import StationConfig
from cngstation.rpc.contract import forecourt
from cngstation.rpc.contract.downloads import DOWNLOADS_CHANGED
from cngstation.rpc.contract.forecourt import ForecourtBoard
from cngstation.rpc.server import RpcServer
from cngstation.rpc.session import Nothing
from cngstation.services.act_on_card import CardActs
from cngstation.services.admit_peers import admits
from cngstation.services.answer_forecourt import ForecourtAnswers, NamedLine
from cngstation.services.answer_lists import ListAnswers
from cngstation.services.answer_refetch import control_areas
from cngstation.services.answer_shifts import ShiftAnswers
from cngstation.services.answer_technician import TechnicianAnswers
from cngstation.services.approve import Approvals, Paper
from cngstation.services.board_areas import board_areas
from cngstation.services.book_sale import SaleBook
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.compare_prices import PriceComparison
from cngstation.services.control_nozzles import ControlledLine
from cngstation.services.keep_shifts import shift_desk
from cngstation.services.list_numbers import NumberLists
from cngstation.services.mark_delivery import mark_deliveries
from cngstation.services.name_late_lists import LateLists
from cngstation.services.open_line import Parts, open_line
from cngstation.services.publish_downloads import DownloadKeeper, station_data_of
from cngstation.services.show_downloads import DownloadWatch
from cngstation.services.station_rules import rules_of
from cngstation.services.wait_while_busy import while_busy
from cngstation.services.watch_device_clocks import DeviceClocks
from cngstation.services.watch_forecourt import Audience, LineDesk
from cngstation.storage.database import Database
from daemons.launch import run
from daemons.process import Process

SOCKET = "forecourt.sock"


async def serve(process: Process) -> int:
    """Put the forecourt together and run it."""
    database = await process.open_database(to_the_last=True)
    config, clock = process.config, process.clock
    book = _sale_book(config, database)
    lines: list[NamedLine] = []
    gate = process.gate(database)
    clocks = DeviceClocks(database, clock, config.security.clock_bound_s)
    station = station_data_of(config.downloads.station_data)
    watch = DownloadWatch(database, clocks=clocks, station=station, clock=clock)
    when = config.downloads.blacklist
    keeper = DownloadKeeper(database, clock, when=when, station=station)
    desks: list[LineDesk] = []
    shifts = shift_desk(config, database, desks, clock)
    approvals = Approvals(gate, _paper(config))
    numbers = NumberLists(database, approvals, config.station.area_no)
    tools = TechnicianAnswers()
    controlled: list[ControlledLine] = []
    answers = ForecourtAnswers(
        database,
        lines,
        ListAnswers(keeper, watch, numbers),
        *board_areas(config, database, clock, approvals),
        ShiftAnswers(shifts, approvals),
        *control_areas(database, controlled),
        tools,
    )
    server = RpcServer(
        config.paths.runtime_dir / SOCKET,
        forecourt.FORECOURT,
        answers.handlers(),
        gate,
        answers.snapshot,
        program=process.version,
        admits=admits,
        report=process.report,
        refused=process.refusals,
    )
    known = (watch, keeper, tools, lines, controlled, desks, clocks)
    audience, parts = _audience(process, server), Parts(database, book, *known)
    for section in config.lines:
        line = open_line(config, section, parts, audience, clock)
        process.keep(line.run(), f"line {section.name}")
    tell = partial(server.publish, DOWNLOADS_CHANGED, Nothing())
    watch.changed = keeper.changed = tell
    watch.doubted = keeper.doubt
    await while_busy(partial(keeper.told.look, database))
    await server.start()
    process.watch_database(database)
    process.keep(keeper.run(), "keep lists and prices")
    process.keep(PriceComparison(database, desks, clock).run(), "compare prices")
    late = LateLists(database, desks, watch, clock, hours=config.downloads.late_hours)
    process.keep(late.run(), "name late lists")
    process.keep(shifts.watch(), "watch shifts")
    process.keep(mark_deliveries(database, desks, clock), "mark deliveries")
    code = await process.until_stopped()
    await server.close()
    for desk in desks:
        await desk.close()
    return code


def _paper(config: StationConfig) -> Paper:
    day = rules_of(config).business_day_starts_minute
    return Paper(cut_off_minute=day, prints_wanted=1 if config.printer.port else 0)


def _sale_book(config: StationConfig, database: Database) -> SaleBook:
    cut_off_minute = config.station.cut_off_minute
    acts = CardActs(
        database,
        every_kind(),
        cut_off_minute=cut_off_minute,
        prints_wanted=1 if config.printer.port else 0,
    )
    return SaleBook(database, acts, cut_off_minute=cut_off_minute)


def _audience(process: Process, server: RpcServer[ForecourtBoard]) -> Audience:
    return Audience(
        nozzle=lambda figure: server.publish(
            forecourt.NOZZLE_CHANGED, figure, key=str(figure.nozzle_no)
        ),
        line=lambda figure: server.publish(
            forecourt.LINE_CHANGED, figure, key=figure.name
        ),
        sale=partial(server.publish, forecourt.SALE_RECORDED),
        stopped=process.fail,
    )


def main() -> None:
    """Run `cng-dispenser-monitor`."""
    run("cng-dispenser-monitor", serve, SOCKET)


if __name__ == "__main__":
    main()

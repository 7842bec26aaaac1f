"""The dispenser monitor: every line polled, every fill booked, every nozzle live."""

from functools import partial

from cngstation.config.sections import Line as LineSection
from cngstation.drivers.dispenser_line import DispenserLine
from cngstation.rpc.contract import forecourt
from cngstation.rpc.server import RpcServer
from cngstation.services.act_on_card import CardActs
from cngstation.services.admit_peers import admits
from cngstation.services.answer_forecourt import ForecourtAnswers, NamedLine
from cngstation.services.book_sale import SaleBook
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.decide_debit import DebitDesk
from cngstation.services.line_settings import (
    conceal_of,
    dialogue_of,
    nozzles_of,
    settings_of,
)
from cngstation.services.mark_delivery import mark_deliveries
from cngstation.services.watch_forecourt import Audience, LineDesk
from daemons.launch import run
from daemons.process import Process

SOCKET = "forecourt.sock"


async def serve(process: Process) -> int:
    """Put the forecourt together and run it."""
    config, clock = process.config, process.clock
    database = await process.open_database()
    acts = CardActs(
        database,
        every_kind(),
        cut_off_minute=config.station.cut_off_minute,
        prints_wanted=1 if config.printer.port else 0,
    )
    book = SaleBook(database, acts, cut_off_minute=config.station.cut_off_minute)
    debits = DebitDesk(database)
    lines: list[NamedLine] = []
    answers = ForecourtAnswers(database, lines)
    server = RpcServer(
        config.paths.runtime_dir / SOCKET,
        forecourt.FORECOURT,
        answers.handlers(),
        process.gate(database),
        answers.snapshot,
        program=process.version,
        admits=admits,
        report=process.report,
    )
    audience = Audience(
        nozzle=lambda figure: server.publish(
            forecourt.NOZZLE_CHANGED, figure, key=str(figure.nozzle_no)
        ),
        line=lambda figure: server.publish(
            forecourt.LINE_CHANGED, figure, key=figure.name
        ),
        sale=partial(server.publish, forecourt.SALE_RECORDED),
        stopped=process.fail,
    )
    for section in config.lines:
        desk = LineDesk(
            section.name,
            section.baud,
            nozzles_of(section, config.station.station_no),
            book=book,
            debits=debits,
            database=database,
            audience=audience,
            clock=clock,
        )
        lines.append(_line(process, section, desk))
    await server.start()
    process.watch_database(database)
    desks = [named.desk for named in lines]
    process.keep(mark_deliveries(database, desks, clock), "mark deliveries")
    code = await process.until_stopped()
    await server.close()
    for named in lines:
        await named.desk.close()
    return code


def _line(process: Process, section: LineSection, desk: LineDesk) -> NamedLine:
    line = DispenserLine(
        settings_of(section),
        dialogue_of(section),
        desk,
        clock=process.clock,
        conceal=conceal_of(section),
    )
    desk.attach(line)
    process.keep(line.run(), f"line {section.name}")
    return NamedLine(section.name, section.baud, desk, line)


def main() -> None:
    """Run `cng-dispenser-monitor`."""
    run("cng-dispenser-monitor", serve)


if __name__ == "__main__":
    main()

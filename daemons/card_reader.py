"""The card-reader service: reader, printer, cards, customers, top-ups, the books."""

from functools import partial

from cngstation.drivers.open_reader import open_reader
from cngstation.drivers.receipt_printer import ReceiptPrinter
from cngstation.drivers.serial_link import SerialSettings, open_serial
from cngstation.rpc.contract.counter import COUNTER, CounterBoard
from cngstation.rpc.server import RpcServer
from cngstation.services.act_on_card import CardActs
from cngstation.services.admit_peers import admits
from cngstation.services.answer_counter import CounterAnswers
from cngstation.services.audit_files import audit_files_of
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.keep_digest import digest_keeper
from cngstation.services.keep_sealed import opened_seal
from cngstation.services.log_in import Gate
from cngstation.services.people import people_at
from cngstation.services.prepare_cards import prepare_cards
from cngstation.services.print_receipts import PaperSettings, PrintDesk
from cngstation.services.put_counter_together import CounterNeeds, put_together
from cngstation.services.register_customers import CustomerDesk
from cngstation.services.serve_card import CardService
from cngstation.services.stage_counter import READ, CounterStage, signboard_of
from cngstation.services.station_rules import rules_of
from cngstation.services.take_out import clear_left
from cngstation.services.watch_disk import watch_disk
from cngstation.services.watch_news import watch_news
from cngstation.services.watch_reader import ReaderWatch
from cngstation.storage.database import Database
from daemons.launch import run
from daemons.process import Process

SOCKET = "counter.sock"


async def serve(process: Process) -> int:
    """Put the counter together and run it."""
    database = await process.open_database()
    config, clock, rules = process.config, process.clock, rules_of(process.config)
    cards_on, keys = await prepare_cards(config, clock, database)
    seal = await opened_seal(database, config.paths.personal_data_key)
    prints_wanted = 1 if config.printer.port else 0
    gate = process.gate(database, lambda: watch)
    acts = CardActs(
        database,
        every_kind(),
        cut_off_minute=rules.business_day_starts_minute,
        prints_wanted=prints_wanted,
    )
    await acts.doubt_all_prepared(rules.till)
    await clear_left(database, audit_files_of(config).folder)
    cards = CardService(database, acts, rules, clock)
    stage = CounterStage(
        database,
        cards,
        rules,
        signboard_of(config.station),
        clock,
        has_printer=bool(config.printer.port),
        watch=lambda: watch,
        may_read=lambda session: gate.holds(session, READ),
    )
    watch = ReaderWatch(partial(open_reader, config.reader), cards_on, stage, keys)
    parts = put_together(
        CounterNeeds(
            database=database,
            path=config.paths.database,
            acts=acts,
            cards=cards,
            watch=watch,
            rules=rules,
            clock=clock,
            desk=CustomerDesk(database, seal),
            gate=gate,
            verified=stage.verified,
            prints_wanted=prints_wanted,
            people=people_at(database, process.passwords, gate, seal, config),
            file=process.file,
        )
    )
    server = counter_server(process, gate, CounterAnswers(parts), stage)
    stage.attach(server)
    await server.start()
    process.watch_database(database)
    process.keep(watch.run(), "watch reader")
    process.keep(watch_disk(config.paths.database.parent, stage.disk_changed), "disk")
    process.keep(watch_news(database, stage.news), "watch news")
    process.keep(digest_keeper(config, clock).run(database), "daily digest")
    if config.printer.port:
        process.keep(_printing(process, database, stage), "print receipts")
    code = await process.until_stopped()
    await server.close()
    await watch.close()
    return code


def counter_server(
    process: Process, gate: Gate, answers: CounterAnswers, stage: CounterStage
) -> RpcServer[CounterBoard]:
    """Return the server of the counter's socket."""
    return RpcServer(
        process.config.paths.runtime_dir / SOCKET,
        COUNTER,
        answers.handlers(),
        gate,
        stage.snapshot,
        program=process.version,
        admits=admits,
        report=process.report,
        refused=process.refusals,
    )


async def _printing(process: Process, database: Database, stage: CounterStage) -> None:
    config = process.config
    printer = ReceiptPrinter(
        SerialSettings(config.printer.port, config.printer.baud), open_serial
    )
    paper = PaperSettings(
        company_name=config.station.company_name,
        station_name=config.station.name,
        till=config.till.name,
        columns=config.printer.columns,
        two_copies=config.printer.two_copies,
    )
    desk = PrintDesk(
        database,
        printer,
        paper,
        changed=stage.printer_changed,
        printed=stage.printed,
    )
    try:
        await desk.run()
    finally:
        await printer.close()


def main() -> None:
    """Run `cng-card-reader`."""
    run("cng-card-reader", serve, SOCKET)


if __name__ == "__main__":
    main()

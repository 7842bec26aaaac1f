"""What must hold of a demo station at rest, whatever was done to it: one list.

The books are compared with the memories of the simulated dispensers and with the
cards themselves; each difference is a sentence.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cngstation.cli.demo_station import DemoStation
from cngstation.domain import ledger
from cngstation.domain.payment import PaymentMode, purse_to_book
from cngstation.services.verify_books import verify_file
from cngstation.simulators.dispenser_line import LineConfig
from cngstation.simulators.jxv4_frames import Record
from cngstation.simulators.jxv4_memory import Counters, Memory
from cngstation.simulators.purse_in_slot import read_purse
from cngstation.simulators.purse_on_card import CardRefused, Purse
from cngstation.simulators.virtual_cards import hold_card
from cngstation.storage import findings, journal
from cngstation.storage.facts import balance, rows
from cngstation.storage.sqlite import Connection, connect

_MILLI_PER_HUNDREDTH = 10


def wrongs(station: DemoStation) -> list[str]:
    """Return what is wrong; of a station at rest nothing must be."""
    proof = verify_file(station.database)
    found = [] if proof.proved else [f"verify: {proof.first_bad}"]
    connection = connect(station.database, read_only=True)
    try:
        found += _nozzles(station, connection)
        found += _cards(station, connection)
        found += _cash(connection)
        opened = len(findings.open_findings(connection)) + len(
            journal.open_intents(connection)
        )
        if proof.open_rows != opened:
            found.append(f"verify counts {proof.open_rows} open rows of {opened}")
    finally:
        connection.close()
    return found


def purse_of(station: DemoStation, uid: str) -> Purse | None:
    """Read a card's purse from its file; None when it has none."""
    master = bytes.fromhex((station.folder / "card-master-key").read_text("ascii"))
    with hold_card(station.cards_dir, bytes.fromhex(uid)) as card:
        try:
            return read_purse(master, card)
        except CardRefused:
            return None


def memories(station: DemoStation) -> Iterator[tuple[int, int, Memory]]:
    """Yield each nozzle with its totaliser at the beginning and its memory now."""
    for nozzle in station.nozzles:
        line = nozzle.control.stem
        config = LineConfig.model_validate_json(
            (station.folder / f"{line}.json").read_bytes()
        )
        began = next(g.totals_quantity for g in config.guns if g.gun == nozzle.gun)
        # Loading folds the file, and a living dispenser goes on with its own.
        with TemporaryDirectory() as folder:
            name = f"gun-{nozzle.gun}.json"
            shutil.copy(config.memory / name, folder)
            memory = Memory.load(Path(folder) / name, Counters())
            memory.close()
        yield nozzle.nozzle_no, began, memory


def _nozzles(station: DemoStation, connection: Connection) -> Iterator[str]:
    for nozzle_no, began, memory in memories(station):
        sales = {
            row["device_seq"]: row
            for row in rows(
                connection, "SELECT * FROM sale WHERE nozzle_no=?", (nozzle_no,)
            )
        }
        count = connection.execute(
            "SELECT count(*) FROM sale WHERE nozzle_no=?", (nozzle_no,)
        ).fetchone()[0]
        name = f"nozzle {nozzle_no}"
        if memory.open is not None:
            yield f"{name} has an open transaction in stage {memory.open.stage}"
        numbers = range(1, memory.counters.last_trans_no + 1)
        if sorted(sales) != list(numbers) or count != len(numbers):
            yield f"{name} recorded {list(numbers)}, booked {sorted(sales)} ({count})"
            continue
        flowed = (memory.counters.total_quantity - began) * _MILLI_PER_HUNDREDTH
        volume = sum(row["quantity_milli"] for row in sales.values())
        if volume != flowed:
            yield f"{name} booked {volume}, its totaliser moved by {flowed}"
        for number in numbers:
            kept = memory.records.find(number)
            assert kept is not None
            record = Record.from_bytes(kept.body)
            wanted = (
                record.quantity * _MILLI_PER_HUNDREDTH,
                record.amount * 100,
                record.real_debit,
            )
            row = sales[number]
            found = (row["quantity_milli"], row["amount_e4"], row["debited"])
            if wanted != found:
                yield f"{name} recorded {wanted} as {number}, booked {found}"


def _cards(station: DemoStation, connection: Connection) -> Iterator[str]:
    named = {found.subject for found in findings.open_findings(connection)}
    for row in rows(connection, "SELECT * FROM card"):
        key, mode = row["card_key"], PaymentMode(row["payment_mode"])
        purse = purse_of(station, row["uid"])
        if journal.open_for_card(connection, key):
            continue
        if purse is None:
            yield f"card {key} has no purse, and no open act says why"
            continue
        if purse.grey is not None:
            if key not in named:
                yield f"card {key} is grey, and no open row names it"
            continue
        booked = balance(connection, f"card:{key}", row["unit"])
        account = -booked if mode.prepaid else booked
        if account != purse_to_book(mode, purse.balance):
            yield f"card {key} holds {purse.balance}, its account {account}"
    for sale in rows(connection, "SELECT * FROM sale WHERE transaction_type='grey'"):
        grey = f"%/{sale['device_seq']}"
        pseq = sale["pseq"]
        if journal.last_done(connection, sale["card_key"], "settle_grey", grey, pseq):
            continue
        if _is_collected(connection, sale):
            continue
        if (sale["card_key"] or sale["wire_card_no"]) not in named:
            yield f"sale {sale['seq']} is grey, and no open row names its card"


def _is_collected(connection: Connection, sale: dict[str, Any]) -> bool:
    """Tell whether a dispenser has collected an unpaid fill, and what it should."""
    found = connection.execute(
        "SELECT debited * 100 FROM sale WHERE transaction_type='make_up_debit'"
        " AND related_grey_seq=? AND card_key=?",
        (sale["device_seq"], sale["card_key"]),
    ).fetchall()
    return [row[0] for row in found] == [sale["amount_e4"]]


def _cash(connection: Connection) -> Iterator[str]:
    taken = connection.execute(
        "SELECT coalesce(sum(cash_e4), 0) FROM intent WHERE state <> 'VOID'"
    ).fetchone()[0]
    # A float, a drop or a pay-out is no act on a card.
    put_in = connection.execute(
        "SELECT coalesce(sum(p.amount), 0) FROM posting p JOIN entry e USING (seq)"
        " WHERE p.account=? AND e.intent_id <> ''",
        (ledger.till_account("till-1", "cash"),),
    ).fetchone()[0]
    if put_in != taken:
        yield f"the acts put {put_in} into the till, they took {taken}"

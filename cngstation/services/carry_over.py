"""What goes from the books of one epoch into the next, and what stands in the way.

Money and cards of customers are never carried: while a card is out, or an account of a
customer, crew or till holds anything, a new epoch is refused. So nothing that anybody
owns depends on a copy being right. What is carried is the station's own: people,
prices, the safe, numbers that must not come twice, and every number that dispensers
must go on refusing.
"""

from dataclasses import dataclass
from typing import Any

from cngstation.domain.ledger import OPENING, Entry, Posting
from cngstation.errors import Refusal
from cngstation.language import _, mark
from cngstation.moments import Instant, time_text
from cngstation.services.one_hand import Deciding, deciding
from cngstation.services.tell_day import tell, today
from cngstation.storage import (
    audit,
    downloads,
    epochs,
    facts,
    journal,
    outbox,
    registers,
    shifts,
)
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.epochs import EpochStart
from cngstation.storage.facts import prove_row, rows
from cngstation.storage.register_rows import BY_TABLE
from cngstation.storage.sqlite import Connection
from cngstation.units import Unit

KIND = "epoch.carried"
# Registers of the station itself, each before those that refer to it.
_REGISTERS = (
    "outlet",
    "role",
    "operator",
    "staff_card",
    "vehicle_type",
    "parameter",
    "card_key",
    "vendor_ticket",
)
# The newest row of each is in force, by these columns.
_NEWEST = {
    "card_list": "kind",
    "price_table": "unit",
    "enrolment_request": "NULL",
    "enrolment": "NULL",
}
_PRICES = (
    "SELECT * FROM price WHERE seq NOT IN (SELECT price_seq FROM price_cancelled)"
    " ORDER BY seq"
)
_STAMP = ("seq", "at_ms", "mono_ms", "boot_id")
_KEPT = ("safe:", "bank:")
_OWED = ("card:", "company:", "till:", "crew:", "suspense:", "clearing:", "receivable:")
_ENDED = ("cancelled", "replaced", "waste")


class NotAtRest(Refusal):
    """Something is open that the new books would not know of."""

    code = "refusal.not_at_rest"
    text = (
        "New books cannot begin yet: {what}, for example {example}. Nothing was "
        "changed. {cure}"
    )


@dataclass(frozen=True, slots=True)
class Carried:
    """What is read out of the old books."""

    epoch: int
    seq: int
    head: str
    card_serial: int
    money: dict[str, int]
    registers: dict[str, list[dict[str, Any]]]
    prices: list[dict[str, Any]]
    newest: dict[str, list[dict[str, Any]]]
    listed: list[tuple[str, str, str]]
    hands: list[Deciding]


def require_rest(connection: Connection, now: Instant, *, networked: bool) -> None:
    """Refuse while anything is open that new books would lose.

    Raises:
        NotAtRest: what it is, and how it is ended.
    """
    for look in (_open_acts, _cards_out, _money_owed, _open_tills, _open_shifts):
        look(connection)
    _clock_right(connection, now)
    waiting = outbox.waiting(connection).count
    if networked and waiting:
        what = mark("{count} records wait for head office")
        _refuse([str(waiting)] * waiting, what, mark("Let them be sent first."))


def read_over(connection: Connection, now: Instant) -> Carried:
    """Read what the next epoch begins with."""
    epoch, seq, head, serial = connection.execute(
        "SELECT epoch, seq, head, card_serial FROM tip"
    ).fetchone()
    money = {
        name: balance
        for name, unit, balance in _balances(connection)
        if unit == Unit.CNY and name.startswith(_KEPT)
    }
    crew_cards = connection.execute("SELECT card_key FROM card WHERE holder <> ''")
    crews = {key.rjust(downloads.WIRE_DIGITS, "0") for (key,) in crew_cards}
    by_hand = downloads.numbers_by_hand(connection)
    named = {number for number, _, _ in by_hand}
    own = (downloads.refused_numbers(connection) | crews) - named
    return Carried(
        epoch=epoch,
        seq=seq,
        head=head.hex(),
        card_serial=serial,
        money=money,
        registers={
            table: list(rows(connection, f"SELECT * FROM {table}"))  # noqa: S608 - ours
            for table in _REGISTERS
        },
        prices=list(rows(connection, _PRICES)),
        newest={table: _newest(connection, table) for table in _NEWEST},
        listed=[*by_hand, *((number, "black", "hand") for number in sorted(own))],
        hands=deciding(connection, now),
    )


def begin_epoch(
    tx: Transaction,
    carried: Carried,
    start: EpochStart,
    actor: Actor,
    *,
    cut_off_minute: int,
) -> None:
    """Write the beginning of an epoch into empty books."""
    epochs.begin(tx, start, carried.card_serial)
    reason = f"epoch {start.previous_epoch + 1}"
    for table, found in carried.registers.items():
        for row in found:
            _put(tx, table, row, reason, actor)
    for done in carried.hands:
        # What is of the day or the week begins it anew with the books.
        by, told = Actor(done.by, actor.terminal), f"{reason} row {done.seq}"
        audit.record(
            tx, by, done.act, done.subject, outcome=audit.CARRIED, reason=told,
            before=done.before, after=done.told,
        )  # fmt: skip
    for price in carried.prices:
        del price["seq"]
        prove_row(tx, "price", str(price["level"]), price)
    for table, found in carried.newest.items():
        for row in found:
            plain = {name: row[name] for name in row if name not in _STAMP}
            prove_row(tx, table, str(plain.get(_NEWEST[table], reason)), plain)
    for number, on, source in carried.listed:
        downloads.list_number(tx, number, on, source=source, reason=reason, actor=actor)
    if carried.money:
        facts.post(tx, _entry(tx, carried.money, actor, cut_off_minute))


def _put(
    tx: Transaction, table: str, row: dict[str, Any], reason: str, actor: Actor
) -> None:
    register = BY_TABLE[table]
    key = {name: row[name] for name in register.key}
    where = " AND ".join(f"{name}=?" for name in key)
    there = tx.connection.execute(
        f"SELECT 1 FROM {table} WHERE {where}",  # noqa: S608 - our names
        tuple(key.values()),
    ).fetchone()
    if there is None:
        registers.add(tx, table, row, reason=reason, actor=actor)
    else:
        values = {name: row[name] for name in row if name not in key}
        registers.change(tx, table, key, values, reason=reason, actor=actor)


def _entry(
    tx: Transaction, money: dict[str, int], actor: Actor, cut_off_minute: int
) -> Entry:
    postings = [Posting(name, Unit.CNY, money[name]) for name in sorted(money)]
    whole = Posting(OPENING, Unit.CNY, -sum(money.values()))
    return Entry(
        entry_id=epochs.ENTRY_ID,
        kind=KIND,
        business_day=today(tx, cut_off_minute=cut_off_minute),
        operator_no=actor.operator_no,
        terminal=actor.terminal,
        postings=(*postings, *([whole] if whole.amount else [])),
    )


def _balances(connection: Connection) -> list[tuple[str, str, int]]:
    return connection.execute(
        "SELECT name, unit, balance FROM account WHERE balance <> 0 ORDER BY name"
    ).fetchall()


def _newest(connection: Connection, table: str) -> list[dict[str, Any]]:
    by = _NEWEST[table]
    sql = (
        f"SELECT * FROM {table} WHERE seq IN"  # noqa: S608 - our names
        f" (SELECT max(seq) FROM {table} GROUP BY {by}) ORDER BY seq"
    )
    return list(rows(connection, sql))


def _refuse(found: list[str], what: str, cure: str) -> None:
    if found:
        told = _(what).format(count=len(found))
        raise NotAtRest(what=told, example=found[0], cure=cure)


def _open_acts(connection: Connection) -> None:
    found = [intent.card_key for intent in journal.open_intents(connection)]
    _refuse(
        found,
        mark("{count} acts are not finished"),
        mark("Lay these cards on the reader."),
    )


def _cards_out(connection: Connection) -> None:
    marks = ", ".join("?" * len(_ENDED))
    found = connection.execute(
        f"SELECT card_key FROM card WHERE state NOT IN ({marks})"  # noqa: S608 - marks
        " AND holder = '' AND NOT (state = 'inactive' AND wseq = 0) ORDER BY card_key",
        _ENDED,
    )
    cards = [key for (key,) in found]
    _refuse(
        cards,
        mark("{count} cards are out"),
        mark("Cancel or replace them, their money goes back."),
    )


def _money_owed(connection: Connection) -> None:
    found = [row[0] for row in _balances(connection) if row[0].startswith(_OWED)]
    cure = mark("Close tills and shifts, pay out or settle what is left.")
    _refuse(found, mark("{count} accounts are not empty"), cure)


def _open_tills(connection: Connection) -> None:
    found = connection.execute(
        "SELECT till FROM till_session WHERE seq IN"
        " (SELECT max(seq) FROM till_session GROUP BY till) AND step = 'opened'"
    )
    tills = [name for (name,) in found]
    _refuse(tills, mark("{count} tills are open"), mark("Count and close them."))


def _clock_right(connection: Connection, now: Instant) -> None:
    """New books have nothing to compare a clock with: all days would be wrong."""
    told = tell(connection, now)
    if not told.agrees:
        shown = f"{time_text(now.wall_ms)} ({time_text(told.ms)})"
        cure = mark("Set the clock, or let two people say that it is right.")
        _refuse([shown], mark("the clock of the station is wrong"), cure)


def _open_shifts(connection: Connection) -> None:
    found = [str(shift.shift_no) for shift in shifts.open_shifts(connection)]
    _refuse(found, mark("{count} shifts are open"), mark("Hand them over."))

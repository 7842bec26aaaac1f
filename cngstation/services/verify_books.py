"""Proves the books from the file alone: chain, tables, sums, cards, totalisers, outbox.

Reads one snapshot, read-only, whether the daemons run or not. The first thing that is
wrong is named; open rows are counted and are no failure.
"""

from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from cngstation.domain.ledger import SUSPENSE_SALES, card_account, suspense_account
from cngstation.domain.payment import PaymentMode, purse_to_book
from cngstation.errors import StorageError
from cngstation.language import mark
from cngstation.services import (
    verify_accounts,
    verify_chain,
    verify_epochs,
    verify_shifts,
)
from cngstation.services.tell_wrong import Wrong, wrong
from cngstation.services.verify_accounts import Sums
from cngstation.services.verify_overview import MANY, Overview, look_over
from cngstation.services.verify_registers import first_difference
from cngstation.storage import chain, facts, journal, sales
from cngstation.storage.migrations import (
    current_version,
    known_migrations,
    schema_rows,
    schema_rows_of,
)
from cngstation.storage.register_rows import REGISTERS, stored_rows
from cngstation.storage.second_reader import (
    UNANSWERED,
    Reader,
    ReaderGone,
    begin,
    second_reader,
)
from cngstation.storage.sqlite import FAILURES, Connection, connect, sqlite3

_DAMAGED = mark("the file is damaged: {why}")


@dataclass(frozen=True, slots=True)
class Proof:
    """What verifying found; `wrong` is None when the books are proved."""

    wrong: Wrong | None
    head: str
    rows: int
    open_rows: int

    @property
    def proved(self) -> bool:
        """Whether nothing is wrong."""
        return self.wrong is None

    @property
    def first_bad(self) -> str | None:
        """What is wrong, in English."""
        return None if self.wrong is None else str(self.wrong)


class _Broken(Exception):
    """The first thing found wrong."""

    def __init__(self, found: Wrong) -> None:
        super().__init__(found)
        self.wrong = found


def verify_file(path: Path) -> Proof:
    """Prove the books in a file.

    Raises:
        StorageError: the file cannot be opened or is not a station's file.
    """
    if not path.is_file():
        raise StorageError(why=f"there is no file {path}")
    try:
        with closing(connect(path, read_only=True)) as connection:
            known = known_migrations()[-1][0]
            if current_version(connection, path, known) == 0:
                raise StorageError(why=f"{path} is not a station's database")
            return _verify(path, connection)
    except FAILURES as error:
        if _primary_code(error) in _NOT_REACHED:
            raise StorageError(why=f"{path} cannot be read: {error}") from error
        return Proof(wrong(_DAMAGED, why=str(error)), "", 0, 0)


def _verify(path: Path, connection: Connection) -> Proof:
    if _are_many(connection):
        with suppress(ReaderGone), second_reader(path, connection) as other:
            return verify(connection, other)
    if not connection.in_transaction:
        begin(connection)
    return verify(connection)


def _are_many(connection: Connection) -> bool:
    """Tell whether a second process is worth it; of damaged books it is not."""
    try:
        return chain.read_tip(connection).seq >= MANY
    except UNANSWERED:
        return False


# Not what the books say but whether they could be read at all.
_NOT_REACHED = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_NOTADB,
    }
)


def _primary_code(error: Exception) -> int:
    return (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def verify(connection: Connection, other: Reader | None = None) -> Proof:
    """Prove the books of one snapshot; `other` sees the same and takes its share."""
    found: Wrong | None = None
    try:
        seen = _looked_over(connection, other)
        for check in _CHECKS:
            check(connection, seen)
    except _Broken as broken:
        found = broken.wrong
    # Counted by SQL alone: of a file that is wrong no row can be taken for granted.
    head, rows, open_rows = connection.execute(
        "SELECT lower(hex(max(head))), CAST(coalesce(max(seq), 0) AS INTEGER),"
        " (SELECT count(*) FROM finding WHERE seq NOT IN"
        "  (SELECT finding_seq FROM finding_closed)) +"
        " (SELECT count(*) FROM intent WHERE state IN ('PREPARED','INDOUBT')) FROM tip"
    ).fetchone()
    return Proof(found, head, rows, open_rows)


def _looked_over(connection: Connection, other: Reader | None) -> Overview:
    """Look quickly at all; at nothing where the tables are not what they should be."""
    try:
        _schema(connection, Overview())
        _tip(connection, Overview())
        return look_over(connection, other)
    except (_Broken, *UNANSWERED):
        return Overview()


def _storage(connection: Connection, seen: Overview) -> None:
    if not seen.whole:
        row = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if row[0] != "ok":
            raise _Broken(wrong(_DAMAGED, why=row[0]))
    if seen.bodies and seen.related:
        return
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        text = mark("table {table} names a row of {other} that is missing")
        raise _Broken(wrong(text, table=broken[0], other=broken[2]))


def _tip(connection: Connection, _: Overview) -> None:
    if connection.execute("SELECT one FROM tip").fetchall() != [(1,)]:
        raise _Broken(wrong(mark("the tip is missing")))
    tip = chain.read_tip(connection)
    row = connection.execute(
        "SELECT epoch FROM chain ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    if row is not None and row[0] != tip.epoch:
        text = mark("the tip says epoch {epoch}, the chain {found}")
        raise _Broken(wrong(text, epoch=tip.epoch, found=row[0]))
    serial = connection.execute(
        "SELECT coalesce(max(CAST(substr(card_no, 3) AS INTEGER)), 0) FROM card"
        " WHERE card_key IN (SELECT card_key FROM intent"
        " WHERE kind IN ('issue', 'replace')"
        " AND json_extract(plan, '$.numbered_by') IS NOT 'maker')"
    ).fetchone()[0]
    if serial > tip.card_serial:
        text = mark("card serial {serial} is in use, the tip says {tip}")
        raise _Broken(wrong(text, serial=serial, tip=tip.card_serial))


def _chain(connection: Connection, seen: Overview) -> None:
    if not (seen.linked and seen.bodies):
        _require_none(verify_chain.first_difference(connection))


def _entries(connection: Connection, seen: Overview) -> None:
    if not seen.bodies:
        _require_none(verify_chain.renumbered(connection))
        _require_none(verify_chain.unbalanced(connection))


def _outbox(connection: Connection, seen: Overview) -> None:
    if not seen.bodies:
        _require_none(verify_chain.not_queued(connection))


def _require_none(found: Wrong | None) -> None:
    if found:
        raise _Broken(found)


_INTENT_DIFFERS = " OR ".join(f"c.{name} <> i.{name}" for name in journal.COLUMNS)


def _accounts(connection: Connection, seen: Overview) -> None:
    """What is booked on an account is what acts, cards and kept balances say of it."""
    sums = verify_accounts.summed(connection) if seen.sums is None else seen.sums
    _intents(connection, sums)
    _cards(connection, sums)
    _require_none(verify_accounts.first_difference(connection, sums))


def _intents(connection: Connection, sums: Sums) -> None:
    row = connection.execute(
        "SELECT i.intent_id FROM intent i LEFT JOIN intent_change c"  # noqa: S608
        " ON c.seq = (SELECT max(seq) FROM intent_change"
        "             WHERE intent_id = i.intent_id)"
        f" WHERE c.seq IS NULL OR c.seq <> i.changed_seq OR {_INTENT_DIFFERS} LIMIT 1"
    ).fetchone()
    if row is not None:
        text = mark("intent {act} differs from its history")
        raise _Broken(wrong(text, act=row[0]))
    for (account, _), total in sums.items():
        if not account.startswith("suspense:") or account == SUSPENSE_SALES:
            continue
        intent = journal.find(connection, account.removeprefix("suspense:"))
        if intent is None or intent.state not in journal.OPEN_STATES:
            text = mark("{account} still holds {total} for a settled act")
            raise _Broken(wrong(text, account=account, total=total))
        if total != -intent.cash_e4:
            text = mark("{account} holds {total}, the act says {act}")
            raise _Broken(
                wrong(text, account=account, total=total, act=-intent.cash_e4)
            )
    for intent in journal.open_intents(connection):
        held = -sums.get((suspense_account(intent.intent_id), "CNY"), 0)
        if held != intent.cash_e4:
            text = mark("act {act} is open and holds {held} of {cash}")
            act, cash = intent.intent_id, intent.cash_e4
            raise _Broken(wrong(text, act=act, held=held, cash=cash))


def _cards(connection: Connection, sums: Sums) -> None:
    """A card as last seen equals its account at the same counters.

    Only where every dispenser write of the card is booked once: a record may be late,
    and a copied card has a row of its own. Waste or replaced, the book alone judges.
    """
    modes = ", ".join(f"'{mode}'" for mode in PaymentMode)
    row = connection.execute(
        "SELECT card_key FROM card WHERE seen_wseq > wseq"  # noqa: S608 - our names
        f" OR payment_mode NOT IN ({modes}) LIMIT 1"
    ).fetchone()
    if row is not None:
        text = mark("card {card} has figures that no act of ours leaves")
        raise _Broken(wrong(text, card=row[0]))
    for row in facts.rows(
        connection,
        "SELECT c.* FROM card c WHERE c.seen_at_ms > 0 AND c.seen_wseq = c.wseq"
        " AND c.seen_pseq=c.pseq AND c.seen_grey='' AND c.state NOT IN"
        " ('waste','replaced') AND NOT EXISTS"
        " (SELECT 1 FROM intent i WHERE i.card_key = c.card_key"
        "  AND i.state IN ('PREPARED','INDOUBT','SCRAP'))",
    ):
        if not sales.all_in(connection, row["card_key"], row["pseq"]):
            continue
        mode = PaymentMode(row["payment_mode"])
        booked = sums.get((card_account(row["card_key"]), row["unit"]), 0)
        booked = -booked if mode.prepaid else booked
        on_card = purse_to_book(mode, row["seen_balance"])
        if booked != on_card:
            text = mark("card {card} was seen with {seen}, its account has {booked}")
            raise _Broken(
                wrong(text, card=row["card_key"], seen=on_card, booked=booked)
            )


def _lots(connection: Connection, _: Overview) -> None:
    """No lot gives more than it has, and all of its money goes with its gas."""
    row = connection.execute(
        "SELECT l.seq FROM gas_lot l JOIN gas_lot_use u ON u.lot_seq = l.seq"
        " GROUP BY l.seq HAVING sum(u.quantity_milli) > l.quantity_milli"
        " OR sum(u.money_e4) > l.money_e4 OR min(u.money_e4) < 0"
        " OR (sum(u.quantity_milli) = l.quantity_milli"
        "     AND sum(u.money_e4) <> l.money_e4) LIMIT 1"
    ).fetchone()
    if row is not None:
        text = mark("gas lot {lot} was used beyond what it holds")
        raise _Broken(wrong(text, lot=row[0]))


def _totalisers(connection: Connection, seen: Overview) -> None:
    continued = seen.continued
    _require_none(verify_shifts.first_difference(connection, continued=continued))


def _epochs(connection: Connection, _: Overview) -> None:
    _require_none(verify_epochs.first_difference(connection))


def _receipts(connection: Connection, _: Overview) -> None:
    tip = chain.read_tip(connection)
    count, last = connection.execute(
        "SELECT count(*), coalesce(max(receipt_no), 0) FROM receipt"
    ).fetchone()
    if not count == last == tip.receipt_no:
        text = mark(
            "receipt numbers are not gapless: {count} up to {last}, the tip says {tip}"
        )
        raise _Broken(wrong(text, count=count, last=last, tip=tip.receipt_no))


def _schema(connection: Connection, _: Overview) -> None:
    """The file is of a version, table by table and word by word.

    Comes first: what is read by a name that was changed proves nothing.
    """
    for name in ("user_version", "application_id"):
        (found,) = connection.execute(f"PRAGMA {name}").fetchone()
        if found:
            text = mark("the header of the file was changed: {name} {found}")
            raise _Broken(wrong(text, name=name, found=found))
    known = known_migrations()
    newest = connection.execute("SELECT max(version) FROM schema_migration").fetchone()
    recorded = connection.execute(
        "SELECT version, name FROM schema_migration ORDER BY version"
    ).fetchall()
    if recorded != [(number, name) for number, name, _ in known if number <= newest[0]]:
        raise _Broken(wrong(mark("the record of schema versions was changed")))
    _same_schema(connection, newest[0], triggers=False)


def _seat_belts(connection: Connection, _: Overview) -> None:
    """The triggers stand; last, because a changed row says more than a missing one."""
    newest = connection.execute("SELECT max(version) FROM schema_migration").fetchone()
    _same_schema(connection, newest[0], triggers=True)


def _same_schema(connection: Connection, version: int, *, triggers: bool) -> None:
    found, wanted = schema_rows(connection), schema_rows_of(version)
    for kind, name, *_ in sorted((found - wanted) + (wanted - found), key=str):
        if (kind == "trigger") is triggers:
            text = mark("{kind} {name} is missing or was changed")
            raise _Broken(wrong(text, kind=kind, name=name))


def _readable(connection: Connection, _seen: Overview) -> None:
    """Text that is none is found here, wherever it stands in a register."""
    for register in REGISTERS:
        for _ in stored_rows(connection, register):
            pass


def _registers(connection: Connection, _: Overview) -> None:
    newest = connection.execute("SELECT max(version) FROM schema_migration").fetchone()
    _require_none(first_difference(connection, newest[0]))


_CHECKS: tuple[Callable[[Connection, Overview], None], ...] = (
    _storage,
    _schema,
    _readable,
    _tip,
    _chain,
    _entries,
    _accounts,
    _registers,
    _lots,
    _totalisers,
    _epochs,
    _outbox,
    _receipts,
    _seat_belts,
)

"""Proves the books from the file alone: chain, tables, sums, cards, totalisers, outbox.

Reads one snapshot, read-only, whether the daemons run or not. The first thing that is
wrong is named; open rows are counted and are no failure.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cngstation.domain.payment import PaymentMode, purse_to_book
from cngstation.errors import StorageError
from cngstation.storage import chain, facts, findings, journal, sales
from cngstation.storage.migrations import current_version, known_migrations
from cngstation.storage.sqlite import Connection, connect, sqlite3


@dataclass(frozen=True, slots=True)
class Proof:
    """What verifying found; `first_bad` is None when the books are proved."""

    first_bad: str | None
    head: str
    rows: int
    open_rows: int

    @property
    def proved(self) -> bool:
        """Whether nothing is wrong."""
        return self.first_bad is None


class _Broken(Exception):
    """The first thing found wrong."""


def verify_file(path: Path) -> Proof:
    """Prove the books in a file.

    Raises:
        StorageError: the file cannot be opened or is not a station's file.
    """
    if not path.is_file():
        raise StorageError(why=f"there is no file {path}")
    try:
        connection = connect(path, read_only=True)
        try:
            connection.execute("BEGIN")
            known = known_migrations()[-1][0]
            if current_version(connection, path, known) == 0:
                raise StorageError(why=f"{path} is not a station's database")
            return verify(connection)
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        return Proof(f"the file is damaged: {error}", "", 0, 0)


def verify(connection: Connection) -> Proof:
    """Prove the books of one snapshot."""
    tip = chain.read_tip(connection)
    first_bad: str | None = None
    try:
        for check in _CHECKS:
            check(connection)
    except _Broken as broken:
        first_bad = str(broken)
    open_rows = len(findings.open_findings(connection)) + len(
        journal.open_intents(connection)
    )
    return Proof(first_bad, tip.head.hex(), tip.seq, open_rows)


def _storage(connection: Connection) -> None:
    row = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if row[0] != "ok":
        raise _Broken(f"the file is damaged: {row[0]}")
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise _Broken(f"table {broken[0]} names a row of {broken[2]} that is missing")


def _chain(connection: Connection) -> None:
    """Every body is re-made from the tables and linked again."""
    tip = chain.read_tip(connection)
    stored = {
        kind: facts.stored_bodies(connection, kind)
        for kind in (*facts.PLAIN_FACTS, "entry")
    }
    head, expected = bytes(32), 1
    links = connection.execute(
        "SELECT seq, epoch, kind, ref, body, head FROM chain ORDER BY seq"
    )
    for seq, epoch, kind, ref, text, found_head in links:
        if seq != expected:
            raise _Broken(f"chain row {expected} is missing")
        if kind not in stored:
            raise _Broken(f"chain row {seq} has an unknown kind {kind!r}")
        row_seq, body = next(stored[kind], (None, None))
        if row_seq != seq or body is None:
            where = "is missing" if row_seq is None or row_seq > seq else "was added"
            raise _Broken(f"{kind} row {row_seq or seq} ({ref}) {where}")
        made = chain.canonical({**body, "fact": kind, "epoch": epoch, "seq": seq})
        if made != text:
            raise _Broken(f"{kind} row {seq} ({ref}) was changed")
        head = chain.link(head, made)
        if head != found_head:
            raise _Broken(f"chain row {seq} ({kind} {ref}) does not continue the chain")
        expected += 1
    for kind, bodies in stored.items():
        extra = next(bodies, None)
        if extra is not None:
            raise _Broken(f"{kind} row {extra[0]} was added outside the chain")
    if (tip.seq, tip.head) != (expected - 1, head):
        raise _Broken(f"the chain ends at {expected - 1}, the tip says {tip.seq}")


def _sums(connection: Connection) -> None:
    row = connection.execute(
        "SELECT e.entry_id, p.unit, sum(p.amount) FROM posting p JOIN entry e"
        " USING (seq) GROUP BY p.seq, p.unit HAVING sum(p.amount) <> 0 LIMIT 1"
    ).fetchone()
    if row is not None:
        raise _Broken(f"entry {row[0]} does not sum to zero in {row[1]}: {row[2]}")


def _strays(connection: Connection) -> None:
    """What hangs on an entry must hang on one: postings, sales, lots and their use."""
    for table in ("posting", "sale", "gas_lot", "gas_lot_use"):
        row = connection.execute(
            f"SELECT seq FROM {table} WHERE seq NOT IN (SELECT seq FROM entry) LIMIT 1"  # noqa: S608
        ).fetchone()
        if row is not None:
            raise _Broken(f"{table} row {row[0]} belongs to no entry")


def _intents(connection: Connection) -> None:
    row = connection.execute(
        "SELECT i.intent_id FROM intent i LEFT JOIN intent_change c"
        " ON c.seq = (SELECT max(seq) FROM intent_change"
        "             WHERE intent_id = i.intent_id)"
        " WHERE c.seq IS NULL OR c.seq <> i.changed_seq OR c.state <> i.state"
        "  OR c.amount <> i.amount OR c.uid <> i.uid OR c.card_key <> i.card_key"
        "  OR c.before_balance <> i.before_balance"
        "  OR c.before_wseq <> i.before_wseq OR c.before_pseq <> i.before_pseq"
        "  OR c.after_balance <> i.after_balance LIMIT 1"
    ).fetchone()
    if row is not None:
        raise _Broken(f"intent {row[0]} differs from its history")
    for account, total in connection.execute(
        "SELECT account, sum(amount) FROM posting WHERE account LIKE 'suspense:%'"
        " AND account <> 'suspense:unknown_card' GROUP BY account HAVING sum(amount)"
    ):
        intent = journal.find(connection, account.removeprefix("suspense:"))
        if intent is None or intent.state not in journal.OPEN_STATES:
            raise _Broken(f"{account} still holds {total} for a settled act")
        if total != -intent.cash_e4:
            raise _Broken(f"{account} holds {total}, the act says {-intent.cash_e4}")
    for intent in journal.open_intents(connection):
        held = -facts.balance(connection, f"suspense:{intent.intent_id}", "CNY")
        if held != intent.cash_e4:
            raise _Broken(
                f"act {intent.intent_id} is open and holds {held} of {intent.cash_e4}"
            )


def _cards(connection: Connection) -> None:
    """A card as last seen equals its account at the same counters.

    Only where every dispenser write of the card is booked once: a record may be late,
    and a copied card has a row of its own. A waste card is judged by the book alone.
    """
    for row in facts.rows(
        connection,
        "SELECT c.*, coalesce((SELECT sum(amount) FROM posting p"
        " WHERE p.account = 'card:' || c.card_key AND p.unit = c.unit), 0) AS booked"
        " FROM card c WHERE c.seen_at_ms > 0 AND c.seen_wseq = c.wseq"
        " AND c.seen_pseq = c.pseq AND c.seen_grey = '' AND c.state <> 'waste'"
        " AND NOT EXISTS"
        " (SELECT 1 FROM intent i WHERE i.card_key = c.card_key"
        "  AND i.state IN ('PREPARED','INDOUBT'))",
    ):
        if not sales.all_in(connection, row["card_key"], row["pseq"]):
            continue
        mode = PaymentMode(row["payment_mode"])
        booked = -row["booked"] if mode.prepaid else row["booked"]
        on_card = purse_to_book(mode, row["seen_balance"])
        if booked != on_card:
            raise _Broken(
                f"card {row['card_key']} was seen with {on_card}, its account has"
                f" {booked}"
            )


def _lots(connection: Connection) -> None:
    """No lot gives more than it has, and all of its money goes with its gas."""
    row = connection.execute(
        "SELECT l.seq FROM gas_lot l JOIN gas_lot_use u ON u.lot_seq = l.seq"
        " GROUP BY l.seq HAVING sum(u.quantity_milli) > l.quantity_milli"
        " OR sum(u.money_e4) > l.money_e4 OR min(u.money_e4) < 0"
        " OR (sum(u.quantity_milli) = l.quantity_milli"
        "     AND sum(u.money_e4) <> l.money_e4) LIMIT 1"
    ).fetchone()
    if row is not None:
        raise _Broken(f"gas lot {row[0]} was used beyond what it holds")


def _totalisers(connection: Connection) -> None:
    """Fills of a nozzle follow each other on its totaliser, or a finding names it."""
    named = {(found.subject, found.kind) for found in _all_findings(connection)}
    previous: tuple[tuple[str, int, int, int], int, int] | None = None
    for (
        station,
        dispenser,
        nozzle,
        epoch,
        number,
        quantity,
        total,
        kind,
    ) in connection.execute(
        "SELECT station_no, dispenser_no, nozzle_no, epoch, device_seq,"
        " quantity_milli, total_quantity_milli, transaction_type FROM sale"
        " ORDER BY station_no, dispenser_no, nozzle_no, epoch, device_seq"
    ):
        key = (station, dispenser, nozzle, epoch)
        moved = 0 if kind == "make_up_debit" else quantity
        if previous is not None and previous[:2] == (key, number - 1):
            breaks = total - moved != previous[2]
            if breaks and (f"nozzle {nozzle}", "totaliser_break") not in named:
                raise _Broken(
                    f"nozzle {nozzle}: fill {number} does not continue the totaliser"
                )
        previous = (key, number, total)


def _all_findings(connection: Connection) -> Iterator[findings.Finding]:
    for row in connection.execute(
        "SELECT seq, kind, subject, facts, at_ms FROM finding"
    ):
        yield findings.Finding(*row)


def _outbox(connection: Connection) -> None:
    tip = chain.read_tip(connection)
    count, last = connection.execute(
        "SELECT count(*), coalesce(max(seq), 0) FROM outbox"
    ).fetchone()
    if not count == last == tip.outbox_seq:
        raise _Broken(
            f"the outbox has {count} rows, the last is {last},"
            f" the tip says {tip.outbox_seq}"
        )
    row = connection.execute(
        "SELECT seq FROM chain WHERE seq NOT IN (SELECT chain_seq FROM outbox) LIMIT 1"
    ).fetchone()
    if row is not None:
        raise _Broken(f"chain row {row[0]} was never put in the outbox")


def _receipts(connection: Connection) -> None:
    tip = chain.read_tip(connection)
    count, last = connection.execute(
        "SELECT count(*), coalesce(max(receipt_no), 0) FROM receipt"
    ).fetchone()
    if not count == last == tip.receipt_no:
        raise _Broken(
            f"receipt numbers are not gapless: {count} up to {last},"
            f" the tip says {tip.receipt_no}"
        )


_CHECKS: tuple[Callable[[Connection], None], ...] = (
    _storage,
    _chain,
    _strays,
    _sums,
    _intents,
    _cards,
    _lots,
    _totalisers,
    _outbox,
    _receipts,
)

"""Proved rows: what is written into a table is what is hashed into the chain.

Each fact's row has the `seq` of its place in the chain as its key. An entry carries
its postings, and with them the sale or the lots of gas that it books.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cngstation.domain.ledger import Entry, require_balance
from cngstation.storage.database import Transaction
from cngstation.storage.register_rows import has_table
from cngstation.storage.sqlite import Connection

Row = Mapping[str, Any]

# Facts whose body is the row itself. An entry has parts, see `_entries`.
PLAIN_FACTS = (
    "checkpoint",
    "intent_change",
    "audit",
    "finding",
    "finding_closed",
    "price",
    "receipt",
    "register_change",
    "card_mark",
    "till_session",
    "company_terms",
    "discount_rule",
    "spending_limit",
    "invoice",
    "opening_balance",
    "opening_verdict",
    "shift_step",
    "shift_reading",
    "duty_record",
    "parameter_change",
    "device_event",
    "card_list",
    "price_table",
    "nozzle_version",
    "version_sent",
    "version_refused",
    "nozzle_order",
    "alarm_seen",
    "enrolment_request",
    "enrolment",
    "price_cancelled",
    "epoch_start",
    "digest",
    "return_gas",
)
# Of these tables some columns go on changing after the fact.
_FIXED_COLUMNS = {"receipt": ("seq", "receipt_no", "entry_id", "kind", "content")}
# A price says from when it is, a receipt has its moment in its content: all other rows
# have columns for the three readings of the clock.
_STAMPED = frozenset(PLAIN_FACTS) - {"price", "receipt"}


def insert(connection: Connection, table: str, row: Row) -> None:
    """Insert a row; its keys are the column names."""
    _insert(connection, table, tuple(row), tuple(row.values()))


def _insert_fact(connection: Connection, table: str, seq: int, row: Row) -> None:
    _insert(connection, table, ("seq", *row), (seq, *row.values()))


def _insert(
    connection: Connection,
    table: str,
    columns: tuple[str, ...],
    values: tuple[Any, ...],
) -> None:
    sql, made_for = _inserts.get(table, ("", None))
    if columns != made_for:
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - our names
        _inserts[table] = sql, columns
    connection.execute(sql, values)


# The statement that each table had last: to compare names is cheaper than to hash them.
_inserts: dict[str, tuple[str, tuple[str, ...] | None]] = {}


def prove_row(tx: Transaction, table: str, ref: str, row: Row) -> int:
    """Chain a row and store it; return its `seq`."""
    whole = {**row, **tx.stamp()} if table in _STAMPED else dict(row)
    seq = tx.prove(table, ref, printable(whole))
    _insert_fact(tx.connection, table, seq, whole)
    return seq


def post(
    tx: Transaction,
    entry: Entry,
    *,
    sale: Row | None = None,
    lots: Sequence[Row] = (),
    lot_uses: Sequence[Row] = (),
    shift_no: int = 0,
) -> int:
    """Book an entry with what belongs to it; return its `seq`.

    `shift_no` is the shift that its sale belongs to, 0 for none.

    Raises:
        LedgerImbalance: the postings do not sum to zero; nothing is booked.
    """
    require_balance(entry)
    now = tx.now
    head = {
        "entry_id": entry.entry_id,
        "kind": entry.kind,
        "business_day": entry.business_day,
        "operator_no": entry.operator_no,
        "terminal": entry.terminal,
        "intent_id": entry.intent_id,
        "corrects": entry.corrects,
        "note": entry.note,
        "at_ms": now.wall_ms,
        "mono_ms": now.mono_ms,
        "boot_id": now.boot_id,
    }
    postings = [(p.account, str(p.unit), p.amount) for p in entry.postings]
    body = entry_body(head, postings, sale, lots, lot_uses, shift_no=shift_no)
    seq = tx.prove("entry", entry.entry_id, body)
    connection = tx.connection
    _insert_fact(connection, "entry", seq, head)
    connection.executemany(
        "INSERT INTO posting VALUES (?,?,?,?,?)",
        [(seq, line, *posting) for line, posting in enumerate(postings)],
    )
    if sale is not None:
        _insert_fact(connection, "sale", seq, sale)
    if shift_no:
        _insert_fact(connection, "sale_shift", seq, {"shift_no": shift_no})
    for lot in lots:
        _insert_fact(connection, "gas_lot", seq, lot)
    for use in lot_uses:
        _insert_fact(connection, "gas_lot_use", seq, use)
    return seq


def entry_body(
    head: Row,
    postings: Iterable[Sequence[Any]],
    sale: Row | None,
    lots: Iterable[Row],
    lot_uses: Iterable[Row],
    *,
    shift_no: int = 0,
) -> dict[str, Any]:
    """Return the body under which an entry is chained."""
    body = {**head, "postings": list(postings)}
    if sale is not None:
        body["sale"] = printable(sale)
    if kept := [printable(lot) for lot in lots]:
        body["lots"] = kept
    if used := [printable(use) for use in lot_uses]:
        body["lot_uses"] = used
    if shift_no:
        body["shift_no"] = shift_no
    return body


def printable(row: Row) -> Row:
    """Return a row fit for a body: the one column of bytes that is proved, as hex."""
    frame = row.get("raw_frame")
    return row if frame is None else {**row, "raw_frame": frame.hex()}


def stored_bodies(connection: Connection, kind: str) -> Iterator[tuple[int, Row]]:
    """Make the bodies of every fact of a kind again from its tables, in order."""
    if kind == "entry":
        yield from _entries(connection)
        return
    columns = ", ".join(fixed_columns(kind) or "*")
    for row in rows(connection, f"SELECT {columns} FROM {kind} ORDER BY seq"):  # noqa: S608
        seq = row.pop("seq")
        yield seq, printable(row)


def fixed_columns(kind: str) -> tuple[str, ...] | None:
    """Return the columns of a table that a fact tells of; None for all of them."""
    return _FIXED_COLUMNS.get(kind)


def _entries(connection: Connection) -> Iterator[tuple[int, Row]]:
    postings = _grouped(
        connection,
        "SELECT seq, account, unit, amount FROM posting ORDER BY seq, line",
    )
    sales = _grouped_rows(connection, "sale")
    lots = _grouped_rows(connection, "gas_lot")
    uses = _grouped_rows(connection, "gas_lot_use")
    # A file of a version before the shifts has no such table.
    has_shifts = has_table(connection, "sale_shift")
    shifts = _grouped_rows(connection, "sale_shift") if has_shifts else None
    for head in rows(connection, "SELECT * FROM entry ORDER BY seq"):
        seq = head.pop("seq")
        sale = sales.of(seq)
        shift = shifts.of(seq) if shifts else []
        yield (
            seq,
            entry_body(
                head,
                postings.of(seq),
                sale[0] if sale else None,
                lots.of(seq),
                sorted(uses.of(seq), key=lambda use: use["lot_seq"]),
                shift_no=shift[0]["shift_no"] if shift else 0,
            ),
        )


def rows(
    connection: Connection, sql: str, values: Sequence[Any] | Row = ()
) -> Iterator[dict[str, Any]]:
    """Yield the answers of a query as dictionaries."""
    cursor = connection.execute(sql, values)
    names: list[str] = []
    for row in cursor:
        # SQLite's wrapper makes the description anew each time it is asked for.
        names = names or [column[0] for column in cursor.description]
        yield dict(zip(names, row, strict=True))


class _Groups:
    """Hands out, seq by seq, what a sorted query has for each; misses nothing."""

    def __init__(self, pairs: Iterator[tuple[int, Any]]) -> None:
        self._pairs = pairs
        self._next = next(pairs, None)

    def of(self, seq: int) -> list[Any]:
        """Return what belongs to a seq; earlier strays are returned too."""
        found = []
        while self._next is not None and self._next[0] <= seq:
            found.append(self._next[1])
            self._next = next(self._pairs, None)
        return found


def _grouped(connection: Connection, sql: str) -> _Groups:
    return _Groups((row[0], list(row[1:])) for row in connection.execute(sql))


def _grouped_rows(connection: Connection, table: str) -> _Groups:
    def pairs() -> Iterator[tuple[int, Row]]:
        for row in rows(connection, f"SELECT * FROM {table} ORDER BY seq"):  # noqa: S608
            yield row.pop("seq"), row

    return _Groups(pairs())


def balance(connection: Connection, account: str, unit: str) -> int:
    """Return the sum of an account's postings in a unit."""
    row = connection.execute(
        "SELECT balance FROM account WHERE name=? AND unit=?", (account, unit)
    ).fetchone()
    return 0 if row is None else int(row[0])


def booked_by(connection: Connection, entry_id: str, account: str) -> int | None:
    """Return what an entry books to an account, or None if it is not booked."""
    row = connection.execute(
        "SELECT coalesce(sum(p.amount), 0) FROM entry e LEFT JOIN posting p"
        " ON p.seq=e.seq AND p.account=? WHERE e.entry_id=? GROUP BY e.seq",
        (account, entry_id),
    ).fetchone()
    return None if row is None else int(row[0])


def entries_of_act(connection: Connection, act_id: str) -> dict[str, int]:
    """Return the entries that an act has booked, each with its place in the chain."""
    found = connection.execute(
        # Their ids begin with the act's and a full stop, which stands before "/".
        "SELECT entry_id, seq FROM entry"
        " WHERE entry_id > ?1||'.' AND entry_id < ?1||'/'",
        (act_id,),
    )
    return dict(found.fetchall())


def note_of(connection: Connection, seq: int) -> str:
    """Return what was noted with an entry."""
    row = connection.execute("SELECT note FROM entry WHERE seq=?", (seq,)).fetchone()
    return str(row[0])


def entry_seq(connection: Connection, entry_id: str) -> int | None:
    """Return the place of an entry in the chain, or None if it is not booked."""
    row = connection.execute(
        "SELECT seq FROM entry WHERE entry_id=?", (entry_id,)
    ).fetchone()
    return None if row is None else int(row[0])


def kind_and_corrected(connection: Connection, entry_id: str) -> tuple[str, str]:
    """Return the kind of a booked entry and the id of the entry that it corrects."""
    row = connection.execute(
        "SELECT kind, corrects FROM entry WHERE entry_id=?", (entry_id,)
    ).fetchone()
    return str(row[0]), str(row[1])

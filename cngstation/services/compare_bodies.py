"""Compares the chain's bodies with the tables, in SQLite itself.

A body is made again from the columns by SQLite's JSON functions, in the form that is
hashed, and compared as text. What is counted as alike is alike; what is not may only
have been written by an earlier version, and is for the exact check to judge.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial

from cngstation.storage import chain
from cngstation.storage.facts import PLAIN_FACTS, fixed_columns
from cngstation.storage.register_rows import has_table
from cngstation.storage.sqlite import Connection

Counts = Counter[str]

_PARTS = 6  # of the entries: one process is not left alone with all of them
# Who their rows refer to follows from the bodies.
_BOUND = ("entry", "posting", "sale", "sale_shift")


def looks(connection: Connection) -> list[Callable[[Connection], Counts]]:
    """Return what is to be compared; each counts the rows that it found alike."""
    last = chain.read_tip(connection).seq
    step = last // _PARTS + 1
    entries = _entries(connection)

    return [
        *(
            partial(_of_entries, sql=entries, first=first, last=first + step - 1)
            for first in range(1, last + 1, step)
        ),
        *(partial(_of_facts, kind=kind) for kind in _kinds(connection)),
    ]


def counted(connection: Connection) -> Counts:
    """Count the rows of every table that a body tells of."""
    counts = {
        table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
        for table in (*_BOUND, "outbox", *_kinds(connection))
    }
    return Counter(counts)


def agree(connection: Connection, there: Counts, compared: Iterable[object]) -> bool:
    """Tell whether all rows that are there were found alike, and none is left over.

    The chain is known to be numbered from 1 to the tip's `seq`.
    """
    alike: Counts = Counter()
    for counts in compared:
        if not isinstance(counts, Counter):
            return False
        alike += counts
    if alike["entry"] < there["entry"]:
        alike += _of_entries_without_postings(connection)
    tip = chain.read_tip(connection)
    facts = sum(there[kind] for kind in ("entry", *_kinds(connection)))
    return alike == +there and facts == tip.seq == tip.outbox_seq == there["outbox"]


def is_related(connection: Connection) -> bool:
    """Tell whether every row that is named by another is there."""
    tables = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type='table'"
    ).fetchall()
    return not any(
        connection.execute(f"PRAGMA foreign_key_check({table})").fetchone()
        for (table,) in tables
        if table not in {*_BOUND, "outbox"}
    )


def _kinds(connection: Connection) -> list[str]:
    return [kind for kind in PLAIN_FACTS if has_table(connection, kind)]


# What the chain says of a fact's place, as a body has it.
_PLACED = {"epoch": "c.epoch", "fact": "c.kind", "ref": "c.ref", "seq": "c.seq"}
_QUEUED = "c.kind = '{kind}' AND o.chain_seq = c.seq AND o.kind = c.kind"


def _of_facts(connection: Connection, kind: str) -> Counts:
    told = _columns(connection, kind, "t")
    body = _object(told | _PLACED)
    if "epoch" in told:
        # Earlier versions did not tell the life of a device's numbers.
        with_life = _object(told | _PLACED | {"life": told["epoch"]})
        body = f"""iif(instr(c.body, ',"life":'), {with_life}, {body})"""
    alike = connection.execute(
        f"SELECT count(*) FROM {kind} t CROSS JOIN chain c ON c.seq = t.seq"  # noqa: S608
        f" CROSS JOIN outbox o ON o.seq = t.seq WHERE {_QUEUED.format(kind=kind)}"
        f" AND c.body = {body}"
    ).fetchone()[0]
    return Counter({kind: alike, "outbox": alike})


def _of_entries(connection: Connection, sql: str, first: int, last: int) -> Counts:
    # The lines of an entry are numbered from 0, and balance in every unit.
    found = connection.execute(
        "WITH lines AS (SELECT seq, count(*) AS count,"  # noqa: S608 - our names
        " json_group_array(json_array(account, unit, amount)) AS postings"
        " FROM posting WHERE seq BETWEEN ? AND ? GROUP BY seq"
        " HAVING min(line) = 0 AND max(line) = count(*) - 1 AND sum(amount) = 0"
        " AND sum(iif(unit = 'CNY', amount, 0)) = 0"
        " AND (min(unit) = max(unit) OR sum(unit NOT IN ('CNY', 'm3')) = 0"
        "      OR sum(unit NOT IN ('CNY', 'kg')) = 0))"
        " SELECT count(*), total(l.count), count(s.seq), count(h.seq)"
        f" FROM lines l JOIN entry e ON e.seq = l.seq {sql}",
        (first, last),
    ).fetchone()
    return _counts_of_entries(*found)


def _of_entries_without_postings(connection: Connection) -> Counts:
    found = connection.execute(
        "WITH lines AS (SELECT seq, json_array() AS postings FROM entry e"  # noqa: S608
        " WHERE NOT EXISTS (SELECT 1 FROM posting p WHERE p.seq = e.seq))"
        " SELECT count(*), 0, count(s.seq), count(h.seq)"
        f" FROM lines l JOIN entry e ON e.seq = l.seq {_entries(connection)}"
    ).fetchone()
    return _counts_of_entries(*found)


def _counts_of_entries(entries: int, lines: float, sales: int, shifts: int) -> Counts:
    return Counter(
        {
            "entry": entries,
            "outbox": entries,
            "posting": int(lines),
            "sale": sales,
            "sale_shift": shifts,
        }
    )


def _entries(connection: Connection) -> str:
    """Return the SQL that joins to entries what belongs to them and compares it."""
    columns = _columns(connection, "entry", "e") | _PLACED
    names = sorted(columns)
    early = {name: columns[name] for name in names if name < "lots"}
    middle = {name: columns[name] for name in names if "lots" < name < "postings"}
    lots = "gas_lot lot WHERE lot.seq = l.seq"
    uses = "gas_lot_use used WHERE used.seq = l.seq"
    sale = _object(_columns(connection, "sale", "s"))
    # What an entry does not have is NULL here, and adds nothing.
    body = (
        f"concat(rtrim({_object(early)}, '}}'),"
        f""" ',"lot_uses":' || {_array(connection, "gas_lot_use", "used", uses)},"""
        f""" ',"lots":' || {_array(connection, "gas_lot", "lot", lots)},"""
        f" ',', trim({_object(middle)}, '{{}}'),"
        """ ',"postings":', l.postings, ',"ref":', json_quote(c.ref),"""
        f""" ',"sale":' || iif(s.seq, {sale}, NULL), ',"seq":', c.seq,"""
        """ ',"shift_no":' || h.shift_no,"""
        """ ',"terminal":', json_quote(e.terminal), '}')"""
    )
    return (
        "JOIN chain c ON c.seq = l.seq JOIN outbox o ON o.seq = l.seq"
        " LEFT JOIN sale s ON s.seq = l.seq LEFT JOIN sale_shift h ON h.seq = l.seq"
        f" WHERE {_QUEUED.format(kind='entry')} AND c.body = {body}"
    )


def _columns(connection: Connection, table: str, alias: str) -> dict[str, str]:
    """Return by name how each column that a body tells of is written."""
    kept = fixed_columns(table)
    found = connection.execute(f"PRAGMA table_info({table})").fetchall()
    return {
        name: f"lower(hex({alias}.{name}))" if kind == "BLOB" else f"{alias}.{name}"
        for _, name, kind, *_ in found
        if name != "seq" and (kept is None or name in kept)
    }


def _object(values: dict[str, str]) -> str:
    pairs = ", ".join(f"'{name}', {values[name]}" for name in sorted(values))
    return f"json_object({pairs})"


def _array(connection: Connection, table: str, alias: str, rows: str) -> str:
    each = _object(_columns(connection, table, alias))
    if connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is None:  # noqa: S608
        return "NULL"
    return f"(SELECT nullif(json_group_array({each}), '[]') FROM {rows})"  # noqa: S608

"""The registers: tables of rows that change, each change a fact in the chain.

Their rows are written by `add` and `change` alone, which tell the chain what the row
is from then on; the newest fact of a key proves its row. Columns that no fact carries
are written by the functions that own them, beside these.
"""

from collections.abc import Mapping
from typing import Any

from cngstation.errors import StorageError
from cngstation.storage.audit import STATION, Actor
from cngstation.storage.chain import canonical
from cngstation.storage.database import Transaction
from cngstation.storage.facts import insert, prove_row, rows
from cngstation.storage.register_rows import BY_TABLE, content_of

Row = Mapping[str, Any]


def add(
    tx: Transaction, table: str, row: Row, *, reason: str = "", actor: Actor = STATION
) -> int:
    """Insert a row of a register and chain it; return the fact's `seq`."""
    insert(tx.connection, table, row)
    return _prove(tx, table, _key(table, row), reason, actor)


def change(
    tx: Transaction,
    table: str,
    key: Row,
    values: Row,
    *,
    reason: str = "",
    actor: Actor = STATION,
) -> int:
    """Change columns of one row of a register and chain it; return the fact's `seq`.

    Raises:
        StorageError: no row has this key, or a rule of the table forbids the change.
    """
    names = ", ".join(f"{name}=?" for name in values)
    where = " AND ".join(f"{name}=?" for name in key)
    cursor = tx.connection.execute(
        f"UPDATE {table} SET {names} WHERE {where}",  # noqa: S608 - our names
        (*values.values(), *key.values()),
    )
    if cursor.rowcount != 1:
        raise StorageError(why=f"{table} has no row {BY_TABLE[table].key_of(key)}")
    return _prove(tx, table, key, reason, actor)


def _key(table: str, row: Row) -> Row:
    return {name: row[name] for name in BY_TABLE[table].key}


def _prove(tx: Transaction, table: str, key: Row, reason: str, actor: Actor) -> int:
    where = " AND ".join(f"{name}=?" for name in key)
    found = rows(
        tx.connection,
        f"SELECT * FROM {table} WHERE {where}",  # noqa: S608 - our names
        tuple(key.values()),
    )
    register = BY_TABLE[table]
    row_key = register.key_of(key)
    fact = {
        "register": table,
        "row_key": row_key,
        "content": canonical(content_of(register, next(found))),
        "reason": reason,
        "operator_no": actor.operator_no,
        "terminal": actor.terminal,
    }
    return prove_row(tx, "register_change", row_key, fact)

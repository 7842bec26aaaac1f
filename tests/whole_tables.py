"""A station's file with at least two rows in every table that the chain proves.

Tables that the furnished station leaves empty get rows made from the schema alone, so
that a table or column that comes later is in the file by itself.
"""

import re
from pathlib import Path
from typing import Any

from cngstation.storage import facts, registers
from cngstation.storage.database import Transaction
from cngstation.storage.facts import PLAIN_FACTS
from cngstation.storage.register_rows import REGISTERS
from cngstation.storage.sqlite import Connection
from tests.furnished_station import GAS_CARD, furnish
from tests.small_station import cash_sale, opened

ROWS = 2
# Where a table takes only what looks like this; the number of the row stands in it.
_GIVEN = {
    ("outlet", "outlet_no"): "200{}",
    ("role", "role_no"): "R{}",
    ("shift_reading", "moment"): "on",
}
_STAMPS = {"seq", "at_ms", "mono_ms", "boot_id"}
_CHOICES = re.compile(r"(\w+) [^,]*?CHECK \(\s*\1 IN \(('[^)]*')\)")
_LENGTH = re.compile(r"(\w+) [^,]*?CHECK \(\s*length ?\(\1\) = (\d+)")


async def furnish_every_table(path: Path) -> None:
    """Fill a file: some of everything by the program, then rows where none is."""
    await furnish(path)
    async with opened(path) as database:
        for register in REGISTERS:
            await database.write(lambda tx, r=register: _fill_register(tx, r.table))
        for kind in PLAIN_FACTS:
            await database.write(lambda tx, kind=kind: _fill_facts(tx, kind))
        await database.write(_fill_the_rest)


def _fill_facts(tx: Transaction, kind: str) -> None:
    for number in range(_count(tx.connection, kind), ROWS):
        row = _row(tx.connection, kind, number)
        stamped = kind in facts._STAMPED
        given = {n: v for n, v in row.items() if n not in _STAMPS or not stamped}
        given.pop("seq", None)
        facts.prove_row(tx, kind, f"{kind} {number}", given)


def _fill_register(tx: Transaction, table: str) -> None:
    for number in range(_count(tx.connection, table), ROWS):
        registers.add(tx, table, _row(tx.connection, table, number))


def _fill_the_rest(tx: Transaction) -> None:
    connection = tx.connection
    connection.execute("INSERT INTO delivery_mark VALUES ('51010001', 1, 1, 5)")
    connection.execute("INSERT INTO unknown_name VALUES (1, 1, 0, 0, 'boot', 1)")
    lot = {"card_key": GAS_CARD, "unit": "m3", "quantity_milli": 9, "money_e4": 9}
    use = {"quantity_milli": 1, "money_e4": 1}
    names = columns(connection, "sale")
    (sold,) = connection.execute("SELECT max(seq) FROM sale").fetchone()
    found = connection.execute("SELECT * FROM sale WHERE seq=?", (sold,)).fetchone()
    sale = dict(zip(names, found, strict=True))
    for number in range(ROWS):
        place = facts.post(
            tx, cash_sale(f"lot {number}"), lots=[{**lot, "price_e4": number}]
        )
        facts.post(
            tx,
            cash_sale(f"use {number}"),
            # Far from the others, so that it continues nothing.
            sale={
                **{name: sale[name] for name in names if name != "seq"},
                "nozzle_no": 7,
                "device_seq": 3 * number + 1,
                "card_key": "",
            },
            lot_uses=[{"lot_seq": place, **use}],
            shift_no=number + 1,
        )


def columns(connection: Connection, table: str) -> list[str]:
    """Return the names of a table's columns."""
    found = connection.execute(f"PRAGMA table_info({table})").fetchall()
    return [row[1] for row in found]


def _count(connection: Connection, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def _row(connection: Connection, table: str, number: int) -> dict[str, Any]:
    """Make a row that the table takes; `number` tells it from the others."""
    (sql,) = connection.execute(
        "SELECT sql FROM sqlite_schema WHERE name=?", (table,)
    ).fetchone()
    choices = {name: said.split("'")[1::2] for name, said in _CHOICES.findall(sql)}
    lengths = {name: int(length) for name, length in _LENGTH.findall(sql)}
    parents = {
        name: (parent, key)
        for _, _, parent, name, key, *_ in connection.execute(
            f"PRAGMA foreign_key_list({table})"
        )
    }
    row: dict[str, Any] = {}
    for _, name, kind, *_ in connection.execute(f"PRAGMA table_info({table})"):
        if name in parents:
            parent, key = parents[name]
            found = connection.execute(
                f"SELECT {key} FROM {parent} WHERE {key} NOT IN"
                f" (SELECT {name} FROM {table} WHERE {name} IS NOT NULL)"
                " ORDER BY 1 LIMIT 1"
            ).fetchone()
            row[name] = found[0] if found else _first(connection, parent, key)
        elif (table, name) in _GIVEN:
            row[name] = _GIVEN[table, name].format(number + 1)
        elif name in choices:
            row[name] = choices[name][number % len(choices[name])]
        elif kind == "TEXT":
            row[name] = f"{name} {number}"[: lengths.get(name)].ljust(
                lengths.get(name, 0), "0"
            )
        else:
            row[name] = number + 1 if kind == "INTEGER" else bytes([number, 7])
    return row


def _first(connection: Connection, table: str, key: str) -> object:
    found: tuple[object] = connection.execute(
        f"SELECT {key} FROM {table} ORDER BY 1 LIMIT 1"
    ).fetchone()
    return found[0]

"""Proves the registers: each row is what its newest fact says, none more, none less.

A card's counters go on by finished acts and booked fills; they are derived from those.
"""

import json

from cngstation.storage.migrations import seeds_of
from cngstation.storage.register_rows import (
    REGISTERS,
    Content,
    Place,
    Register,
    defaults,
    has_table,
    same,
    stored_rows,
)
from cngstation.storage.sqlite import Connection


def first_difference(connection: Connection, version: int) -> str | None:
    """Say which row of a register differs from the chain first; None for none.

    A file of a version before the facts of the registers has nothing to compare.
    """
    if not has_table(connection, "register_change"):
        return None
    told: dict[Place, Content] = dict(seeds_of(version))
    found = connection.execute(
        "SELECT register, row_key, content, max(seq) FROM register_change"
        " GROUP BY register, row_key"
    )
    for table, key, content, _ in found:
        told[table, key] = json.loads(content)
    counted = _Counters(connection)
    for register in REGISTERS:
        if wrong := _of_register(connection, register, told, counted):
            return wrong
    if told:
        table, key = min(told)
        return f"{table} {key} was deleted"
    return None


def _of_register(
    connection: Connection,
    register: Register,
    told: dict[Place, Content],
    counted: "_Counters",
) -> str | None:
    """Compare a register's rows with what was told of them, and take that away."""
    older = defaults(connection, register)
    for row in stored_rows(connection, register):
        key = register.key_of(row)
        content = told.pop((register.table, key), None)
        if content is None:
            return f"{register.table} {key} was added outside the chain"
        if not same(register, content, row, older):
            return f"{register.table} {key} was changed"
        if register.table != "card":
            continue
        for name in sorted(register.rising):
            wanted = counted.of(name, key, content[name])
            if row[name] != wanted:
                return f"card {key} has {name} {row[name]}, the books say {wanted}"
    return None


class _Counters:
    """How far the finished acts and the fills of a card have counted."""

    def __init__(self, connection: Connection) -> None:
        self._counts: dict[str, dict[str, int]] = {
            "wseq": dict(
                connection.execute(
                    "SELECT card_key, max(before_wseq) + 1 FROM intent"
                    " WHERE state='DONE' GROUP BY card_key"
                ).fetchall()
            ),
            "pseq": dict(
                connection.execute(
                    "SELECT card_key, max(pseq) FROM sale GROUP BY card_key"
                ).fetchall()
            ),
        }

    def of(self, name: str, card_key: str, told: int) -> int:
        """Return where a counter stands that a fact told of."""
        return max(told, self._counts[name].get(card_key, 0))

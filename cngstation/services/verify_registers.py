"""Proves the registers: each row is what its newest fact says, none more, none less.

A card's counters go on by finished acts and booked fills; they are derived from those.
"""

import json

from cngstation.language import mark
from cngstation.services.tell_wrong import Wrong, wrong
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


def first_difference(connection: Connection, version: int) -> Wrong | None:
    """Say which row of a register differs from the chain first; None for none.

    A file of a version before the facts of the registers has nothing to compare.
    """
    if not has_table(connection, "register_change"):
        return None
    seeds = dict(seeds_of(version))
    counted = _Counters(connection)
    gone: list[Place] = []
    for register in REGISTERS:
        if found := _of_register(connection, register, seeds, counted, gone):
            return found
    if gone := [*gone, *_of_no_register(connection)]:
        table, key = min(gone)
        return wrong(mark("{table} {key} was deleted"), table=table, key=key)
    return None


def _of_register(
    connection: Connection,
    register: Register,
    seeds: dict[Place, Content],
    counted: "_Counters",
    gone: list[Place],
) -> Wrong | None:
    """Compare a register's rows with what was told of each; add to `gone` who lacks.

    Contents are read one by one: those of a large station do not fit into memory.
    """
    older = defaults(connection, register)
    table = register.table
    seen: set[str] = set()
    for row in stored_rows(connection, register):
        key = register.key_of(row)
        content = _newest(connection, table, key) or seeds.get((table, key))
        if content is None or key in seen:
            text = mark("{table} {key} was added outside the chain")
            return wrong(text, table=table, key=key)
        seen.add(key)
        if not same(register, content, row, older):
            return wrong(mark("{table} {key} was changed"), table=table, key=key)
        if table != "card":
            continue
        for name in sorted(register.rising):
            wanted = counted.of(name, key, content[name])
            if row[name] != wanted:
                return wrong(
                    mark("card {card} has {name} {found}, the books say {wanted}"),
                    card=key,
                    name=name,
                    found=row[name],
                    wanted=wanted,
                )
    told = connection.execute(
        "SELECT DISTINCT row_key FROM register_change WHERE register=?", (table,)
    )
    gone += [(table, key) for (key,) in told if key not in seen]
    gone += [place for place in seeds if place[0] == table and place[1] not in seen]
    return None


def _newest(connection: Connection, table: str, key: str) -> Content | None:
    row = connection.execute(
        "SELECT content FROM register_change WHERE register=? AND row_key=?"
        " ORDER BY seq DESC LIMIT 1",
        (table, key),
    ).fetchone()
    return None if row is None else json.loads(row[0])


def _of_no_register(connection: Connection) -> list[Place]:
    """Return what was told of tables that are no registers."""
    known = {register.table for register in REGISTERS}
    told = connection.execute(
        "SELECT register, min(row_key) FROM register_change GROUP BY register"
    )
    return [(table, key) for table, key in told if table not in known]


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

"""Which tables are registers, and what of their rows a fact carries.

`content` is a row's columns as JSON: bytes as hex; hidden columns (personal data,
password hashes) as one SHA-256 over all of them, with their names beside it; unproved
columns not at all.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cngstation.storage import chain
from cngstation.storage.sqlite import Connection

Row = Mapping[str, Any]
Content = dict[str, Any]
Place = tuple[str, str]

HIDDEN, DIGEST = "hidden", "digest"


@dataclass(frozen=True, slots=True)
class Register:
    """A table of rows that change; `unproved` columns are no part of its facts.

    `rising` columns go on rising by other facts between two changes of the row.
    """

    table: str
    key: tuple[str, ...]
    hidden: tuple[str, ...] = ()
    unproved: frozenset[str] = frozenset()
    rising: frozenset[str] = frozenset()

    def key_of(self, row: Row) -> str:
        """Return a row's key as its facts name it."""
        return "/".join(str(_plain(row[name])) for name in self.key)


REGISTERS = (
    Register(
        "company",
        ("company_no",),
        hidden=("phone", "phone_sealed", "phone_digest"),
    ),
    Register("vehicle_type", ("code",)),
    Register(
        "vehicle",
        ("vehicle_id",),
        hidden=(
            "driver",
            "owner",
            "id_no_sealed",
            "id_no_digest",
            "phone_sealed",
            "phone_digest",
            "phone_tail_digest",
            "initials",
        ),
    ),
    Register(
        "card",
        ("card_key",),
        unproved=frozenset(
            {"seen_balance", "seen_wseq", "seen_pseq", "seen_grey", "seen_at_ms"}
        ),
        rising=frozenset({"wseq", "pseq"}),
    ),
    Register(
        "operator",
        ("operator_no",),
        hidden=("password_hash", "phone_sealed"),
        unproved=frozenset(
            {
                "wrong_tries",
                "blocked_until_mono_ms",
                "blocked_boot_id",
                "blocked_for_ms",
            }
        ),
    ),
    Register("session", ("token_hash",), unproved=frozenset({"active_mono_ms"})),
    Register("staff_card", ("card_no",)),
    Register("vendor_ticket", ("ticket_id",)),
    Register("card_key", ("name", "version")),
    Register("second_card", ("asked_no",)),
    Register("outlet", ("outlet_no",)),
    Register("role", ("role_no",)),
    Register("parameter", ("name",)),
    Register("list_number", ("card_no",)),
    Register("card_replacement", ("intent_id",)),
    Register("crew", ("crew_no",)),
    Register("crew_staff", ("card_no",)),
    Register("device_epoch", ("station_no", "dispenser_no", "nozzle_no", "epoch")),
)
BY_TABLE = {register.table: register for register in REGISTERS}


def content_of(register: Register, row: Row) -> Content:
    """Return what a fact says of a row."""
    content = {
        name: _plain(value)
        for name, value in row.items()
        if name not in register.unproved and name not in register.hidden
    }
    if hidden := [name for name in register.hidden if name in row]:
        content |= {HIDDEN: hidden, DIGEST: digest_of(row, hidden)}
    return content


def digest_of(row: Row, hidden: list[str]) -> str:
    """Return the digest over columns that are not told.

    One that the file's version does not have yet holds nothing.
    """
    told = chain.canonical({name: _plain(row.get(name, "")) for name in hidden})
    return hashlib.sha256(told.encode()).hexdigest()


def _plain(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value


def stored_rows(connection: Connection, register: Register) -> Iterator[Row]:
    """Yield a register's rows, none when the file has no such table yet."""
    if not has_table(connection, register.table):
        return
    cursor = connection.execute(f"SELECT * FROM {register.table}")  # noqa: S608 - ours
    names = [column[0] for column in cursor.description]
    for row in cursor:
        yield dict(zip(names, row, strict=True))


def has_table(connection: Connection, table: str) -> bool:
    """Tell whether the file has a table."""
    found = connection.execute(
        "SELECT 1 FROM sqlite_schema WHERE type='table' AND name=?", (table,)
    )
    return found.fetchone() is not None


def contents(connection: Connection) -> dict[Place, Content]:
    """Return what a fact would say of every row of every register."""
    return {
        (register.table, register.key_of(row)): content_of(register, row)
        for register in REGISTERS
        for row in stored_rows(connection, register)
    }


def defaults(connection: Connection, register: Register) -> Content:
    """Return what a column holds in rows that are older than the column."""
    found = connection.execute(f"PRAGMA table_info({register.table})").fetchall()
    declared = {row[1]: "NULL" if row[4] is None else row[4] for row in found}
    return {
        name: _plain(connection.execute(f"SELECT {sql}").fetchone()[0])
        for name, sql in declared.items()
    }


def same(register: Register, told: Content, row: Row, older: Content) -> bool:
    """Tell whether a row is what its newest fact says, its rising columns aside.

    `older` is what a column holds that came after the fact.
    """
    hidden = told.get(HIDDEN, [])
    if hidden and told[DIGEST] != digest_of(row, hidden):
        return False
    return all(
        _plain(value) == told.get(name, older[name])
        for name, value in row.items()
        if name not in register.unproved
        and name not in register.rising
        and name not in hidden
    )


def chain_what_a_migration_changed(
    connection: Connection,
    before: dict[Place, Content],
    seeds: dict[Place, Content],
    reason: str,
    now_ms: int,
) -> None:
    """Write the rows that a new schema version changed or took over as facts.

    `seeds` are rows that every file of the version has by itself; they need no fact.
    """
    began = tip = chain.read_tip(connection)
    for register in REGISTERS:
        older = defaults(connection, register)
        for row in stored_rows(connection, register):
            key = register.key_of(row)
            place = (register.table, key)
            content = content_of(register, row)
            was = before.get(place, seeds.get(place))
            if was is not None and same(register, was, row, older):
                continue
            fact = {
                "register": register.table,
                "row_key": key,
                "content": chain.canonical(content),
                "reason": reason,
                "operator_no": "",
                "terminal": "station",
                "at_ms": now_ms,
                "mono_ms": 0,
                "boot_id": "",
            }
            tip = chain.append(connection, tip, "register_change", key, fact)
            names, marks = ", ".join(fact), ", ".join("?" * len(fact))
            connection.execute(
                f"INSERT INTO register_change (seq, {names}) VALUES (?, {marks})",  # noqa: S608
                (tip.seq, *fact.values()),
            )
    if tip != began:
        chain.write_tip(connection, tip)

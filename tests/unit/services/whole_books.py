"""Small whole books to change behind the program, and what `verify` names."""

import asyncio
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

from cngstation.language import LANGUAGES, use_language
from cngstation.services.tell_wrong import Wrong
from cngstation.services.verify_books import verify_file
from cngstation.storage.sqlite import Connection, connect

# What changes without a fact in the chain: how cards and passwords were last seen, and
# how far receipts and rows of the outbox have got. Flipped bits there can stay unseen.
UNPROVED = {
    "operator": "wrong_tries blocked_until_mono_ms blocked_boot_id blocked_for_ms",
    "session": "active_mono_ms",
    "schema_migration": "applied_at_ms program",
    "card": "seen_balance seen_wseq seen_pseq seen_grey seen_at_ms",
    "receipt": "originals copies wanted outcome",
    "outbox": "sent_at_ms",
}


def furnished(path: Path, furnishing: Coroutine[Any, Any, None]) -> Path:
    """Make a file by this, all of it in one piece that can be copied."""
    asyncio.run(furnishing)
    connection = connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


def tamper(path: Path, *statements: str) -> None:
    """Change the file as an insider would: belts off, statements, belts on again."""
    connection = connect(path)
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute("PRAGMA ignore_check_constraints=ON")
    belts = connection.execute(
        "SELECT name, sql FROM sqlite_schema WHERE type='trigger'"
    ).fetchall()
    for name, _ in belts:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        assert connection.execute(statement).rowcount != 0, statement
    for _, sql in belts:
        connection.execute(sql)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def columns_of(path: Path, table: str) -> list[tuple[str, str, bool]]:
    """Return name, type and whether it is in the key, of each column."""
    connection = connect(path, read_only=True)
    found = connection.execute(f"PRAGMA table_info({table})").fetchall()
    connection.close()
    return [(row[1], row[2], bool(row[5])) for row in found]


def named(path: Path) -> str:
    """Return what verify says is wrong."""
    proof = verify_file(path)
    assert not proof.proved
    assert proof.wrong
    assert is_told_in_both(proof.wrong)
    return str(proof.wrong)


def is_told_in_both(found: Wrong) -> bool:
    """Tell whether what is wrong is told in either language of a station."""
    said = {}
    for language in LANGUAGES:
        use_language(language)
        said[language] = found.told()
    use_language("en")
    return said["zh_CN"] != said["en"] == str(found)


def content(connection: Connection) -> Iterator[tuple[Any, ...]]:
    """Yield everything that is proved, row by row."""
    tables = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type='table' ORDER BY name"
    ).fetchall()
    for (table,) in tables:
        hidden = UNPROVED.get(table, "").split()
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        shown = ", ".join(name for name in names if name not in hidden)
        for row in connection.execute(f"SELECT {shown} FROM {table} ORDER BY 1, 2"):
            yield (table, *row)

"""The door to SQLite: a safe version, and every setting really in force."""

from pathlib import Path

import aiosqlite
import pytest

from cngstation.storage import sqlite
from cngstation.storage.sqlite import connect, is_busy, safe_version, sqlite3


def test_this_sqlite_may_run_several_writers() -> None:
    """The tests, and so the product, run on a SQLite without the WAL-reset bug."""
    assert safe_version()


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 52, 0), False),
        ((3, 53, 4), True),
    ],
)
def test_versions_with_the_bug_are_known(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int], safe: bool
) -> None:
    """3.51.2 and older can corrupt a WAL file; 3.52.0 was withdrawn."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    assert safe_version() is safe


def test_aiosqlite_runs_on_the_same_sqlite() -> None:
    """The library between us and SQLite took the module that we placed."""
    # It publishes no types of what it imports.
    assert vars(aiosqlite.core)["sqlite3"].sqlite_version == sqlite3.sqlite_version


SETTINGS = {
    "foreign_keys": 1,
    "recursive_triggers": 1,
    "trusted_schema": 0,
    "cell_size_check": 1,
    "mmap_size": 0,
    "busy_timeout": 0,
    "synchronous": 2,
    "wal_autocheckpoint": 1000,
    "journal_mode": "wal",
}


@pytest.mark.parametrize("read_only", [False, True])
def test_every_setting_is_in_force(tmp_path: Path, read_only: bool) -> None:
    """SQLite ignores a pragma that it does not know: each is read back."""
    connect(tmp_path / "s.db").close()
    connection = connect(tmp_path / "s.db", read_only=read_only)
    # Not every one exists in SQLite under the same name for reading.
    found = {
        name: (connection.execute(f"PRAGMA {name}").fetchone() or (None,))[0]
        for name in SETTINGS
    }
    query_only = connection.execute("PRAGMA query_only").fetchone()[0]
    connection.close()
    if found["mmap_size"] is None:
        found["mmap_size"] = 0  # built without memory mapping
    assert found == SETTINGS
    assert query_only == int(read_only)


def test_an_unsafe_sqlite_gets_the_mode_that_bears_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On an old SQLite the journal is TRUNCATE, which loses nothing either."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))
    connection = connect(tmp_path / "s.db")
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    connection.close()
    assert mode == "truncate"


def test_a_mode_that_could_not_be_set_is_no_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where WAL cannot be had the file is not opened in a mode that loses commits."""

    class Stubborn:
        def __init__(self) -> None:
            self.real = real(":memory:")
            self.closed = False

        def execute(self, sql: str) -> object:
            return self.real.execute(sql)

        def close(self) -> None:
            self.closed = True
            self.real.close()

    real = sqlite3.connect
    made = Stubborn()
    monkeypatch.setattr(sqlite.sqlite3, "connect", lambda *a, **k: made)
    with pytest.raises(sqlite3.OperationalError, match="became memory"):
        connect(tmp_path / "s.db")
    assert made.closed


def test_a_lock_is_told_from_a_failure(tmp_path: Path) -> None:
    """Only what another connection's lock causes is busy."""
    first, second = connect(tmp_path / "s.db"), connect(tmp_path / "s.db")
    first.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError) as locked:
        second.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError) as wrong:
        second.execute("SELECT * FROM missing")
    first.close()
    second.close()
    assert is_busy(locked.value)
    assert not is_busy(wrong.value)
    assert not is_busy(ValueError("x"))


def test_replacing_a_fixed_row_is_caught_by_its_trigger(tmp_path: Path) -> None:
    """INSERT OR REPLACE deletes silently unless recursive triggers are on."""
    connection = connect(tmp_path / "s.db")
    connection.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT) STRICT")
    connection.execute(
        "CREATE TRIGGER kept BEFORE DELETE ON t BEGIN SELECT RAISE(ABORT, 'kept'); END"
    )
    connection.execute("INSERT INTO t VALUES (1, 'x')")
    with pytest.raises(sqlite3.IntegrityError, match="kept"):
        connection.execute("INSERT OR REPLACE INTO t VALUES (1, 'y')")
    connection.close()

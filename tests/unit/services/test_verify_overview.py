"""The quick look: it says yes to sound books, and to nothing that was changed."""

import os
import shutil
import signal
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from cngstation.services import verify_overview
from cngstation.services.verify_books import verify_file
from cngstation.services.verify_overview import Overview, look_over
from cngstation.storage import audit, chain, sqlite
from cngstation.storage import second_reader as reader_process
from cngstation.storage.second_reader import Look, ReaderGone, begin, second_reader
from cngstation.storage.sqlite import connect
from tests.small_station import CASHIER, opened
from tests.unit.services.test_verify_books import PROVED
from tests.unit.services.whole_books import UNPROVED, columns_of, tamper


def seen(path: Path) -> Overview:
    """Look at a file alone."""
    with closing(connect(path, read_only=True)) as connection:
        begin(connection)
        return look_over(connection)


def test_sound_books_are_all_right_at_the_first_look(books: Path) -> None:
    """Else every proof goes row by row: with lots of gas, fills, acts, an epoch."""
    said = seen(books)
    assert replace(said, sums=None) == Overview(
        whole=True, related=True, linked=True, bodies=True, continued=True
    )
    assert said.sums


async def test_any_text_is_hashed_as_sqlite_writes_it(tmp_path: Path) -> None:
    """Both writers of JSON agree on every sign that a name may have."""
    path = tmp_path / "s.db"
    signs = "".join(map(chr, [*range(1, 0x250), 0x2028, 0x2029, 0xFFFD, 0x1F697]))
    async with opened(path) as db:
        await db.write(lambda tx: audit.record(tx, CASHIER, "a", signs, after="川A"))
    said = seen(path)
    assert said.bodies
    assert said.linked


@pytest.mark.parametrize("table", [*PROVED, "outbox"])
def test_no_changed_column_passes(whole: Path, tmp_path: Path, table: str) -> None:
    """What the quick look passes is never looked at again."""
    passed = []
    for column, kind, _ in columns_of(whole, table):
        if column in UNPROVED.get(table, "").split():
            continue
        path = Path(shutil.copy(whole, tmp_path / f"{column}.db"))
        changed = {
            "INTEGER": f"{column} + 1000",
            "TEXT": f"{column} || 'x'",
            "BLOB": "x'00'",
        }[kind]
        line = ", line" if table == "posting" else ""
        last = f"SELECT seq{line} FROM {table} ORDER BY seq DESC{line} LIMIT 1"
        tamper(
            path,
            f"UPDATE {table} SET {column} = {changed} WHERE (seq{line}) = ({last})",
        )
        said = seen(path)
        if said.linked and said.bodies:
            passed.append(column)
    assert passed == []


@pytest.mark.parametrize("table", [*PROVED, "outbox"])
def test_no_row_less_is_all_right(books: Path, table: str) -> None:
    """A row that is gone is missed by the counts."""
    tamper(books, f"DELETE FROM {table} WHERE seq = (SELECT max(seq) FROM {table})")
    said = seen(books)
    assert not (said.linked and said.bodies)


def test_two_processes_say_what_one_says(
    books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of large books each takes its share, and a reader that is killed takes none."""
    alone = verify_file(books)
    asked: list[object] = []
    monkeypatch.setattr("cngstation.services.verify_books.MANY", 0)
    monkeypatch.setattr(
        "cngstation.services.verify_books.look_over",
        lambda connection, other: (
            asked.append(os.getpid() != other(_process)),
            look_over(connection, other),
        )[1],
    )
    assert verify_file(books) == alone
    tamper(books, "UPDATE audit SET act = 'x' WHERE seq = 8")
    assert verify_file(books).first_bad == "audit row 8 (0001) was changed"
    assert asked == [True, True]


def _process(_: sqlite.Connection) -> int:
    return os.getpid()


def _ends(_: sqlite.Connection) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_killed_reader_was_asked_is_asked_here(books: Path) -> None:
    """Want of memory may take the second process: nothing is proved the less."""
    with (
        closing(connect(books, read_only=True)) as connection,
        second_reader(books, connection) as other,
    ):
        with pytest.raises(ReaderGone, match="no money moved"):
            other(_ends)
        said = look_over(connection, other)
    assert said == seen(books)
    assert said.linked


def test_without_a_second_process_the_books_are_proved_alone(
    books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be ended before it began."""
    monkeypatch.setattr("cngstation.services.verify_books.MANY", 0)
    monkeypatch.setattr("cngstation.storage.second_reader._nothing", _ends)
    assert verify_file(books).proved


def test_where_no_process_can_begin_the_books_are_proved_alone(
    books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Want of memory, or of a number for it, is no fault of the books."""

    def fails(*_: object) -> None:
        raise BlockingIOError

    monkeypatch.setattr("cngstation.services.verify_books.MANY", 0)
    for what in ("popen_spawn_posix.Popen._launch", "connection.Pipe"):
        with monkeypatch.context() as patched:
            patched.setattr(f"multiprocessing.{what}", fails)
            assert verify_file(books).proved


async def test_both_processes_see_the_same(tmp_path: Path) -> None:
    """A fact that is chained between the two beginnings makes both begin anew."""
    path = tmp_path / "s.db"
    begun = 0
    async with opened(path) as db:
        await db.write(lambda tx: audit.record(tx, CASHIER, "a", "first"))
        writer = connect(path)
        with (
            closing(connect(path, read_only=True)) as connection,
            second_reader(path, connection) as other,
        ):
            connection.execute("ROLLBACK")
            other(reader_process.roll_back)

            def then_write(look: Look) -> object:
                nonlocal begun
                if look is begin:
                    begun += 1
                    if begun < 3:
                        writer.execute(f"UPDATE tip SET card_serial = {begun}")
                return other(look)

            reader_process.begin_together(path, connection, then_write)
            assert other(chain.read_tip) == chain.read_tip(connection)
        writer.close()
    assert begun == 3


def test_a_look_that_fails_is_no_yes(
    books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error inside the quick look leaves the judgement to the exact check."""

    def fails(_: object) -> bool:
        raise TypeError

    monkeypatch.setattr(verify_overview, "_is_linked", fails)
    assert not seen(books).linked
    assert verify_file(books).first_bad is None

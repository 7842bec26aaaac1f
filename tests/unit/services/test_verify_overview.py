"""The quick look: it says yes to sound books, and to nothing that was changed."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from cngstation.services import verify_overview
from cngstation.services.verify_books import verify_file
from cngstation.services.verify_overview import Overview, look_over
from cngstation.storage import audit, chain, sqlite
from cngstation.storage.sqlite import connect, one_snapshot
from tests.small_station import CASHIER, opened
from tests.unit.services.test_verify_books import PROVED
from tests.unit.services.whole_books import UNPROVED, columns_of, tamper


def seen(path: Path) -> Overview:
    """Look at a file with both connections."""
    with one_snapshot(path) as pair:
        return look_over(pair)


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


def test_two_connections_say_what_one_says(
    books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of large books each takes its share."""
    alone = verify_file(books)
    asked = []
    looked_over = look_over

    def both(connections):  # type: ignore[no-untyped-def]
        asked.append(len(connections))
        return looked_over(connections)

    monkeypatch.setattr("cngstation.services.verify_books.look_over", both)
    monkeypatch.setattr("cngstation.services.verify_books.MANY", 0)
    assert verify_file(books) == alone
    tamper(books, "UPDATE audit SET act = 'x' WHERE seq = 8")
    assert verify_file(books).first_bad == "audit row 8 (0001) was changed"
    assert asked == [2, 2]


async def test_both_connections_see_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fact that is chained while the file is opened is seen by both or by neither."""
    path = tmp_path / "s.db"
    seen_version = sqlite._version_seen
    asked = 0
    async with opened(path) as db:
        await db.write(lambda tx: audit.record(tx, CASHIER, "a", "first"))
        writer = connect(path)

        def then_write(connection: sqlite.Connection) -> int:
            nonlocal asked
            asked += 1
            version = seen_version(connection)
            if asked < 4:
                writer.execute(f"UPDATE tip SET card_serial = {asked}")
            return version

        monkeypatch.setattr(sqlite, "_version_seen", then_write)
        with one_snapshot(path) as (one, other):
            assert chain.read_tip(one) == chain.read_tip(other)
        writer.close()
    assert asked == 6


def test_a_look_that_fails_is_no_yes(
    books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error inside the quick look leaves the judgement to the exact check."""

    def fails(_: object) -> bool:
        raise TypeError

    monkeypatch.setattr(verify_overview, "_is_linked", fails)
    assert not seen(books).linked
    assert verify_file(books).first_bad is None

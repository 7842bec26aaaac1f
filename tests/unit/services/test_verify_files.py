"""What `verify` says of a file that is away, foreign, newer, torn or shut."""

import asyncio
from pathlib import Path

import pytest

from cngstation.cli import verify as command
from cngstation.errors import SchemaMismatch
from cngstation.services.act_on_card import CardActs
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.card_on_reader import CardReading, CardState
from cngstation.services.verify_books import verify_file
from cngstation.storage import cards
from cngstation.storage.sqlite import Connection, sqlite3
from tests.furnished_station import top_up
from tests.small_station import opened, register_card, sight
from tests.unit.services.whole_books import tamper


def ended(capsys: pytest.CaptureFixture[str], path: Path) -> tuple[int, str, str]:
    """Run the command; return its code and what it wrote."""
    code = command.run(["--database", str(path), "--json", "--language", "en"])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_file_that_is_not_there_is_not_reached(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 3 and a sentence, for a missing file and for a folder."""
    code, out, err = ended(capsys, tmp_path / "none.db")
    assert (code, out) == (3, "")
    assert "there is no file" in err
    assert ended(capsys, tmp_path)[0] == 3


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is not a station's database"),
        (b"plain text, nothing else\n" * 100, "file is not a database"),
        (b"\0" * 8192, "file is not a database"),
    ],
)
def test_another_file_is_not_reached(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, text: str
) -> None:
    """Exit 3 and a sentence for what is no station's file; it stays as it was."""
    path = tmp_path / "s.db"
    path.write_bytes(content)
    code, out, err = ended(capsys, path)
    assert (code, out) == (3, "")
    assert text in err
    assert path.read_bytes() == content


def test_another_programs_database_is_not_reached(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A SQLite file without our schema is named, not proved and not failed."""
    path = tmp_path / "s.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    code, _, err = ended(capsys, path)
    assert code == 3
    assert "is not a station's database" in err


def test_a_newer_file_is_not_reached(
    books: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file of a newer program is neither proved nor failed by this one."""
    tamper(books, "INSERT INTO schema_migration VALUES (99, 'x', 0, '9')")
    with pytest.raises(SchemaMismatch):
        verify_file(books)
    assert ended(capsys, books)[0] == 3


def test_a_torn_file_is_named(books: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Half a file is wrong, exit 1."""
    books.write_bytes(books.read_bytes()[: 4096 * 20])
    code, out, _ = ended(capsys, books)
    assert code == 1
    assert '"verify": "failed"' in out
    assert "damaged" in out


def test_a_file_that_cannot_be_opened_is_not_reached(
    books: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An auditor without permission is told so; the books are not called damaged."""

    def forbidden(*arguments: object, **named: object) -> Connection:
        error = sqlite3.OperationalError("unable to open database file")
        error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
        raise error

    monkeypatch.setattr("cngstation.services.verify_books.connect", forbidden)
    code, out, err = ended(capsys, books)
    assert (code, out) == (3, "")
    assert "unable to open" in err


def test_an_act_whose_card_died_is_no_disagreement(tmp_path: Path) -> None:
    """The money of a dead card is on its account and was never seen on the card."""
    path = tmp_path / "s.db"
    asyncio.run(scrapped(path))
    assert verify_file(path).first_bad is None


async def scrapped(path: Path) -> None:
    """Top up a card that was seen before, and find it unreadable afterwards."""
    async with opened(path) as db:
        acts = CardActs(db, every_kind(), cut_off_minute=0, prints_wanted=1)
        await db.write(register_card)
        await db.write(lambda tx: cards.seen(tx, sight(0)))
        await db.write(lambda tx: acts.hold(tx, top_up("T1")))
        dead = CardReading(CardState.BOTH_BAD, bytes.fromhex("DEADBEEF"))
        await acts.settle(top_up("T1"), dead, None)  # type: ignore[arg-type]

"""Books taken out: a row that is durable before the file has its name, or no file."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from cngstation.config import load_config
from cngstation.errors import DatabaseBusy
from cngstation.services import new_file, take_out
from cngstation.services.export_audit import ACT
from cngstation.services.new_file import FileIsThere, FileNotWritten
from cngstation.services.take_out import LEFT, UNNAMED, FileNotBooked, clear_left
from cngstation.storage.database import Database
from cngstation.storage.sqlite import connect
from tests import audit_files
from tests.small_station import hire, opened
from tests.unit.cli.test_export import _run, config

__all__ = ["config"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the books are, and the folder of what is taken out."""
    (tmp_path / "out").mkdir()
    return tmp_path / "s.db"


@pytest.fixture
async def db(path: Path) -> AsyncIterator[Database]:
    """Return books with an operator."""
    async with opened(path) as database:
        await database.write(hire)
        yield database


def _rows(path: Path) -> list[tuple[str, str, str, str]]:
    connection = connect(path, read_only=True)
    found = connection.execute(
        "SELECT act, subject, reason, after FROM audit WHERE act GLOB 'audit.*'"
        " ORDER BY seq"
    ).fetchall()
    connection.close()
    return found


async def test_the_row_has_name_size_and_digest(db: Database, path: Path) -> None:
    """What was taken out is known by them."""
    made = await audit_files.export(db, path, path.parent / "out" / "a.jsonl")
    size = (path.parent / "out" / "a.jsonl").stat().st_size
    row = (ACT, f"{made.first}-{made.last}", f"a.jsonl, {size} B", made.sha256)
    assert _rows(path) == [row]


async def test_the_row_comes_before_the_name(
    db: Database, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the file gets its name the row is there for another program to see."""
    seen = []

    def name(*given: Path) -> None:
        seen.append((_rows(path), given[1].exists()))
        given[0].rename(given[1])

    monkeypatch.setattr(new_file, "_name", name)
    await audit_files.export(db, path, path.parent / "out" / "a")
    ((rows, was_there),) = seen
    assert [row[0] for row in rows] == [ACT]
    assert not was_there


async def test_a_row_that_fails_leaves_no_file(
    db: Database, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence says that nothing was left."""

    def fails(*_given: object) -> None:
        raise DatabaseBusy(wait_ms=1)

    monkeypatch.setattr(take_out, "record", fails)
    with pytest.raises(FileNotBooked, match="Nothing of it was left"):
        await audit_files.export(db, path, path.parent / "out" / "a")
    assert list((path.parent / "out").iterdir()) == []


async def test_a_name_that_fails_after_the_row_is_told(
    db: Database, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row stays, another one says that there is no such file."""
    target = path.parent / "out" / "a"

    def taken(*_given: object) -> None:
        raise FileIsThere(name="a")

    def full(*_given: object) -> None:
        raise OSError(28, "No space left on device")

    for fails, why in ((taken, FileIsThere), (full, FileNotWritten)):
        monkeypatch.setattr(new_file, "_name", fails)
        with pytest.raises(why):
            await audit_files.export(db, path, target)
        assert list(target.parent.iterdir()) == []
    assert [row[0] for row in _rows(path)] == [ACT, UNNAMED] * 2


async def test_who_goes_away_meanwhile_leaves_file_and_row(
    db: Database, path: Path
) -> None:
    """A screen that is closed stops nothing half way."""
    target = path.parent / "out" / "a"
    asking = asyncio.create_task(audit_files.export(db, path, target))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    while not target.exists():
        await asyncio.sleep(0.001)
    assert [row[0] for row in _rows(path)] == [ACT]


def _killed(path: Path, target: Path, at: int) -> bool:
    """Export in a process that is killed at its n-th step; tell whether it was."""
    child = os.fork()
    if child == 0:
        left = iter(range(at))

        def stepping(real: Callable[..., object]) -> Callable[..., object]:
            def step(*given: object, **named: object) -> object:
                if next(left, None) is None:
                    os._exit(9)
                return real(*given, **named)

            return step

        for owner, name in (
            (os, "open"),
            (os, "fsync"),
            (Path, "hardlink_to"),
            (Path, "unlink"),
            (take_out, "record"),
            (take_out, "_book"),
        ):
            setattr(owner, name, stepping(getattr(owner, name)))
        connected = Database.write

        async def write(self: Database, unit: Callable[..., object]) -> object:
            result = await connected(self, unit)
            if next(left, None) is None:
                os._exit(9)
            return result

        Database.write = write  # type: ignore[assignment,method-assign]

        async def run() -> None:
            async with opened(path) as database:
                await audit_files.export(database, path, target)

        try:
            asyncio.run(run())
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


def test_killed_at_each_step_there_is_no_file_without_its_row(path: Path) -> None:
    """Either what the next start removes and names, or the file with its row."""

    async def made() -> None:
        async with opened(path) as database:
            await database.write(hire)

    asyncio.run(made())

    async def cleared(folder: Path) -> list[str]:
        async with opened(path) as database:
            return await clear_left(database, folder)

    ends = []
    for at in range(60):
        folder = path.parent / "out" / str(at)
        folder.mkdir()
        target = folder / f"{at}.jsonl"
        was_killed = _killed(path, target, at)
        there = {each.name for each in folder.iterdir()}
        named = asyncio.run(cleared(folder))
        rows = _rows(path)
        is_booked = any(
            act == ACT and reason.startswith(f"{target.name}, ")
            for act, _, reason, _ in rows
        )
        is_told = (LEFT, target.name, "", "") in rows
        if target.exists():
            assert is_booked
            assert not is_told
            assert named == []
        else:
            assert named == ([target.name] if there else [])
            assert is_told == bool(there)
        assert {each.name for each in folder.iterdir()} <= {target.name}
        ends.append((bool(there), is_booked, target.exists()))
        if not was_killed:
            break
    assert not was_killed
    assert {(False, False, False), (True, False, False), (True, True, False)} < set(
        ends
    )
    assert ends[-1] == (True, True, True)


async def test_what_is_held_or_is_another_file_stays(db: Database, path: Path) -> None:
    """An export that is under way in another program is not cleared away."""
    folder = path.parent / "out"
    mine = folder / "..notes.12345678.part.txt"
    mine.write_bytes(b"x")
    link = folder / ".a.12345678.part"
    link.symlink_to(mine)
    with new_file.new_file(folder / "b") as file:
        file.write(b"x")
        assert await clear_left(db, folder) == []
    assert {each.name for each in folder.iterdir()} == {mine.name, link.name, "b"}
    assert await clear_left(db, folder / "none") == []


def test_the_command_clears_up_and_says_so(
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What was broken off in the folder it writes to is removed, named and booked."""
    (tmp_path / ".old.jsonl.0123abcd.part").write_bytes(b"half")
    given = ("audit", str(tmp_path / "new.jsonl"), "--operator", "op01")
    assert _run(monkeypatch, config, *given, password="station-secret-1") == 0
    assert "old.jsonl was broken off" in capsys.readouterr().err
    assert not list(tmp_path.glob(".*.part"))
    database = load_config(config).paths.database
    assert [row[0] for row in _rows(database)] == [LEFT, ACT]

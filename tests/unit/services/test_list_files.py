"""Lists from a file: what is read, what is refused and why, and who may shorten."""

import os
import re
import zipfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from pydantic import SecretStr

from cngstation.services import take_list_file
from cngstation.services.approve import Approval, SecondPersonMissing
from cngstation.services.list_numbers import TooManyNumbers
from cngstation.services.read_list_file import ListFileRefused, read_list_file
from cngstation.services.take_list_file import FileChanged, FileHasFaults, ListFiles
from cngstation.services.verify_books import verify_file
from cngstation.storage import downloads
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database
from tests.small_station import CARD, opened, register_card

WHO = Actor("01", "till")
A, B, C = "0000999900000001", "0000999900000002", "0000999900000003"


class Nobody:
    """No second person is there."""

    async def approve(self, *_given: Any) -> Any:
        """Refuse."""
        raise SecondPersonMissing

    def noting(self, *_given: Any) -> AbstractAsyncContextManager[None]:
        """Nobody is refused here behind two people."""
        return nullcontext()


class World:
    """A station's file, and a file of numbers."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.files = ListFiles(database, Nobody(), "5101", folder)
        self.path = folder / "list.csv"

    async def take(self, text: str, *, whole: bool = False, digest: str = "") -> Any:
        """Take a text."""
        self.path.write_text(text, "utf-8")
        return await self.files.take(
            self.path, whole=whole, reason="a file", actor=WHO, digest=digest,
            approval=Approval("second", SecretStr("x")),
        )  # fmt: skip

    async def listed(self) -> dict[str, str]:
        """Return the numbers that are on a list."""
        found = await self.database.read(downloads.numbers_by_hand)
        return {number: on for number, on, _source in found}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Return an opened station."""
    async with opened(tmp_path / "s.db") as database:
        yield World(database, tmp_path)


def sheet(path: Path, rows: list[tuple[Any, ...]]) -> Path:
    """Write an Excel file."""
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


@pytest.mark.parametrize(
    "text",
    [
        f"{A}\n{B},white\ntotal,2\n",
        f"﻿卡号,名单\n{A},黑名单\n{B}，白\n合计，2",
        f"# from head office\r\nnumber;list\r\n{A};black\r\n\r\n{B};WHITE\r\nTotal;2",
        f"{A} 黑\n{B}\t白\n合计 2",
        f'"{A}","黑"\n"{B}","白"\n"合计","2"',
    ],
)
def test_text_as_people_write_it(tmp_path: Path, text: str) -> None:
    """Separators, heads, quotes, comments, a mark of the byte order."""
    for encoding in ("utf-8", "gb18030"):
        path = tmp_path / encoding
        path.write_bytes(text.encode(encoding))
        file = read_list_file(path)
        assert (file.wanted, file.faults) == ({A: "black", B: "white"}, ())


def test_a_sheet(tmp_path: Path) -> None:
    """Numbers as text; Excel's own numbers only where no zero was lost."""
    rows = [
        ("卡号", "名单"),
        (A, None),
        (B, "白"),
        (1111222233334444, "黑"),
        ("合计", 3),
    ]
    file = read_list_file(sheet(tmp_path / "l.xlsx", rows))
    assert file.wanted == {A: "black", B: "white", "1111222233334444": "black"}
    lost = read_list_file(sheet(tmp_path / "m.xlsx", [(1000231,), ("total", 1)]))
    (fault,) = lost.faults
    assert "lost its zeros" in fault.text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"{A}\n{B}\n", "last row"),
        (f"{A}\n{B}\ntotal,3", "a part is missing"),
        (f"{A}\ntotal,1\n{B}", "behind its total"),
        ("", "last row"),
        ("PK nonsense", "neither text nor Excel"),
        (f"{A}\0\ntotal,1", "neither text nor Excel"),
        (f"{A}\n" * 22_000 + "total,22000", "too many rows"),
        ("x" * (4 * 1024 * 1024 + 1), "larger than 4 MB"),
    ],
)
def test_a_file_that_may_be_cut_off_or_is_no_list(
    tmp_path: Path, text: str, why: str
) -> None:
    """It is refused as a whole."""
    path = tmp_path / "l.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(ListFileRefused, match=why):
        read_list_file(path)


def test_a_name_that_leads_elsewhere(tmp_path: Path, world: World) -> None:
    """A link, a folder, a path: none is read."""
    (tmp_path / "link").symlink_to("/etc/passwd")
    for name in ("link", ".", "nothing"):
        with pytest.raises(ListFileRefused):
            read_list_file(tmp_path / name)
    for name in ("../s.db", "/etc/passwd", "", ".."):
        with pytest.raises(ListFileRefused):
            world.files.path_of(name)


async def test_each_bad_row_is_named_and_nothing_is_taken(world: World) -> None:
    """All of them, by their row."""
    text = f"{A}\n123\n{B},grey\n{A},white\nx\x1b[2J\ntotal,5"
    with pytest.raises(FileHasFaults, match="4 rows of list"):
        await world.take(text)
    looked = await world.files.look(world.path)
    assert [fault.row for fault in looked.file.faults] == [2, 3, 4, 5]
    assert "\x1b" not in looked.file.faults[3].value
    assert await world.listed() == {}


async def test_changes_leave_what_the_file_does_not_name(
    world: World, tmp_path: Path
) -> None:
    """Whole, the blacklist is what the file says; the white list stays."""
    await world.take(f"{A}\n{B}\n{C},white\ntotal,3")
    assert await world.listed() == {A: "black", B: "black", C: "white"}
    with pytest.raises(SecondPersonMissing):
        await world.take(f"{A}\ntotal,1", whole=True)
    with pytest.raises(SecondPersonMissing):
        await world.take(f"{A},none\ntotal,1")
    with pytest.raises(SecondPersonMissing):
        await world.take(f"{A},white\ntotal,1")
    done = await world.take(f"{C}\ntotal,1")
    assert (done.on_black, done.off_black, done.black) == (1, 0, 3)
    again = await world.take(f"{C}\ntotal,1")
    assert again.moved == {}
    assert verify_file(tmp_path / "s.db").proved


async def test_our_own_cards_are_left_out(world: World) -> None:
    """What their register says of them stands; they are counted."""
    await world.database.write(register_card)
    done = await world.take(f"{CARD}\n{A}\ntotal,2")
    assert done.own == (CARD.rjust(16, "0"),)
    assert await world.listed() == {A: "black"}


async def test_the_file_that_was_looked_at_is_the_one_that_is_taken(
    world: World,
) -> None:
    """One that was changed since is refused."""
    world.path.write_text(f"{A}\ntotal,1")
    looked = await world.files.look(world.path)
    with pytest.raises(FileChanged):
        await world.take(f"{B}\ntotal,1", digest=looked.file.digest)
    await world.take(f"{A}\ntotal,1", digest=looked.file.digest)


async def test_more_than_dispensers_hold(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is taken."""
    monkeypatch.setattr(take_list_file, "LARGEST_BASE", 1)
    with pytest.raises(TooManyNumbers):
        await world.take(f"{A}\n{B}\ntotal,2")
    assert await world.listed() == {}


async def test_the_folder_shows_plain_files_newest_first(
    world: World, tmp_path: Path
) -> None:
    """No folder is no file, and no failure."""
    assert (
        await ListFiles(world.database, Nobody(), "5101", tmp_path / "no").names() == []
    )
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to("s.db")
    names = [name for name, _size, _at in await world.files.names()]
    assert "sub" not in names
    assert "link" not in names
    assert "s.db" in names


async def test_a_file_that_was_never_taken_is_shown_first(
    world: World, tmp_path: Path
) -> None:
    """Whatever the clock said when it was copied."""
    await world.take(f"{A}\ntotal,1")
    first, world.path = world.path.name, tmp_path / "next.csv"
    await world.take(f"{A}\n{B}\ntotal,2")
    new = tmp_path / "new.csv"
    new.write_text(f"{C}\ntotal,1", "utf-8")
    os.utime(new, (0, 0))
    names = [name for name, _size, _at in await world.files.names()]
    assert [n for n in names if n.endswith("csv")] == ["new.csv", "next.csv", first]


def damaged(path: Path, part: str, change: Callable[[bytes], bytes | None]) -> Path:
    """Write a sheet anew with one of its parts changed, or left out."""
    whole = sheet(path.with_suffix(".whole"), [(A, "black"), ("total", 1)])
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            kept = change(data) if name.endswith(part) else data
            if kept is not None:
                new.writestr(name, kept)
    return path


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("sheet1.xml", lambda _: b"<worksheet><oops"),
        ("sheet1.xml", lambda _: None),
        ("sheet1.xml", lambda d: d.replace(b"<v>1<", b"<v>zz<")),
        ("workbook.xml", lambda _: b"<workbook><oops"),
        ("workbook.xml", lambda d: re.sub(b"<sheets>.*</sheets>", b"<sheets/>", d)),
    ],
)
def test_a_damaged_sheet_is_refused_in_words(
    tmp_path: Path, part: str, change: Callable[[bytes], bytes | None]
) -> None:
    """However its reader fails."""
    with pytest.raises(ListFileRefused, match="neither text nor Excel"):
        read_list_file(damaged(tmp_path / "l.xlsx", part, change))


def test_a_sheet_whose_packing_is_damaged(tmp_path: Path) -> None:
    """A flipped bit anywhere: the list as it is, or a sentence."""
    data = bytearray(sheet(tmp_path / "l.xlsx", [(A,), ("total", 1)]).read_bytes())
    for place in range(40, len(data), 331):
        flipped = data.copy()
        flipped[place] ^= 0xFF
        (tmp_path / "m.xlsx").write_bytes(flipped)
        try:
            assert read_list_file(tmp_path / "m.xlsx").wanted == {A: "black"}
        except ListFileRefused:
            continue


def test_a_sheet_that_claims_to_have_no_end(tmp_path: Path) -> None:
    """Its reader would fill the gap before the row for ever."""
    path = damaged(
        tmp_path / "l.xlsx",
        "sheet1.xml",
        lambda d: re.sub(b"<dimension[^>]*>", b"", d).replace(
            b'<row r="2"', b'<row r="99999999999999"'
        ),
    )
    with pytest.raises(ListFileRefused, match="too many rows"):
        read_list_file(path)


def test_a_line_without_an_end(tmp_path: Path) -> None:
    """No field of a list is so long."""
    (tmp_path / "l.csv").write_text("1" * 200_000 + "\ntotal,1")
    with pytest.raises(ListFileRefused, match="neither text nor Excel"):
        read_list_file(tmp_path / "l.csv")


async def test_one_card_written_in_two_ways_stands_on_one_list(world: World) -> None:
    """As printed, with its area, as dispensers show it: it is the same card."""
    with pytest.raises(FileHasFaults, match="1 rows of list"):
        await world.take("0000510100000117,black\n00000117,none\ntotal,2")
    looked = await world.files.look(world.path)
    assert "stands on two lists" in looked.file.faults[0].text
    await world.take("0000510100000117\n510100000117\n00000117\ntotal,3")
    assert await world.listed() == {"0000510100000117": "black"}

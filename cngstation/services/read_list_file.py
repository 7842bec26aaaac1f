"""Reads card numbers for the dispensers' lists from a text, CSV or Excel file.

A row is a number and, behind it, the list: black (nothing means that), white or none.
The last row is the check line: `total` (合计) and how many rows stand above it; a file
without it may have been cut off. Nothing of a file with one bad row is taken.

    卡号,名单
    0000510101000231,黑
    01000117,无
    合计,2
"""

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from openpyxl import load_workbook

from cngstation.domain.card_lists import LARGEST_BASE
from cngstation.errors import Refusal
from cngstation.hygiene import clean
from cngstation.language import mark

LARGEST_FILE = 4 * 1024 * 1024
LARGEST_UNPACKED = 32 * 1024 * 1024
MOST_ROWS = LARGEST_BASE + 1_000
MOST_FAULTS = 20
_LAST_ROW = 1_048_576  # of a sheet; what claims to have more would never be read
BLACK, WHITE, NONE = "black", "white", "none"
LISTS = {
    **dict.fromkeys(("", "black", "黑", "黑名单"), BLACK),
    **dict.fromkeys(("white", "白", "白名单"), WHITE),
    **dict.fromkeys(("none", "无", "不在名单"), NONE),
}
_HEADS = frozenset({"卡号", "number", "card", "card_no"})
_TOTALS = frozenset({"total", "合计"})
_DIGITS = re.compile(r"[0-9]{8}|[0-9]{12}|[0-9]{16}")
_SEPARATORS = re.compile(r"[,;，；\t]+| +")
_NOT_A_NUMBER = mark("{value} is no card number of 8, 12 or 16 digits")
_NO_LIST = mark("{value} is no list: black, white or none")
_TWICE = mark("{value} stands on two lists")
_NEITHER = mark("it is neither text nor Excel")
_TOO_MANY = mark("it has too many rows")
_LOST_ZEROS = mark("{value} is a number that lost its zeros; make the column text")


class ListFileRefused(Refusal):
    """The file cannot be read as a list."""

    code = "refusal.list_file"
    text = "The file {name} is not taken: {why}. No list was changed."


@dataclass(frozen=True, slots=True)
class RowFault:
    """A row that cannot be used: its number, and why in a sentence with one fact."""

    row: int
    text: str
    value: str


@dataclass(frozen=True, slots=True)
class ListFile:
    """What a file says, by number; `digest` names its bytes."""

    name: str
    digest: str
    wanted: dict[str, str]
    faults: tuple[RowFault, ...]


Row = tuple[int, list[str], bool]  # number in the file, cells, whether Excel's number


def read_list_file(path: Path, *, number_of: Callable[[str], str] = str) -> ListFile:
    """Read a file; `number_of` gives the ways to write a number one form.

    Raises:
        ListFileRefused: it cannot be opened, is too large, or lacks its check line.
    """
    name = clean(path.name, limit=60)
    data = _bytes(path, name)
    rows = _sheet_rows(data, name) if data[:2] == b"PK" else _text_rows(data, name)
    try:
        wanted, faults = _read(rows, name, number_of)
    except Refusal:
        raise
    except Exception as error:  # a damaged sheet fails in its reader in any way
        raise ListFileRefused(name=name, why=_NEITHER) from error
    digest = hashlib.sha256(data).hexdigest()
    return ListFile(name, digest, wanted, tuple(faults))


def _bytes(path: Path, name: str) -> bytes:
    try:
        if path.is_symlink() or not path.is_file():
            raise ListFileRefused(name=name, why=mark("it is no plain file"))
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ListFileRefused(name=name, why=mark("it cannot be read")) from error
    if len(data) > LARGEST_FILE:
        raise ListFileRefused(name=name, why=mark("it is larger than 4 MB"))
    return data


def _text_rows(data: bytes, name: str) -> Iterator[Row]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030", "replace")
    if "\0" in text:
        raise ListFileRefused(name=name, why=_NEITHER)
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            plain = _SEPARATORS.sub(",", stripped)
            yield number, next(csv.reader(io.StringIO(plain)), []), False


def _sheet_rows(data: bytes, name: str) -> Iterator[Row]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            unpacked = sum(part.file_size for part in packed.infolist())
        if unpacked > LARGEST_UNPACKED:
            raise ListFileRefused(name=name, why=mark("it is larger than 4 MB"))
    except zipfile.BadZipFile as error:
        raise ListFileRefused(name=name, why=_NEITHER) from error
    book = load_workbook(io.BytesIO(data), read_only=True)
    try:
        for number, cells in enumerate(book.worksheets[0].iter_rows(max_col=2), 1):
            if number > _LAST_ROW:
                raise ListFileRefused(name=name, why=_TOO_MANY)
            values = [cell.value for cell in cells]
            if any(value is not None for value in values):
                is_number = isinstance(values[0], int | float)
                yield number, [_cell(value) for value in values], is_number
    finally:
        book.close()


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{Decimal(str(value)).normalize():f}"
    return "" if value is None else str(value).strip()


def _read(
    rows: Iterable[Row], name: str, number_of: Callable[[str], str]
) -> tuple[dict[str, str], list[RowFault]]:
    wanted: dict[str, str] = {}
    faults: list[RowFault] = []
    count, total = 0, None
    for number, cells, lost in rows:
        first = cells[0].strip().strip('"').lower() if cells else ""
        second = cells[1].strip().strip('"').lower() if len(cells) > 1 else ""
        if total is not None:
            raise ListFileRefused(name=name, why=mark("rows stand behind its total"))
        if not count and first in _HEADS:
            continue
        if first in _TOTALS:
            total = second
            continue
        count += 1
        if count > MOST_ROWS:
            raise ListFileRefused(name=name, why=_TOO_MANY)
        fault = _take(wanted, first, second, number_of, lost=lost)
        if fault is not None:
            faults.append(RowFault(number, *fault))
    if total is None:
        why = mark("its last row must be: total, number of rows")
        raise ListFileRefused(name=name, why=why)
    if total != str(count):
        why = mark("its total is not the number of its rows: a part is missing")
        raise ListFileRefused(name=name, why=why)
    return wanted, faults


def _take(
    wanted: dict[str, str],
    number: str,
    on: str,
    number_of: Callable[[str], str],
    *,
    lost: bool,
) -> tuple[str, str] | None:
    """Take a row, or return why not."""
    if not _DIGITS.fullmatch(number):
        text = _LOST_ZEROS if lost and number.isdigit() else _NOT_A_NUMBER
        return text, clean(number, limit=40)
    if on not in LISTS:
        return _NO_LIST, clean(on, limit=40)
    if wanted.setdefault(number_of(number), LISTS[on]) != LISTS[on]:
        return _TWICE, number
    return None

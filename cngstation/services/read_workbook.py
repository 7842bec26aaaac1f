"""Reads rows of text from an Excel sheet whose first row names the columns.

A formula is refused, not evaluated: what it shows depends on the program that saved
it. So are control characters and error values. Numbers and dates become text.
"""

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from cngstation.errors import Refusal
from cngstation.hygiene import is_clean

LARGEST_FILE = 50 * 1024 * 1024
MOST_ROWS = 200_000
LONGEST_TEXT = 200


class SheetRefused(Refusal):
    """The file is no sheet that can be read; nothing of it was imported."""

    code = "refusal.sheet"
    text = "The sheet cannot be imported: {why}. Nothing was imported."


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row by its number in the sheet; `faults` say why it cannot be used."""

    number: int
    values: dict[str, str]
    faults: tuple[str, ...]


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[SheetRow]:
    """Yield the rows below the head that are not empty.

    Raises:
        SheetRefused: it is no workbook, too large, or lacks a column.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise SheetRefused(why=f"it is larger than {LARGEST_FILE} bytes")
        book = load_workbook(path, read_only=True, data_only=False)
    except (OSError, InvalidFileException, zipfile.BadZipFile, KeyError) as error:
        raise SheetRefused(why="it is no .xlsx file that can be opened") from error
    try:
        rows = book.worksheets[0].iter_rows()
        head = [str(cell.value or "").strip() for cell in next(rows, ())]
        missing = [name for name in columns if name not in head]
        if missing:
            raise SheetRefused(why=f"its first row lacks {', '.join(missing)}")
        for number, cells in enumerate(rows, 2):
            if number > MOST_ROWS + 1:
                raise SheetRefused(why=f"it has more than {MOST_ROWS} rows")
            row = _row(number, head, cells, columns)
            if row is not None:
                yield row
    finally:
        book.close()


def _row(
    number: int, head: list[str], cells: Sequence[Any], columns: Sequence[str]
) -> SheetRow | None:
    values, faults = dict.fromkeys(columns, ""), []
    for name, cell in zip(head, cells, strict=False):
        if name not in values or cell.value is None:
            continue
        text, fault = _text(cell)
        values[name] = text
        if fault:
            faults.append(f"{name}: {fault}")
    if not faults and not any(values.values()):
        return None
    return SheetRow(number, values, tuple(faults))


def _text(cell: Any) -> tuple[str, str]:
    """Return a cell as text, or why it cannot be one."""
    value = cell.value
    if cell.data_type == "f" or (isinstance(value, str) and value.startswith("=")):
        return "", "a formula; paste its value instead"
    if cell.data_type == "e":
        return "", "an error value"
    if isinstance(value, bool):
        return "", "true or false, not text"
    if isinstance(value, date):
        return value.strftime("%Y-%m-%d"), ""
    if not isinstance(value, str):
        return _number_text(value), ""
    text = value.strip()
    if len(text) > LONGEST_TEXT:
        return "", f"longer than {LONGEST_TEXT} characters"
    if not is_clean(text):
        return "", "control characters"
    return text, ""


def _number_text(value: object) -> str:
    plain = Decimal(str(value)).normalize()
    return f"{plain:f}"


def write_template(path: Path, columns: Sequence[tuple[str, str]]) -> None:
    """Write an empty sheet with the columns, and a second one that explains them."""
    book = Workbook()
    sheet = book.active or book.create_sheet()
    sheet.title = "customers"
    sheet.append([name for name, _ in columns])
    for number in range(1, len(columns) + 1):
        sheet.column_dimensions[get_column_letter(number)].width = 16
    for cells in sheet.iter_cols(min_row=2, max_row=1_000, max_col=len(columns)):
        for cell in cells:
            cell.number_format = "@"  # text: leading zeros and long numbers stay
    notes = book.create_sheet("explanation")
    for name, meaning in columns:
        notes.append([name, meaning])
    book.save(path)

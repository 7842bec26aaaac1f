"""A receipt as data, and its lines of exactly 32 or 48 columns.

    +--------------------------------+
    |          issuer                |   company
    |          title                 |   充值凭证
    |      part   copy_mark          |   客户联  补打 2
    |--------------------------------|
    | label                    value |   Row; a long value goes on below,
    |--------------------------------|   Ruler
    |          footer                |
    +--------------------------------+

Labels arrive translated. A value is never cut: what does not fit is broken into
further lines, because a figure on paper must not lose a digit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from cngstation import hygiene
from cngstation.protocols.receipt.paper import paper_text

Columns = Literal[32, 48]

# A closing slip of a busy station has about 60 rows; paper of a metre ends there.
MOST_ROWS = 120
MOST_FOOTER_LINES = 12


@dataclass(frozen=True, slots=True)
class Row:
    """A label and its value; `strong` prints both bold."""

    label: str
    value: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Ruler:
    """A line across the paper."""


@dataclass(frozen=True, slots=True)
class Slip:
    """One receipt. `part` is 客户联 or 存根联, `copy_mark` is 补打 n on a reprint.

    Raises:
        ValueError: more rows than a slip can have.
    """

    title: str
    rows: tuple[Row | Ruler, ...]
    issuer: str = ""
    footer: tuple[str, ...] = ()
    part: str = ""
    copy_mark: str = ""

    def __post_init__(self) -> None:
        if len(self.rows) > MOST_ROWS or len(self.footer) > MOST_FOOTER_LINES:
            raise ValueError(
                f"a slip has at most {MOST_ROWS} rows and {MOST_FOOTER_LINES} "
                "lines of footer"
            )


@dataclass(frozen=True, slots=True)
class Line:
    """One line of paper, padded to the paper's columns."""

    text: str
    bold: bool = False


def render(slip: Slip, columns: Columns) -> tuple[Line, ...]:
    """Return the lines of a slip, each exactly `columns` wide."""
    return tuple(_lines(slip, columns))


def _lines(slip: Slip, columns: int) -> Iterator[Line]:
    yield from _centred(slip.issuer, columns)
    yield from _centred(slip.title, columns, bold=True)
    marks = "  ".join(mark for mark in (slip.part, slip.copy_mark) if mark)
    yield from _centred(marks, columns, bold=bool(slip.copy_mark))
    yield _ruler(columns)
    for row in slip.rows:
        if isinstance(row, Ruler):
            yield _ruler(columns)
        else:
            yield from _row(row, columns)
    if slip.footer:
        yield _ruler(columns)
    for text in slip.footer:
        yield from _centred(text, columns)


def _ruler(columns: int) -> Line:
    return Line("-" * columns)


def _row(row: Row, columns: int) -> Iterator[Line]:
    label, value = paper_text(row.label), paper_text(row.value)
    room = columns - hygiene.width(label) - 1
    if hygiene.width(value) <= room:
        text = label + hygiene.fit(value, room + 1, right=True)
        yield Line(text, row.strong)
        return
    for part in _broken(label, columns):
        yield Line(hygiene.fit(part, columns), row.strong)
    for part in _broken(value, columns):
        yield Line(hygiene.fit(part, columns, right=True), row.strong)


def _centred(text: str, columns: int, *, bold: bool = False) -> Iterator[Line]:
    for part in _broken(paper_text(text), columns):
        left = (columns - hygiene.width(part)) // 2
        yield Line(hygiene.fit(" " * left + part, columns), bold)


def _broken(text: str, columns: int) -> Iterator[str]:
    """Break text into parts of at most so many columns, at a space if there is one."""
    while hygiene.width(text) > columns:
        part = hygiene.cut(text, columns)
        space = part.rfind(" ")
        end = space if space > 0 else len(part)
        yield text[:end].rstrip()
        text = text[end:].lstrip()
    if text:
        yield text

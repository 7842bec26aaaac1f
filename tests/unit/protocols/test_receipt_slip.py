"""Receipts as lines: golden paper, exact widths, nothing cut."""

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation import hygiene
from cngstation.protocols.receipt.paper import paper_text
from cngstation.protocols.receipt.slip import (
    MOST_FOOTER_LINES,
    MOST_ROWS,
    Columns,
    Row,
    Ruler,
    Slip,
    render,
)
from tests.receipts import SLIPS, TOP_UP

GOLDEN = Path(__file__).parents[2] / "golden"
TEXTS = st.text(max_size=120)


@pytest.mark.parametrize("columns", get_args(Columns))
@pytest.mark.parametrize("name", SLIPS)
def test_the_paper_is_as_it_was(name: str, columns: Columns) -> None:
    """Each known slip renders to the stored paper, column by column."""
    lines = render(SLIPS[name], columns)
    shown = "".join(f"{'*' if line.bold else '|'}{line.text}|\n" for line in lines)
    assert shown == (GOLDEN / f"receipt_{name}_{columns}.txt").read_text("utf-8")


@given(TEXTS, TEXTS, TEXTS, st.sampled_from(get_args(Columns)))
def test_every_line_is_exactly_as_wide_as_the_paper(
    label: str, value: str, title: str, columns: Columns
) -> None:
    """Whatever the texts, each line has the paper's columns, on screen and paper."""
    rows = (Row(label, value), Ruler())
    slip = Slip(title=title, rows=rows, footer=(value,), issuer=label, part=title)
    for line in render(slip, columns):
        assert hygiene.width(line.text) == columns
        assert sum(1 if ch.isascii() else 2 for ch in line.text) == columns


@given(st.text(alphabet="0123456789.", min_size=1, max_size=150), TEXTS)
def test_no_digit_of_a_value_is_lost(value: str, label: str) -> None:
    """A value too long for its line goes on below instead of being cut."""
    lines = render(Slip(title="", rows=(Row(label, value),)), 32)
    printed = "".join(line.text for line in lines).replace(" ", "")
    assert printed.endswith(value)


def test_a_row_without_room_for_a_gap_is_two_lines() -> None:
    """A label and a value never touch each other."""
    slip = Slip(title="", rows=(Row("x" * 16, "9" * 16),))
    assert [line.text for line in render(slip, 32)[1:]] == [
        "x" * 16 + " " * 16,
        " " * 16 + "9" * 16,
    ]


def test_a_reprint_says_so_in_bold() -> None:
    """The copy mark stands on the paper, emphasised."""
    copy = Slip(title="充值凭证", rows=(), part="客户联", copy_mark="补打 3")
    marks = render(copy, 32)[1]
    assert marks.text.strip() == "客户联  补打 3"
    assert marks.bold


def test_a_slip_is_bounded() -> None:
    """More rows or footer lines than a slip can have are refused."""
    row = Row("a", "b")
    with pytest.raises(ValueError, match="at most"):
        Slip(title="", rows=(row,) * (MOST_ROWS + 1))
    with pytest.raises(ValueError, match="at most"):
        Slip(title="", rows=(), footer=("x",) * (MOST_FOOTER_LINES + 1))
    assert len(render(Slip(title="t", rows=(row,) * MOST_ROWS), 32)) == MOST_ROWS + 2


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("51.94 m³", "51.94 m3"),
        ("¥5", "￥5"),
        ("阿·示例", "阿．示例"),
        ("a—b…", "a-b..."),
        ("caf\N{LATIN SMALL LETTER E WITH ACUTE}", "cafe"),
        ("\x1bp", "?p"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}x", "?x"),
        ("龘〇", "龘〇"),
        ("\N{ARABIC LETTER BEH}", "?"),
        ("\N{WHITE UP POINTING INDEX}\N{EMOJI MODIFIER FITZPATRICK TYPE-4}", "??"),
        ("\N{REGIONAL INDICATOR SYMBOL LETTER C}" * 2, "??"),
    ],
)
def test_signs_that_a_screen_and_a_printer_count_apart(text: str, printed: str) -> None:
    """A sign of doubtful width becomes one of the same meaning, or a question mark."""
    assert paper_text(text) == printed


@given(st.text())
def test_paper_text_is_stable(text: str) -> None:
    """Text that has been made fit for paper stays as it is."""
    once = paper_text(text)
    assert hygiene.is_clean(once)
    assert paper_text(once) == once[:200]


def test_a_slip_is_a_value() -> None:
    """Two slips of the same content are equal and can stand in a set."""
    assert len({TOP_UP, TOP_UP}) == 1

"""What the import says of its rows, in the station's language."""

from collections.abc import Iterator

import pytest

from cngstation.cli.import_customers import _line, _report
from cngstation.language import use_language
from cngstation.services.import_customers import Outcome, RowResult
from cngstation.storage.opening_balances import (
    CONTESTED,
    Opening,
    OpeningBalance,
    OpeningVerdict,
)

RESULTS = (
    RowResult(2, Outcome.ADDED),
    RowResult(3, Outcome.THERE),
    RowResult(4, Outcome.REFUSED, ("车牌号不对",)),
)


@pytest.fixture(autouse=True)
def _own_language() -> Iterator[None]:
    yield
    use_language("en")


def test_rows_are_told_in_chinese() -> None:
    """Counts, and each refused row with its reason; a trial says that it is one."""
    use_language("zh_CN")
    told = _report(RESULTS, dry=False)
    assert told == "第 4 行：车牌号不对\n已导入 1 行，原已登记 1 行，拒绝 1 行。\n"
    assert "试导入" in _report(RESULTS, dry=True)


def test_a_contested_balance_is_told_in_chinese() -> None:
    """Imported, in the book, on the card, and what differs."""
    use_language("zh_CN")
    balance = OpeningBalance(
        card_key="031601000001", uid="", balance_purse=12_050, unit="CNY",
        source="old.xlsx", source_row=7, operator_no="1", terminal="t",
    )  # fmt: skip
    verdict = OpeningVerdict(
        card_key="031601000001", verdict=CONTESTED, why="another balance",
        book_purse=12_050, card_purse=9_900, uid="04A1", wseq=1,
        operator_no="", terminal="t",
    )  # fmt: skip
    told = _line(Opening(balance, verdict), CONTESTED)
    assert "120.50 元" in told
    assert "99.00" in told
    assert "another" not in told
    assert "第 7 行" in told

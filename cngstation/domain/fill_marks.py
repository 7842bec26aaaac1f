"""What a fill without a card can be, and which of that brings no money."""

from dataclasses import dataclass
from enum import StrEnum

from cngstation.domain.tenders import Tender
from cngstation.language import mark


class FillMark(StrEnum):
    """What a fill without a card is; CASH is what each is until somebody says else."""

    CASH = "cash"
    TEST = "test"  # 检测
    CALIBRATION = "calibration"  # 检定
    TEST_LOST = "test_lost"  # its gas did not go back
    COMPANY = "company"  # 单位记帐
    DRIVE_OFF = "drive_off"  # 逃单
    WECHAT = "wechat"
    ALIPAY = "alipay"
    BANK_CARD = "bank_card"


# Their gas went back: no sale at all.
NO_SALE = frozenset({FillMark.TEST, FillMark.CALIBRATION})
BY_TENDER = {
    FillMark.CASH: Tender.CASH,
    FillMark.WECHAT: Tender.WECHAT,
    FillMark.ALIPAY: Tender.ALIPAY,
    FillMark.BANK_CARD: Tender.BANK_CARD,
}
# What a crew may hold when it hands over.
CREW_TENDERS = tuple(BY_TENDER.values())
# After one of these the crew owes nothing for the fill.
BRINGS_NOTHING = frozenset(set(FillMark) - set(BY_TENDER))

MARK_WORDS: dict[str, str] = {
    FillMark.CASH: mark("cash"),
    FillMark.TEST: mark("test, gas returned"),
    FillMark.CALIBRATION: mark("calibration, gas returned"),
    FillMark.TEST_LOST: mark("test, gas lost"),
    FillMark.COMPANY: mark("company account"),
    FillMark.DRIVE_OFF: mark("driven off"),
    FillMark.WECHAT: mark("WeChat"),
    FillMark.ALIPAY: mark("Alipay"),
    FillMark.BANK_CARD: mark("bank card"),
}


@dataclass(frozen=True, slots=True)
class MarkedAlone:
    """How many fills, and worth how much, one person may mark in a shift."""

    fills: int = 0
    amount_e4: int = 0

    def allows(self, fills: int, amount_e4: int) -> bool:
        """Tell whether both bounds hold."""
        return fills <= self.fills and amount_e4 <= self.amount_e4


ALWAYS_TWO = MarkedAlone()

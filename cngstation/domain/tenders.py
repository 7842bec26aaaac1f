"""Ways of paying: what each wants to be noted, and the account its money is in."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from cngstation.domain import ledger


class Tender(StrEnum):
    """支付方式: how money was received."""

    CASH = "cash"  # 现金
    WECHAT = "wechat"  # 微信
    ALIPAY = "alipay"  # 支付宝
    BANK_CARD = "bank_card"  # 银行卡
    TRANSFER = "transfer"  # 转账
    CHEQUE = "cheque"  # 支票
    COMPANY = "company"  # 公司账户


# Whoever compares the till with a bank's list needs the number that is on the list.
WANTS_REFERENCE = {
    Tender.CASH: False,
    Tender.WECHAT: True,
    Tender.ALIPAY: True,
    Tender.BANK_CARD: True,
    Tender.TRANSFER: True,
    Tender.CHEQUE: True,
    Tender.COMPANY: False,
}
# What a till holds and is counted for; the money of a company is with the station.
IN_TILL = tuple(tender for tender in Tender if tender is not Tender.COMPANY)


@dataclass(frozen=True, slots=True)
class Payment:
    """How an act was paid; `company_no` is whose account pays, else empty."""

    tender: Tender = Tender.CASH
    reference: str = ""
    company_no: str = ""

    @classmethod
    def of_plan(cls, plan: Mapping[str, Any]) -> Self:
        """Return how the act of a plan was paid; a plan that does not say so, in cash.

        Raises:
            ValueError: the plan names an unknown tender.
        """
        return cls(
            Tender(plan.get("tender", Tender.CASH)),
            plan.get("tender_ref", ""),
            plan.get("company_no", ""),
        )

    def as_plan(self) -> dict[str, str]:
        """Return what the plan of an act keeps, so that it goes back the same way."""
        kept = {"tender": str(self.tender), "tender_ref": self.reference}
        return kept | ({"company_no": self.company_no} if self.company_no else {})

    def account(self, till: str) -> str:
        """Name the account that the money is taken into, and given back from."""
        if self.tender is Tender.COMPANY:
            return ledger.company_account(self.company_no)
        return ledger.till_account(till, self.tender)


CASH = Payment()

"""The till and the companies' money of a station in memory, and its rules."""

from typing import Any

from cngstation.rpc.contract import counter as c
from tests.unit.tui.fake_rows import NOW_MS, sale


class FakeMoney:
    """Answers what is asked of tills, company accounts, discounts and limits."""

    def __init__(self) -> None:
        self.till: c.TillView | None = None
        self.rules: list[c.DiscountRule] = []

    def _till_view(self, state: str, **facts: Any) -> Any:
        plain: dict[str, Any] = {
            "till": "01", "state": state, "session_no": 1, "since_ms": NOW_MS,
            "operator_no": "1001", "float_e4": 5_000_000, "counts": (), "moves": (),
        }  # fmt: skip
        self.till = c.TillView(**{**plain, **facts})
        return self.till

    async def _till_show(self, _: Any) -> Any:
        return self.till or self._till_view("never")

    async def _till_open(self, opening: Any) -> Any:
        return self._till_view("opened", float_e4=opening.float_fen * 100)

    async def _till_drop(self, cash: Any) -> Any:
        move = c.TillMove(
            at_ms=NOW_MS, kind="till.drop", amount_e4=-cash.amount_fen * 100,
            reason=cash.reason, operator_no="1001",
        )  # fmt: skip
        return self._till_view("opened", moves=(move,))

    async def _till_pay_out(self, cash: Any) -> Any:
        return self._till_view("opened")

    async def _till_pay_in(self, cash: Any) -> Any:
        return self._till_view("opened")

    async def _till_close(self, closing: Any) -> Any:
        counts = tuple(
            c.TillCount(
                tender=count.tender, expected_e4=5_000_000,
                counted_e4=count.counted_fen * 100,
                over_e4=count.counted_fen * 100 - 5_000_000,
            )
            for count in closing.counts
        )  # fmt: skip
        return self._till_view("closed", counts=counts)

    def _account(self, company_no: str, more_e4: int = 0, limit_e4: int = 0) -> Any:
        move = c.CompanyMove(
            at_ms=NOW_MS, kind="top_up.hold", amount_e4=-300_000, balance_e4=1_200_000,
            card_no="01000231", plate="川A12345", tender="company", operator_no="1001",
            receipt_no=7,
        )  # fmt: skip
        return c.CompanyAccount(
            company_no=company_no, name="测试出租车公司",
            balance_e4=1_200_000 + more_e4, credit_limit_e4=limit_e4, receipt_no=8,
            rows=(move,),
        )  # fmt: skip

    async def _company_fills(self, query: Any) -> Any:
        rows = tuple(
            c.CompanyFill(
                company_no="0001", company_name="测试出租车公司",
                sale=sale(n, plate=f"川A{n:05d}"),
            )
            for n in ((250,) if query.before_seq else (252, 251))
        )  # fmt: skip
        return c.CompanyFills(rows=rows, next_seq=0 if query.before_seq else 251)

    async def _company_account(self, query: Any) -> Any:
        return self._account(query.company_no)

    async def _company_top_up(self, request: Any) -> Any:
        return self._account(request.company_no, request.amount_fen * 100)

    async def _company_set_terms(self, terms: Any) -> Any:
        return self._account(terms.company_no, 0, terms.credit_limit_fen * 100)

    async def _discount_list(self, _: Any) -> Any:
        return c.DiscountRules(rows=tuple(self.rules))

    async def _discount_add(self, rule: Any) -> Any:
        number = len(self.rules) + 1
        self.rules.append(rule.model_copy(update={"rule_no": number}))
        return await self._discount_list(rule)

    async def _discount_end(self, ended: Any) -> Any:
        return await self._discount_list(ended)

    async def _limits_show(self, query: Any) -> Any:
        none = c.WindowLimit()
        return c.Limits(
            holder=query.holder, key=query.key, fill=none,
            day=c.WindowLimit(fen=200_000), week=none, month=none,
            from_minute=360, until_minute=1_320,
        )  # fmt: skip

    async def _limits_set(self, limits: Any) -> Any:
        return limits

    async def _invoice_record(self, invoice: Any) -> Any:
        return invoice

"""A station in memory that answers the whole contract, for the screen's tests."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from cngstation.errors import Refusal, StationError
from cngstation.rpc.contract import card_acts as a
from cngstation.rpc.contract import counter as c
from cngstation.rpc.contract import figures as f
from cngstation.rpc.contract import forecourt as g
from cngstation.rpc.contract import marks as m
from cngstation.rpc.contract import uplink as u
from cngstation.rpc.session import Nothing
from tests.unit.tui.fake_audit import FakeAudit
from tests.unit.tui.fake_board import FakeBoard
from tests.unit.tui.fake_lists import FakeLists
from tests.unit.tui.fake_money import FakeMoney
from tests.unit.tui.fake_orders import FakeOrders
from tests.unit.tui.fake_parameters import FakeParameters
from tests.unit.tui.fake_people import FakePeople
from tests.unit.tui.fake_registers import FakeRegisters
from tests.unit.tui.fake_rows import (
    NOW_MS,
    TENDERS,
    WELL,
    TopUpRefused,
    card,
    nozzle,
    sale,
    unchecked,
)
from tests.unit.tui.fake_shifts import FakeShifts
from tui.link import Part


class FakeStation(
    FakeRegisters,
    FakeMoney,
    FakeLists,
    FakeShifts,
    FakeOrders,
    FakeBoard,
    FakeParameters,
    FakePeople,
    FakeAudit,
):
    """Holds a few facts, answers every method, and tells what happens."""

    def __init__(self, nozzles: int = 8) -> None:
        FakeRegisters.__init__(self)
        FakeMoney.__init__(self)
        FakeShifts.__init__(self)
        FakeLists.__init__(self)
        FakePeople.__init__(self)
        FakeBoard.__init__(self)
        FakeParameters.__init__(self)
        self.tell: Callable[[Part, Any, Any], None] = lambda _p, _e, _b: None
        self.asked: list[tuple[str, Any]] = []
        self.failing: dict[str, list[StationError]] = {}
        self.hold = asyncio.Event()
        self.hold.set()
        self.acts: dict[str, c.ActReply] = {}
        self.card: c.CardView | None = None
        self.second_card: m.SecondCard | None = None
        self.nozzles = {no: nozzle(no) for no in range(1, nozzles + 1)}
        self.sales = tuple(sale(n) for n in range(1, 30))
        self.open_rows: tuple[f.OpenRow, ...] = ()
        self.books: c.BooksVerdict | None = None
        self.printer = WELL
        self.diagnosis = c.Diagnosis(uid="", card_no="", causes=())
        self.tenders: tuple[c.TenderOffer, ...] = TENDERS

    # Snapshots and what hands do.

    def snapshot(self, part: Part) -> Any:
        """Return the whole state of a daemon."""
        if part is Part.COUNTER:
            return self._counter_board()
        if part is Part.FORECOURT:
            line = g.LineFigure(
                name="line1", health=WELL, baud=38_400, frames_sent=1, frames_lost=0,
                cycle_us=60_000,
            )  # fmt: skip
            board = g.ForecourtBoard(
                lines=(line,), nozzles=tuple(self.nozzles.values()), sales=()
            )
            return board.model_copy(update={"sales": self.sales})
        return u.UplinkFigure(
            network="network", health=WELL, waiting=0, oldest_at_ms=None,
            last_success_at_ms=None,
        )  # fmt: skip

    def _counter_board(self) -> c.CounterBoard:
        station = f.StationInfo(
            station_no="0316", name="加气站", company_name="测试公司",
            area_no="5101", area_short_name="川A", till="01",
            business_day="2026-11-21", currency_unit="CNY", gas_unit="m3",
        )  # fmt: skip
        return c.CounterBoard(
            station=station, reader=WELL, printer=self.printer, card=self.card,
            open_rows=self.open_rows, books=self.books,
        )  # fmt: skip

    def put(self, view: c.CardView) -> None:
        """Put a card on the reader."""
        self.card = view
        self.tell(Part.COUNTER, c.CARD_PRESENTED, view)

    def take(self) -> None:
        """Take the card away."""
        self.card = None
        self.tell(Part.COUNTER, c.CARD_REMOVED, Nothing())

    def change_nozzle(self, no: int, **facts: Any) -> None:
        """Let a nozzle show other figures."""
        self.nozzles[no] = self.nozzles[no].model_copy(update=facts)
        self.tell(Part.FORECOURT, g.NOZZLE_CHANGED, self.nozzles[no])

    # The methods.

    async def answer(self, name: str, request: Any) -> Any:
        """Answer one call; a failure that was laid ready comes first."""
        self.asked.append((name, request))
        if waiting := self.failing.get(name):
            raise waiting.pop(0)
        await self.hold.wait()
        handler: Callable[[Any], Awaitable[Any]] = getattr(
            self, "_" + name.replace(".", "_")
        )
        return await handler(request)

    async def _card_report_loss(self, order: Any) -> Any:
        self.card_state = "lost"
        return m.Marked(
            card_key=order.card_key, card_no=order.card_key[-8:], state="lost",
            takes_effect_at_ms=NOW_MS, text="Card {card} is reported lost.",
            facts=(f.Fact(name="card", value="01000231"),),
        )  # fmt: skip

    async def _card_unblacklist(self, order: Any) -> Any:
        return (await self._card_report_loss(order)).model_copy(
            update={"text": "Card {card} is off the blacklist."}
        )

    async def _approval_card(self, _: Any) -> Any:
        return self.second_card

    async def _act_quote(self, request: Any) -> Any:
        cash = 1_000 if request.kind in {"replace", "clear_credit"} else 0
        back = (
            a.RefundPart(tender="wechat", number="W0042", fen=700),
            a.RefundPart(tender="cash", number="", fen=300),
        )
        return a.ActQuote(
            kind=request.kind, card_no="01000231", unit="CNY", before_purse=2_750,
            after_purse=1_750, cash_fen=cash, refund_fen=0 if cash else 1_000,
            two_people=request.kind == "reverse_top_up",
            wants_reason=request.kind == "reverse_top_up",
            notes=(a.Note(
                text="Fill {number} at nozzle {nozzle}: {quantity} for {amount} yuan"
                " is unpaid.",
                facts=tuple(f.Fact(name=n, value="7") for n in
                    ("number", "nozzle", "quantity", "amount")),
            ),),
            tenders=TENDERS if cash else (), refunds=() if cash else back,
        )  # fmt: skip

    async def _card_top_ups(self, _: Any) -> Any:
        return a.TopUpsLeft(rows=tuple(
            a.TopUpLeft(
                intent_id=f"TOP-UP-{n}", at_ms=NOW_MS - n * 86_400_000,
                amount_purse=n * 1_000, left_purse=n * 900, tender="wechat",
            )
            for n in range(1, 8)
        ))  # fmt: skip

    async def _card_settle_grey(self, request: Any) -> Any:
        return self._done(request, "settle_grey", 2_750, 1_750)

    async def _card_crew_rewrite(self, request: Any) -> Any:
        return self._done(request, "crew_rewrite", 0, 0)

    async def _card_rewrite_limits(self, request: Any) -> Any:
        return self._done(request, "rewrite_limits", 2_750, 2_750)

    async def _card_clear_credit(self, request: Any) -> Any:
        return self._done(request, "clear_credit", 2_750, 0)

    async def _card_replace(self, request: Any) -> Any:
        return self._done(request, "replace", 0, 2_750)

    async def _card_reverse_top_up(self, request: Any) -> Any:
        return self._done(request, "reverse_top_up", 2_750, 1_750)

    async def _card_read(self, _: Any) -> Any:
        if self.card is None:
            raise Refusal
        return self.card

    async def _card_why(self, _: Any) -> Any:
        return self.diagnosis

    async def _card_quote(self, request: Any) -> Any:
        before = self.card.balance_purse if self.card else 0
        change = request.money_fen or request.quantity_hundredths
        if change > 100_000:
            raise TopUpRefused(ceiling="5000.00")
        return c.Quote(
            before_purse=before, change_purse=change, after_purse=before + change,
            bonus_purse=0, cash_fen=request.money_fen, price_e4=39_800,
            tenders=self.tenders,
        )  # fmt: skip

    def _done(self, request: Any, kind: str, before: int, after: int) -> c.ActReply:
        known = self.acts.get(request.intent_id)
        reply = known or c.ActReply(
            intent_id=request.intent_id, state=c.ActState.DONE, kind=kind,
            card_key="510101000231", before_purse=before, after_purse=after,
            cash_fen=request.cash_fen, receipt_no=len(self.acts) + 1, facts=(),
            text="" if kind in {"top_up", "issue"} else f"done: {kind}",
        )  # fmt: skip
        self.acts[request.intent_id] = reply
        return reply

    async def _card_top_up(self, request: Any) -> Any:
        before = self.card.balance_purse if self.card else 0
        after = before + request.money_fen + request.quantity_hundredths
        reply = self._done(request, "top_up", before, after)
        if self.card is not None:
            self.card = self.card.model_copy(update={"balance_purse": after})
        return reply

    async def _card_issue(self, request: Any) -> Any:
        self.card = card(
            uid=self.card.uid if self.card else "0A0B0C09",
            kind=request.kind, payment_mode=request.payment_mode,
            balance_purse=request.money_fen or request.quantity_hundredths,
        )  # fmt: skip
        return self._done(request, "issue", 0, request.money_fen)

    async def _card_crew_issue(self, request: Any) -> Any:
        self.card = card(
            uid=self.card.uid if self.card else "0A0B0C09", kind="crew",
            holder=request.holder, plate="", company_name="", driver="",
            balance_purse=0, last_sale=None, last_top_up=None,
        )  # fmt: skip
        return c.ActReply(
            intent_id=request.intent_id, state=c.ActState.DONE, kind="crew_issue",
            card_key="510101000231", before_purse=0, after_purse=0, cash_fen=0,
            receipt_no=1, facts=(f.Fact(name="card", value="01000231"),),
            text="Crew card {card} was issued. No money is on it and none was taken.",
        )  # fmt: skip

    async def _card_settle(self, request: Any) -> Any:
        self.open_rows = ()
        self.tell(Part.COUNTER, c.OPEN_ROWS_CHANGED, f.OpenRowsNow(rows=()))
        return self._settled(request.intent_id, c.ActState.DONE)

    async def _card_give_back(self, request: Any) -> Any:
        return self._settled(request.intent_id, c.ActState.GIVEN_BACK)

    def _settled(self, intent_id: str, state: c.ActState) -> c.ActReply:
        return c.ActReply(
            intent_id=intent_id, state=state, kind="top_up", card_key="510101000231",
            before_purse=2_750, after_purse=12_750, cash_fen=10_000, receipt_no=7,
            text="", facts=(),
        )  # fmt: skip

    async def _act_find(self, request: Any) -> Any:
        known = self.acts.get(request.intent_id)
        unknown = self._settled(request.intent_id, c.ActState.UNKNOWN)
        return known or unknown

    async def _receipt_list(self, query: Any) -> Any:
        rows = tuple(
            c.ReceiptRow(
                receipt_no=number, kind="top_up", card_key=key, card_no=key[4:],
                plate=plate, cash_e4=100_0000, operator_no="01", at_ms=NOW_MS,
                prints=1, outcome="printed",
            )
            for number, key, plate in (
                (19, "510101000117", "川AD00217"), (18, "510101000231", "川A12345"),
                (17, "510101000117", "川AD00217"),
            )
            if query.card_key in {"", key}
        )  # fmt: skip
        return c.ReceiptRows(rows=rows)

    async def _receipt_print(self, request: Any) -> Any:
        return c.ReceiptOutcome(
            receipt_no=request.receipt_no, outcome="printed", text="", facts=()
        )

    async def _books_verify(self, _: Any) -> Any:
        self.books = c.BooksVerdict(
            proved=True, text="", facts=(), head="9f2c" * 16, rows=1234, open_rows=0,
            at_ms=NOW_MS,
        )  # fmt: skip
        return self.books

    async def _books_anchored(self, _: Any) -> Any:
        return c.LastAnchor(seq=1200, head="9f2c" * 4, minutes=7, rows_since=34)

    async def _books_anchor(self, request: Any) -> Any:
        agrees = request.typed == "1200 9f2c9f2c"
        return c.AnchorVerdict(
            proved=agrees, text="It agrees." if agrees else "Other books.", facts=()
        )

    async def _sale_list(self, page: Any) -> Any:
        return unchecked(g.SalesFound, self.sales[: page.limit])

    async def _line_statistics(self, _: Any) -> Any:
        return g.Statistics(lines=())

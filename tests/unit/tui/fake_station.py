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
from cngstation.services.register_customers import PlateUnusual
from tui.link import Part

TENDERS = tuple(
    c.TenderOffer(tender=tender, wants_reference=tender not in {"cash", "company"})
    for tender in (
        "cash", "wechat", "alipay", "bank_card", "transfer", "cheque", "company"
    )
)  # fmt: skip
NOW_MS = 1_795_225_337_000  # 2026-11-21 09:42:17 in China
WELL = f.DeviceHealth(state=f.DeviceState.ONLINE, text="", facts=())


class LoginRefused(Refusal):
    """As the daemons say it."""

    code = "test.login"
    text = "Name or password is wrong. {left} tries are left; then wait {minutes} min."


class TopUpRefused(Refusal):
    """As the daemons say it."""

    code = "test.ceiling"
    text = "The balance would be above {ceiling}. No money was taken."


def nozzle(no: int, **facts: Any) -> g.NozzleFigure:
    """Return an idle nozzle with some facts changed."""
    plain: dict[str, Any] = {
        "nozzle_no": no, "dispenser_no": (no + 1) // 2, "state": "idle",
        "link": "online", "link_since_ms": NOW_MS - 1_200_000, "locked": False,
        "off_duty": False, "awaiting_debit": False, "other_side_busy": False,
        "faults": (), "unit": "m3", "price_e4": 39_800, "quantity_milli": 0,
        "amount_e4": 0, "pressure_kpa": None, "card_no": "", "plate": "",
        "crew_card": "", "shift_no": 12,
    }  # fmt: skip
    return g.NozzleFigure(**{**plain, **facts})


def sale(seq: int, **facts: Any) -> f.SaleRow:
    """Return a booked fill."""
    plain: dict[str, Any] = {
        "seq": seq, "at_ms": NOW_MS - seq * 600_000, "dispenser_no": 2, "nozzle_no": 3,
        "device_seq": seq, "card_no": "01000231", "plate": "川A12345",
        "payment_mode": "prepaid_money", "unit": "m3", "quantity_milli": 8_200,
        "price_e4": 39_800, "amount_e4": 326_400, "balance_after_purse": 2_750,
        "transaction_type": "normal",
    }  # fmt: skip
    return f.SaleRow(**{**plain, **facts})


def card(**facts: Any) -> c.CardView:
    """Return a card of a customer."""
    plain: dict[str, Any] = {
        "uid": "0A0B0C01", "on_reader": c.CardOnReaderState.OURS,
        "card_key": "510101000231", "card_no": "01000231", "kind": "taxi",
        "payment_mode": "prepaid_money", "unit": "CNY", "standing": "normal",
        "way_out": "", "plate": "川A12345", "company_name": "测试出租车公司",
        "driver": "测试甲", "price_level": 0, "price_e4": 39_800,
        "balance_purse": 2_750, "receivable_e4": 0, "cylinder_due": "2027-03-15",
        "cylinder_days": 114, "grey": "", "open_intent_id": "",
        "last_sale": sale(1),
        "last_top_up": c.TopUpRow(
            at_ms=NOW_MS - 172_800_000, amount_purse=10_000, cash_e4=1_000_000
        ),
        "warnings": (),
    }  # fmt: skip
    return c.CardView(**{**plain, **facts})


def blank_card(uid: str = "0A0B0C09") -> c.CardView:
    """Return a factory-new card."""
    return card(
        uid=uid, on_reader=c.CardOnReaderState.BLANK, card_key="", card_no="", kind="",
        payment_mode="", standing="new", plate="", company_name="", driver="",
        cylinder_due="", cylinder_days=None, last_sale=None, last_top_up=None,
    )  # fmt: skip


def vehicle(no: int, plate: str, **facts: Any) -> c.VehicleRow:
    """Return a registered vehicle."""
    plain: dict[str, Any] = {
        "vehicle_id": no, "plate": plate, "id_no_masked": "510101********0018",
        "driver": "测试甲", "phone_masked": "138****0000", "owner": "测试甲",
        "vehicle_type": "taxi", "vehicle_type_name": "出租车", "company_no": "0001",
        "company_name": "测试出租车公司", "cylinder_no": f"CY{no:04d}",
        "cylinder_due": "2027-03-15", "fleet_no": f"{no:03d}", "route_no": "",
        "fleet_name": "", "cards": 0,
    }  # fmt: skip
    return c.VehicleRow(**{**plain, **facts})


def _unchecked(kind: Any, rows: tuple[Any, ...]) -> Any:
    """Return rows that a faulty daemon could send: the screen must bear them."""
    return kind(rows=()).model_copy(update={"rows": rows})


class FakeStation:
    """Holds a few facts, answers every method, and tells what happens."""

    def __init__(self, nozzles: int = 8) -> None:
        self.tell: Callable[[Part, Any, Any], None] = lambda _p, _e, _b: None
        self.asked: list[tuple[str, Any]] = []
        self.failing: dict[str, list[StationError]] = {}
        self.hold = asyncio.Event()
        self.hold.set()
        self.acts: dict[str, c.ActReply] = {}
        self.card: c.CardView | None = None
        self.card_state = "normal"
        self.vehicles = [
            vehicle(1, "川A12345"), vehicle(2, "川A12346"), vehicle(3, "川AD00217"),
        ]  # fmt: skip
        self.companies = [
            c.CompanyRow(
                company_no="0001",
                name="测试出租车公司",
                address="测试路 1 号",
                phone="",
            )
        ]
        self.prices = {0: 39_800, 1: 37_800, 2: 35_800}
        self.nozzles = {no: nozzle(no) for no in range(1, nozzles + 1)}
        self.sales = tuple(sale(n) for n in range(1, 30))
        self.open_rows: tuple[f.OpenRow, ...] = ()
        self.opening = c.OpeningRow(
            card_key="510102000001", card_no="02000001", unit="CNY",
            verdict="contested", why="another balance", imported_purse=12_345,
            book_purse=12_345, card_purse=10_000, source="old.xlsx", source_row=7,
        )  # fmt: skip
        self.books: c.BooksVerdict | None = None
        self.printer = WELL
        self.till: c.TillView | None = None
        self.diagnosis = c.Diagnosis(uid="", card_no="", causes=())
        self.rules: list[c.DiscountRule] = []
        self.tenders: tuple[c.TenderOffer, ...] = TENDERS
        self.cards_of_a_plate = 1

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
        self.tell(Part.COUNTER, c.CARD_REMOVED, c.Nothing())

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

    async def _company_register(self, draft: Any) -> Any:
        number = f"{len(self.companies) + 1:04d}"
        row = c.CompanyRow(company_no=number, **dict(draft))
        self.companies.append(row)
        return row

    async def _company_search(self, search: Any) -> Any:
        found = [r for r in self.companies if search.text in r.name + r.company_no]
        return _unchecked(c.CompanyRows, tuple(found[: search.limit]))

    async def _vehicle_register(self, draft: Any) -> Any:
        if not draft.plate.startswith("川A") and not draft.accept_plate:
            raise PlateUnusual(plate=draft.plate)
        row = vehicle(len(self.vehicles) + 1, draft.plate, driver=draft.driver)
        self.vehicles.append(row)
        return row

    async def _vehicle_search(self, search: Any) -> Any:
        found = [r for r in self.vehicles if search.text.upper() in r.plate]
        return _unchecked(c.VehicleRows, tuple(found[: search.limit]))

    async def _company_edit(self, edit: Any) -> Any:
        facts = {k: v for k, v in dict(edit).items() if k != "reason"}
        self.companies = [
            c.CompanyRow(**facts) if r.company_no == edit.company_no else r
            for r in self.companies
        ]
        return c.CompanyRow(**facts)

    async def _vehicle_edit(self, edit: Any) -> Any:
        row = next(v for v in self.vehicles if v.vehicle_id == edit.vehicle_id)
        return row.model_copy(update={"plate": edit.draft.plate})

    async def _vehicle_type_list(self, _: Any) -> Any:
        return c.VehicleTypeRows(rows=(
            c.VehicleTypeRow(code="01", name="出租车", retired=False, vehicles=3),
            c.VehicleTypeRow(code="02", name="公交", retired=True, vehicles=1),
        ))  # fmt: skip

    async def _vehicle_type_edit(self, edit: Any) -> Any:
        return c.VehicleTypeRow(
            code=edit.code, name=edit.name, retired=edit.retired, vehicles=3
        )

    async def _vehicle_type_add(self, draft: Any) -> Any:
        return c.VehicleTypeRow(
            code=draft.code, name=draft.name, retired=False, vehicles=0
        )

    async def _opening_list(self, _: Any) -> Any:
        return c.OpeningRows(rows=(self.opening,))

    async def _opening_accept(self, request: Any) -> Any:
        return self.opening.model_copy(update={"verdict": "accepted"})

    async def _row_explain(self, request: Any) -> Any:
        facts = (f.Fact(name="subject", value=f"1/{request.row_id}"),)
        return c.RowExplained(
            row_id=request.row_id, text="The row of {subject} is closed.", facts=facts
        )

    async def _register_edits(self, _: Any) -> Any:
        row = c.EditRow(
            at_ms=NOW_MS, kind="vehicle", subject="川A12345", field="driver",
            before="测**", after="李*", reason="客户来函", operator_no="02",
            terminal="tty1",
        )  # fmt: skip
        return c.EditRows(rows=(row,))

    async def _register_choices(self, _: Any) -> Any:
        return c.Choices(
            vehicle_types=(
                c.Choice(code="taxi", name="出租车"), c.Choice(code="bus", name="公交"),
            ),
            card_kinds=("taxi", "unit", "personal"),
            payment_modes=(
                "prepaid_money", "prepaid_quantity", "credit_money", "credit_quantity",
            ),
            prices=tuple(
                c.LevelPrice(level=n, price_e4=p) for n, p in self.prices.items()
            ),
            card_fee_fen=2_000, single_lower_fen=0, single_upper_fen=100_000,
            balance_ceiling_fen=500_000, tenders=TENDERS,
        )  # fmt: skip

    async def _price_plan(self, plan: Any) -> Any:
        self.prices[plan.level] = plan.price_e4
        return await self._register_choices(plan)

    async def _card_list(self, page: Any) -> Any:
        row = c.CardRow(
            card_key="510101000231", card_no="01000231", uid="0A0B0C01", kind="taxi",
            state="normal", plate="川A12345", company_name="测试出租车公司",
            driver="测试甲", route_no="", fleet_name="", cylinder_due="2027-03-15",
            payment_mode="prepaid_money", unit="CNY", price_e4=39_800,
            balance_book=275_000, issued_at_ms=NOW_MS,
        )  # fmt: skip
        return c.CardRows(rows=(row,)[: page.limit])

    async def _card_search(self, search: Any) -> Any:
        rows = (await self._card_list(search)).rows
        lost = tuple(r.model_copy(update={"state": self.card_state}) for r in rows)
        lost *= self.cards_of_a_plate
        return c.CardRows(rows=lost if search.text in "川A12345 01000231" else ())

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
        self.tell(Part.COUNTER, c.OPEN_ROWS_CHANGED, c.OpenRowsNow(rows=()))
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
            proved=True, first_bad="", head="9f2c" * 16, rows=1234, open_rows=0,
            at_ms=NOW_MS,
        )  # fmt: skip
        return self.books

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
            holder=query.holder, key=query.key, fill=none, day=none, week=none,
            month=none, from_minute=360, until_minute=1_320,
        )  # fmt: skip

    async def _limits_set(self, limits: Any) -> Any:
        return limits

    async def _invoice_record(self, invoice: Any) -> Any:
        return invoice

    async def _sale_list(self, page: Any) -> Any:
        return _unchecked(g.SalesFound, self.sales[: page.limit])

    async def _line_statistics(self, _: Any) -> Any:
        return g.Statistics(lines=())

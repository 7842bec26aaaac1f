"""Answers the counter's socket: turns requests into acts and acts into replies."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cngstation.domain.payment import PaymentMode
from cngstation.errors import NotLoggedIn, Refusal
from cngstation.language import mark
from cngstation.moments import Clock
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.counter import ActReply, ActState
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.session import Nothing
from cngstation.services.act_on_card import ActResult, CardActs
from cngstation.services.issue_card import CardIssue, IssueOrder, UnknownKind
from cngstation.services.log_in import StaffSession
from cngstation.services.open_rows import facts_of
from cngstation.services.price_top_up import Wanted
from cngstation.services.register_customers import CustomerDesk, VehicleDraft
from cngstation.services.serve_card import CardService
from cngstation.services.show_registers import Registers
from cngstation.services.station_rules import StationRules
from cngstation.services.top_up_card import OtherCard, TopUpOrder, TopUps
from cngstation.services.verify_books import Proof, verify_file
from cngstation.services.watch_reader import ReaderWatch
from cngstation.services.work_aside import in_worker
from cngstation.storage import audit, journal, prices, receipts
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.journal import Intent, IntentState
from cngstation.units import E4_PER_FEN, Money, Price, yuan_text

_STATES = {
    IntentState.PREPARED: ActState.PENDING,
    IntentState.INDOUBT: ActState.PENDING,
    IntentState.DONE: ActState.DONE,
    IntentState.VOID: ActState.GIVEN_BACK,
    IntentState.SCRAP: ActState.SCRAPPED,
}
_TEXTS = {
    ("top_up", ActState.DONE): mark("Card {card} was topped up; {cash} yuan received."),
    ("issue", ActState.DONE): mark("Card {card} was issued; {cash} yuan received."),
    ("top_up", ActState.PENDING): mark(
        "The top-up of card {card} is not finished. {cash} yuan are taken and safe in "
        "the books. Lay the same card on the reader again."
    ),
    ("issue", ActState.PENDING): mark(
        "The issue of card {card} is not finished. {cash} yuan are taken and safe in "
        "the books. Lay the same card on the reader again."
    ),
}
_BY_STATE = {
    ActState.GIVEN_BACK: mark("The act with card {card} was undone: give {cash} yuan."),
    ActState.SCRAPPED: mark(
        "Card {card} cannot be read any more. {cash} yuan are in the books for it. "
        "Report it lost and replace it."
    ),
    ActState.UNKNOWN: mark("This act was never accepted. No money was taken."),
}


class NoSuchAct(Refusal):
    """There is no open act with this id."""

    code = "refusal.no_such_act"
    text = "There is no such open act. Nothing was done."


class NoSuchReceipt(Refusal):
    """There is no receipt with this number."""

    code = "refusal.no_such_receipt"
    text = "There is no receipt {receipt_no}. Nothing was printed."


class PriceTooFine(Refusal):
    """Dispensers take prices of whole fen."""

    code = "refusal.price_too_fine"
    text = (
        "The price {price} has a part of a fen; dispensers cannot show it. The price "
        "was not changed."
    )


def act_reply(result: ActResult | None, intent_id: str) -> ActReply:
    """Say how an act stands."""
    if result is None:
        return ActReply(
            intent_id=intent_id,
            state=ActState.UNKNOWN,
            kind="",
            card_key="",
            before_purse=0,
            after_purse=0,
            cash_fen=0,
            receipt_no=0,
            text=_BY_STATE[ActState.UNKNOWN],
            facts=(),
        )
    state = _STATES[result.state]
    facts = {"card": result.card_key[-8:], "cash": yuan_text(result.cash_e4)}
    return ActReply(
        intent_id=result.intent_id,
        state=state,
        kind=result.kind,
        card_key=result.card_key,
        before_purse=result.before_balance,
        after_purse=result.after_balance,
        cash_fen=Money(result.cash_e4).fen,
        receipt_no=result.receipt_no,
        text=_TEXTS.get((result.kind, state)) or _BY_STATE[state],
        facts=facts_of({**facts, "trouble": result.trouble}.items()),
    )


@dataclass(frozen=True, slots=True)
class CounterParts:
    """What the counter's answers are made with."""

    database: Database
    path: Path
    acts: CardActs
    top_ups: TopUps
    issues: CardIssue
    customers: CustomerDesk
    registers: Registers
    cards: CardService
    watch: ReaderWatch
    rules: StationRules
    clock: Clock
    verified: Callable[[counter.BooksVerdict], None]


class CounterAnswers:
    """The handlers of the counter's contract."""

    def __init__(self, parts: CounterParts) -> None:
        self._parts = parts

    def handlers(self) -> Handlers:
        """Return a handler for each method of the contract."""
        made = Handlers()
        registers = self._parts.registers
        made.add(counter.COMPANY_REGISTER, self.register_company)
        made.add(counter.COMPANY_SEARCH, registers.search_companies)
        made.add(counter.VEHICLE_REGISTER, self.register_vehicle)
        made.add(counter.VEHICLE_SEARCH, registers.search_vehicles)
        made.add(counter.CHOICES, registers.choices)
        made.add(counter.PRICE_PLAN, self.plan_price)
        made.add(counter.CARD_LIST, registers.list_cards)
        made.add(counter.CARD_READ, self.read_card)
        made.add(counter.CARD_QUOTE, self.quote)
        made.add(counter.CARD_TOP_UP, self.top_up)
        made.add(counter.CARD_ISSUE, self.issue)
        made.add(counter.CARD_SETTLE, self.settle)
        made.add(counter.CARD_GIVE_BACK, self.give_back)
        made.add(counter.ACT_FIND, self.find_act)
        made.add(counter.RECEIPT_PRINT, self.print_receipt)
        made.add(counter.BOOKS_VERIFY, self.verify)
        return made

    async def register_company(
        self, draft: counter.CompanyDraft, call: CallContext
    ) -> counter.CompanyRow:
        """Register a company."""
        company = await self._parts.customers.register_company(
            draft.name, draft.address, draft.phone, actor_of(call)
        )
        return self._parts.registers.company_row(company)

    async def register_vehicle(
        self, draft: counter.VehicleDraft, call: CallContext
    ) -> counter.VehicleRow:
        """Register a vehicle."""
        wanted = VehicleDraft(**draft.model_dump())
        vehicle = await self._parts.customers.register_vehicle(wanted, actor_of(call))
        return await self._parts.registers.vehicle_row(vehicle)

    async def plan_price(
        self, plan: counter.PricePlan, call: CallContext
    ) -> counter.Choices:
        """Give a level its price from now on."""
        actor = actor_of(call)
        price = Price(plan.price_e4)
        if price.e4 % E4_PER_FEN:
            raise PriceTooFine(price=yuan_text(price.e4))

        def unit(tx: Transaction) -> None:
            prices.plan(
                tx,
                level=plan.level,
                price=price,
                unit=self._parts.rules.gas_unit,
                from_ms=tx.now.wall_ms,
                operator_no=actor.operator_no,
            )
            audit.record(
                tx, actor, "price.plan", str(plan.level), after=yuan_text(price.e4)
            )

        await self._parts.database.write(unit)
        return await self._parts.registers.choices(Nothing(), call)

    async def read_card(self, _: Nothing, call: CallContext) -> counter.CardView:
        """Read the card on the reader now."""
        async with self._parts.watch.borrow() as port:
            uid = await port.find()
            if uid is None:
                raise OtherCard
            reading = await port.read(uid)
        return (await self._parts.cards.look(reading)).view

    async def quote(
        self, request: counter.QuoteRequest, call: CallContext
    ) -> counter.Quote:
        """Say what a top-up would do."""
        wanted = Wanted(Money.from_fen(request.money_fen), request.quantity_hundredths)
        async with self._parts.watch.borrow() as port:
            quoted = await self._parts.top_ups.quote(request.card_key, wanted, port)
        return counter.Quote(
            before_purse=quoted.before,
            change_purse=quoted.change,
            after_purse=quoted.after,
            bonus_purse=0,
            cash_fen=quoted.cash.fen,
            price_e4=quoted.price.e4,
        )

    async def top_up(self, request: counter.TopUp, call: CallContext) -> ActReply:
        """Top up the card on the reader."""
        order = TopUpOrder(
            intent_id=request.intent_id,
            card_key=request.card_key,
            before=request.before_purse,
            wanted=Wanted(
                Money.from_fen(request.money_fen), request.quantity_hundredths
            ),
            cash=Money.from_fen(request.cash_fen),
        )
        async with self._parts.watch.borrow() as port:
            result = await self._parts.top_ups.top_up(order, port, actor_of(call))
        self._parts.watch.show_again()
        return act_reply(result, request.intent_id)

    async def issue(self, request: counter.Issue, call: CallContext) -> ActReply:
        """Issue the new card on the reader."""
        order = IssueOrder(
            intent_id=request.intent_id,
            vehicle_id=request.vehicle_id,
            kind=request.kind,
            payment_mode=_mode(request.payment_mode),
            price_level=request.price_level,
            wanted=Wanted(
                Money.from_fen(request.money_fen), request.quantity_hundredths
            ),
            cash=Money.from_fen(request.cash_fen),
            remark=request.remark,
        )
        async with self._parts.watch.borrow() as port:
            result = await self._parts.issues.issue(order, port, actor_of(call))
        self._parts.watch.show_again()
        return act_reply(result, request.intent_id)

    async def settle(self, request: counter.ActRequest, call: CallContext) -> ActReply:
        """Go on with an open act from the card on the reader."""
        async with self._parts.watch.borrow() as port:
            intent = await self._open(request.intent_id)
            reading = await port.read(bytes.fromhex(intent.uid))
            result = await self._parts.acts.settle(intent, reading, port)
        self._parts.watch.show_again()
        return act_reply(result, request.intent_id)

    async def give_back(
        self, request: counter.ActRequest, call: CallContext
    ) -> ActReply:
        """Undo an open act whose card proves that it was not written."""
        async with self._parts.watch.borrow() as port:
            intent = await self._open(request.intent_id)
            reading = await port.read(bytes.fromhex(intent.uid))
            result = await self._parts.acts.give_back(
                intent, reading, actor_of(call).operator_no
            )
        self._parts.watch.show_again()
        return act_reply(result, request.intent_id)

    async def find_act(
        self, request: counter.ActRequest, call: CallContext
    ) -> ActReply:
        """Say where an act stands."""
        result = await self._parts.acts.result_of(request.intent_id)
        return act_reply(result, request.intent_id)

    async def print_receipt(
        self, request: counter.ReceiptRequest, call: CallContext
    ) -> counter.ReceiptOutcome:
        """Want one more print of a receipt; after the original it says COPY."""
        actor = actor_of(call)

        def unit(tx: Transaction) -> None:
            if receipts.find(tx.connection, request.receipt_no) is None:
                raise NoSuchReceipt(receipt_no=request.receipt_no)
            receipts.ask_for_print(tx, request.receipt_no)
            audit.record(tx, actor, "receipt.print", str(request.receipt_no))

        await self._parts.database.write(unit)
        return counter.ReceiptOutcome(
            receipt_no=request.receipt_no,
            outcome="waiting",
            text=mark("The receipt is being printed."),
            facts=(),
        )

    async def verify(self, _: Nothing, call: CallContext) -> counter.BooksVerdict:
        """Prove the books, in a process of its own."""
        proof = await in_worker(verify_file, self._parts.path)
        verdict = books_verdict(proof, self._parts.clock.now().wall_ms)
        self._parts.verified(verdict)
        return verdict

    async def _open(self, intent_id: str) -> Intent:
        intent = await self._parts.database.read(
            lambda connection: journal.find(connection, intent_id)
        )
        if intent is None or intent.state not in journal.OPEN_STATES:
            raise NoSuchAct
        return intent


def _mode(word: str) -> PaymentMode:
    try:
        return PaymentMode(word)
    except ValueError as error:
        raise UnknownKind(kind=word) from error


def books_verdict(proof: Proof, at_ms: int) -> counter.BooksVerdict:
    """Return what verifying found, for the screen."""
    return counter.BooksVerdict(
        proved=proof.proved,
        first_bad=(proof.first_bad or "")[:200],
        head=proof.head[:16],
        rows=proof.rows,
        open_rows=proof.open_rows,
        at_ms=at_ms,
    )


def actor_of(call: CallContext) -> Actor:
    """Return who acts, from the session of a call."""
    session = call.session
    if not isinstance(session, StaffSession):
        raise NotLoggedIn
    return Actor(session.operator_no, session.terminal)

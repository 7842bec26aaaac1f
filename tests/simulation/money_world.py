"""A station in one process for simulations of money: real services on a real file.

Nothing sleeps and the clock only counts. The power can go at any commit and at any
command to a card; then every object of the station is dropped, the file is opened
again and the start-up recovery runs, as after kill -9.
"""

import asyncio
import shutil
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr

from cngstation.domain.payment import PaymentMode
from cngstation.drivers.mifare_purse_card import MifarePurseCard
from cngstation.drivers.purse_card import CardReading
from cngstation.errors import CommitUncertain, StationError
from cngstation.rpc.authority import CallContext, Peer
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.card_acts import (
    ActOrder,
    ActQuote,
    ActQuoteRequest,
    TypedField,
)
from cngstation.rpc.contract.counter import ActReply, CardView
from cngstation.rpc.contract.marks import Approval
from cngstation.services.act_on_card import CardActs
from cngstation.services.answer_counter import CounterAnswers
from cngstation.services.book_sale import Booked, SaleBook
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.log_in import Gate, StaffSession
from cngstation.services.put_counter_together import CounterNeeds, put_together
from cngstation.services.serve_card import CardService
from cngstation.services.station_rules import GateRules, StationRules
from cngstation.services.tell_act import act_reply
from cngstation.services.verify_books import verify
from cngstation.storage import receipts
from cngstation.storage.sqlite import Connection, connect
from cngstation.units import Money, Price, Quantity, Unit, amount_of
from tests.simulation.money_cards import (
    MASTER_KEY,
    PRICE_E4,
    Chip,
    Dispenser,
    PowerCut,
    Reader,
)
from tests.simulation.world_parts import (
    PASSWORD,
    PASSWORDS,
    CountingClock,
    CuttingDatabase,
    Watch,
    new_folder,
    template,
)

T = TypeVar("T")
FEE = Money.from_fen(1_000)
RULES = StationRules(
    station_no="00000001",
    area_no="0028",
    issue_point_no="01",
    till="1",
    gas_unit=Unit.M3,
    single_lower=Money.from_fen(1),
    single_upper=Money.from_fen(0),
    balance_ceiling=Money.from_fen(0),
    card_fee=FEE,
    cylinder_warning_days=30,
    business_day_starts_minute=0,
    by_hand=Money.from_fen(20_000),
    negative_top_up=True,
    lowest_disk_bytes=0,
)


class World:
    """One till, two dispensers and their chips; use `close` at the end."""

    def __init__(self, folder: Path | None = None) -> None:
        place = folder or new_folder()
        place.mkdir(exist_ok=True)
        self.path = place / "station.db"
        shutil.copy(template(), self.path)
        self.clock = CountingClock()
        self.dispensers = [Dispenser(1), Dispenser(2)]
        self.starts = 0
        self._loop = asyncio.new_event_loop()
        self._acts = 0
        self._view: Connection | None = None
        self._start()

    # How the station is put together, and how it ends.

    def _start(self) -> None:
        self._loop.run_until_complete(self._put_together())

    async def _put_together(self) -> None:
        self.starts += 1
        database = await CuttingDatabase.open(self.path, self.clock)
        self.database = database
        acts = CardActs(database, every_kind(), cut_off_minute=0, prints_wanted=1)
        await acts.doubt_all_prepared(RULES.till)
        self.acts = acts
        self.book = SaleBook(database, acts, cut_off_minute=0)
        self.cards = CardService(database, acts, RULES, self.clock)
        self.reader = Reader()
        self.watch = Watch(self.reader)
        gate = Gate(database, PASSWORDS, self.clock, GateRules(3, 12, 15))
        needs: Any = {
            "database": database,
            "path": self.path,
            "acts": acts,
            "cards": self.cards,
            "watch": self.watch,
            "rules": RULES,
            "clock": self.clock,
            "desk": None,
            "gate": gate,
            "verified": lambda verdict: None,
        }
        self.answers = CounterAnswers(put_together(CounterNeeds(**needs)))

    def power_cut(self) -> None:
        """Drop everything that is not on the disk or on a card, and start again."""
        self._drop()
        self._start()

    def _drop(self) -> None:
        async def drop() -> None:
            database = self.database
            database._task.cancel()
            await asyncio.gather(database._task, return_exceptions=True)
            await database._reader.close()
            await database._writer.close()

        self._loop.run_until_complete(drop())

    def close(self) -> None:
        """End the station and remove its file."""
        if self._view is not None:
            self._view.close()  # before the writer, whose end folds the WAL back
        self._drop()
        self._loop.close()
        shutil.rmtree(self.path.parent)

    def run(self, work: Coroutine[Any, Any, T]) -> T | StationError | PowerCut:
        """Do something; what is cut off or uncertain ends with a new start."""

        async def shielded() -> T | StationError | PowerCut:
            try:
                return await work
            except (StationError, PowerCut) as end:
                return end

        outcome = self._loop.run_until_complete(shielded())
        if isinstance(outcome, PowerCut | CommitUncertain):
            self.power_cut()
        return outcome

    def must(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something that may not fail."""
        outcome = self.run(work)
        if isinstance(outcome, StationError | PowerCut):
            raise AssertionError(f"this may not fail: {outcome!r}")
        return outcome

    # What the cashier does.

    def new_id(self) -> str:
        """Return the id of a new act."""
        self._acts += 1
        return f"ACT{self._acts:05d}"

    def issue(
        self,
        chip: Chip,
        mode: PaymentMode,
        amount: int,
        act: str = "",
        tender: str = "cash",
        tender_ref: str = "",
        *,
        accept_second_card: bool = True,
    ) -> ActReply | StationError | PowerCut:
        """Issue a card; the amount is in fen, or in 0.01 m3 on quantity cards."""
        cash = (price_of(mode, amount) + FEE).fen
        request = counter.Issue(
            intent_id=act or self.new_id(),
            vehicle_id=1,
            kind="taxi",
            payment_mode=str(mode),
            price_level=0,
            money_fen=0 if mode.in_quantity else amount,
            quantity_hundredths=amount if mode.in_quantity else 0,
            cash_fen=cash,
            remark="",
            accept_second_card=accept_second_card,
            tender=tender,
            tender_ref=tender_ref,
        )
        self.reader.put(chip)
        return self.run(self.answers.cards.issue(request, CALL))

    def top_up(
        self,
        card_key: str,
        chip: Chip,
        amount: int,
        *,
        before: int | None = None,
        act: str = "",
        tender: str = "cash",
        tender_ref: str = "",
    ) -> ActReply | StationError | PowerCut:
        """Top a card up; `before` is what the screen showed, else what the card has."""
        mode = PaymentMode(self.value("SELECT payment_mode FROM card", card_key))
        shown = self.balance_on(chip) if before is None else before
        request = counter.TopUp(
            intent_id=act or self.new_id(),
            card_key=card_key,
            before_purse=shown,
            money_fen=0 if mode.in_quantity else amount,
            quantity_hundredths=amount if mode.in_quantity else 0,
            cash_fen=price_of(mode, amount).fen,
            tender=tender,
            tender_ref=tender_ref,
        )
        self.reader.put(chip)
        return self.run(self.answers.cards.top_up(request, CALL))

    def present(
        self, chip: Chip
    ) -> tuple[ActReply | None, CardView] | StationError | PowerCut:
        """Lay a card on the reader: its open act goes on, then it is shown."""
        self.reader.put(chip)
        return self.run(self._presented(chip))

    async def _presented(self, chip: Chip) -> tuple[ActReply | None, CardView]:
        # A reader that fails is opened again by the watch; the card is shown anew.
        async with self.watch.borrow() as port:
            reading = await port.read(chip.uid)
            settled = await self.cards.settle_open_act(reading, port)
        reply = None
        if settled is not None:
            reply = act_reply(settled, settled.intent_id)
            reading = await self._read(chip)
        return reply, (await self.cards.remember(reading)).view

    async def _read(self, chip: Chip) -> CardReading:
        async with self.watch.borrow() as port:
            return await port.read(chip.uid)

    def settle(self, act: str, chip: Chip) -> ActReply | StationError | PowerCut:
        """Ask for an open act to go on, as double-click on its row does."""
        self.reader.put(chip)
        return self.run(
            self.answers.acts.settle(counter.ActRequest(intent_id=act), CALL)
        )

    def give_back(self, act: str, chip: Chip) -> ActReply | StationError | PowerCut:
        """Undo an open act."""
        self.reader.put(chip)
        request = counter.ActRequest(intent_id=act)
        return self.run(self.answers.acts.give_back(request, CALL))

    def quote(
        self, kind: str, card_key: str, chip: Chip, **given: Any
    ) -> ActQuote | StationError | PowerCut:
        """Ask what an act would do."""
        self.reader.put(chip)
        request = ActQuoteRequest(
            kind=kind,
            card_key=card_key,
            amount_purse=given.get("amount", 0),
            of_intent_id=given.get("of", ""),
            fields=_typed(given),
        )
        return self.run(self.answers.card_acts.quote(request, CALL))

    def act(
        self, kind: str, card_key: str, chip: Chip, **given: Any
    ) -> ActReply | StationError | PowerCut:
        """Do an act; `quoted` is what was shown, `second` who stands beside."""
        quoted = given.get("quoted") or self.quote(kind, card_key, chip, **given)
        if not isinstance(quoted, ActQuote):
            return quoted
        second = given.get("second", "02")
        password = SecretStr(given.get("password", PASSWORD))
        own = given.get("own", PASSWORD)
        approval = Approval(
            login_name=f"name{second}",
            password=password,
            own_password=SecretStr(own) if own else None,
        )
        order = ActOrder(
            intent_id=given.get("act") or self.new_id(),
            card_key=card_key,
            before_purse=quoted.before_purse,
            amount_purse=given.get("amount", 0),
            cash_fen=quoted.cash_fen,
            refund_fen=quoted.refund_fen,
            of_intent_id=given.get("of", ""),
            reason="because of this",
            fields=_typed(given),
            approval=approval if quoted.two_people and second else None,
            tender=given.get("tender", "cash"),
            tender_ref=given.get("tender_ref", ""),
        )
        self.reader.put(chip)
        if fault := given.get("arm"):
            fault()
        return self.run(self.answers.card_acts.doing(kind)(order, CALL))

    def find(self, act: str) -> ActReply:
        """Ask by the id, as a screen does after it was cut off."""
        request = counter.ActRequest(intent_id=act)
        return self.must(self.answers.acts.find_act(request, CALL))

    def print_next(self) -> tuple[int, int] | StationError | PowerCut | None:
        """Print what waits longest; return its number and the originals before."""

        async def printed() -> tuple[int, int] | None:
            waiting = await self.database.read(receipts.oldest_wanted)
            if waiting is None:
                return None
            number = waiting.receipt_no
            begun = await self.database.write(
                lambda tx: receipts.begin_print(tx, number)
            )
            return (number, begun.originals) if begun else None

        return self.run(printed())

    # What the forecourt does.

    def fill(
        self, chip: Chip, hundredths: int, *, nozzle: int = 0, leaves: bool = False
    ) -> Any:
        """Fill at a nozzle; the record stays in the dispenser."""
        dispenser = self.dispensers[nozzle]
        return self.must(dispenser.fill(chip, hundredths, leaves=leaves))

    def upload(self, nozzle: int, record: Any) -> Booked | StationError | PowerCut:
        """Bring a record into the book."""
        return self.run(self.book.book(self.dispensers[nozzle].setting, record, "poll"))

    # What is on the disk and on a card.

    @property
    def view(self) -> Connection:
        """A connection of our own that reads what is durable."""
        if self._view is None:
            self._view = connect(self.path, read_only=True)
        return self._view

    def value(self, sql: str, card_key: str) -> Any:
        """Return one value of a card's row."""
        row = self.view.execute(f"{sql} WHERE card_key=?", (card_key,)).fetchone()
        return row[0]

    def account(self, account: str, unit: str = "CNY") -> int:
        """Return the sum of an account."""
        row = self.view.execute(
            "SELECT coalesce(sum(amount), 0) FROM posting WHERE account=? AND unit=?",
            (account, unit),
        ).fetchone()
        return int(row[0])

    def intents(self) -> list[dict[str, Any]]:
        """Return every act as it is on the disk."""
        cursor = self.view.execute("SELECT * FROM intent ORDER BY intent_id")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def reading(self, chip: Chip) -> CardReading:
        """Read a chip on a reader beside the station's, without fault."""
        reader = Reader()
        reader.put(chip)
        return self.must(MifarePurseCard(reader, MASTER_KEY).read(chip.uid))

    def balance_on(self, chip: Chip) -> int:
        """Return the balance of a chip's purse; 0 where it has none."""
        purse = self.reading(chip).purse
        return purse.balance if purse else 0

    def require_proved(self) -> None:
        """Prove the books."""
        self.view.execute("BEGIN")
        try:
            first_bad = verify(self.view).first_bad
        finally:
            self.view.execute("COMMIT")
        assert first_bad is None, first_bad


def _typed(given: dict[str, Any]) -> tuple[TypedField, ...]:
    fields = given.get("fields", {})
    return tuple(TypedField(name=name, value=fields[name]) for name in fields)


def price_of(mode: PaymentMode, amount: int) -> Money:
    """Return what an amount of a purse costs."""
    if not mode.in_quantity:
        return Money.from_fen(amount)
    return amount_of(Quantity(10 * amount, Unit.M3), Price(PRICE_E4))


_SESSION = StaffSession(
    session_id="s",
    operator="cashier",
    terminal="till",
    rights=(),
    expires_at_ms=0,
    token=SecretStr("t"),
    operator_no="01",
)
CALL = CallContext(session=_SESSION, peer=Peer(1, 1, 1), connection_id=1)

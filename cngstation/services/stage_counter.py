"""What the counter's screens see: the present state, and every change of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from cngstation.config import Station
from cngstation.errors import DeviceError
from cngstation.language import mark
from cngstation.moments import Clock, business_day
from cngstation.rpc.authority import CallContext, Session
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.counter import (
    BooksVerdict,
    CardOnReaderState,
    CardView,
    CounterBoard,
    ReceiptOutcome,
)
from cngstation.rpc.contract.figures import (
    DeviceHealth,
    DeviceState,
    OpenRowsNow,
    StationInfo,
)
from cngstation.rpc.method import Body, Event
from cngstation.rpc.session import Nothing
from cngstation.services.card_on_reader import CardPort, CardReading
from cngstation.services.open_rows import facts_of, open_rows
from cngstation.services.print_receipts import PrintOutcome
from cngstation.services.serve_card import CardService
from cngstation.services.station_rules import StationRules
from cngstation.services.tell_act import act_reply
from cngstation.services.tell_day import tell
from cngstation.services.watch_reader import ReaderWatch
from cngstation.storage.database import Database
from cngstation.storage.journal import OPEN_STATES

READ = "card.read"
MayRead = Callable[[Session], Awaitable[bool]]
_WELL = DeviceHealth(state=DeviceState.ONLINE, text="", facts=())
_ABSENT = DeviceHealth(state=DeviceState.ABSENT, text="", facts=())
_PRINTED = mark("Receipt {number} is printed.")


class Publisher(Protocol):
    """Who tells the screens."""

    def publish(self, event: Event[Body], body: Body, *, key: str = "") -> None: ...
    async def publish_to(self, right: str, event: Event[Body], body: Body) -> None: ...


@dataclass(frozen=True, slots=True)
class Signboard:
    """The names that every screen shows."""

    name: str
    company_name: str
    area_short_name: str


def signboard_of(station: Station) -> Signboard:
    """Return the names that a configuration gives the station."""
    return Signboard(station.name, station.company_name, station.area_short_name)


class CounterStage:
    """Holds the present state and publishes what changes; the reader's audience."""

    def __init__(
        self,
        database: Database,
        cards: CardService,
        rules: StationRules,
        signboard: Signboard,
        clock: Clock,
        *,
        has_printer: bool,
        watch: Callable[[], ReaderWatch],
        may_read: MayRead,
    ) -> None:
        self._database = database
        self._cards = cards
        self._rules = rules
        self._signboard = signboard
        self._clock = clock
        self._watch = watch
        self._may_read = may_read
        self._publisher: Publisher | None = None
        self._reader = _health(None)
        self._printer = _health(None) if has_printer else _ABSENT
        self._disk = _WELL
        self._card: CardView | None = None
        self._rows = OpenRowsNow(rows=())
        self._books: BooksVerdict | None = None

    def attach(self, publisher: Publisher) -> None:
        """Take the server that tells the screens."""
        self._publisher = publisher

    async def snapshot(self, call: CallContext) -> CounterBoard:
        """Return everything that the screen shows at once.

        What a card holds is for those who may read cards.
        """
        card, session = self._card, call.session
        if card and card.on_reader is not CardOnReaderState.BLANK:
            card = card if session and await self._may_read(session) else None
        rules, sign = self._rules, self._signboard
        now = self._clock.now()
        told = await self._database.read(lambda connection: tell(connection, now))
        day = business_day(told.ms, cut_off_minute=rules.business_day_starts_minute)
        return CounterBoard(
            station=StationInfo(
                station_no=rules.station_no,
                name=sign.name,
                company_name=sign.company_name,
                area_no=rules.area_no,
                area_short_name=sign.area_short_name,
                till=rules.till,
                business_day=day,
                currency_unit="CNY",
                gas_unit=str(rules.gas_unit),
            ),
            reader=self._reader,
            printer=self._printer,
            disk=self._disk,
            card=card,
            open_rows=self._rows.rows,
            books=self._books,
        )

    async def card_presented(self, reading: CardReading, port: CardPort) -> None:
        """A card was laid on the reader: go on with its open act, then show it."""
        settled = await self._cards.settle_open_act(reading, port)
        if settled is not None:
            reply = act_reply(settled, settled.intent_id)
            await self._publish_to_readers(counter.ACT_SETTLED, reply)
            if settled.state not in OPEN_STATES:
                self._watch().show_again()
                return
        looked = await self._cards.remember(reading)
        self._card = looked.view
        if looked.view.on_reader is CardOnReaderState.BLANK:
            self._publish(counter.CARD_PRESENTED, looked.view)
        else:
            await self._publish_to_readers(counter.CARD_PRESENTED, looked.view)

    async def card_removed(self) -> None:
        """The card left the reader."""
        self._card = None
        self._publish(counter.CARD_REMOVED, Nothing())

    async def reader_changed(self, trouble: DeviceError | None) -> None:
        """The reader was lost or came back."""
        self._reader = _health(trouble)
        self._publish(counter.READER_CHANGED, self._reader)

    async def printer_changed(self, trouble: DeviceError | None) -> None:
        """The printer got into trouble or out of it."""
        self._printer = _health(trouble)
        self._publish(counter.PRINTER_CHANGED, self._printer)

    async def disk_changed(self, health: DeviceHealth) -> None:
        """The disk fills up, or there is room again."""
        self._disk = health
        self._publish(counter.DISK_CHANGED, health)

    async def printed(self, outcome: PrintOutcome) -> None:
        """A print ended, on paper or not."""
        trouble = outcome.trouble
        facts = trouble.facts if trouble else {"number": outcome.receipt_no}
        body = ReceiptOutcome(
            receipt_no=outcome.receipt_no,
            outcome="printed" if trouble is None else "trouble",
            text=trouble.text if trouble else _PRINTED,
            facts=facts_of(facts.items()),
        )
        self._publish(counter.RECEIPT_PRINTED, body)

    def verified(self, verdict: BooksVerdict) -> None:
        """The books were verified."""
        self._books = verdict
        self._publish(counter.BOOKS_VERIFIED, verdict)

    async def news(self) -> None:
        """Something was committed somewhere: the open rows may have changed."""
        rows = OpenRowsNow(rows=await self._database.read(open_rows))
        if rows != self._rows:
            self._rows = rows
            self._publish(counter.OPEN_ROWS_CHANGED, rows)

    async def _publish_to_readers(self, event: Event[Body], body: Body) -> None:
        if self._publisher is not None:
            await self._publisher.publish_to(READ, event, body)

    def _publish(self, event: Event[Body], body: Body) -> None:
        if self._publisher is not None:
            self._publisher.publish(event, body)


def _health(trouble: DeviceError | None) -> DeviceHealth:
    if trouble is None:
        return _WELL
    return DeviceHealth(
        state=DeviceState.OFFLINE,
        text=trouble.text,
        facts=facts_of(trouble.facts.items()),
    )

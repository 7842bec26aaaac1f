"""What the card-reader service offers: cards, customers, receipts, the books.

Acts on cards carry an `intent_id` that the screen makes before the first try and
keeps on every retry; `act.find` tells where an act stands after a lost connection.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from cngstation.rpc.contract.figures import (
    MOST_PRICE_E4,
    MOST_ROWS,
    Asked,
    DeviceHealth,
    Facts,
    IntentId,
    OpenRows,
    OpenRowsNow,
    SaleRow,
    StationInfo,
    Word,
)
from cngstation.rpc.method import (
    LOGGED_IN,
    Contract,
    Event,
    Line,
    Message,
    Method,
    Text,
    Version,
)
from cngstation.rpc.session import Nothing


class Search(Message):
    """A part of a name, number or its pinyin initials; empty finds all."""

    text: Line
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)]


class Page(Message):
    """How many rows, newest first."""

    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)]


class CompanyDraft(Message):
    """A company to register; the number is made by the system."""

    name: Text
    address: Text
    phone: Line


class CompanyRow(Message):
    """A company of the register."""

    company_no: Word
    name: Text
    address: Text
    phone: Line


class CompanyRows(Message):
    """Companies found."""

    rows: Annotated[tuple[CompanyRow, ...], Field(max_length=MOST_ROWS)]


class VehicleDraft(Message):
    """A vehicle to register. Dates are YYYY-MM-DD.

    A plate or ID number of an unusual form is refused once and taken when its
    `accept_` flag is set, with a warning in the audit.
    """

    plate: Line
    accept_plate: bool
    id_no: Line
    accept_id_no: bool
    driver: Line
    phone: Line
    owner: Text
    vehicle_type: Word
    company_no: Word
    cylinder_no: Line
    cylinder_due: Word
    fleet_no: Word
    route_no: Word
    fleet_name: Line


class VehicleRow(Message):
    """A vehicle of the register, personal numbers masked."""

    vehicle_id: int
    plate: Word
    id_no_masked: Word
    driver: Line
    phone_masked: Word
    owner: Text
    vehicle_type: Word
    vehicle_type_name: Line
    company_no: Word
    company_name: Text
    cylinder_no: Line
    cylinder_due: Word
    fleet_no: Word
    route_no: Word
    fleet_name: Line
    cards: int


class VehicleRows(Message):
    """Vehicles found."""

    rows: Annotated[tuple[VehicleRow, ...], Field(max_length=MOST_ROWS)]


class Choice(Message):
    """One entry of a list to choose from."""

    code: Word
    name: Line


class LevelPrice(Message):
    """A price level and what it costs now."""

    level: int
    price_e4: int


class Choices(Message):
    """What forms offer: types, kinds, modes, prices, fee and limits."""

    vehicle_types: Annotated[tuple[Choice, ...], Field(max_length=100)]
    card_kinds: Annotated[tuple[Word, ...], Field(max_length=20)]
    payment_modes: Annotated[tuple[Word, ...], Field(max_length=10)]
    prices: Annotated[tuple[LevelPrice, ...], Field(max_length=20)]
    card_fee_fen: int
    single_lower_fen: int
    single_upper_fen: int
    balance_ceiling_fen: int


class PricePlan(Message):
    """A price for a level from now on."""

    level: Annotated[int, Field(ge=0, le=19)]
    price_e4: Annotated[int, Field(gt=0, le=MOST_PRICE_E4)]


class CardOnReaderState(StrEnum):
    """What lies on the reader."""

    BLANK = "blank"  # 新卡
    OURS = "ours"
    TORN_ISSUE = "torn_issue"
    FOREIGN = "foreign"
    UNREADABLE = "unreadable"
    UNREGISTERED = "unregistered"


class TopUpRow(Message):
    """A card's last top-up."""

    at_ms: int
    amount_purse: int
    cash_e4: int


class CardView(Message):
    """The card on the reader, as its page shows it; texts empty where unknown.

    `standing` is the state that decides what may be done; `way_out` is the sentence
    that says what helps when it is not normal.
    """

    uid: Word
    on_reader: CardOnReaderState
    card_key: Word
    card_no: Word
    kind: Word
    payment_mode: Word
    unit: Word
    standing: Word
    way_out: Text
    plate: Word
    company_name: Text
    driver: Line
    price_level: int
    price_e4: int
    balance_purse: int
    receivable_e4: int
    cylinder_due: Word
    cylinder_days: int | None
    grey: Word
    open_intent_id: Word
    last_sale: SaleRow | None
    last_top_up: TopUpRow | None
    warnings: Annotated[tuple[Text, ...], Field(max_length=10)]


class QuoteRequest(Message):
    """What a top-up would do; one of money and quantity is zero."""

    card_key: Word
    money_fen: Asked
    quantity_hundredths: Asked


class Quote(Message):
    """Before, change and after of a top-up, and the cash to take."""

    before_purse: int
    change_purse: int
    after_purse: int
    bonus_purse: int
    cash_fen: int
    price_e4: int


class TopUp(Message):
    """A top-up as the cashier confirmed it: `cash_fen` is what lies on the counter.

    `before_purse` is the balance that was shown: a card changed since is refused.
    """

    intent_id: IntentId
    card_key: Word
    before_purse: int
    money_fen: Asked
    quantity_hundredths: Asked
    cash_fen: Asked


class Issue(Message):
    """A new card for a vehicle, with what is prepaid and the fee taken in cash."""

    intent_id: IntentId
    vehicle_id: int
    kind: Word
    payment_mode: Word
    price_level: Annotated[int, Field(ge=0, le=19)]
    money_fen: Asked
    quantity_hundredths: Asked
    cash_fen: Asked
    remark: Text


class ActRequest(Message):
    """An act by its id."""

    intent_id: Word


class ActState(StrEnum):
    """Where an act on a card stands."""

    UNKNOWN = "unknown"  # never accepted
    PENDING = "pending"
    DONE = "done"
    GIVEN_BACK = "given_back"
    SCRAPPED = "scrapped"


class ActReply(Message):
    """How an act stands; `text` says what happened, with money, and what to do."""

    intent_id: Word
    state: ActState
    kind: Word
    card_key: Word
    before_purse: int
    after_purse: int
    cash_fen: int
    receipt_no: int
    text: Text
    facts: Facts


class CardRow(Message):
    """A card of the register."""

    card_key: Word
    card_no: Word
    uid: Word
    kind: Word
    state: Word
    plate: Word
    company_name: Text
    driver: Line
    route_no: Word
    fleet_name: Line
    cylinder_due: Word
    payment_mode: Word
    unit: Word
    price_e4: int
    balance_book: int
    issued_at_ms: int


class CardRows(Message):
    """Cards of the register."""

    rows: Annotated[tuple[CardRow, ...], Field(max_length=MOST_ROWS)]


class ReceiptRequest(Message):
    """A receipt to print once more; after the original it says COPY."""

    receipt_no: int


class ReceiptOutcome(Message):
    """How a print of a receipt ended."""

    receipt_no: int
    outcome: Word
    text: Text
    facts: Facts


class BooksVerdict(Message):
    """What verifying the books found."""

    proved: bool
    first_bad: Text
    head: Text
    rows: int
    open_rows: int
    at_ms: int


class CounterBoard(Message):
    """Everything that the counter's screen shows at once."""

    station: StationInfo
    reader: DeviceHealth
    printer: DeviceHealth
    card: CardView | None
    open_rows: OpenRows
    books: BooksVerdict | None


COMPANY_REGISTER = Method(
    "company.register", CompanyDraft, CompanyRow, "register.write", changes=True
)
COMPANY_SEARCH = Method("company.search", Search, CompanyRows, LOGGED_IN, changes=False)
VEHICLE_REGISTER = Method(
    "vehicle.register", VehicleDraft, VehicleRow, "register.write", changes=True
)
VEHICLE_SEARCH = Method("vehicle.search", Search, VehicleRows, LOGGED_IN, changes=False)
CHOICES = Method("register.choices", Nothing, Choices, LOGGED_IN, changes=False)
PRICE_PLAN = Method("price.plan", PricePlan, Choices, "price.plan", changes=True)
CARD_LIST = Method("card.list", Page, CardRows, LOGGED_IN, changes=False)
CARD_READ = Method("card.read", Nothing, CardView, "card.read", changes=False)
CARD_QUOTE = Method("card.quote", QuoteRequest, Quote, "card.top_up", changes=False)
CARD_TOP_UP = Method("card.top_up", TopUp, ActReply, "card.top_up", changes=True)
CARD_ISSUE = Method("card.issue", Issue, ActReply, "card.issue", changes=True)
CARD_SETTLE = Method("card.settle", ActRequest, ActReply, "card.top_up", changes=True)
CARD_GIVE_BACK = Method(
    "card.give_back", ActRequest, ActReply, "card.top_up", changes=True
)
ACT_FIND = Method("act.find", ActRequest, ActReply, LOGGED_IN, changes=False)
RECEIPT_PRINT = Method(
    "receipt.print", ReceiptRequest, ReceiptOutcome, "receipt.print", changes=True
)
BOOKS_VERIFY = Method("books.verify", Nothing, BooksVerdict, LOGGED_IN, changes=False)

CARD_PRESENTED = Event("card.presented", CardView, replaceable=True)
CARD_REMOVED = Event("card.removed", Nothing, replaceable=True)
READER_CHANGED = Event("reader.changed", DeviceHealth, replaceable=True)
PRINTER_CHANGED = Event("printer.changed", DeviceHealth, replaceable=True)
ACT_SETTLED = Event("act.settled", ActReply, replaceable=False)
RECEIPT_PRINTED = Event("receipt.printed", ReceiptOutcome, replaceable=False)


OPEN_ROWS_CHANGED = Event("open_rows.changed", OpenRowsNow, replaceable=True)
BOOKS_VERIFIED = Event("books.verified", BooksVerdict, replaceable=True)

COUNTER = Contract(
    version=Version(1, 0),
    oldest=Version(1, 0),
    snapshot=CounterBoard,
    methods=(
        COMPANY_REGISTER, COMPANY_SEARCH, VEHICLE_REGISTER, VEHICLE_SEARCH, CHOICES,
        PRICE_PLAN, CARD_LIST, CARD_READ, CARD_QUOTE, CARD_TOP_UP, CARD_ISSUE,
        CARD_SETTLE, CARD_GIVE_BACK, ACT_FIND, RECEIPT_PRINT, BOOKS_VERIFY,
    ),
    events=(
        CARD_PRESENTED, CARD_REMOVED, READER_CHANGED, PRINTER_CHANGED, ACT_SETTLED,
        RECEIPT_PRINTED, OPEN_ROWS_CHANGED, BOOKS_VERIFIED,
    ),
)  # fmt: skip

"""Cards: what lies on the reader, the card register, top-up and issue."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from cngstation.rpc.contract.acts import ActReply
from cngstation.rpc.contract.figures import MOST_ROWS, Asked, IntentId, SaleRow, Word
from cngstation.rpc.contract.registers import Page, TenderOffers
from cngstation.rpc.method import LOGGED_IN, Event, Line, Message, Method, Text
from cngstation.rpc.session import Nothing


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
    receipt_no: int = 0
    intent_id: Word = ""


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
    cure: Word = ""  # the act that writes what is old on the card
    holder: Line = ""


class QuoteRequest(Message):
    """What a top-up would do; one of money and quantity is zero."""

    card_key: Word
    money_fen: Asked
    quantity_hundredths: Asked


class Quote(Message):
    """Before, change and after of a top-up, and the money to take.

    `tenders` are the ways in which it can be paid.
    """

    before_purse: int
    change_purse: int
    after_purse: int
    bonus_purse: int
    cash_fen: int
    price_e4: int
    tenders: TenderOffers = ()


class TopUp(Message):
    """A top-up as the cashier confirmed it: `cash_fen` is what is paid for it.

    `before_purse` is the balance that was shown: a card changed since is refused.
    `tender_ref` is the number of the payment at the bank, where the tender wants one.
    `bonus_purse` is the bonus that was shown; another one is refused.
    """

    intent_id: IntentId
    card_key: Word
    before_purse: int
    money_fen: Asked
    quantity_hundredths: Asked
    cash_fen: Asked
    tender: Word = "cash"
    tender_ref: Line = ""
    bonus_purse: Asked | None = None


class Issue(Message):
    """A new card for a vehicle, with what is prepaid and the fee, paid at once.

    A vehicle that has a card in use is refused once, and gets one more when
    `accept_second_card` is set.
    """

    intent_id: IntentId
    vehicle_id: int
    kind: Word
    payment_mode: Word
    price_level: Annotated[int, Field(ge=0, le=19)]
    money_fen: Asked
    quantity_hundredths: Asked
    cash_fen: Asked
    remark: Text
    accept_second_card: bool = False
    tender: Word = "cash"
    tender_ref: Line = ""


class CrewIssue(Message):
    """A new crew card: its number is made here, its holder is one of the crew."""

    intent_id: IntentId
    holder: Line
    remark: Text = ""


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
    holder: Line = ""


class CardRows(Message):
    """Cards of the register."""

    rows: Annotated[tuple[CardRow, ...], Field(max_length=MOST_ROWS)]


CARD_LIST = Method("card.list", Page, CardRows, LOGGED_IN, changes=False)
CARD_READ = Method("card.read", Nothing, CardView, "card.read", changes=False)
CARD_QUOTE = Method("card.quote", QuoteRequest, Quote, "card.top_up", changes=False)
CARD_TOP_UP = Method("card.top_up", TopUp, ActReply, "card.top_up", changes=True)
CARD_ISSUE = Method("card.issue", Issue, ActReply, "card.issue", changes=True)
CARD_CREW_ISSUE = Method(
    "card.crew_issue", CrewIssue, ActReply, "card.crew", changes=True
)
CARD_PRESENTED = Event("card.presented", CardView, replaceable=True)
CARD_REMOVED = Event("card.removed", Nothing, replaceable=True)

CARD_METHODS = (
    CARD_LIST,
    CARD_READ,
    CARD_QUOTE,
    CARD_TOP_UP,
    CARD_ISSUE,
    CARD_CREW_ISSUE,
)
CARD_EVENTS = (
    CARD_PRESENTED,
    CARD_REMOVED,
)

"""All that is known of the card on the reader: its own figures, register, books.

What is not known is None or empty, and says nothing against the card.
"""

from dataclasses import dataclass
from enum import StrEnum

from cngstation.domain.card_life import CardState
from cngstation.domain.continuity import Break
from cngstation.domain.evidence import Verdict
from cngstation.domain.payment import PaymentMode


class Lies(StrEnum):
    """What lies on the reader, or why that is not known."""

    READER_AWAY = "reader_away"
    READER_UNSURE = "reader_unsure"
    NOTHING = "nothing"
    LEFT = "left"  # while it was read
    BLANK = "blank"
    FOREIGN = "foreign"
    BOTH_BAD = "both_bad"
    NO_INFO = "no_info"  # a whole purse, and nothing says whose
    TORN_ISSUE = "torn_issue"
    OURS = "ours"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of a card of ours; figures of the purse."""

    card_no: str
    area_no: str
    payment_mode: PaymentMode | None  # None: a mode that nobody knows
    balance: int
    price_fen: int
    cylinder_due: str
    cylinder_days: int | None
    whole: bool
    counters_left: bool
    limit_per_fill_yuan: int
    limit_per_day_yuan: int
    plate: str = ""
    can_be_written: bool = True  # a card without counters is never written


@dataclass(frozen=True, slots=True)
class Grey:
    """The unpaid fill that the card names, and whether its record has come."""

    station_no: str
    gun: int
    number: int
    nozzle_no: int = 0
    amount_e4: int | None = None  # None: no record


@dataclass(frozen=True, slots=True)
class Registered:
    """The card as the register has it; `owed_e4` and limits in 1/10 000 yuan."""

    card_no: str
    state: CardState
    payment_mode: PaymentMode
    unit: str
    cylinder_due: str
    cylinder_days: int | None
    broken: Break | None
    owed_e4: int = 0
    credit_limit_e4: int | None = None
    filled_today_e4: int = 0
    stopped: str = ""  # by which limit of the register, of card or company
    plate: str = ""  # of its vehicle
    is_of_plate: bool = True  # the card carries it
    limits_yuan: tuple[int, int] | None = None  # per fill, per day; None: not known
    refused_at: tuple[int, ...] = ()  # dispensers whose list names the card


@dataclass(frozen=True, slots=True)
class OpenAct:
    """The act that the card has open, and what the card proves of it."""

    kind: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Station:
    """Who looks, and what is sold here; `price_e4` is that of the card's level now."""

    station_no: str
    area_no: str
    issue_point_no: str
    gas_units: tuple[str, ...] = ()
    price_e4: int | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known; `chip_card` is the living card that this chip was issued as.

    `chip_is_known` says that this counter has issued the chip, or begun to. `trouble`
    is what the reader says of itself.
    """

    lies: Lies
    station: Station
    uid: str = ""
    trouble: str = ""
    chip_card: str = ""
    chip_is_known: bool = False
    reading: Reading | None = None
    grey: Grey | None = None
    registered: Registered | None = None
    act: OpenAct | None = None

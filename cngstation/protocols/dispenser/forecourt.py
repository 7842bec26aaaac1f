"""What a station and its dispensers tell each other beside sales: one vocabulary.

Duty, parameters, card questions, lists, prices and control. Numbers are integers in
the station's units, times are the device's own reading, texts are clean; `raw` is the
message as it came.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from cngstation.units import Unit


@dataclass(frozen=True, slots=True)
class ShiftRecord:
    """A duty (上班/下班) as the dispenser closed or opened it.

    `device_seq` is the dispenser's own number of shift records. A figure that a
    protocol does not carry is None.
    """

    device_seq: int
    is_off_duty: bool
    shift_no: int
    employee_card: str | None
    started_at: str | None
    ended_at: str | None
    gun_total_quantity_milli: int | None
    gun_total_amount_e4: int | None
    shift_quantity_milli: int | None
    shift_amount_e4: int | None
    fills: int | None
    unit: Unit | None
    on_duty_seq: int | None
    raw: bytes


@dataclass(frozen=True, slots=True)
class ParameterChange:
    """Somebody changed a setting at the dispenser: `before` and `after` are scaled."""

    device_seq: int
    shift_no: int
    card_no: str | None
    parameter: int
    decimals: int
    before: int
    after: int
    changed_at: str | None
    raw: bytes


@dataclass(frozen=True, slots=True)
class DeviceEvent:
    """Something that a dispenser wants kept and that is neither a sale nor a duty.

    `device_seq` is its number among the dispenser's records; None: it has none. `code`
    is the protocol's own, `name` says it in a word.
    """

    device_seq: int | None
    name: str
    code: int
    card_no: str | None
    happened_at: str | None
    text: str
    raw: bytes


class CardQuestion(StrEnum):
    """What a dispenser wants to know of the card in it."""

    CHECK = "check"  # may it fill: state, balance, limits
    BLACKLIST = "blacklist"  # is it on the list of lost cards
    WHITELIST = "whitelist"


@dataclass(frozen=True, slots=True)
class CardCheck:
    """A dispenser asks about the card in it; a figure it did not send is None."""

    question: CardQuestion
    card_no: str | None
    balance_hundredths: int | None
    last_used_at: str | None
    raw: bytes


class CardVerdict(StrEnum):
    """The station's answer; LISTED answers a question about a list."""

    MAY_FILL = "may_fill"
    UNKNOWN_CARD = "unknown_card"
    BLACKLISTED = "blacklisted"
    BALANCE_DIFFERS = "balance_differs"
    TIME_DIFFERS = "time_differs"
    LISTED = "listed"
    NOT_LISTED = "not_listed"


class ListKind(StrEnum):
    """The lists of card numbers that dispensers keep."""

    BASE = "base"  # 黑名单, whole
    ADDED = "added"  # since the base
    DELETED = "deleted"  # since the base
    WHITE = "white"  # 白名单


@dataclass(frozen=True, slots=True)
class CardList:
    """One version of a list; `cards` are decimal numbers in their order.

    `version` is 1 to 255 (1 to 65 535 where the protocol has room), 0 is never a
    version. Dates are `YYYY-MM-DD`.
    """

    kind: ListKind
    version: int
    cards: tuple[str, ...]
    valid_from: str
    valid_to: str


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices by level in 1/10 000 yuan a unit; level 0 is the posted price."""

    version: int
    prices_e4: tuple[int, ...]
    effective_at: str


@dataclass(frozen=True, slots=True)
class StationData:
    """Where a dispenser stands: numbers of province, city, superior and station."""

    version: int
    province_no: int
    city_no: int
    superior_no: int
    station_no: int


@dataclass(frozen=True, slots=True)
class Downloads:
    """What nozzles of a line shall hold; a kind that is absent is left alone.

    `guns` are the nozzles that are meant, None is all: the others go on with what they
    were offered before. `coming` are the prices that follow, for nozzles that can keep
    them until their time. Where a dispenser fetches for all of its nozzles, one of them
    stands for it.
    """

    lists: Mapping[ListKind, CardList] = field(default_factory=dict)
    prices: PriceTable | None = None
    station: StationData | None = None
    guns: frozenset[int] | None = None
    coming: PriceTable | None = None

    def is_for(self, gun: int) -> bool:
        """Tell whether a nozzle is meant."""
        return self.guns is None or gun in self.guns


class DownloadKind(StrEnum):
    """What is downloaded: by the names of `ListKind`, prices, the station's data."""

    BASE = "base"
    ADDED = "added"
    DELETED = "deleted"
    WHITE = "white"
    PRICES = "prices"
    STATION = "station"


class OrderKind(StrEnum):
    """What the station can tell a nozzle to do, where the protocol can."""

    LOCK = "lock"
    UNLOCK = "unlock"
    END_SHIFT = "end_shift"  # force off duty
    AUTHORISE = "authorise"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Order:
    """One order to one nozzle; a preset of 0 is none, and only AUTHORISE has one."""

    gun: int
    kind: OrderKind
    preset_quantity_milli: int = 0
    preset_amount_e4: int = 0


class OrderOutcome(StrEnum):
    """What became of an order.

    UNKNOWN: no answer came. It is not sent again; whoever gave it looks at the state.
    """

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"

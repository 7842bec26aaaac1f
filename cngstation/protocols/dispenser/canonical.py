"""What dispensers say and are told, in one vocabulary for every wire protocol.

States follow IFSF's fuelling point. All numbers are integers in the station's units;
purse figures stay in the hundredths that the card holds (fen, or 0.01 of a gas unit
on a prepaid-quantity card), because only the book knows which of the two it is.
Texts are clean. Device times are the device's own reading and never used for order.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from cngstation.units import Unit


class FuellingState(IntEnum):
    """IFSF's states of a fuelling point, with IFSF's numbers."""

    INOPERATIVE = 1
    CLOSED = 2
    IDLE = 3
    CALLING = 4
    AUTHORISED = 5
    STARTED = 6
    SUSPENDED_STARTED = 7
    FUELLING = 8
    SUSPENDED_FUELLING = 9


class Link(StrEnum):
    """How well a nozzle is heard; OFFLINE keeps the last known state."""

    ONLINE = "online"
    SUSPECT = "suspect"
    OFFLINE = "offline"


class Capability(StrEnum):
    """What a dispenser protocol can do."""

    POLL = "poll"
    AUTHORISE = "authorise"
    PRESET = "preset"
    STOP = "stop"
    LOCK = "lock"
    PRICE = "price"
    PRICE_AHEAD = "price_ahead"  # taken before its time, and kept until then
    PRICE_LEVELS = "price_levels"  # one price for each level, not the posted one alone
    LISTS = "lists"
    GREY = "grey"
    REREAD = "reread"
    SHIFT = "shift"
    TOTALS = "totals"
    IDENTITY = "identity"
    PARAMETER_AUDIT = "parameter_audit"
    CARD_CHECK = "card_check"
    STATION_DATA = "station_data"


class DeviceKind(StrEnum):
    """What stands behind a nozzle number."""

    LNG = "lng"
    CNG = "cng"
    FILLING_POST = "filling_post"  # 加气柱
    UNLOADING_POST = "unloading_post"  # 卸气柱
    UNKNOWN = "unknown"


class Fault(StrEnum):
    """A fault that a dispenser reports about itself."""

    FLASH_A_CHECK = "flash_a_check"
    FLASH_B_CHECK = "flash_b_check"
    FLASH_A_WRITE = "flash_a_write"
    FLASH_A_READ = "flash_a_read"
    FLASH_B_WRITE = "flash_b_write"
    FLASH_B_READ = "flash_b_read"
    INTERNAL_MEMORY_WRITE = "internal_memory_write"
    INTERNAL_MEMORY_READ = "internal_memory_read"
    EXTERNAL_MEMORY_WRITE = "external_memory_write"
    EXTERNAL_MEMORY_READ = "external_memory_read"
    MEMORY_COPIES_DIFFER = "memory_copies_differ"
    FRAM = "fram"
    GAS_METER_SILENT = "gas_meter_silent"
    LIQUID_METER_SILENT = "liquid_meter_silent"
    PRESSURE_SENSOR = "pressure_sensor"
    UNKNOWN = "unknown"


class TransactionType(StrEnum):
    """What a record posts; UNKNOWN is parked by the ingest, never dropped."""

    NORMAL = "normal"
    GREY = "grey"  # 灰卡: sold, but the card was not written
    MAKE_UP_DEBIT = "make_up_debit"  # 补扣: collects an earlier grey sale, no gas
    SUPPLEMENT = "supplement"
    NO_CARD = "no_card"  # sold to whoever stood there: the crew on duty owes it
    UNKNOWN = "unknown"


class CardKind(StrEnum):
    """How a card pays; CREDIT (记帐) adds the debit to its balance."""

    NONE = "none"
    STORED_VALUE = "stored_value"
    CREDIT = "credit"


class StopReason(StrEnum):
    """Why a fill ended."""

    MANUAL = "manual"
    GAS_METER_FAULT = "gas_meter_fault"
    LIQUID_METER_FAULT = "liquid_meter_fault"
    MEASUREMENT_FAULT = "measurement_fault"
    PRESSURE_SENSOR_FAULT = "pressure_sensor_fault"
    POWER_LOSS = "power_loss"
    QUANTITY_PRESET = "quantity_preset"
    AMOUNT_PRESET = "amount_preset"
    LOW_FLOW = "low_flow"
    HIGH_FLOW = "high_flow"
    RETURN_DENSITY = "return_density"
    RETURN_GAIN = "return_gain"
    OVER_PRESSURE = "over_pressure"
    DRIVE_OFF = "drive_off"  # 逃卡
    ACCOUNT_LIMIT = "account_limit"
    SINGLE_FILL_LIMIT = "single_fill_limit"
    NO_FILL = "no_fill"  # a make-up record moves no gas
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class NozzleStatus:
    """One live reading of a nozzle; quantity and amount are 0 when idle.

    `card_no` and `employee_card` keep their leading zeros; a number that is not
    decimal on the wire is shown as its hexadecimal digits. `raw` is the message.
    """

    state: FuellingState
    device_kind: DeviceKind
    locked: bool
    off_duty: bool
    awaiting_debit: bool
    other_side_busy: bool
    faults: frozenset[Fault]
    price_e4: int
    quantity_milli: int
    amount_e4: int
    shift_no: int
    employee_card: str | None
    card_no: str | None
    plate: str | None
    pressure_kpa: int | None
    raw: bytes


@dataclass(frozen=True, slots=True)
class SaleRecord:
    """One finished transaction as the dispenser stored it.

    `device_seq` is the dispenser's own rising number. `unit` is None when the
    configured unit map does not know `unit_code`. `card_top_up_count` rises with
    counter writes of the card (wseq), `card_consumption_count` with dispenser writes
    (pseq). Times are `YYYY-MM-DD HH:MM:SS` by the device, None when not a time. A
    figure that the protocol does not carry is None. `gun` is the nozzle of a record
    that was read again by a number which another nozzle of the dispenser has used.

    Of a pump that numbers nothing, `device_seq` is the totaliser behind the fill in
    1/1000 unit: it rises, and no record is missing between two of them. `is_watched`
    is False for a fill that the program only found shown when it began. Behind
    `last_number`, where a device gets there within years, its numbers begin again.
    """

    protocol: str
    device_seq: int
    transaction_type: TransactionType
    transaction_code: int
    card_no: str | None
    card_kind: CardKind
    plate: str | None
    station_no: str
    shift_no: int
    employee_card: str | None
    started_at: str | None
    ended_at: str | None
    device_kind: DeviceKind
    unit: Unit | None
    unit_code: int
    quantity_milli: int
    price_e4: int
    amount_e4: int
    debited_hundredths: int
    balance_before_hundredths: int
    balance_after_hundredths: int
    card_top_up_count: int | None
    card_top_up_total_hundredths: int | None
    card_consumption_count: int
    card_consumed_quantity_milli: int | None
    card_consumed_total_hundredths: int | None
    gun_total_quantity_milli: int | None
    gun_total_amount_e4: int | None
    pressure_before_kpa: int | None
    pressure_after_kpa: int | None
    density_e4: int | None
    equivalent_e4: int | None
    stop_reason: StopReason
    stop_code: int
    related_grey_seq: int | None
    shift_record_seq: int | None
    raw_frame: bytes
    is_offline: bool = False
    gun: int | None = None
    is_numbered_by_total: bool = False
    return_quantity_milli: int | None = None
    is_watched: bool = True
    last_number: int | None = None


@dataclass(frozen=True, slots=True)
class NoFill:
    """What stands under a number that was given out and moved no gas."""


class DebitKind(StrEnum):
    """Why a dispenser asks what to take from a card."""

    DEBIT = "debit"  # a fill has just ended
    UNLOCK = "unlock"  # 解灰: a card still grey from an earlier fill was inserted


@dataclass(frozen=True, slots=True)
class DebitRequest:
    """A dispenser asks what to take from the card in it.

    Of an UNLOCK, quantity and amount are 0, and station, gun and `device_seq` are
    those of the grey sale, as the card names them. A card that does not name them
    leaves them empty or 0 and names its `card_consumption_count` instead.
    """

    kind: DebitKind
    card_no: str | None
    card_kind: CardKind
    quantity_milli: int
    amount_e4: int
    balance_hundredths: int
    station_no: str
    gun: int
    device_seq: int
    card_consumption_count: int | None = None


@dataclass(frozen=True, slots=True)
class DebitDecision:
    """What the station answers to a `DebitRequest`; `found` False unlocks nothing.

    `grey_frame` is the grey sale's record as its dispenser sent it.
    """

    found: bool
    amount_e4: int = 0
    debited_hundredths: int = 0
    balance_before_hundredths: int = 0
    balance_after_hundredths: int = 0
    price_e4: int = 0
    quantity_milli: int = 0
    total_count: int = 0
    total_amount_e4: int = 0
    total_quantity_milli: int = 0
    related_grey_seq: int = 0
    grey_frame: bytes = b""


NOT_FOUND = DebitDecision(found=False)


@dataclass(frozen=True, slots=True)
class Totals:
    """A nozzle's totalisers and the number of its last transaction.

    A figure that the protocol does not carry is None. Behind `last_number`, where a
    device has one, its numbers begin again with 1.
    """

    device_seq: int | None
    gun_total_quantity_milli: int
    gun_total_amount_e4: int | None
    shift_total_quantity_milli: int | None
    shift_total_amount_e4: int | None
    last_number: int | None = None


@dataclass(frozen=True, slots=True)
class ListVersions:
    """The versions of lists and prices that a dispenser holds."""

    base_blacklist: int
    added_blacklist: int
    deleted_blacklist: int
    whitelist: int
    price: int
    common: int


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a dispenser says it is."""

    gun: int
    last_device_seq: int | None
    versions: ListVersions
    station_no: str
    province_no: str
    city_no: str
    parent_no: str
    station_name: str
    firmware: str
    maker: str


class FaultKind(StrEnum):
    """What was wrong with bytes on a line; such bytes are ignored and counted."""

    NOISE = "noise"  # counted in bytes
    BAD_CRC = "bad_crc"
    BAD_TRAILER = "bad_trailer"
    TOO_LONG = "too_long"
    HALF_FRAME = "half_frame"
    OWN_ECHO = "own_echo"
    WRONG_ADDRESS = "wrong_address"
    WRONG_GUN = "wrong_gun"
    LATE_REPLY = "late_reply"
    UNEXPECTED_COMMAND = "unexpected_command"
    BAD_BODY = "bad_body"

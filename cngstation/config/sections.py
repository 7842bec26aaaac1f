"""The sections and keys of the configuration file, and what each may hold.

`description` of a field says what is allowed in it; a refusal quotes it.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from cngstation.config.values import (
    Baud,
    FilePath,
    GasUnit,
    Hours,
    LineBaud,
    OptionalPath,
    OptionalPort,
    Section,
    Sha256,
    StationNumbers,
    Url,
    Words,
    YesNo,
    Yuan,
    clean_or_empty,
)
from cngstation.protocols.card_image.plain import Figure, PlainLayout, Seal
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.protocols.receipt.slip import Columns
from cngstation.units import ZERO, Money

_PROTOCOL_NAMES = " or ".join(f'"{name}"' for name in PROTOCOLS)


def _known_protocol(name: str) -> str:
    if name not in PROTOCOLS:
        raise ValueError("no such protocol")
    return name


class Station(Section):
    """Who this station is."""

    station_no: Annotated[str, Field(pattern=r"^[0-9]{8}$", description='"8 digits"')]
    area_no: Annotated[str, Field(pattern=r"^[0-9]{4}$", description='"4 digits"')]
    area_short_name: Words  # 区域简称
    issue_point_no: Annotated[  # 发卡点编号
        str,
        Field(pattern=r"^(0[1-9]|[1-9][0-9])$", description='"01" to "99"'),
    ]
    name: Words
    company_name: Words
    network: Annotated[  # 联网
        Literal["single", "networked"], Field(description='"single" or "networked"')
    ]
    language: Annotated[
        Literal["zh_CN", "en"], Field(description='"zh_CN" or "en"')
    ] = "zh_CN"
    business_day_starts: Annotated[
        str,
        Field(
            pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
            description='a time of day "HH:MM"',
        ),
    ] = "00:00"

    @property
    def cut_off_minute(self) -> int:
        """The minute of the local day at which a business day begins."""
        hour, minute = self.business_day_starts.split(":")
        return int(hour) * 60 + int(minute)


class Paths(Section):
    """Where files, sockets and credentials are."""

    database: FilePath
    runtime_dir: FilePath  # the daemons' sockets
    card_master_key: FilePath  # credential files: read by the card-reader service only
    personal_data_key: FilePath
    # The chain's anchors, best on another disk; none: a folder beside the database.
    anchors: OptionalPath = None
    fuel_card_keys: OptionalPath = None  # none: no CPU cards of the fuel trade
    exports: OptionalPath = None  # audit files; none: "exports" beside the database


class Nozzle(Section):
    """One nozzle (枪) and its address on the line."""

    gun: Annotated[int, Field(ge=1, le=9999, description="1 to 9999")]
    nozzle_no: Annotated[int, Field(ge=1, le=64, description="1 to 64")]
    dispenser_no: Annotated[int, Field(ge=1, le=64, description="1 to 64")]
    unit: GasUnit
    # Firmware families disagree (0 is m³ in one, kg in another), so commissioning
    # looks at the display and says which byte this nozzle sends for `unit`.
    unit_code: Annotated[int, Field(ge=0, le=255, description="0 to 255")]
    # A board with room for one price alone; none: what its protocol can show.
    only_level: Annotated[
        int | None, Field(ge=0, le=2, description="0 to 2, or no such key")
    ] = None
    # It sells by itself although its protocol can authorise.
    stand_alone: bool = False


class Line(Section):
    """One line of dispensers: on a serial port, or behind a controller on HTTP."""

    name: Words
    port: OptionalPort = ""
    protocol: Annotated[
        str, AfterValidator(_known_protocol), Field(description=_PROTOCOL_NAMES)
    ]
    baud: LineBaud = 0
    url: Url = ""
    # A credential file: the user name on its first line, the password on its second.
    credential: OptionalPath = None
    authentication: Annotated[
        Literal["digest", "basic"], Field(description='"digest" or "basic"')
    ] = "digest"
    certificate: Sha256 = ""
    # The protocol's own switches, by its page in the handbook.
    options: dict[str, int | str] = Field(default_factory=dict)
    nozzles: Annotated[
        tuple[Nozzle, ...],
        Field(
            strict=False,
            min_length=1,
            max_length=64,
            description="1 to 64 sections [[lines.nozzles]]",
        ),
    ]


class Reader(Section):
    """The card reader of the till: on a serial port, or of the PC/SC service."""

    kind: Annotated[
        Literal["pn532", "gnetplus", "pcsc"],
        Field(description='"pn532", "gnetplus" or "pcsc"'),
    ]
    port: OptionalPort = ""
    baud: Baud | None = None  # the kind's own
    name: Annotated[
        str,
        Field(
            max_length=128,
            description="the name that the PC/SC service gives the reader",
        ),
        AfterValidator(clean_or_empty),
    ] = ""


Offset = Annotated[int, Field(ge=0, le=47, description="0 to 47")]
Width = Annotated[int, Field(ge=1, le=4, description="1 to 4")]


class PlainCard(Section):
    """Cards of another maker, in a plain layout: they can be read and topped up.

    Offsets are bytes of the sector's three blocks. `keys` is a credential file with
    key A, which reads, and key B, which writes.
    """

    keys: FilePath
    sector: Annotated[int, Field(ge=1, le=15, description="1 to 15")]
    card_no_offset: Offset  # four bytes of decimal digits
    balance_offset: Offset  # fen, or 0.01 unit
    balance_width: Width = 4
    consumed_offset: Offset  # what the card has ever consumed, never reset
    consumed_width: Width = 4
    byte_order: Annotated[
        Literal["little", "big"], Field(description='"little" or "big"')
    ] = "little"
    seal: Annotated[
        Literal["xor", "sum", "crc16"], Field(description='"xor", "sum" or "crc16"')
    ]
    seal_offset: Offset
    sealed_from: Offset = 0
    kind: Annotated[
        Literal["taxi", "unit", "personal"],
        Field(description='"taxi", "unit" or "personal"'),
    ]
    payment_mode: Annotated[
        Literal["prepaid_money", "prepaid_quantity"],
        Field(description='"prepaid_money" or "prepaid_quantity"'),
    ]

    @property
    def layout(self) -> PlainLayout:
        """Where such a card keeps what.

        Raises:
            ValueError: the figures cannot stand so.
        """
        balance = Figure(self.balance_offset, self.balance_width, self.byte_order)
        consumed = Figure(self.consumed_offset, self.consumed_width, self.byte_order)
        return PlainLayout(
            sector=self.sector,
            card_no_offset=self.card_no_offset,
            balance=balance,
            consumed=consumed,
            seal=Seal(self.seal),
            seal_offset=self.seal_offset,
            sealed_from=self.sealed_from,
        )


class Printer(Section):
    """The receipt printer; no port, no printer."""

    port: Annotated[
        str,
        Field(
            pattern=r"^(/[!-~]{1,200})?$",
            description='the path of a serial port, or "" for no printer',
        ),
    ] = ""
    baud: Baud = 9600
    columns: Annotated[Columns, Field(description="32 or 48")] = 48
    two_copies: YesNo = False  # 打印两联
    daily_digest: YesNo = False  # 每日打印日报摘要


class Till(Section):
    """The counter that reader and printer belong to."""

    name: Words = "till-1"
    # Operators of other outlets move none of its money.
    outlet_no: Annotated[
        str,
        Field(pattern=r"^[1-9][0-9]{3}$", description='"4 digits", greater than 1000'),
    ] = "1001"


class Shifts(Section):
    """What the station expects of its crews."""

    # A shift that is open for longer is named; 0: none is.
    open_hours: Hours = 14
    # What one person may mark as not paid in cash, in a shift; both bounds hold.
    marks_alone: Annotated[int, Field(ge=0, le=100, description="0 to 100")] = 0
    marks_alone_yuan: Yuan = ZERO
    # 盲点: what a crew is to bring is not told before it has counted.
    blind_count: YesNo = True


class Limits(Section):
    """Amounts and days that the counter keeps to."""

    top_up_lower_yuan: Yuan  # 单次充值下限
    top_up_upper_yuan: Yuan
    balance_ceiling_yuan: Yuan
    card_fee_yuan: Yuan  # 工本费
    cylinder_warning_days: Annotated[int, Field(ge=0, le=365, description="0 to 365")]
    loss_effective_hours: Annotated[
        int, Field(ge=0, le=168, description="0 to 168")
    ] = 0
    replace_hold_hours: Annotated[int, Field(ge=0, le=720, description="0 to 720")] = 48
    cancel_wait_hours: Annotated[int, Field(ge=0, le=720, description="0 to 720")] = 0
    by_hand_yuan: Yuan = Money.from_fen(20_000)
    negative_top_up: YesNo = False


class DownloadTimes(Section):
    """When a changed blacklist goes to the dispensers (黑名单下载方式)."""

    blacklist: Annotated[
        str,
        Field(
            pattern=r"^(at_once|by_hand|([01][0-9]|2[0-3]):[0-5][0-9])$",
            description='"at_once", "by_hand" or a time of day "HH:MM"',
        ),
    ] = "at_once"
    station_data: StationNumbers = ()
    late_hours: Hours = 12  # a nozzle that takes no blacklist for longer is named


OperatorNo = Annotated[
    str, Field(pattern=r"^[0-9]{1,9}$", description="an operator's number")
]


class Security(Section):
    """How long a login lasts and how often it may fail."""

    session_hours: Annotated[int, Field(ge=1, le=24, description="1 to 24")] = 12
    wrong_tries: Annotated[int, Field(ge=1, le=10, description="1 to 10")] = 3
    idle_lock_minutes: Annotated[int, Field(ge=1, le=60, description="1 to 60")] = 15
    shift_ends_session: bool = True
    one_time_hours: Annotated[int, Field(ge=1, le=24, description="1 to 24")] = 24
    # How far the clock may creep from the monotonic one, or the dispensers'.
    clock_bound_s: Annotated[int, Field(ge=60, le=3600, description="60 to 3600")] = 180
    require_staff_card: Annotated[
        Literal["off", "administrators", "all"],
        Field(description='"off", "administrators" or "all"'),
    ] = "off"
    staff_card_operators: Annotated[
        tuple[OperatorNo, ...],
        Field(strict=False, max_length=100, description="at most 100 operator numbers"),
    ] = ()


LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["auto", "json", "console"]


class Enrolment(Section):
    """How the station belongs to head office; a single station needs none of it."""

    station_key: OptionalPath = None  # the station's own key; none: beside the database
    head_office_key: Annotated[
        str,
        Field(
            pattern=r"^([0-9a-fA-F]{64})?$",
            description='64 hexadecimal digits, or "" for none',
        ),
    ] = ""  # pins the key that signs certificates


class Log(Section):
    """What the daemons write to the journal."""

    level: Annotated[
        LogLevel, Field(description='"debug", "info", "warning" or "error"')
    ] = "info"
    format: Annotated[LogFormat, Field(description='"auto", "json" or "console"')] = (
        "auto"
    )


class StationConfig(Section):
    """The whole file."""

    station: Annotated[Station, Field(description="a section [station]")]
    paths: Annotated[Paths, Field(description="a section [paths]")]
    lines: Annotated[
        tuple[Line, ...],
        Field(strict=False, max_length=64, description="at most 64 sections [[lines]]"),
    ] = ()
    reader: Annotated[Reader, Field(description="a section [reader]")]
    plain_card: Annotated[
        PlainCard | None, Field(description="a section [plain_card]")
    ] = None
    printer: Annotated[Printer, Field(description="a section [printer]")] = Printer()
    till: Annotated[Till, Field(description="a section [till]")] = Till()
    shifts: Annotated[Shifts, Field(description="a section [shifts]")] = Shifts()
    limits: Annotated[Limits, Field(description="a section [limits]")]
    downloads: DownloadTimes = DownloadTimes()
    security: Annotated[Security, Field(description="a section [security]")] = (
        Security()
    )
    enrolment: Annotated[Enrolment, Field(description="a section [enrolment]")] = (
        Enrolment()
    )
    log: Annotated[Log, Field(description="a section [log]")] = Log()

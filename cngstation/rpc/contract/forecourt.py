"""What the dispenser monitor offers: every nozzle live, lines, the last sales."""

from typing import Annotated

from pydantic import Field

from cngstation.rpc.contract.board import BOARD_METHODS
from cngstation.rpc.contract.control import CONTROL_METHODS
from cngstation.rpc.contract.downloads import DOWNLOAD_METHODS, DOWNLOADS_CHANGED
from cngstation.rpc.contract.figures import (
    DeviceHealth,
    SaleRow,
    SaleRows,
    Word,
)
from cngstation.rpc.contract.ports import PORT_METHODS
from cngstation.rpc.contract.refetch import REFETCH_METHODS
from cngstation.rpc.contract.registers import Page
from cngstation.rpc.contract.shifts import SHIFT_METHODS
from cngstation.rpc.contract.technician import TECHNICIAN_METHODS
from cngstation.rpc.method import LOGGED_IN, Contract, Event, Message, Method, Version
from cngstation.rpc.session import Nothing

MOST_NOZZLES = 64
MOST_LINES = 128


class NozzleFigure(Message):
    """A nozzle as it is now.

    `state` is one of IFSF's nine in lower case; the other words lie over it. With
    the link off line the figures are the last known ones. `faults_since_ms` says of
    each fault since when it is known here.
    """

    nozzle_no: int
    dispenser_no: int
    state: Word
    link: Word
    link_since_ms: int
    locked: bool
    off_duty: bool
    awaiting_debit: bool
    other_side_busy: bool
    faults: Annotated[tuple[Word, ...], Field(max_length=32)]
    faults_since_ms: Annotated[tuple[int, ...], Field(max_length=32)] = ()
    unit: Word
    price_e4: int
    quantity_milli: int
    amount_e4: int
    pressure_kpa: int | None
    card_no: Word
    plate: Word
    crew_card: Word
    shift_no: int


class LineFigure(Message):
    """A line's port, and how its polling goes."""

    name: Word
    health: DeviceHealth
    baud: int
    frames_sent: int
    frames_lost: int
    cycle_us: int


class ForecourtBoard(Message):
    """Everything that the live board shows at once."""

    lines: Annotated[tuple[LineFigure, ...], Field(max_length=MOST_LINES)]
    nozzles: Annotated[tuple[NozzleFigure, ...], Field(max_length=MOST_NOZZLES)]
    sales: SaleRows


class SalesFound(Message):
    """Booked fills, newest first."""

    rows: SaleRows


class LineStatistics(Message):
    """A line's polling since the daemon began; times in microseconds."""

    name: Word
    baud: int
    frames_sent: int
    frames_lost: int
    cycles: int
    cycle_median_us: int
    cycle_p99_us: int


class Statistics(Message):
    """Every line's polling."""

    lines: Annotated[tuple[LineStatistics, ...], Field(max_length=MOST_LINES)]


SALE_LIST = Method("sale.list", Page, SalesFound, LOGGED_IN, changes=False)
LINE_STATISTICS = Method(
    "line.statistics", Nothing, Statistics, LOGGED_IN, changes=False
)

NOZZLE_CHANGED = Event("nozzle.changed", NozzleFigure, replaceable=True)
LINE_CHANGED = Event("line.changed", LineFigure, replaceable=True)
SALE_RECORDED = Event("sale.recorded", SaleRow, replaceable=False)

FORECOURT = Contract(
    version=Version(1, 2),
    oldest=Version(1, 0),
    snapshot=ForecourtBoard,
    methods=(
        SALE_LIST,
        LINE_STATISTICS,
        *BOARD_METHODS,
        *DOWNLOAD_METHODS,
        *CONTROL_METHODS,
        *REFETCH_METHODS,
        *SHIFT_METHODS,
        *TECHNICIAN_METHODS,
        *PORT_METHODS,
    ),
    events=(NOZZLE_CHANGED, LINE_CHANGED, SALE_RECORDED, DOWNLOADS_CHANGED),
)

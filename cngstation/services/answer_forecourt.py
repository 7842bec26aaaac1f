"""Answers the forecourt's socket: the board, the last sales, how polling goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from cngstation.protocols.dispenser.forecourt import Downloads, Order, OrderOutcome
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import forecourt
from cngstation.rpc.contract.forecourt import ForecourtBoard, LineStatistics
from cngstation.rpc.contract.registers import Page
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.session import Nothing
from cngstation.services.show_sales import newest_sales
from cngstation.services.watch_forecourt import LineDesk
from cngstation.storage.database import Database

SHOWN_SALES = 50


class PolledLine(Protocol):
    """What is told of a line's polling; the driver fits."""

    frames_sent: int
    frames_lost: int

    def offer(self, downloads: Downloads) -> None: ...
    async def give(self, order: Order) -> OrderOutcome: ...

    @property
    def cycle_times_us(self) -> Sequence[int]: ...


@dataclass(frozen=True, slots=True)
class NamedLine:
    """A line with its desk."""

    name: str
    baud: int
    desk: LineDesk
    line: PolledLine


class AnsweredArea(Protocol):
    """The handlers of one area of the contract."""

    def handle(self, made: Handlers) -> None: ...


class ForecourtAnswers:
    """The handlers of the forecourt's contract."""

    def __init__(
        self, database: Database, lines: Sequence[NamedLine], *areas: AnsweredArea
    ) -> None:
        self._areas = areas
        self._database = database
        self._lines = lines

    def handlers(self) -> Handlers:
        """Return a handler for each method of the contract."""
        made = Handlers()
        made.add(forecourt.SALE_LIST, self.list_sales)
        made.add(forecourt.LINE_STATISTICS, self.statistics)
        for area in self._areas:
            area.handle(made)
        return made

    async def snapshot(self, _: CallContext) -> ForecourtBoard:
        """Return everything that the board shows at once."""
        figures = [figure for line in self._lines for figure in line.desk.figures]
        return ForecourtBoard(
            lines=tuple(line.desk.line_figure for line in self._lines),
            nozzles=tuple(sorted(figures, key=lambda figure: figure.nozzle_no)),
            sales=await self._database.read(
                lambda connection: newest_sales(connection, SHOWN_SALES)
            ),
        )

    async def list_sales(
        self, request: Page, call: CallContext
    ) -> forecourt.SalesFound:
        """Return the fills booked last."""
        rows = await self._database.read(
            lambda connection: newest_sales(connection, request.limit)
        )
        return forecourt.SalesFound(rows=rows)

    async def statistics(self, _: Nothing, call: CallContext) -> forecourt.Statistics:
        """Return how polling went since the daemon began."""
        return forecourt.Statistics(lines=tuple(map(_statistics, self._lines)))


def _statistics(named: NamedLine) -> LineStatistics:
    times = sorted(named.line.cycle_times_us)
    return LineStatistics(
        name=named.name,
        baud=named.baud,
        frames_sent=named.line.frames_sent,
        frames_lost=named.line.frames_lost,
        cycles=len(times),
        cycle_median_us=int(median(times)) if times else 0,
        cycle_p99_us=times[(99 * (len(times) - 1)) // 100] if times else 0,
    )

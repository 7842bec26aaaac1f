"""What the strategies of pumps without a memory of sales have in common.

Such a pump shows its last fill and numbers none: each nozzle has a `LastSale`, which
makes a record of what is shown, and a `PostedPrice`, which brings its one price.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Generic, Protocol, TypeVar

from cngstation.protocols.dispenser.canonical import SaleRecord
from cngstation.protocols.dispenser.dialogue import (
    Question,
    RecordReceived,
    Request,
    TotaliserJumped,
)
from cngstation.protocols.dispenser.entry import NozzleSetup
from cngstation.protocols.dispenser.forecourt import Downloads
from cngstation.protocols.dispenser.last_sale import Fill, LastSale, record_of
from cngstation.protocols.dispenser.polled_strategy import F, Script, Strategy, Visit
from cngstation.protocols.dispenser.posted_price import PostedPrice


class Point(Protocol):
    """What is known of one nozzle."""

    @property
    def setup(self) -> NozzleSetup: ...
    @property
    def sale(self) -> LastSale: ...


P = TypeVar("P", bound=Point)


class MemorylessStrategy(Strategy[F], Generic[F, P]):
    """A strategy over points that are each a nozzle; `protocol` is named in records."""

    protocol: ClassVar[str]

    def __init__(self, points: Mapping[int, P]) -> None:
        self.points = points
        self.prices = PostedPrice()

    def heard_again(self, gun: int) -> None:
        """Its totaliser may have moved."""
        self.points[gun].sale.line_up()

    def offer(self, downloads: Downloads) -> None:
        """Only the posted price is a point's."""
        self.prices.offer(downloads)

    def answer_record(
        self, gun: int, device_seq: int, now_us: int, *, accepted: bool
    ) -> None:
        """A fill is in the books, or not."""
        self.points[gun].sale.decided(device_seq, now_us, accepted=accepted)

    def question(self, visit: Visit, request: Request) -> Script[F, None] | None:
        """Tell the totalisers; there are no records to ask for."""
        if request.question is not Question.TOTALS:
            return None
        return self.tell_totals(visit, request)

    @abstractmethod
    def tell_totals(self, visit: Visit, request: Request) -> Script[F, None]:
        """Read the totalisers and report them."""

    def report_fills(self, visit: Visit) -> None:
        """Report jumps of the totaliser, and the fill that is not in the books yet."""
        point = self.points[visit.gun]
        for jump in point.sale.take_jumps():
            visit.report(TotaliserJumped(visit.gun, jump.known_milli, jump.found_milli))
        fill = point.sale.offer(visit.now_us)
        if fill is not None:
            visit.report(RecordReceived(visit.gun, self.record(point, fill)))

    def record(self, point: P, fill: Fill) -> SaleRecord:
        """Return the record of a fill."""
        return record_of(fill, protocol=self.protocol, nozzle=point.setup)

    def price_to_send(self, visit: Visit, shown_e4: int | None) -> int | None:
        """Return the price to send to an idle nozzle now, 1/10 000 yuan a unit."""
        return self.prices.to_send(visit.gun, shown_e4, visit.now_us, visit.wall_ms)

    def refuse_price(self, visit: Visit, why: str) -> None:
        """Note that a nozzle does not take the price that was to be sent to it."""
        self.prices.refuse(visit.gun, why)

    def report_price(self, visit: Visit, shown_e4: int | None) -> None:
        """Report that the price on offer came into force, or left it."""
        if (advanced := self.prices.advanced(visit.gun, shown_e4)) is not None:
            visit.report(advanced)

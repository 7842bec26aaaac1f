"""The station as the screen knows it: what was told last, and what has gone stale."""

from collections import deque
from typing import TYPE_CHECKING, Any

from cngstation.errors import NotLoggedIn
from tui.areas import EVERYTHING, Area
from tui.link import News, Part, PartDown, PartUp, Told

if TYPE_CHECKING:
    from cngstation.errors import StationError
    from cngstation.rpc.contract.counter import (
        ActReply,
        BooksVerdict,
        CardView,
        ReceiptOutcome,
    )
    from cngstation.rpc.contract.figures import (
        DeviceHealth,
        OpenRow,
        SaleRow,
        StationInfo,
    )
    from cngstation.rpc.contract.forecourt import LineFigure, NozzleFigure
    from cngstation.rpc.contract.uplink import UplinkFigure

_MOST_SALES = 200
_MOST_RECEIPTS = 50


def says_the_session_ended(news: News) -> bool:
    """Tell whether the counter, which made the session, knows it no longer."""
    if not isinstance(news, PartDown) or news.part is not Part.COUNTER:
        return False
    return isinstance(news.reason, NotLoggedIn)


class Picture:
    """Everything that is shown, changed only by what the daemons tell."""

    def __init__(self) -> None:
        self.station: StationInfo | None = None
        self.reader: DeviceHealth | None = None
        self.printer: DeviceHealth | None = None
        self.disk: DeviceHealth | None = None
        self.card: CardView | None = None
        self.card_is_there = False
        self.open_rows: tuple[OpenRow, ...] = ()
        self.books: BooksVerdict | None = None
        self.nozzles: dict[int, NozzleFigure] = {}
        self.changed_nozzles: set[int] = set()
        self.lines: dict[str, LineFigure] = {}
        self.sales: deque[SaleRow] = deque(maxlen=_MOST_SALES)  # newest first
        self.uplink: UplinkFigure | None = None
        self.receipts: deque[ReceiptOutcome] = deque(maxlen=_MOST_RECEIPTS)
        self.last_act: ActReply | None = None
        self.lost: dict[Part, StationError | None] = dict.fromkeys(Part)
        self.seen: set[Part] = set()

    def hear(self, news: News) -> Area:
        """Take something in; return what has to be drawn anew."""
        match news:
            case PartUp(part, snapshot):
                self.lost[part] = None
                self.seen.add(part)
                return Area.STATUS | self._snapshot(part, snapshot)
            case PartDown(part, reason):
                self.lost[part] = reason
                return Area.STATUS | Area.BOARD | Area.TILES | Area.CARD
            case Told(_, name, body):
                return self._event(name, body)

    def is_up(self, part: Part) -> bool:
        """Tell whether a daemon answers now."""
        return part in self.seen and self.lost[part] is None

    def _snapshot(self, part: Part, snapshot: Any) -> Area:
        match part:
            case Part.COUNTER:
                return self._counter(snapshot)
            case Part.FORECOURT:
                self.nozzles = {n.nozzle_no: n for n in snapshot.nozzles}
                self.lines = {line.name: line for line in snapshot.lines}
                self.sales = deque(snapshot.sales, maxlen=_MOST_SALES)
                return Area.BOARD | Area.TILES | Area.SALES
            case Part.UPLINK:
                self.uplink = snapshot
                return Area.STATUS

    def _counter(self, board: Any) -> Area:
        self.station, self.books = board.station, board.books
        self.reader, self.printer = board.reader, board.printer
        self.disk = board.disk
        self.open_rows = board.open_rows
        areas = EVERYTHING & ~Area.BOARD & ~Area.TILES
        if board.card is None:
            if self.card_is_there:
                areas |= self._card_went()
        elif not self._lies_there(board.card):
            areas |= self._card_came(board.card)
        else:
            self.card = board.card
        return areas

    def _event(self, name: str, body: Any) -> Area:
        match name:
            case "nozzle.changed":
                known = self.nozzles.get(body.nozzle_no)
                self.nozzles[body.nozzle_no] = body
                self.changed_nozzles.add(body.nozzle_no)
                if known is None or known.link != body.link:
                    return Area.BOARD | Area.STATUS
                return Area.BOARD
            case "line.changed":
                self.lines[body.name] = body
                return Area.STATUS
            case "sale.recorded":
                if all(body.seq != sale.seq for sale in self.sales):
                    self.sales.appendleft(body)
                return Area.SALES
            case "card.presented":
                return self._card_came(body)
            case "card.removed":
                return self._card_went()
            case _:
                return self._counter_event(name, body)

    def _counter_event(self, name: str, body: Any) -> Area:
        match name:
            case "reader.changed":
                self.reader = body
            case "printer.changed":
                self.printer = body
            case "disk.changed":
                self.disk = body
            case "uplink.changed":
                self.uplink = body
            case "act.settled":
                self.last_act = body
                return Area.ACT | Area.CARD
            case "receipt.printed":
                self.keep_receipt(body)
                return Area.RECEIPTS
            case "lists.changed":
                return Area.LISTS
            case "open_rows.changed":
                self.open_rows = body.rows
                return Area.OPEN_ROWS
            case "books.verified":
                self.books = body
                return Area.BOOKS | Area.STATUS
        return Area.STATUS

    def keep_receipt(self, outcome: "ReceiptOutcome") -> None:
        """Remember how the newest print of a receipt ended."""
        kept = [r for r in self.receipts if r.receipt_no != outcome.receipt_no]
        self.receipts = deque([outcome, *kept][:_MOST_RECEIPTS], maxlen=_MOST_RECEIPTS)

    def _lies_there(self, card: "CardView") -> bool:
        same = self.card is not None and self.card.uid == card.uid
        return same and self.card_is_there

    def _card_came(self, card: "CardView") -> Area:
        again = self._lies_there(card)
        self.card, self.card_is_there = card, True
        # A card that is only read anew keeps what the cashier sees and has typed.
        return Area.CARD if again else Area.CARD | Area.CARD_CAME

    def _card_went(self) -> Area:
        self.card_is_there = False
        return Area.CARD | Area.CARD_WENT

"""One nozzle of a simulated Sinopec dispenser: its card, its gas, its records.

A card is locked when gas begins to flow and debited when it ends; one that is pulled
while gas flows stays grey and owes. The codes that a real security module makes are
made up here, and compared like real ones.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cngstation.simulators import sinopec_frames as wire
from cngstation.simulators.control import HandsRefused
from cngstation.simulators.sinopec_frames import Entry
from cngstation.simulators.sinopec_memory import Memory, OpenFill, Purse

MOST_UNSENT = 2_000
# Lists by their kind on the wire.
_BASE, _ADDED, _DELETED, _WHITE = "0", "1", "2", "3"


@dataclass(slots=True)
class Flow:
    """Gas that flows: hundredths a second until a limit."""

    began: float
    per_s: float
    limit: int

    def quantity(self, now: float) -> int:
        return min(round((now - self.began) * self.per_s), self.limit)


class Nozzle:
    """One nozzle; `stamp` gives the off-line flag and the dispenser's time."""

    def __init__(
        self,
        number: int,
        memory: Memory,
        terminal: bytes,
        stamp: Callable[[float], tuple[int, datetime]],
        *,
        asks_lists: bool = False,
    ) -> None:
        self.number = number
        self.card: str | None = None
        self.refused: str | None = None
        self._memory = memory
        self._terminal = terminal
        self._stamp = stamp
        self._asks_lists = asks_lists
        self._is_admitted = False
        self._flow: Flow | None = None

    @property
    def fill(self) -> OpenFill | None:
        return self._memory.figures.fills.get(str(self.number))

    @property
    def flows(self) -> bool:
        return self._flow is not None

    @property
    def is_busy(self) -> bool:
        return self.card is not None or self.flows

    @property
    def price(self) -> int:
        """The posted price in fen."""
        return self._memory.figures.prices[str(self.number)][0]

    def insert(self, card: str, balance: int, count: int) -> None:
        """Put a card in; `balance` and `count` are of one that was never here.

        Raises:
            HandsRefused: the reader is not free, or the dispenser gives it back.
        """
        figures = self._memory.figures
        if self.is_busy:
            raise HandsRefused("the reader of this nozzle is not free")
        if self._is_black(card):
            raise HandsRefused("the card is on the blacklist")
        figures.purses.setdefault(card, Purse(balance, count))
        self.card, self.refused = card, None
        owes = figures.purses[card].owes
        self._is_admitted = not self._asks_lists and owes is None
        self._memory.save()

    def begin(self, limit: int, per_s: float, now: float) -> None:
        """Open the valve: for the card that lies there, or for nobody's.

        Raises:
            HandsRefused: gas flows already, the card is not admitted, or the memory
                is full of records that nobody has fetched.
        """
        if self.flows:
            raise HandsRefused("gas flows already")
        if self._memory.records.waiting_count() >= MOST_UNSENT:
            raise HandsRefused("too many records wait for their upload")
        if self.card is not None and not self._is_admitted:
            raise HandsRefused(f"the card is not admitted: {self.refused or 'asking'}")
        if self.card is not None:
            limit = min(limit, self._purse().balance * 100 // self.price)
        self._flow = Flow(now, per_s, limit)
        fill = OpenFill(self.number, self.card or "", self.price)
        self._memory.figures.fills[str(self.number)] = fill
        self._memory.save()

    def advance(self, now: float) -> bool:
        """Let the gas flow up to now; tell whether the fill ended."""
        fill, flow = self.fill, self._flow
        if fill is None or flow is None:
            return False
        quantity = flow.quantity(now)
        if quantity != fill.quantity:
            fill.quantity = quantity
            self._memory.save()
        if quantity < flow.limit:
            return False
        self.end(now)
        return True

    def end(self, now: float) -> None:
        """Close the valve and debit the card.

        Raises:
            HandsRefused: no gas flows.
        """
        fill = self.fill
        if fill is None:
            raise HandsRefused("no gas flows at this nozzle")
        self._flow = None
        if not fill.card:
            self._store(fill, wire.NO_CARD, now)
            return
        purse = self._purse()
        purse.balance -= fill.amount
        purse.count += 1
        self._store(fill, wire.NORMAL, now, purse=purse)

    def take_out(self, now: float) -> str | None:
        """Pull the card, whatever goes on; one that is locked stays grey."""
        self.advance(now)
        card, fill = self.card, self.fill
        if fill is not None and fill.card:
            self._flow = None
            self._leave_grey(fill, now)
        self.card, self._is_admitted = None, False
        return card

    def cut_power(self, now: float) -> None:
        """Lose the power and get it back, and the card with it."""
        self.advance(now)
        self._flow, self.card, self._is_admitted = None, None, False
        self.power_returns(now)

    def power_returns(self, now: float) -> None:
        """Settle what a power cut left open: nobody knows what became of the card."""
        fill = self.fill
        if fill is None:
            return
        if fill.card:
            self._leave_grey(fill, now)
        else:
            self._store(fill, wire.NO_CARD, now)

    def entry(self) -> bytes | None:
        """Return the nozzle's part of the real-time answer."""
        fill = self.fill
        if fill is not None:
            return wire.fuelling_entry(
                self.number, fill.amount, fill.quantity, fill.price
            )
        if self.card is None:
            return None
        card = bytes.fromhex(self.card)
        return wire.card_in_entry(self.number, card, self._purse().balance)

    def question(self) -> bytes | None:
        """Return what it asks of the card in it before it is admitted."""
        if self.card is None or self._is_admitted or self.refused:
            return None
        purse = self._purse()
        card = bytes.fromhex(self.card)
        if self._asks_lists and purse.owes is None:
            return bytes([wire.LISTED]) + card
        if purse.owes is None:
            return None
        count = int(purse.owes["count"]).to_bytes(2, "big")
        moment = bytes.fromhex(purse.owes["moment"])
        balance = purse.balance.to_bytes(4, "big")
        return bytes([wire.GREY]) + card + balance + count + b"\x00" + moment

    def list_answered(self, data: bytes) -> bool:
        """Take the answer whether the card is listed; tell whether it was asked."""
        question = self.question()
        if question is None or question[0] != wire.LISTED or data[2:] != question[1:]:
            return False
        if data[1] & 1:
            self._is_admitted = True
        else:
            self.refused = "listed"
        return True

    def grey_answered(self, data: bytes, now: float) -> bool:
        """Take the answer for a grey card: debit it where the code is the fill's."""
        question = self.question()
        if question is None or question[0] != wire.GREY or data[2:12] != question[1:11]:
            return False
        purse = self._purse()
        assert purse.owes is not None
        if data[1] != 0 or len(data) != 43:
            self.refused = "nobody knows what it owes"
            return True
        amount, owes = int.from_bytes(data[16:19], "big"), purse.owes
        terminal_count = int.from_bytes(data[39:43], "big")
        proof = (data[29:33].hex(), data[33:39].hex(), terminal_count)
        if (amount, *proof) != (
            owes["amount"],
            owes["gmac"],
            owes["terminal"],
            owes["terminal_count"],
        ):
            self.refused = "the code is not the card's"
            return True
        purse.balance -= amount
        purse.owes = None
        fill = OpenFill(self.number, self.card or "", owes["price"], owes["quantity"])
        count = int(owes["count"])
        self._store(fill, wire.MADE_UP, now, purse=purse, count=count, moves=False)
        self._is_admitted = True
        return True

    def log(self, kind: int, card: str, employee: int, now: float) -> None:
        """Store that somebody came on duty, or went."""
        _, moment = self._stamp(now)
        figures = self._memory.figures
        figures.employee = employee if kind == wire.LOG_ON else 0
        entry = Entry(
            self._memory.next_seq(),
            kind,
            wire.bcd_time(moment),
            card=bytes.fromhex(card),
            nozzle=self.number,
            employee=employee,
            total=figures.totals.get(str(self.number), 0) & 0xFFFFFFFF,
        )
        self._memory.records.add(entry.seq, entry.to_bytes())
        self._memory.save()

    def _leave_grey(self, fill: OpenFill, now: float) -> None:
        purse = self._memory.figures.purses[fill.card]
        count = purse.count
        purse.count += 1
        entry = self._store(fill, wire.UNPAID, now, purse=purse)
        purse.owes = {
            "amount": fill.amount,
            "price": fill.price,
            "quantity": fill.quantity,
            "count": count,
            "moment": entry.moment.hex(),
            "gmac": entry.gmac.hex(),
            "terminal": entry.terminal.hex(),
            "terminal_count": entry.terminal_count,
        }
        self._memory.save()

    def _store(
        self,
        fill: OpenFill,
        kind: int,
        now: float,
        *,
        purse: Purse | None = None,
        count: int | None = None,
        moves: bool = True,
    ) -> Entry:
        figures, number = self._memory.figures, str(self.number)
        off_line, moment = self._stamp(now)
        if moves:
            figures.totals[number] = figures.totals.get(number, 0) + fill.quantity
        figures.terminal_count += 1
        seq = self._memory.next_seq()
        code = hashlib.sha256(f"{fill.card}/{seq}".encode()).digest()
        if purse is not None and count is None:
            count = purse.count - 1
        entry = Entry(
            seq,
            kind | off_line,
            wire.bcd_time(moment),
            card=bytes.fromhex(fill.card) if fill.card else bytes(10),
            balance=purse.balance if purse else 0,
            amount=fill.amount,
            count=count or 0,
            gmac=code[:4],
            terminal=self._terminal,
            terminal_count=figures.terminal_count,
            nozzle=self.number,
            quantity=fill.quantity,
            price=fill.price,
            employee=figures.employee,
            total=figures.totals.get(number, 0) & 0xFFFFFFFF,
        )
        self._memory.records.add(seq, entry.to_bytes())
        figures.fills.pop(number, None)
        self._memory.save()
        return entry

    def _purse(self) -> Purse:
        assert self.card is not None
        return self._memory.figures.purses[self.card]

    def _is_black(self, card: str) -> bool:
        lists = self._memory.figures.lists
        black = {*lists.get(_BASE, ()), *lists.get(_ADDED, ())}
        black -= {*lists.get(_DELETED, ())}
        return card in black and card not in lists.get(_WHITE, ())

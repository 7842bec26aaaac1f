"""What a fuel card says of itself, put together, and the purse that it amounts to.

The card's number of 16 digits ends in our card key: 4 digits of anything, 4 of the
area, 8 of the card. A terminal's number of 12 digits is 8 of the station and 4 of the
nozzle. `wseq` is the card's on-line counter and `pseq` its off-line counter, both
from the issue on.

    our record in its files    on-line counter    the card is
    none, no money             any                blank
    none, money on it          any                foreign: issued by somebody else
    issued                     as at the issue    torn in its issue
    issued                     beyond it          ours
    being wiped                any                torn in its issue

The load is the last step of an issue; one of nothing is a load too.
"""

from dataclasses import dataclass

from cngstation.domain.payment import MODE_CODES, PaymentMode
from cngstation.drivers.purse_card import CardReading
from cngstation.protocols.card_image.purse import (
    CardInfo,
    CardState,
    GreyMark,
    Purse,
)
from cngstation.protocols.fuel_card.answers import LockProof
from cngstation.protocols.fuel_card.files import (
    Application,
    Holder,
    Issue,
    Limits,
    Mark,
    Vehicle,
)

# The purse counts fen and is debited by dispensers: no other mode fits it.
MODES = frozenset({MODE_CODES[PaymentMode.PREPAID_MONEY]})
_FEN_A_YUAN = 100


@dataclass(frozen=True, slots=True)
class Proved:
    """What a card proves under its key; the off-line counter is told without."""

    balance: int
    on_line: int
    off_line: int


@dataclass(frozen=True, slots=True)
class FuelCardImage:
    """A card as it was read; balance and counters are what it has proved."""

    uid: bytes
    application: Application
    holder: bytes
    limits: bytes
    vehicle: bytes
    lock: LockProof
    balance: int
    on_line: int
    off_line: int

    @property
    def proved(self) -> Proved:
        """The figures alone."""
        return Proved(self.balance, self.on_line, self.off_line)

    @property
    def issue(self) -> Issue | None:
        """Our record on the card."""
        return Issue.read(self.limits)

    @property
    def key(self) -> str:
        """The card key that the card brings with it."""
        return self.application.number.hex()[4:]

    @property
    def state(self) -> CardState:
        """What the card is; the table stands at the head of this module."""
        issue = self.issue
        if issue is None:
            unused = self.balance == 0 and not self.lock.is_grey
            return CardState.BLANK if unused else CardState.FOREIGN
        is_torn = issue.mark is Mark.BEING_WIPED or self.on_line <= issue.first_on_line
        return CardState.TORN_ISSUE if is_torn else CardState.OURS

    @property
    def purse(self) -> Purse | None:
        """The purse; the sums of all top-ups and fills are not on such a card."""
        issue = self.issue
        if issue is None or self.state is not CardState.OURS:
            return None
        return Purse(
            kind=issue.kind,
            payment_mode=issue.payment_mode,
            price_level=Holder.read(self.holder).price_level,
            card_no=self.key[4:],
            cylinder_due=Vehicle.read(self.vehicle).cylinder_due,
            balance=self.balance,
            recharged_total=0,
            consumed_total=0,
            grey=_grey(self.lock),
            gen=0,
            wseq=self.on_line - issue.first_on_line,
            pseq=self.off_line - issue.first_off_line,
        )

    @property
    def info(self) -> CardInfo | None:
        """Who the card is of."""
        issue = self.issue
        if issue is None or self.state is not CardState.OURS:
            return None
        limits = Limits.read(self.limits)
        return CardInfo(
            area_no=self.key[:4],
            price_fen=issue.price_fen,
            plate=limits.plate,
            limit_per_fill_yuan=issue.limit_per_fill_yuan,
            limit_per_day_yuan=limits.limit_per_day_fen // _FEN_A_YUAN,
        )

    def reading(self) -> CardReading:
        """Return what services see of the card; it has one copy, which is whole."""
        purse = self.purse
        return CardReading(
            state=self.state,
            uid=self.uid,
            purse=purse,
            info=self.info,
            current=None if purse is None else 0,
            whole=True,
            own_key=self.key,
            modes=MODES,
        )


def limits_for(limits: bytes, info: CardInfo, issue: Issue) -> bytes:
    """Return file 1C with who the card is of, and our record."""
    of_day = info.limit_per_day_yuan * _FEN_A_YUAN
    return issue.onto(Limits(info.plate, of_day).onto(limits))


def comparable(purse: Purse) -> Purse:
    """Return a purse as such a card can say it: without sums and generation."""
    return Purse(
        kind=purse.kind,
        payment_mode=purse.payment_mode,
        price_level=purse.price_level,
        card_no=purse.card_no,
        cylinder_due=purse.cylinder_due,
        balance=purse.balance,
        recharged_total=0,
        consumed_total=0,
        grey=purse.grey,
        gen=0,
        wseq=purse.wseq,
        pseq=purse.pseq,
    )


def _grey(lock: LockProof) -> GreyMark | None:
    if not lock.is_grey:
        return None
    digits = lock.terminal.hex()
    nozzle = digits[8:]
    gun = int(nozzle) if nozzle.isdecimal() else int(nozzle, 16)
    return GreyMark(station_no=digits[:8], gun=gun, trans_no=lock.off_line)

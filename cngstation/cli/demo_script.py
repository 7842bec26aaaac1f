"""What people do at a demo station, written by a seed: an endless list of acts.

The script knows what each act does to a card, so that every act of it can be done,
and a run of K acts is the first K acts of every longer run of the same seed.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from cngstation.domain.numbers import check_digit
from cngstation.domain.payment import PaymentMode
from cngstation.units import Price, Quantity, Unit, amount_of

MOST_CARDS = 20
FIRST_CARDS = 4
REST_ACTS = 4
ISSUE_SHARE = 0.12
TOP_UP_SHARE = 0.45
SMALLEST_FILL = 200  # 2.00 m³
LARGEST_FILL = 1_500
_MODES = tuple(PaymentMode)


@dataclass(frozen=True, slots=True)
class IssueCard:
    """Register a vehicle and issue its card; `prepaid` in fen or 0.01 m³."""

    index: int
    card: int
    plate: str
    id_no: str
    mode: PaymentMode
    level: int
    prepaid: int


@dataclass(frozen=True, slots=True)
class TopUpCard:
    """Top a card up by fen or 0.01 m³."""

    index: int
    card: int
    mode: PaymentMode
    added: int


@dataclass(frozen=True, slots=True)
class FillVehicle:
    """Fill so many 0.01 m³ at a nozzle and pay with a card."""

    index: int
    card: int
    nozzle_no: int
    hundredths: int


Act = IssueCard | TopUpCard | FillVehicle


def needs(act: Act) -> frozenset[str]:
    """Return what an act takes: its card, and the reader or a nozzle."""
    if isinstance(act, FillVehicle):
        return frozenset({f"card {act.card}", f"nozzle {act.nozzle_no}"})
    return frozenset({f"card {act.card}", "reader"})


@dataclass(slots=True)
class _Card:
    mode: PaymentMode
    price: Price
    purse: int


class Script:
    """Writes acts; the same seed writes the same acts."""

    def __init__(self, seed: int, nozzles: int, prices: tuple[Price, ...]) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a play, no secret
        self._nozzles = nozzles
        self._prices = prices
        self._cards: list[_Card] = []
        self._recent_cards: list[int] = []
        self._recent_nozzles: list[int] = []

    def acts(self) -> Iterator[Act]:
        """Yield acts for ever."""
        index = 0
        while True:
            yield self._next(index)
            index += 1

    def _next(self, index: int) -> Act:
        wish = self._random.random()
        few = len(self._cards) < FIRST_CARDS and (index % 2 == 0 or not self._cards)
        if few or (wish < ISSUE_SHARE and len(self._cards) < MOST_CARDS):
            return self._issue(index)
        tops_up = wish < TOP_UP_SHARE
        number = self._customer(prepaid_only=tops_up)
        card = self._cards[number]
        if tops_up and card.mode.prepaid:
            return self._top_up(index, number)
        most = min(LARGEST_FILL, self._affordable(card))
        if most < SMALLEST_FILL:
            return self._top_up(index, number)
        hundredths = self._random.randint(SMALLEST_FILL, most)
        card.purse -= self._cost(card, hundredths) if card.mode.prepaid else 0
        return FillVehicle(index, number, self._free_nozzle(), hundredths)

    def _customer(self, *, prepaid_only: bool) -> int:
        """Choose a card whose last act is some time ago: nobody comes twice at once."""
        recent = self._recent_cards[-min(REST_ACTS, len(self._cards) - 1) :]
        if len(self._cards) == 1:
            recent = []
        rested = [n for n in range(len(self._cards)) if n not in recent]
        some = [n for n in rested if self._cards[n].mode.prepaid or not prepaid_only]
        number = self._random.choice(some or rested)
        self._recent_cards.append(number)
        return number

    def _free_nozzle(self) -> int:
        """Choose a nozzle that was not used just before."""
        recent = self._recent_nozzles[-(self._nozzles // 2) :]
        every = range(1, self._nozzles + 1)
        nozzle = self._random.choice([n for n in every if n not in recent])
        self._recent_nozzles.append(nozzle)
        return nozzle

    def _issue(self, index: int) -> IssueCard:
        number = len(self._cards)
        self._recent_cards.append(number)
        mode = _MODES[number % len(_MODES)]
        level = self._random.randrange(len(self._prices))
        prepaid = self._random.randrange(1, 4) * 5_000 if mode.prepaid else 0
        if mode.in_quantity:
            prepaid //= 5
        self._cards.append(_Card(mode, self._prices[level], prepaid))
        # A region code that is in no list, so that the number is nobody's.
        body = f"990000{1970 + number % 30}0101{self._random.randrange(1000):03d}"
        return IssueCard(
            index=index,
            card=number,
            plate=f"川A{10_000 + 97 * number + self._random.randrange(90):05d}",
            id_no=body + check_digit(body),
            mode=mode,
            level=level,
            prepaid=prepaid,
        )

    def _top_up(self, index: int, number: int) -> TopUpCard:
        card = self._cards[number]
        added = self._random.randrange(1, 6) * 5_000
        if card.mode.in_quantity:
            added //= 5
        card.purse += added
        return TopUpCard(index, number, card.mode, added)

    def _affordable(self, card: _Card) -> int:
        if not card.mode.prepaid:
            return LARGEST_FILL
        if card.mode.in_quantity:
            return card.purse
        low, high = 0, LARGEST_FILL
        while low < high:
            middle = (low + high + 1) // 2
            if self._cost(card, middle) <= card.purse:
                low = middle
            else:
                high = middle - 1
        return low

    def _cost(self, card: _Card, hundredths: int) -> int:
        if card.mode.in_quantity:
            return hundredths
        return amount_of(Quantity(hundredths * 10, Unit.M3), card.price).fen

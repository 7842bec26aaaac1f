"""What one nozzle of a JX-V4 bus is offered, asks for, fetches and holds."""

from dataclasses import dataclass, field

from cngstation.protocols.dispenser.forecourt import DownloadKind, ListKind
from cngstation.protocols.dispenser.jxv4.list_messages import (
    BlockAsked,
    PackedList,
    PackedPrices,
)
from cngstation.protocols.dispenser.tries import Tries

# A dispenser that was alone for a day has hundreds of records, and a list is short.
MOST_AHEAD = 100
# The order in which a dispenser asks.
KINDS = (
    DownloadKind.BASE,
    DownloadKind.ADDED,
    DownloadKind.DELETED,
    DownloadKind.WHITE,
    DownloadKind.PRICES,
)


@dataclass(frozen=True, slots=True)
class CountAsked:
    """53H from a dispenser."""

    kind: ListKind


@dataclass(frozen=True, slots=True)
class PricesAsked:
    """5EH from a dispenser."""


Wanted = CountAsked | BlockAsked | PricesAsked


@dataclass(slots=True)
class Holding:
    """What one nozzle is offered, asks for, fetches and holds."""

    lists: dict[ListKind, PackedList] = field(default_factory=dict)
    prices: PackedPrices | None = None
    coming: PackedPrices | None = None
    is_identity_known: bool = False  # or known not to be told
    wanted: Wanted | None = None
    list_under_way: PackedList | None = None
    is_begun: bool = False
    seen: dict[DownloadKind, int] = field(default_factory=dict)
    reported: dict[DownloadKind, int] = field(default_factory=dict)
    noted: dict[DownloadKind, int] = field(default_factory=dict)
    announced: dict[DownloadKind, int] = field(default_factory=dict)
    is_identity_due: bool = False
    is_at_rest: bool = False
    tries: Tries = field(default_factory=Tries)
    ahead: int = 0  # of what it was heard to say before it came to rest
    is_sent_whole: bool = False

    @property
    def is_held_back(self) -> bool:
        return not self.is_at_rest and self.ahead < MOST_AHEAD

    @property
    def prices_to_give(self) -> PackedPrices | None:
        """The table that is announced and sent; none while nothing is known of it."""
        if self.prices is None or self.coming is None:
            return self.prices
        kind = DownloadKind.PRICES
        holds = self.seen.get(kind) or self.reported.get(kind)
        if holds is None and not self.is_identity_known:
            return None
        is_next = holds in {self.prices.version, self.coming.version}
        return self.coming if is_next else self.prices

    @property
    def is_offered_anything(self) -> bool:
        return bool(self.lists) or self.prices is not None


def count_of(holding: Holding, kind: DownloadKind) -> int:
    if kind is DownloadKind.PRICES:
        given = holding.prices_to_give
        return len(given.prices) if given else 0
    offered = holding.lists.get(ListKind(kind))
    return len(offered.cards) if offered else 0


def kind_of(wanted: Wanted) -> DownloadKind:
    return (
        DownloadKind.PRICES
        if isinstance(wanted, PricesAsked)
        else DownloadKind(wanted.kind)
    )


def is_fetching(holding: Holding, kind: ListKind | DownloadKind) -> bool:
    under_way = holding.list_under_way
    return under_way is not None and str(under_way.kind) == str(kind)

"""Lists and prices on their way to the dispensers of a JX-V4 bus.

    our poll announces the versions; a nozzle that holds others asks, when it is idle:

    53H of a list      we: 53H number of cards    it: 54H first block, at once
    54H a block        we: 54H 20 cards           nothing; its next poll asks again
    (saved)                                       one poll without an answer: no loss
    5EH prices         we: 5EH the prices         nothing

That a nozzle is sent a version is noted on the disk before the first part goes out.
What it says of that version later is then known to be this content, also by a program
that was started anew.

Lists stand before records in the dispenser's order. Records are money: so a nozzle is
told of no version (0) until it has nothing else to say, that is, has answered a poll
with the status of rest since its link came up or since its last fill. One that has a
hundred records to give is told of the lists between them.

It asks in the order base, added, deleted, white, prices, and says nothing else before
it holds them all: an idle nozzle that answers with anything behind them holds the
announced versions. That is when its identity (59H) is read, which names them; where it
does not answer that, what it no longer asks for counts.

A list that has begun is finished in the version in which it began, and the poll
announces that one until then: blocks of two versions are never mixed under one.

A block waits while a poll is due whose nozzle was not polled since the last block, so
that a live poll is delayed by one exchange at most.

A dispenser that keeps a table until its time is sent the prices to come as well. One
message has one table, and a newer one takes the place of the one that waits: so the
prices to come are announced only to a nozzle that is known to hold those of now.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cngstation.protocols.dispenser.canonical import ListVersions
from cngstation.protocols.dispenser.dialogue import DownloadAdvanced, Event
from cngstation.protocols.dispenser.forecourt import (
    DownloadKind,
    Downloads,
    ListKind,
)
from cngstation.protocols.dispenser.jxv4.frames import Command
from cngstation.protocols.dispenser.jxv4.holding import (
    KINDS,
    CountAsked,
    Holding,
    PricesAsked,
    Wanted,
    count_of,
    is_fetching,
    kind_of,
)
from cngstation.protocols.dispenser.jxv4.list_messages import (
    BlockAsked,
    PackedList,
    PackedPrices,
)
from cngstation.protocols.dispenser.jxv4.messages import Versions
from cngstation.protocols.dispenser.jxv4.variant import Variant


@dataclass(frozen=True, slots=True)
class Part:
    """What goes to a nozzle: a count brings a question for the first block."""

    command: Command
    body: bytes
    event: DownloadAdvanced

    @property
    def is_answered(self) -> bool:
        return self.command is Command.LIST


class Distribution:
    """What every nozzle shall hold, and how far each of them is."""

    def __init__(self, guns: Sequence[int], variant: Variant) -> None:
        self._has_lists = variant.has_lists
        self._keeps_prices = variant.keeps_prices
        self._holdings = {gun: Holding() for gun in guns}

    def offer(self, downloads: Downloads) -> None:
        """Take what nozzles shall hold from now on.

        Raises:
            LocalProtocolError: the protocol cannot carry it; all stays as it was.
        """
        lists = {kind: PackedList.of(one) for kind, one in downloads.lists.items()}
        prices = PackedPrices.of(downloads.prices) if downloads.prices else None
        coming = PackedPrices.of(downloads.coming) if downloads.coming else None
        if not self._keeps_prices:
            coming = None
        if not self._has_lists:
            lists = {}
        for gun, holding in self._holdings.items():
            known = (holding.lists, holding.prices, holding.coming)
            if downloads.is_for(gun) and (lists, prices, coming) != known:
                holding.lists, holding.prices, holding.coming = lists, prices, coming
                holding.noted.clear()
                # One that is known tells again when it no longer asks.
                is_due = holding.is_offered_anything and not holding.is_identity_known
                holding.is_identity_due |= is_due

    def versions(self, gun: int) -> Versions:
        """Return what the poll of a nozzle announces."""
        versions = {kind: self._version_to_tell(gun, kind) for kind in KINDS}
        self._holdings[gun].announced = versions
        return Versions(
            base=versions[DownloadKind.BASE],
            added=versions[DownloadKind.ADDED],
            deleted=versions[DownloadKind.DELETED],
            white=versions[DownloadKind.WHITE],
            price=versions[DownloadKind.PRICES],
        )

    def linked(self, gun: int) -> None:
        """Look afresh at what a nozzle holds: it is heard again."""
        holding = self._holdings[gun]
        holding.seen.clear()
        holding.reported.clear()
        holding.is_identity_known = False
        holding.is_identity_due = holding.is_offered_anything

    def unheard(self, gun: int) -> None:
        """Note that a nozzle is not heard: it may fill meanwhile."""
        self._holdings[gun].is_at_rest = False

    def lost(self, gun: int) -> None:
        """Forget what was under way to a nozzle."""
        self.unheard(gun)
        holding = self._holdings[gun]
        holding.wanted = holding.list_under_way = None

    def not_begun(self, gun: int) -> None:
        """Note that a nozzle did not answer the length of a list."""
        self._holdings[gun].list_under_way = None

    def wants(self, gun: int, wanted: Wanted) -> bool:
        """Note what a nozzle asks for; False if that is not offered."""
        holding = self._holdings[gun]
        kind = kind_of(wanted)
        holding.is_sent_whole = False
        self._no_longer_asks(holding, KINDS[: KINDS.index(kind)])
        if not self._version(gun, kind):
            return False
        if isinstance(wanted, BlockAsked):
            holding.is_begun |= wanted.offset == 0
            if not (is_fetching(holding, wanted.kind) and holding.is_begun):
                # We do not know what it has begun with: it begins again.
                wanted = CountAsked(wanted.kind)
        holding.wanted = wanted
        return True

    def to_note(self, gun: int) -> tuple[DownloadKind, int] | None:
        """Return kind and version of what a nozzle waits for, unless it is noted."""
        holding = self._holdings[gun]
        if holding.wanted is None:
            return None
        kind = kind_of(holding.wanted)
        version = self._version_to_send(holding, holding.wanted)
        return None if holding.noted.get(kind) == version else (kind, version)

    def noted(self, gun: int, kind: DownloadKind, version: int) -> None:
        """Let a version go out: it is noted that the nozzle is sent it."""
        self._holdings[gun].noted[kind] = version

    def answered_otherwise(
        self, gun: int, *, lacks_nothing: bool, is_at_rest: bool = False
    ) -> None:
        """Note that a nozzle answered a poll with something else.

        It lacks nothing when that stands behind lists and prices in its order.
        """
        holding = self._holdings[gun]
        holding.wanted = None
        if lacks_nothing:
            self._no_longer_asks(holding, KINDS)
        holding.is_at_rest = is_at_rest
        holding.ahead = 0 if is_at_rest else holding.ahead + lacks_nothing

    def is_saved_in_silence(self, gun: int) -> bool:
        """Tell, once, that a poll without an answer is no loss: a list was saved."""
        holding = self._holdings[gun]
        was_whole, holding.is_sent_whole = holding.is_sent_whole, False
        return was_whole

    def next_part(self, gun: int, *, is_lng: bool, order: str) -> Part | None:
        """Return what a nozzle waits for; it is sent now."""
        holding = self._holdings[gun]
        wanted, holding.wanted = holding.wanted, None
        if isinstance(wanted, CountAsked):
            return self._count(gun, holding, wanted.kind)
        if isinstance(wanted, BlockAsked):
            return _block(gun, holding, wanted)
        prices = holding.prices_to_give
        if wanted is None or prices is None:
            return None
        body = prices.to_bytes(is_lng=is_lng, order=order)
        levels, version = len(prices.prices), prices.version
        holding.seen.pop(DownloadKind.PRICES, None)
        refused = holding.tries.begin(DownloadKind.PRICES, version)
        event = DownloadAdvanced(
            gun,
            DownloadKind.PRICES,
            version,
            levels,
            levels,
            is_in_force=False,
            refused=refused,
        )
        return Part(Command.PRICES, body, event)

    def waiting(self) -> list[int]:
        """Return the nozzles that wait for a part."""
        return [
            gun
            for gun, holding in self._holdings.items()
            if holding.wanted and self.to_note(gun) is None
        ]

    def take_identity_due(self, gun: int) -> bool:
        """Tell, once, that a nozzle's identity is to be read."""
        holding = self._holdings[gun]
        is_due, holding.is_identity_due = holding.is_identity_due, False
        return is_due

    def identified(self, gun: int, versions: ListVersions) -> list[Event]:
        """Report the versions that a nozzle names."""
        named = (
            versions.base_blacklist,
            versions.added_blacklist,
            versions.deleted_blacklist,
            versions.whitelist,
            versions.price,
        )
        return self._report(gun, dict(zip(KINDS, named, strict=True)))

    def unidentified(self, gun: int) -> list[Event]:
        """Report what a nozzle was seen to hold: it does not name its versions."""
        return self._report(gun, self._holdings[gun].seen)

    def _report(self, gun: int, versions: dict[DownloadKind, int]) -> list[Event]:
        holding = self._holdings[gun]
        holding.is_identity_known = True
        if not holding.is_offered_anything:
            return []
        events: list[Event] = []
        for kind, version in versions.items():
            if holding.reported.get(kind) == version:
                continue
            holding.reported[kind] = version
            count = (
                count_of(holding, kind) if version == self._version(gun, kind) else 0
            )
            events.append(
                DownloadAdvanced(gun, kind, version, count, count, is_in_force=True)
            )
        return events

    def _version_to_send(self, holding: Holding, wanted: Wanted) -> int:
        if isinstance(wanted, PricesAsked):
            given = holding.prices_to_give
            return given.version if given else 0
        under_way = holding.list_under_way
        if isinstance(wanted, BlockAsked) and under_way is not None:
            return under_way.version
        offered = holding.lists.get(wanted.kind)
        return offered.version if offered else 0

    def _version(self, gun: int, kind: DownloadKind) -> int:
        """Return the version that is announced to a nozzle; 0 is none."""
        holding = self._holdings[gun]
        if kind is DownloadKind.PRICES:
            given = holding.prices_to_give
            return given.version if given else 0
        under_way = holding.list_under_way
        if under_way is not None and is_fetching(holding, kind):
            return under_way.version
        offered = holding.lists.get(ListKind(kind))
        return offered.version if offered else 0

    def _version_to_tell(self, gun: int, kind: DownloadKind) -> int:
        holding = self._holdings[gun]
        is_to_be_saved = holding.is_sent_whole and is_fetching(holding, kind)
        if holding.is_held_back and not is_to_be_saved:
            return 0
        return self._version(gun, kind)

    def _no_longer_asks(self, holding: Holding, kinds: Sequence[DownloadKind]) -> None:
        for kind in kinds:
            version = holding.announced.get(kind, 0)
            if not version:
                continue
            holding.tries.over(kind)
            if holding.seen.get(kind) != version:
                holding.seen[kind] = version
                holding.is_identity_due = True
            if is_fetching(holding, kind):
                holding.list_under_way, holding.is_sent_whole = None, False

    def _count(self, gun: int, holding: Holding, kind: ListKind) -> Part | None:
        offered = holding.lists.get(kind)
        if offered is None:
            return None
        holding.list_under_way = offered
        holding.is_begun = holding.is_sent_whole = False
        holding.seen.pop(DownloadKind(kind), None)
        count = len(offered.cards)
        event = DownloadAdvanced(
            gun,
            DownloadKind(kind),
            offered.version,
            0,
            count,
            is_in_force=False,
            refused=holding.tries.begin(DownloadKind(kind), offered.version),
        )
        return Part(Command.LIST, offered.count_body(), event)


def _block(gun: int, holding: Holding, asked: BlockAsked) -> Part | None:
    cards = holding.list_under_way
    if cards is None:
        return None
    sent = asked.offset + len(cards.block(asked))
    count = len(cards.cards)
    holding.is_sent_whole = sent >= count
    event = DownloadAdvanced(
        gun,
        DownloadKind(asked.kind),
        cards.version,
        min(sent, count),
        count,
        is_in_force=False,
        refused=holding.tries.why(DownloadKind(asked.kind)),
    )
    return Part(Command.LIST_BLOCK, cards.block_body(asked), event)

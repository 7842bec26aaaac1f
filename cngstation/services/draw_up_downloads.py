"""Draws up what a line is offered: lists and prices as they were published last."""

from cngstation.moments import time_text
from cngstation.protocols.dispenser.forecourt import (
    CardList,
    Downloads,
    ListKind,
    PriceTable,
)
from cngstation.storage import downloads
from cngstation.storage.downloads import PublishedList, PublishedPrices, Sold
from cngstation.storage.sqlite import Connection

FOREVER = "2099-12-31"


def offered(
    connection: Connection,
    sold: Sold | None,
    *,
    wall_ms: int,
    now_ms: int,
    ahead: bool = False,
) -> Downloads:
    """Return what nozzles of a kind shall hold; of several kinds, no prices.

    `ahead` adds the prices that follow those of now.
    """
    lists = {
        kind: _card_list(kind, published)
        for kind in ListKind
        for published in [downloads.newest_list(connection, kind)]
        if published is not None
    }
    if sold is None:
        return Downloads(lists)
    table = downloads.begun_prices(connection, sold, now_ms)
    coming = downloads.coming_prices(connection, sold, now_ms) if ahead else None
    return Downloads(
        lists,
        None if table is None else _price_table(table, wall_ms),
        coming=None if coming is None else _price_table(coming, coming.effective_ms),
    )


def _card_list(kind: ListKind, published: PublishedList) -> CardList:
    since = time_text(published.at_ms)[:10]
    return CardList(
        kind, published.version, tuple(sorted(published.cards)), since, FOREVER
    )


def _price_table(table: PublishedPrices, wall_ms: int) -> PriceTable:
    """Fill levels that have no price of their own with the posted one.

    It has begun, by whatever clock: a dispenser goes by the wall clock of its poll.
    A board of one price gets that one alone.
    """
    posted = table.prices.get(0) or next(iter(table.prices.values()))
    last = max(table.prices)
    first = 0 if table.sold.only_level is None else last
    return PriceTable(
        table.version,
        tuple(table.prices.get(level, posted).e4 for level in range(first, last + 1)),
        time_text(min(table.effective_ms, wall_ms)),
    )

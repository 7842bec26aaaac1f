"""What of lists and prices fits: into dispensers, and through the protocol of a line.

What is left out is a row that says what and why, and closes when everything fits.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

import structlog

from cngstation.domain.card_lists import LARGEST_BASE
from cngstation.errors import LocalProtocolError
from cngstation.language import mark
from cngstation.protocols.dispenser.forecourt import CardList, Downloads, ListKind
from cngstation.services.keep_one_row import keep_one_row
from cngstation.storage import downloads
from cngstation.storage.database import Transaction

_log = structlog.get_logger()

FITS = "it fits now"
TOO_LONG, NOT_CARRIED = "list_too_long", "list_not_carried"
_PRICES, _WHITE = mark("the prices"), mark("the white list")
_COMING = mark("the prices that follow")
_BOTH, _ALL = mark("prices and white list"), mark("lists and prices")


class OfferedLine(Protocol):
    """A line that can be told what its nozzles shall hold; the driver fits."""

    def offer(self, downloads: Downloads) -> None: ...


def offer_what_fits(line: OfferedLine, offer: Downloads) -> tuple[str, str]:
    """Offer a line all that its protocol can carry: the blacklist does not wait.

    Where that does not fit either its dispensers keep what they have. Returns what
    was left out and why, empty for nothing.
    """
    why = ""
    no_white: Mapping[ListKind, CardList] = {
        k: v for k, v in offer.lists.items() if k is not ListKind.WHITE
    }
    coming = offer.coming
    for lists, table, left_out in (
        (offer.lists, offer.prices, ""),
        *([(offer.lists, offer.prices, _COMING)] if coming else []),
        (offer.lists, None, _PRICES),
        (no_white, offer.prices, _WHITE),
        (no_white, None, _BOTH),
    ):
        try:
            line.offer(replace(offer, lists=lists, prices=table, coming=coming))
        except LocalProtocolError as error:
            _log.error("downloads.not_offered", why=error.sentence())
            why, coming = why or error.sentence(), None
        else:
            return left_out, why if left_out else ""
    return _ALL, why


def numbers_that_fit(tx: Transaction, wanted: frozenset[str]) -> frozenset[str]:
    """Keep to what dispensers can hold; what is left out is named, never silent.

    Cards that were taken back and wiped go out first, then the oldest numbers.
    """
    if len(wanted) <= LARGEST_BASE:
        keep_one_row(tx, TOO_LONG, "blacklist", None, why=FITS)
        return wanted
    harmless = downloads.taken_back(tx.connection)
    ordered = sorted(wanted, key=lambda number: (number not in harmless, number))
    out, kept = ordered[:-LARGEST_BASE], ordered[-LARGEST_BASE:]
    facts: Mapping[str, str | int] = {
        "count": len(wanted),
        "most": LARGEST_BASE,
        "out": len(out),
        "first": out[0],
        "last": out[-1],
        "dangerous": sum(number not in harmless for number in out),
    }
    keep_one_row(tx, TOO_LONG, "blacklist", facts)
    return frozenset(kept)

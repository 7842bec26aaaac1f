"""Fills without a card as the books have them now: sold, and corrected since.

A correction is an entry that names the sale's entry; nothing of the sale is changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from cngstation.storage.facts import rows
from cngstation.storage.sqlite import Connection
from cngstation.units import Unit

CREW = "crew:"
MARK = "fill."  # begins the kind of a correcting entry


@dataclass(frozen=True, slots=True)
class CashFill:
    """A fill, what its entries come to by account (CNY), and what it was marked as.

    `shift_no` is the shift that owes it, 0 for nobody's. `marked` is empty where
    nobody has corrected it.
    """

    seq: int
    entry_id: str
    shift_no: int
    marked: str
    reason: str
    accounts: Mapping[str, int]
    sale: Mapping[str, Any]

    @property
    def nozzle_no(self) -> int:
        """The nozzle that sold it."""
        return int(self.sale["nozzle_no"])

    @property
    def amount_e4(self) -> int:
        """What it was sold for."""
        return int(self.sale["amount_e4"])


_SALE = (
    "SELECT s.*, e.entry_id, e.at_ms, coalesce(h.shift_no, 0) AS of_shift FROM sale s"
    " JOIN entry e ON e.seq=s.seq LEFT JOIN sale_shift h ON h.seq=s.seq"
)
_IS_CASH = (
    "EXISTS (SELECT 1 FROM posting p WHERE p.seq=s.seq AND p.account LIKE 'crew:%')"
)

_IS_MARKED = (
    "EXISTS (SELECT 1 FROM entry c WHERE c.corrects=e.entry_id AND c.corrects <> ''"
    " AND c.kind LIKE 'fill.%')"
)


def find(connection: Connection, seq: int) -> CashFill | None:
    """Return a fill without a card by its place in the chain."""
    found = rows(connection, f"{_SALE} WHERE s.seq=? AND {_IS_CASH}", (seq,))
    return next((_cash_fill(connection, row) for row in found), None)


class Wanted(NamedTuple):
    """Which fills are meant: of a shift, before one, of a nozzle, unmarked ones only.

    Shift 0 are those that ended while nobody was on duty; other zeros mean any.
    """

    shift_no: int
    before_seq: int = 0
    nozzle_no: int = 0
    only_unmarked: bool = False


def of_shift(connection: Connection, shift_no: int) -> list[CashFill]:
    """Return the fills without a card that ended in a shift, newest first."""
    return fitting(connection, Wanted(shift_no), -1)


def fitting(connection: Connection, wanted: Wanted, limit: int) -> list[CashFill]:
    """Return the fills without a card that fit, newest first; -1 for all."""
    belongs = "h.shift_no=?1" if wanted.shift_no else "h.seq IS NULL AND ?1=0"
    found = rows(
        connection,
        f"{_SALE} WHERE {belongs} AND s.card_key='' AND {_IS_CASH}"
        " AND (?2=0 OR s.seq < ?2) AND (?3=0 OR s.nozzle_no=?3)"
        f" AND (?4=0 OR NOT {_IS_MARKED}) ORDER BY s.seq DESC LIMIT ?5",
        (*wanted, limit),
    )
    return [_cash_fill(connection, row) for row in list(found)]


def of_nobody(connection: Connection, after_seq: int) -> list[CashFill]:
    """Return nobody's fills that ended, or were marked, behind a place of the chain.

    One that a shift owes since is among them; newest first.
    """
    found = rows(
        connection,
        f"{_SALE} WHERE s.seq IN (SELECT seq FROM sale WHERE seq > ?1 UNION"  # noqa: S608 - ours
        " SELECT o.seq FROM entry c JOIN entry o ON o.entry_id=c.corrects"
        "  WHERE c.seq > ?1 AND c.kind GLOB ?2)"
        f" AND h.seq IS NULL AND s.card_key='' AND {_IS_CASH} ORDER BY s.seq DESC",
        (after_seq, f"{MARK}*"),
    )
    return [_cash_fill(connection, row) for row in list(found)]


def _cash_fill(connection: Connection, row: dict[str, Any]) -> CashFill:
    entry_id, of_shift = row["entry_id"], int(row["of_shift"])
    accounts: dict[str, int] = {}
    marked = reason = ""
    for kind, note, account, amount in connection.execute(
        "SELECT e.kind, e.note, coalesce(p.account, ''), coalesce(p.amount, 0)"
        " FROM entry e LEFT JOIN posting p ON p.seq=e.seq AND p.unit=?2"
        " WHERE e.seq=?3 OR (e.corrects=?1 AND e.corrects <> '')"
        " ORDER BY e.seq, p.line",
        (entry_id, str(Unit.CNY), row["seq"]),
    ):
        accounts[account] = accounts.get(account, 0) + amount
        if kind.startswith(MARK):
            marked, reason = kind.removeprefix(MARK), note
        if not of_shift and account.startswith(CREW):
            number = account.split(":")[1]
            of_shift = int(number) if number.isdigit() else of_shift
    return CashFill(
        seq=row["seq"],
        entry_id=entry_id,
        shift_no=of_shift,
        marked=marked,
        reason=reason,
        accounts={name: amount for name, amount in accounts.items() if amount},
        sale=row,
    )

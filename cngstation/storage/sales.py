"""Booked fills, their sequence per nozzle, and the lots that they use."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from cngstation.domain.lots import Lot
from cngstation.storage import registers
from cngstation.storage.database import Transaction
from cngstation.storage.facts import rows
from cngstation.storage.sqlite import Connection


@dataclass(frozen=True, slots=True)
class NozzleKey:
    """A nozzle of a station."""

    station_no: str
    dispenser_no: int
    nozzle_no: int


class Stand(NamedTuple):
    """Where the book of a nozzle stands: the life in force and the newest fill in it.

    `device_seq` is None while nothing is booked in this life. The totaliser is that of
    the newest fill as the dispenser told it, or did not.
    """

    epoch: int
    device_seq: int | None
    total_quantity_milli: int
    is_carried: bool = False  # over fills that told none

    def after(self, device_seq: int, total_quantity_milli: int) -> "Stand":
        """Return where the book stands once a fill of this life is booked."""
        if self.device_seq is not None and device_seq < self.device_seq:
            return self
        return Stand(self.epoch, device_seq, total_quantity_milli)


# A fill with its moment, and what came back from the vehicle.
SHOWN = (
    "SELECT s.*, e.at_ms, (SELECT g.return_quantity_milli FROM return_gas g"
    " WHERE g.sale_seq=s.seq) AS returned_milli"
)
_OF_NOZZLE = "station_no=? AND dispenser_no=? AND nozzle_no=?"


def stand_of(connection: Connection, nozzle: NozzleKey) -> Stand:
    """Return where the book of a nozzle stands."""
    row = connection.execute(_STAND, _values(nozzle)).fetchone()
    return Stand(*row)


_STAND = (
    "SELECT life.epoch, s.device_seq, coalesce(s.total_quantity_milli, 0) FROM"
    " (SELECT coalesce(max(epoch), 1) AS epoch FROM device_epoch"
    "  WHERE station_no=?1 AND dispenser_no=?2 AND nozzle_no=?3) life"
    " LEFT JOIN sale s ON s.station_no=?1 AND s.dispenser_no=?2 AND s.nozzle_no=?3"
    "  AND s.epoch = life.epoch AND s.device_seq ="
    "  (SELECT max(device_seq) FROM sale WHERE station_no=?1 AND dispenser_no=?2"
    "   AND nozzle_no=?3 AND epoch = life.epoch)"
)


def current_epoch(connection: Connection, nozzle: NozzleKey) -> int:
    """Return the life of the device's own counter that is in force."""
    row = connection.execute(
        f"SELECT max(epoch) FROM device_epoch WHERE {_OF_NOZZLE}",  # noqa: S608
        _values(nozzle),
    ).fetchone()
    epoch: int = row[0] or 1
    return epoch


def begin_epoch(tx: Transaction, nozzle: NozzleKey, epoch: int, since_seq: int) -> None:
    """Record that a device's counter began anew."""
    registers.add(
        tx,
        "device_epoch",
        {
            "station_no": nozzle.station_no,
            "dispenser_no": nozzle.dispenser_no,
            "nozzle_no": nozzle.nozzle_no,
            "epoch": epoch,
            "since_seq": since_seq,
        },
    )


def find(
    connection: Connection, nozzle: NozzleKey, epoch: int, device_seq: int
) -> dict[str, Any] | None:
    """Return a booked fill by the device's own number."""
    found = rows(
        connection,
        f"SELECT * FROM sale WHERE {_OF_NOZZLE} AND epoch=? AND device_seq=?",  # noqa: S608
        (*_values(nozzle), epoch, device_seq),
    )
    row: dict[str, Any] | None = next(found, None)
    return row


def find_in_every_epoch(
    connection: Connection, nozzle: NozzleKey, newest: int, device_seq: int
) -> list[dict[str, Any]]:
    """Return the fills that a nozzle ever booked under a number, newest life first."""
    # Asked for each life by its name, or SQLite reads all numbers of the nozzle.
    lives = range(newest, 0, -1)
    found = (find(connection, nozzle, epoch, device_seq) for epoch in lives)
    return [fill for fill in found if fill is not None]


def around(
    connection: Connection, nozzle: NozzleKey, epoch: int, first: int, last: int
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return a nozzle's newest fill below a number, and its first above another."""
    of_life = f"SELECT * FROM sale WHERE {_OF_NOZZLE} AND epoch=?"  # noqa: S608
    key = (*_values(nozzle), epoch)
    below = rows(
        connection,
        f"{of_life} AND device_seq<? ORDER BY device_seq DESC LIMIT 1",
        (*key, first),
    )
    above = rows(
        connection,
        f"{of_life} AND device_seq>? ORDER BY device_seq LIMIT 1",
        (*key, last),
    )
    return next(below, None), next(above, None)


def between(
    connection: Connection,
    nozzle: NozzleKey,
    after: tuple[int, int],
    up_to: tuple[int, int],
) -> list[dict[str, Any]]:
    """Return a nozzle's fills behind one place up to another, in their order.

    A place is a life of its numbers with a number.
    """
    return list(
        rows(
            connection,
            f"SELECT * FROM sale WHERE {_OF_NOZZLE} AND (epoch, device_seq) > (?, ?)"  # noqa: S608
            " AND (epoch, device_seq) <= (?, ?) ORDER BY epoch, device_seq",
            (*_values(nozzle), *after, *up_to),
        )
    )


def of_shift(connection: Connection, shift_no: int) -> list[dict[str, Any]]:
    """Return the fills of a shift in the order of their booking."""
    sql = (
        "SELECT s.* FROM sale_shift h JOIN sale s USING (seq) WHERE h.shift_no=?"
        " ORDER BY s.seq"
    )
    return list(rows(connection, sql, (shift_no,)))


def newest_of_nozzle(
    connection: Connection, nozzle: NozzleKey
) -> dict[str, Any] | None:
    """Return a nozzle's newest fill by its own numbers."""
    stand = stand_of(connection, nozzle)
    if stand.device_seq is None:
        return None
    return find(connection, nozzle, stand.epoch, stand.device_seq)


def grey_fill(
    connection: Connection, card_key: str, device_seq: int, pseq: int
) -> dict[str, Any] | None:
    """Return a card's unpaid fill; a grey card is written by nothing in between."""
    return _of_card(
        connection,
        "transaction_type='grey' AND device_seq=? AND pseq=?",
        (card_key, device_seq, pseq),
    )


def unpaid_fill(
    connection: Connection, card_key: str, pseq: int
) -> dict[str, Any] | None:
    """Return a card's unpaid fill by the card's counter alone."""
    where = "transaction_type='grey' AND pseq=?"
    return _of_card(connection, where, (card_key, pseq))


def unpaid_fill_by_number(
    connection: Connection, card_key: str, device_seq: int
) -> dict[str, Any] | None:
    """Return a card's newest unpaid fill of a number."""
    where = "transaction_type='grey' AND device_seq=?"
    return _of_card(connection, where, (card_key, device_seq))


def collection_without_fill(
    connection: Connection, card_key: str, pseq: int
) -> dict[str, Any] | None:
    """Return a make-up debit that names no fill, by the counter of both."""
    where = "transaction_type='make_up_debit' AND related_grey_seq=0 AND pseq=?"
    return _of_card(connection, where, (card_key, pseq))


def collection_of(
    connection: Connection, card_key: str, grey_seq: int, pseq: int
) -> dict[str, Any] | None:
    """Return the make-up debit that collected an unpaid fill of a card."""
    return _of_card(
        connection,
        "transaction_type='make_up_debit' AND related_grey_seq=? AND pseq=?",
        (card_key, grey_seq, pseq),
    )


def shows_old_image(
    connection: Connection, card_key: str, wseq: int, pseq: int
) -> bool:
    """Tell whether a card's fill was made on an image that the book knows as past.

    Either the same dispenser's write is booked twice, or it came after a top-up that
    is not on the card.
    """
    row = connection.execute(
        "SELECT (SELECT count(*) FROM sale WHERE card_key=?1 AND pseq=?3) > 1 OR EXISTS"
        " (SELECT 1 FROM intent WHERE card_key=?1 AND state='DONE'"
        "  AND before_wseq>=?2 AND before_pseq<?3)",
        (card_key, wseq, pseq),
    ).fetchone()
    return bool(row[0])


def all_in(connection: Connection, card_key: str, pseq: int) -> bool:
    """Tell whether each of a card's first `pseq` dispenser writes is booked once.

    A fill without a record that two people have settled is in the books by that.
    """
    row = connection.execute(
        "SELECT count(*), count(DISTINCT pseq) FROM sale WHERE card_key=? AND pseq<=?",
        (card_key, pseq),
    ).fetchone()
    if tuple(row) == (pseq, pseq):
        return True
    by_hand = connection.execute(
        "SELECT count(DISTINCT before_pseq) FROM intent i WHERE card_key=?"
        " AND kind='settle_grey_by_hand' AND state='DONE' AND before_pseq<=?"
        " AND NOT EXISTS (SELECT 1 FROM sale s WHERE s.card_key=i.card_key"
        " AND s.pseq=i.before_pseq)",
        (card_key, pseq),
    ).fetchone()[0]
    return tuple(row) == (pseq - by_hand, pseq - by_hand)


def sum_between(
    connection: Connection, card_key: str, after_pseq: int, to_pseq: int
) -> tuple[int, int]:
    """Count a card's fills between two of its counters, and sum their amounts."""
    row = connection.execute(
        "SELECT count(*), coalesce(sum(amount_e4), 0) FROM sale WHERE card_key=?"
        " AND pseq>? AND pseq<=? AND transaction_type<>'make_up_debit'",
        (card_key, after_pseq, to_pseq),
    ).fetchone()
    return int(row[0]), int(row[1])


def fills_since(
    connection: Connection, card_key: str, seq: int
) -> list[dict[str, Any]]:
    """Return the fills that a card's account paid for after a fact: nozzle, number."""
    found = rows(
        connection,
        "SELECT nozzle_no AS nozzle, device_seq AS number, amount_e4 FROM sale s"
        " WHERE card_key=? AND seq>? AND transaction_type<>'make_up_debit' AND EXISTS"
        " (SELECT 1 FROM posting p WHERE p.seq=s.seq AND p.account='card:'||card_key)",
        (card_key, seq),
    )
    return list(found)


def _of_card(
    connection: Connection, where: str, values: tuple[str | int, ...]
) -> dict[str, Any] | None:
    found = rows(
        connection,
        f"SELECT * FROM sale WHERE card_key=? AND {where} ORDER BY seq DESC",  # noqa: S608
        values,
    )
    row: dict[str, Any] | None = next(found, None)
    return row


def last_device_seq(
    connection: Connection, nozzle: NozzleKey, epoch: int
) -> int | None:
    """Return the highest number booked in an epoch, or None."""
    row = connection.execute(
        f"SELECT max(device_seq) FROM sale WHERE {_OF_NOZZLE} AND epoch=?",  # noqa: S608
        (*_values(nozzle), epoch),
    ).fetchone()
    last: int | None = row[0]
    return last


def newest(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """Return the fills booked last, newest first."""
    return list(
        rows(
            connection,
            f"{SHOWN} FROM sale s JOIN entry e USING (seq) ORDER BY s.seq DESC LIMIT ?",
            (limit,),
        )
    )


def newest_of_card(
    connection: Connection, card_key: str, limit: int
) -> list[dict[str, Any]]:
    """Return a card's last fills, newest first."""
    return list(
        rows(
            connection,
            f"{SHOWN} FROM sale s JOIN entry e USING (seq)"
            " WHERE s.card_key=? ORDER BY s.pseq DESC, s.seq DESC LIMIT ?",
            (card_key, limit),
        )
    )


def lots_left(connection: Connection, card_key: str) -> list[Lot]:
    """Return what is left of a card's purchases of gas, oldest first."""
    found = connection.execute(
        "SELECT l.seq, l.quantity_milli - coalesce(sum(u.quantity_milli), 0),"
        " l.money_e4 - coalesce(sum(u.money_e4), 0) FROM gas_lot l"
        " LEFT JOIN gas_lot_use u ON u.lot_seq = l.seq WHERE l.card_key=?"
        " GROUP BY l.seq HAVING l.quantity_milli > coalesce(sum(u.quantity_milli), 0)"
        " ORDER BY l.seq",
        (card_key,),
    )
    return [Lot(*row) for row in found]


def _values(nozzle: NozzleKey) -> tuple[str, int, int]:
    return (nozzle.station_no, nozzle.dispenser_no, nozzle.nozzle_no)


_OF_COMPANIES = (
    f"{SHOWN}, v.company_no, k.name AS company_name FROM sale s"
    " JOIN entry e ON e.seq=s.seq JOIN card c ON c.card_key=s.card_key"
    " JOIN vehicle v ON v.vehicle_id=c.vehicle_id"
    " JOIN company k ON k.company_no=v.company_no WHERE s.seq < :before"
)


def of_company(
    connection: Connection, company_no: str, before_seq: int, limit: int
) -> list[dict[str, Any]]:
    """Return fills of a company's vehicles, newest first; empty is every company.

    `before_seq` zero begins with the newest. A fill counts for the company that the
    card's vehicle belongs to now.
    """
    of_one = " AND v.company_no = :company_no" if company_no else ""
    values = {
        "before": before_seq or _LAST_SEQ,
        "company_no": company_no,
        "limit": limit,
    }
    sql = f"{_OF_COMPANIES}{of_one} ORDER BY s.seq DESC LIMIT :limit"
    return list(rows(connection, sql, values))


_LAST_SEQ = 2**63 - 1

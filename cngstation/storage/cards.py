"""The register of cards: what each was issued as, and when it was last seen how."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, TypedDict, Unpack

from cngstation.domain.card_kinds import BY_NAME, CREW
from cngstation.domain.card_life import CardState
from cngstation.domain.continuity import Known
from cngstation.domain.evidence import Evidence
from cngstation.domain.ledger import Posting, card_account
from cngstation.domain.payment import PaymentMode
from cngstation.storage import registers
from cngstation.storage.audit import STATION, Actor
from cngstation.storage.database import Transaction
from cngstation.storage.facts import rows
from cngstation.storage.sqlite import Connection
from cngstation.units import Unit


@dataclass(frozen=True, slots=True)
class Card:
    """A card of the register. `wseq` and `pseq` are the book's, `seen_` the card's.

    A crew card has a holder instead of a vehicle; its `vehicle_id` is then 0.
    """

    card_key: str
    area_no: str
    card_no: str
    uid: str
    kind: str
    payment_mode: PaymentMode
    unit: Unit
    price_level: int
    price_e4: int
    vehicle_id: int
    state: CardState
    issued_at_ms: int
    cylinder_due: str
    remark: str
    wseq: int
    pseq: int
    seen_balance: int
    seen_wseq: int
    seen_pseq: int
    seen_grey: str
    seen_at_ms: int
    holder: str = ""
    key_version: str = ""

    @property
    def for_customers(self) -> bool:
        """Whether the card is one that money is on; a crew card is not."""
        kind = BY_NAME.get(self.kind)
        return kind is None or kind.for_customers

    @property
    def known(self) -> Known:
        """What a card that lies on the reader has to continue."""
        last = Evidence(
            self.uid,
            self.card_key,
            self.seen_balance,
            self.seen_wseq,
            self.seen_pseq,
            self.seen_grey,
        )
        seen = last if self.seen_at_ms else None
        return Known(self.uid, self.wseq, self.pseq, seen)


_COLUMNS = tuple(field.name for field in fields(Card))


class Payer(NamedTuple):
    """What the booking of a fill needs of its card; `booked` is its account's sum."""

    card_key: str
    payment_mode: PaymentMode
    unit: Unit
    wseq: int
    pseq: int
    booked: int
    has_open_act: bool
    is_replaced: bool
    is_crew: bool = False
    has_counters: bool = True

    def after(self, pseq: int, postings: Iterable[Posting]) -> "Payer":
        """Return the card once a fill with these postings is booked."""
        account = card_account(self.card_key)
        booked = self.booked
        for posting in postings:
            if posting.account == account and posting.unit is self.unit:
                booked += posting.amount
        return self._replace(pseq=max(self.pseq, pseq), booked=booked)


class CardValues(TypedDict, total=False):
    """What of a card can be changed, each by its column's name."""

    uid: str
    kind: str
    payment_mode: PaymentMode
    unit: Unit
    price_level: int
    price_e4: int
    vehicle_id: int
    state: CardState
    issued_at_ms: int
    cylinder_due: str
    remark: str
    wseq: int
    holder: str
    key_version: str


def add(
    tx: Transaction, card: Card, *, reason: str = "", actor: Actor = STATION
) -> None:
    """Register a card; its counters count on from what it has here."""
    row = {name: getattr(card, name) for name in _COLUMNS}
    row["vehicle_id"] = card.vehicle_id or None
    registers.add(tx, "card", row, reason=reason, actor=actor)


def change(
    tx: Transaction,
    card_key: str,
    *,
    reason: str,
    actor: Actor = STATION,
    **values: Unpack[CardValues],
) -> None:
    """Change a card in the register; the one way to do it.

    The change is a fact in the chain, in this transaction: it says the whole card as
    it then is, why, and who did it. The columns are those of `CardValues`. A fill and
    an act that is finished count on `wseq` and `pseq` by `written` and `filled`
    instead, without a fact: their own facts prove the counters. `wseq` is given here
    only when a counter that the books do not know is accepted; it never falls.

    Raises:
        StorageError: there is no such card.
    """
    key = {"card_key": card_key}
    registers.change(tx, "card", key, values, reason=reason, actor=actor)


def find(connection: Connection, card_key: str) -> Card | None:
    """Return a card by its full key."""
    found = rows(connection, "SELECT * FROM card WHERE card_key=?", (card_key,))
    row = next(found, None)
    return None if row is None else _card(row)


def payer(connection: Connection, card_key: str) -> Payer | None:
    """Return a card as the booking of a fill needs it."""
    row = connection.execute(_PAYER, (card_key, card_account(card_key))).fetchone()
    if row is None:
        return None
    mode, unit, wseq, pseq, booked, has_open_act, kind, is_replaced, counts = row
    return Payer(
        card_key,
        _MODES[mode],
        _UNITS[unit],
        wseq,
        pseq,
        booked,
        has_open_act=has_open_act == 1,
        is_replaced=is_replaced == 1,
        is_crew=kind == CREW.name,
        has_counters=counts == 1,
    )


_PAYER = (
    "SELECT c.payment_mode, c.unit, c.wseq, c.pseq, coalesce("
    "  (SELECT balance FROM account WHERE name=?2 AND unit=c.unit), 0), EXISTS"
    " (SELECT 1 FROM intent WHERE card_key=?1 AND state IN ('PREPARED','INDOUBT')),"
    # Until the new card is written the balance is the old card's.
    " c.kind, c.state='replaced' AND NOT EXISTS (SELECT 1 FROM card_replacement r"
    "  JOIN intent i USING (intent_id) WHERE r.old_card_key=?1 AND r.state='made'"
    "  AND i.state IN ('PREPARED','INDOUBT')),"
    # A card of ours counts its issue: it was seen on the card, or the book has it.
    # An act on one without counters says what that had consumed instead.
    " c.seen_wseq>0 OR (c.seen_at_ms=0 AND c.wseq>0 AND NOT EXISTS (SELECT 1"
    "  FROM intent WHERE card_key=?1 AND json_extract(plan, '$.before_consumed')"
    "  IS NOT NULL)) FROM card c WHERE c.card_key=?1"
)


def with_uid(connection: Connection, uid: str) -> list[Card]:
    """Return every card that a chip was issued as."""
    found = rows(connection, "SELECT * FROM card WHERE uid=?", (uid,))
    return [_card(row) for row in found]


def written(tx: Transaction, card_key: str, wseq: int) -> None:
    """Record the counter's sequence that a finished act proves to be on the card."""
    tx.connection.execute(
        "UPDATE card SET wseq=max(wseq, ?) WHERE card_key=?", (wseq, card_key)
    )


def filled(tx: Transaction, card_key: str, pseq: int) -> None:
    """Record the dispenser's sequence of the newest booked fill."""
    tx.connection.execute(
        "UPDATE card SET pseq=max(pseq, ?) WHERE card_key=?", (pseq, card_key)
    )


def seen(tx: Transaction, evidence: Evidence) -> None:
    """Record how a card presented itself; the book compares it with its account."""
    tx.connection.execute(
        "UPDATE card SET seen_balance=?, seen_wseq=?, seen_pseq=?, seen_grey=?,"
        " seen_at_ms=? WHERE card_key=?",
        (
            evidence.balance, evidence.wseq, evidence.pseq, evidence.grey,
            tx.now.wall_ms, evidence.card_key,
        ),
    )  # fmt: skip


def state_before_waste(connection: Connection, card_key: str) -> CardState:
    """Return what a card was when its chip broke."""
    row = connection.execute(
        "SELECT json_extract(content, '$.state') AS was FROM register_change"
        " WHERE register='card' AND row_key=?1 AND was<>'waste' AND seq <"
        " (SELECT min(seq) FROM register_change WHERE register='card' AND row_key=?1"
        "  AND json_extract(content, '$.state')='waste') ORDER BY seq DESC LIMIT 1",
        (card_key,),
    ).fetchone()
    return CardState.NORMAL if row is None else _STATES[row[0]]


def newest(connection: Connection, limit: int) -> list[Card]:
    """Return the cards issued last."""
    found = rows(
        connection, "SELECT * FROM card ORDER BY card_key DESC LIMIT ?", (limit,)
    )
    return [_card(row) for row in found]


def search(connection: Connection, text: str, limit: int) -> list[Card]:
    """Return cards whose number contains the text, the newest first."""
    found = rows(
        connection,
        "SELECT * FROM card WHERE instr(card_no, ?) > 0 ORDER BY card_key DESC LIMIT ?",
        (text, limit),
    )
    return [_card(row) for row in found] if text else []


def of_vehicle(connection: Connection, vehicle_id: int) -> list[Card]:
    """Return the cards of a vehicle, the newest first."""
    found = rows(
        connection,
        "SELECT * FROM card WHERE vehicle_id=? ORDER BY card_key DESC",
        (vehicle_id,),
    )
    return [_card(row) for row in found]


_MODES = {str(mode): mode for mode in PaymentMode}
_UNITS = {str(unit): unit for unit in Unit}
_STATES = {str(state): state for state in CardState}


def _card(row: Mapping[str, Any]) -> Card:
    words = {
        "payment_mode": _MODES[row["payment_mode"]],
        "unit": _UNITS[row["unit"]],
        "vehicle_id": row["vehicle_id"] or 0,
        "state": _STATES[row["state"]],
    }
    return Card(**{**row, **words})

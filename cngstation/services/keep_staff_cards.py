"""Issues staff cards (员工卡), and ends them: lost, withdrawn, or blocked as copied.

A card that ends takes every session along that was begun with it, in every daemon.
"""

import hashlib
import secrets
import unicodedata
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from cngstation.drivers.card_reader import KeyRefused
from cngstation.drivers.staff_card import StaffCardKind, StaffReading
from cngstation.errors import Refusal
from cngstation.protocols.card_image.staff import TOKEN_BYTES, Holder, NameTooLong
from cngstation.services import operator_guards as guards
from cngstation.services.approve import reason_of
from cngstation.services.card_keys import require_keys
from cngstation.services.card_on_reader import NoCardOnReader
from cngstation.storage import audit, findings, operators, staff_cards
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.sqlite import Connection
from cngstation.storage.staff_cards import (
    ACTIVE,
    BLOCKED,
    ISSUING,
    LOST,
    WITHDRAWN,
    StaffCardRow,
)

COPIED = "staff_card_copied"


class NotForStaff(Refusal):
    """The card on the reader cannot become a staff card."""

    code = "refusal.not_for_staff"
    text = (
        "The card on the reader is neither a new card nor a staff card of this "
        "station. Nothing was written. Take a new card."
    )


class StaffCardInUse(Refusal):
    """The chip is somebody's staff card."""

    code = "refusal.staff_card_in_use"
    text = (
        "The card on the reader is staff card {card_no} of {holder}. Nothing was "
        "written. Withdraw it first, or take a new card."
    )


class HasStaffCard(Refusal):
    """Nobody has two."""

    code = "refusal.has_staff_card"
    text = (
        "{holder} has staff card {card_no}. Nothing was written. Report it lost or "
        "withdraw it first."
    )


class NameNotForCard(Refusal):
    """A name does not fit on a card as it is."""

    code = "refusal.name_not_for_card"
    text = "The name {holder} cannot be written on a card. Nothing was written."


class NoSuchStaffCard(Refusal):
    """No staff card in use has the number."""

    code = "refusal.no_such_staff_card"
    text = "There is no staff card {card_no} in use. Nothing was changed."


class EndedWhileWritten(Refusal):
    """Somebody ended the card while it was made."""

    code = "refusal.staff_card_ended_while_written"
    text = (
        "Staff card {card_no} was written, but somebody had ended it meanwhile. It "
        "lets nobody in. Ask who ended it; issue it again if it is wanted."
    )


class StaffPort(Protocol):
    """What is asked of the staff card on a reader."""

    async def find(self) -> bytes | None: ...
    async def read_staff(self, uid: bytes) -> StaffReading | None: ...
    async def issue_staff(
        self, uid: bytes, holder: Holder, secret: bytes
    ) -> StaffReading: ...
    async def renew_staff(self, reading: StaffReading, secret: bytes) -> None: ...


class StaffReader(Protocol):
    """Who lends the reader for staff cards."""

    def borrow_for_staff(self) -> AbstractAsyncContextManager[StaffPort]: ...


class StaffCardDesk:
    """Keeps the staff cards."""

    def __init__(self, database: Database, reader: StaffReader) -> None:
        self._database = database
        self._reader = reader

    async def issue(self, operator_no: str, actor: Actor) -> StaffCardRow:
        """Make the card on the reader an operator's staff card.

        One that was cut off is issued again under its number.

        Raises:
            Refusal: a rule said no; nothing was written.
            DeviceError: issue it again, the sentence says whether it was written.
        """
        async with self._reader.borrow_for_staff() as port:
            uid = await port.find()
            if uid is None:
                raise NoCardOnReader
            secret = secrets.token_bytes(TOKEN_BYTES)
            begun = await self._database.write(
                lambda tx: _begin(tx, operator_no, uid, secret, actor)
            )
            holder = Holder(begun.card_no, begun.holder)
            try:
                found = await port.issue_staff(uid, holder, secret)
            except KeyRefused as refused:
                await self._database.write(lambda tx: _never(tx, begun, actor))
                raise NotForStaff from refused
            except NameTooLong as long:
                await self._database.write(lambda tx: _never(tx, begun, actor))
                raise NameNotForCard(holder=begun.holder) from long
            return await self._database.write(
                lambda tx: _finish(tx, begun, found, actor)
            )

    async def end(
        self, card_no: str, state: str, reason: str, actor: Actor
    ) -> StaffCardRow:
        """Report a card lost, or withdraw it; end the sessions begun with it.

        Raises:
            NoSuchStaffCard, ReasonMissing, BeyondOwnRights: nothing was changed.
        """
        assert state in {LOST, WITHDRAWN}, "a card ends in one of two ways"
        why = reason_of(reason)

        def unit(tx: Transaction) -> StaffCardRow:
            card = staff_cards.find(tx.connection, card_no)
            if card is None or card.state in {WITHDRAWN, state}:
                raise NoSuchStaffCard(card_no=card_no)
            _require_may_end(tx, actor, card.operator_no)
            end_card(tx, card, state, why, actor)
            for row in findings.open_findings(tx.connection, card_no):
                if row.kind == COPIED:
                    findings.close_finding(tx, row.seq, why, actor.operator_no)
            act = f"staff_card.{state}"
            told = {"reason": why, "before": card.state, "after": state}
            audit.record(tx, actor, act, card_no, **told)
            ended = staff_cards.find(tx.connection, card_no)
            assert ended is not None, "rows stay"
            return ended

        return await self._database.write(unit)

    async def every(self, actor: Actor) -> list[StaffCardRow]:
        """Return the cards of all whom somebody may see, newest first."""

        def question(connection: Connection) -> list[StaffCardRow]:
            seen = guards.people_seen(connection, actor)
            found = staff_cards.every(connection)
            return [card for card in found if card.operator_no in seen]

        return await self._database.read(question)


def _require_may_end(tx: Transaction, actor: Actor, operator_no: str) -> None:
    """Let whoever may change an operator end the card; of the retired, whoever."""
    operator = operators.find(tx.connection, operator_no)
    if operator is None or operator.state == "retired":
        guards.acting(tx.connection, actor)
    else:
        guards.may_change(tx, actor, operator_no)


def end_card(
    tx: Transaction, card: StaffCardRow, state: str, reason: str, actor: Actor
) -> None:
    """Take a card out of use, and end every session that was begun with it."""
    staff_cards.change(tx, card.card_no, reason=reason, actor=actor, state=state)
    staff_cards.end_sessions(tx, card.card_no)


def hash_of(secret: bytes) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(secret).hexdigest()


def name_on_card(full_name: str) -> str:
    """Return a name in the one form in which it is written and compared."""
    return unicodedata.normalize("NFC", full_name)


def _begin(
    tx: Transaction, operator_no: str, uid: bytes, secret: bytes, actor: Actor
) -> StaffCardRow:
    require_keys(tx.connection)
    operator = guards.may_change(tx, actor, operator_no)
    if has := staff_cards.of_operator(tx.connection, operator_no):
        raise HasStaffCard(card_no=has.card_no, holder=has.holder)
    chip = uid.hex().upper()
    known = staff_cards.in_use_on(tx.connection, chip)
    holder = name_on_card(operator.full_name)
    if known is not None and known.state != ISSUING:
        raise StaffCardInUse(card_no=known.card_no, holder=known.holder)
    if known is not None and (known.operator_no, known.holder) == (operator_no, holder):
        staff_cards.change(
            tx, known.card_no, reason="issued again", actor=actor,
            token_hash=hash_of(secret),
        )  # fmt: skip
        return known
    if known is not None:
        _never(tx, known, actor)
    card = StaffCardRow(
        card_no=staff_cards.next_card_no(tx.connection),
        operator_no=operator_no,
        holder=holder,
        uid=chip,
        kind="",
        state=ISSUING,
        token_hash=hash_of(secret),
        pending_hash="",
        issued_at_ms=tx.now.wall_ms,
    )
    staff_cards.add(tx, card, actor=actor)
    return card


def _never(tx: Transaction, card: StaffCardRow, actor: Actor) -> None:
    why = "never issued"
    staff_cards.change(tx, card.card_no, reason=why, actor=actor, state=WITHDRAWN)


def _finish(
    tx: Transaction, begun: StaffCardRow, found: StaffReading, actor: Actor
) -> StaffCardRow:
    now = staff_cards.find(tx.connection, begun.card_no)
    if now is None or now.state != ISSUING:
        raise EndedWhileWritten(card_no=begun.card_no)
    values = {"state": ACTIVE, "kind": str(found.kind)}
    if found.kind is StaffCardKind.BY_KEY:
        values["token_hash"] = ""
    staff_cards.change(tx, begun.card_no, reason="issued", actor=actor, **values)
    audit.record(
        tx,
        actor,
        "staff_card.issue",
        begun.card_no,
        after=f"operator {begun.operator_no}",
    )
    card = staff_cards.find(tx.connection, begun.card_no)
    assert card is not None, "rows stay"
    return card


def block_copied(tx: Transaction, card: StaffCardRow, actor: Actor) -> None:
    """Block a card of which an older copy was shown: one of the two is no original."""
    end_card(tx, card, BLOCKED, "an older copy was shown", actor)
    facts = {"operator": card.operator_no, "name": card.holder}
    findings.open_once(tx, COPIED, card.card_no, facts)
    audit.record(tx, actor, "staff_card.blocked", card.card_no, before=card.state)

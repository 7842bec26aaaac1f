"""Reads a staff card and tells whether it is the one of whoever shows it.

A card that proves itself by a token gets the next one each time: a copy shows itself.
"""

import secrets

from cngstation.drivers.staff_card import StaffCardKind, StaffReading
from cngstation.errors import Refusal
from cngstation.protocols.card_image.staff import TOKEN_BYTES
from cngstation.services.approve import SamePerson
from cngstation.services.keep_staff_cards import (
    StaffPort,
    block_copied,
    hash_of,
    name_on_card,
)
from cngstation.storage import staff_cards
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.operators import Operator
from cngstation.storage.sqlite import Connection
from cngstation.storage.staff_cards import StaffCardRow


class StaffCardMissing(Refusal):
    """The login takes a card and none is on the reader."""

    code = "refusal.staff_card_missing"
    text = (
        "There is no card on the reader. Nothing was done. Lay your own staff card on "
        "it, then read it."
    )


class NotStaffCard(Refusal):
    """What lies on the reader is no staff card of this station."""

    code = "refusal.not_staff_card"
    text = (
        "The card on the reader is no staff card of this station, or it is damaged. "
        "Nothing was done. Lay your own staff card on it."
    )


class StaffCardOfOther(Refusal):
    """The card is not of whoever logs in."""

    code = "refusal.staff_card_of_other"
    text = (
        "The holder of the staff card is not the operator whose name and password were "
        "given. Nothing was done. Lay your own staff card on the reader."
    )


class StaffCardCopied(Refusal):
    """An older copy of a card was shown."""

    code = "refusal.staff_card_copied"
    text = (
        "Staff card {card_no} was copied: this is an older state of it. The card and "
        "its copies are blocked, and its sessions have ended. Nothing was done. "
        "Keep the card and call the administrator."
    )


class StaffCardCheck:
    """Reads staff cards for logins and for second persons."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def shown(
        self, port: StaffPort, operator: Operator, actor: Actor, first_no: str = ""
    ) -> str:
        """Return the number of the card on the reader, if it is that operator's.

        `first_no` is the first person of an act of two, whose card it must not be.

        Raises:
            Refusal: it is not, or may not be used; a copied one is blocked.
            DeviceError: the reader or the card failed.
        """
        uid = await port.find()
        if uid is None:
            raise StaffCardMissing
        reading = await port.read_staff(uid)
        if reading is None or reading.holder is None:
            raise NotStaffCard
        card_no = reading.holder.card_no
        card = await self._database.read(lambda c: staff_cards.find(c, card_no))
        if card is None or (card.uid, card.kind) != (uid.hex().upper(), reading.kind):
            raise NotStaffCard
        if card.operator_no == first_no:
            raise SamePerson
        names = {name_on_card(operator.full_name), name_on_card(reading.holder.name)}
        if card.operator_no != operator.operator_no or len(names) > 1:
            raise StaffCardOfOther
        await self._database.read(lambda c: _require_good(c, card_no))
        if reading.kind is StaffCardKind.BY_TOKEN:
            await self._renewed(port, reading, card_no, actor)
        return card_no

    async def _renewed(
        self, port: StaffPort, reading: StaffReading, card_no: str, actor: Actor
    ) -> None:
        """Check the token and give the card the next one; both count in between.

        Whatever tears it, one of the two is on the card and both are known here.
        """
        if reading.token is None:
            raise NotStaffCard
        shown, secret = hash_of(reading.token.secret), secrets.token_bytes(TOKEN_BYTES)

        def begin(tx: Transaction) -> Refusal | None:
            card = _require_good(tx.connection, card_no)
            if shown not in {card.token_hash, card.pending_hash}:
                block_copied(tx, card, actor)
                return StaffCardCopied(card_no=card_no)
            staff_cards.change(
                tx, card_no, reason="a new token is sent to it", actor=actor,
                token_hash=shown, pending_hash=hash_of(secret),
            )  # fmt: skip
            return None

        if refused := await self._database.write(begin):
            raise refused
        await port.renew_staff(reading, secret)

        def confirm(tx: Transaction) -> None:
            staff_cards.change(
                tx, card_no, reason="the card has it", actor=actor,
                token_hash=hash_of(secret), pending_hash="",
            )  # fmt: skip

        await self._database.write(confirm)


def _require_good(connection: Connection, card_no: str) -> StaffCardRow:
    """Return a card that may be logged in with.

    Raises:
        NotStaffCard, StaffCardEnded: it may not.
    """
    card = staff_cards.find(connection, card_no)
    if card is None:
        raise NotStaffCard
    if refused := staff_cards.out_of_use(connection, card_no):
        raise refused
    return card

"""The second step of a login (IC 卡双重验证登录): the operator's own staff card.

The card is read where the reader is: neither its key nor its token ever leaves that
daemon, and another daemon begins no session that takes a card. Without reader or card
an administrator lets the operator in for one login, by name, password and reason.
"""

import secrets
from collections.abc import Callable

from cngstation.domain.rights import ADMINISTRATOR
from cngstation.drivers.staff_card import StaffCardKind, StaffReading
from cngstation.errors import Refusal
from cngstation.protocols.card_image.staff import TOKEN_BYTES
from cngstation.rpc.session import Login, Release
from cngstation.services.approve import SamePerson, reason_of
from cngstation.services.check_rights import require_right
from cngstation.services.keep_staff_cards import (
    StaffPort,
    StaffReader,
    block_copied,
    hash_of,
    name_on_card,
)
from cngstation.services.log_in import Gate, confirm
from cngstation.services.station_rules import StaffCardRules
from cngstation.storage import audit, roles, staff_cards
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.operators import Operator
from cngstation.storage.sqlite import Connection
from cngstation.storage.staff_cards import StaffCardRow

RIGHT = "operator.write"


class StaffCardMissing(Refusal):
    """The login takes a card and none is on the reader."""

    code = "refusal.staff_card_missing"
    text = "Put your staff card on the reader, then read it. You are not logged in."


class NotStaffCard(Refusal):
    """What lies on the reader is no staff card of this station."""

    code = "refusal.not_staff_card"
    text = (
        "The card on the reader is no staff card of this station, or it is damaged. "
        "You are not logged in. Lay your own staff card on it."
    )


class StaffCardOfOther(Refusal):
    """The card is not of whoever logs in."""

    code = "refusal.staff_card_of_other"
    text = (
        "The holder of the staff card is not the operator who logs in. You are not "
        "logged in. Lay your own staff card on the reader."
    )


class StaffCardCopied(Refusal):
    """An older copy of a card was shown."""

    code = "refusal.staff_card_copied"
    text = (
        "Staff card {card_no} was copied: this is an older state of it. The card and "
        "its copies are blocked, and its sessions have ended. You are not logged in. "
        "Keep the card and call the administrator."
    )


class CardReaderElsewhere(Refusal):
    """This part of the station has no reader."""

    code = "refusal.card_reader_elsewhere"
    text = (
        "This login takes a staff card, and the reader is at the counter. You are not "
        "logged in. Log in at the counter."
    )


class SecondStep:
    """Asks for the card of whoever needs one; `reader` is None where there is none."""

    def __init__(
        self,
        database: Database,
        gate: Gate,
        rules: StaffCardRules,
        reader: Callable[[], StaffReader] | None = None,
    ) -> None:
        self._database = database
        self._gate = gate
        self._rules = rules
        self._reader = reader

    async def passed(
        self, operator: Operator, terminal: str, credentials: Login
    ) -> str:
        """Return the number of the card that was shown, "" where none is needed.

        Raises:
            Refusal: there is no such card; nobody is logged in.
            DeviceError: the reader or the card failed; nobody is logged in.
        """
        if not await self._database.read(lambda c: self._is_needed(c, operator)):
            return ""
        if (release := credentials.release) is not None:
            await self._released(operator, terminal, release)
            return ""
        if self._reader is None:
            raise CardReaderElsewhere
        actor = Actor(operator.operator_no, terminal)
        async with self._reader().borrow_for_staff() as port:
            return await self._shown(port, operator, actor)

    def _is_needed(self, connection: Connection, operator: Operator) -> bool:
        rules = self._rules
        if rules.needed_by == "all" or operator.operator_no in rules.also:
            return True
        if rules.needed_by == "off":
            return False
        held = roles.rights_of(connection, operator.role)
        return operator.role == ADMINISTRATOR or RIGHT in held

    async def _released(
        self, operator: Operator, terminal: str, release: Release
    ) -> None:
        why = reason_of(release.reason)
        second = await self._gate.identify(
            release.login_name, release.password, terminal
        )
        if second.operator_no == operator.operator_no:
            raise SamePerson

        def unit(tx: Transaction) -> None:
            now = confirm(tx, second)
            require_right(tx.connection, now, RIGHT)
            actor = Actor(now.operator_no, terminal)
            audit.record(tx, actor, "session.release", operator.operator_no, reason=why)

        await self._database.write(unit)

    async def _shown(self, port: StaffPort, operator: Operator, actor: Actor) -> str:
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

"""The second step of a login (IC 卡双重验证登录): the operator's own staff card.

The card is read where the reader is: neither its key nor its token ever leaves that
daemon, and another daemon begins no session that takes a card. Without reader or card
an administrator lets the operator in for one login, by name, password and reason.
"""

from collections.abc import Callable

from cngstation.domain.rights import ADMINISTRATOR
from cngstation.errors import Refusal
from cngstation.rpc.session import Login, Release
from cngstation.services.approve import SamePerson, reason_of
from cngstation.services.check_rights import require_right
from cngstation.services.keep_staff_cards import StaffReader
from cngstation.services.log_in import Gate, confirm
from cngstation.services.read_staff_card import StaffCardCheck
from cngstation.services.second_check import BY_PASSWORD, Behind, Proof
from cngstation.services.station_rules import StaffCardRules
from cngstation.storage import audit, roles, second_cards
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.operators import Operator
from cngstation.storage.second_cards import ASKED, SHOWN, AskedCard
from cngstation.storage.sqlite import Connection

RIGHT = "operator.write"
# Enough to lay one card down, and the customer's back on the reader.
GOOD_FOR_MS = 3 * 60_000


class CardReaderElsewhere(Refusal):
    """This part of the station has no reader."""

    code = "refusal.card_reader_elsewhere"
    text = (
        "This login takes a staff card, and the reader is at the counter. You are not "
        "logged in. Log in at the counter."
    )


class SecondCardMissing(Refusal):
    """The second person has to show the own staff card first."""

    code = "refusal.second_card_missing"
    text = (
        "{second} has to show the own staff card for this. Nothing was done and no "
        "money moved. Lay it on the reader at the counter and read it there."
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
        if not await self.is_needed(operator):
            return ""
        if (release := credentials.release) is not None:
            await self._released(operator, terminal, release)
            return ""
        if self._reader is None:
            raise CardReaderElsewhere
        actor = Actor(operator.operator_no, terminal)
        async with self._reader().borrow_for_staff() as port:
            return await StaffCardCheck(self._database).shown(port, operator, actor)

    async def behind(self, given: Behind) -> Proof:
        """Return by what a second person is known; whoever needs a card shows it.

        It was read for this act and subject, for this first person at this terminal,
        a short while ago; otherwise it is asked for, and read by `SecondCards`.

        Raises:
            SecondCardMissing: it has to be read first.
        """
        second, first = given.operator, given.first
        wanted = (given.act, given.subject, second.operator_no)
        if not given.by_card and not await self.is_needed(second):
            return BY_PASSWORD

        def unit(tx: Transaction) -> Proof | None:
            asked = second_cards.standing(
                tx.connection, first.operator_no, first.terminal, tx.now
            )
            fits = asked and (asked.act, asked.subject, asked.second_no) == wanted
            if asked and fits and asked.state == SHOWN:
                return Proof(asked.staff_card_no, asked.asked_no)
            second_cards.ask(
                tx,
                AskedCard(
                    0, *wanted[:2], first.operator_no, second.operator_no,
                    first.terminal, ASKED, "", tx.now.boot_id,
                    tx.now.mono_ms + GOOD_FOR_MS,
                ),
                actor=first,
            )  # fmt: skip
            return None

        if (proof := await self._database.write(unit)) is None:
            raise SecondCardMissing(second=second.full_name)
        return proof

    async def is_needed(self, operator: Operator) -> bool:
        """Tell whether somebody's password alone opens nothing."""
        return await self._database.read(lambda c: self._is_needed(c, operator))

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

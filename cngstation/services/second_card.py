"""Reads the staff card of a second person, for the act that was asked about last."""

from typing import Protocol

from cngstation.errors import Refusal
from cngstation.moments import Clock
from cngstation.services.count_refusals import RefusalLog, Refused
from cngstation.services.keep_staff_cards import StaffReader
from cngstation.services.read_staff_card import StaffCardCheck
from cngstation.storage import audit, operators, second_cards, staff_cards
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.operators import Operator
from cngstation.storage.second_cards import SHOWN, AskedCard
from cngstation.storage.sqlite import Connection
from cngstation.storage.staff_cards import StaffCardRow

ACT = "approval.card"


class NoCardAsked(Refusal):
    """Nobody waits for a second person's card, or not any more."""

    code = "refusal.no_card_asked"
    text = (
        "No staff card of a second person is waited for here any more. Nothing was "
        "done and no money moved. Begin the act again."
    )


class Counts(Protocol):
    """Who writes refusals down."""

    @property
    def refusals(self) -> RefusalLog: ...


class SecondCards:
    """Reads second persons' staff cards where the reader is."""

    def __init__(
        self, database: Database, reader: StaffReader, gate: Counts, clock: Clock
    ) -> None:
        self._database = database
        self._clock = clock
        self._reader = reader
        self._gate = gate

    async def read(self, first: Actor) -> StaffCardRow:
        """Read the card of whoever is to stand behind what a first person began.

        Raises:
            NoCardAsked: nobody is, or it was too long ago.
            Refusal: it is not that person's card, or out of use; that is written down.
            DeviceError: the reader or the card failed.
        """
        asked, second = await self._asked(first)
        by = Actor(second.operator_no, first.terminal)
        try:
            async with self._reader.borrow_for_staff() as port:
                check = StaffCardCheck(self._database)
                card_no = await check.shown(port, second, by, first.operator_no)
            return await self._database.write(lambda tx: _keep(tx, asked, card_no, by))
        except Refusal as refused:
            await self._gate.refusals.note(Refused(by, ACT, refused.code))
            raise

    async def _asked(self, first: Actor) -> tuple[AskedCard, Operator]:
        def question(connection: Connection) -> tuple[AskedCard, Operator]:
            asked = second_cards.standing(
                connection, first.operator_no, first.terminal, self._clock.now()
            )
            if asked is None:
                raise NoCardAsked
            second = operators.find(connection, asked.second_no)
            assert second is not None, "rows stay"
            return asked, second

        return await self._database.read(question)


def _keep(tx: Transaction, asked: AskedCard, card_no: str, by: Actor) -> StaffCardRow:
    now = second_cards.standing(tx.connection, asked.first_no, asked.terminal, tx.now)
    if now is None or now.asked_no != asked.asked_no:
        raise NoCardAsked
    if ended := staff_cards.out_of_use(tx.connection, card_no):
        raise ended
    shown = {"state": SHOWN, "staff_card_no": card_no}
    second_cards.change(tx, asked.asked_no, actor=by, **shown)
    audit.record(
        tx, by, ACT, card_no, reason=asked.act, before=asked.first_no,
        after=asked.subject,
    )  # fmt: skip
    card = staff_cards.find(tx.connection, card_no)
    assert card is not None, "rows stay"
    return card

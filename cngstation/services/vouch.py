"""Vouches for an operator: somebody says that this is another person.

At the screen by an operator who is of another hand (see `one_hand`), with the right and
the own password; at the machine by whoever has it as root, before the person, who types
the own password. Who has been given a password anew since is vouched for anew.
"""

from pydantic import SecretStr

from cngstation.domain.two_people import VOUCH
from cngstation.errors import Refusal
from cngstation.services.approve import Gatekeeper, SecondPersonNew, reason_of
from cngstation.services.check_rights import require_right
from cngstation.services.log_in import confirm
from cngstation.services.one_hand import hand_of, hands_of
from cngstation.services.operator_guards import (
    OwnRole,
    UnknownOperator,
    acting,
    require_outlet,
)
from cngstation.services.own_password import once_more, person_at
from cngstation.storage import audit, operators
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.operators import Operator

RIGHT = "operator.vouch"


class NothingToVouch(Refusal):
    """The operator is nobody's hand."""

    code = "refusal.nothing_to_vouch"
    text = (
        "Operator {operator_no} is of nobody else's hand: nobody has to vouch. Nothing "
        "was changed."
    )


class OfTheSameHand(Refusal):
    """Who vouches may be the same person as who gave the password."""

    code = "refusal.of_the_same_hand"
    text = (
        "You and operator {operator_no} both have passwords that operator {hand} gave, "
        "or you gave it: you may be one person. Nothing was changed. Let somebody for "
        "whom another has vouched do this, or the owner of the machine as root: "
        "cngstation vouch."
    )


class Vouching:
    """Takes people's word for each other."""

    def __init__(self, gate: Gatekeeper) -> None:
        self._gate = gate

    async def vouch(
        self, operator_no: str, own: SecretStr | None, reason: str, actor: Actor
    ) -> Operator:
        """Write down that an operator is another person; return the operator.

        Raises:
            Refusal: why not; nothing was changed.
        """
        why = reason_of(reason)
        person = await person_at(self._gate, actor, RIGHT)
        if actor.operator_no == operator_no:
            raise OwnRole
        checked = await once_more(self._gate, person, own, actor)

        def unit(tx: Transaction) -> Operator:
            me = confirm(tx, checked)
            require_right(tx.connection, me, RIGHT)
            whom = _at_work(tx, operator_no)
            require_outlet(*acting(tx.connection, actor), whom.outlet_no)
            hand = _hand_of(tx, whom)
            now, mine = tx.now, me.operator_no
            of = hands_of(tx.connection, now, operator_no)
            if of & hands_of(tx.connection, now, mine):
                raise OfTheSameHand(operator_no=operator_no, hand=hand)
            audit.record(tx, actor, VOUCH, operator_no, reason=why, before=hand)
            return whom

        return await self._gate.database.write(unit)


async def vouch_at_machine(
    database: Database, checked: Operator, reason: str, terminal: str
) -> None:
    """Write down the word of whoever is root, of a person who typed the password.

    Raises:
        Refusal: why not; nothing was changed.
    """
    why = reason_of(reason)

    def unit(tx: Transaction) -> None:
        whom = confirm(tx, checked)
        hand = _hand_of(tx, whom)
        told = {"reason": why, "before": hand}
        audit.record(tx, Actor("", terminal), VOUCH, whom.operator_no, **told)

    await database.write(unit)


def _at_work(tx: Transaction, operator_no: str) -> Operator:
    whom = operators.find(tx.connection, operator_no)
    if whom is None or whom.state != "active":
        raise UnknownOperator(operator_no=operator_no)
    if whom.must_change:
        raise SecondPersonNew(operator=operator_no)
    return whom


def _hand_of(tx: Transaction, whom: Operator) -> str:
    hand = hand_of(tx.connection, tx.now, whom.operator_no)
    if hand == whom.operator_no:
        raise NothingToVouch(operator_no=whom.operator_no)
    return hand

"""Two people for a dangerous act: the second gives a password at the same terminal.

The second person is another operator who has the right of the act, and is named in the
audit beside the first, with the reason. Passwords are checked and wrong ones counted
as at a login; whose login takes a staff card shows it here too. What was checked is
asked once more in the transaction of the act, and is good for that act on that subject
by that first person only. A slip to sign is printed for each.
"""

from dataclasses import dataclass, replace
from typing import Protocol

from pydantic import SecretStr

from cngstation.domain.numbers import without_personal
from cngstation.domain.two_people import ACTS, ONE_HAND
from cngstation.errors import Refusal
from cngstation.hygiene import clean
from cngstation.services import two_people_slip
from cngstation.services.check_rights import RightMissing, require_right
from cngstation.services.count_refusals import RefusalLog
from cngstation.services.log_in import ACTIVE, OperatorRetired, confirm
from cngstation.services.one_hand import hand_of_both
from cngstation.services.second_check import BY_PASSWORD, Behind, Proof, SecondCheck
from cngstation.services.two_people_slip import Deed
from cngstation.storage import audit, operators, second_cards, staff_cards
from cngstation.storage.approvals import SUFFIX
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.operators import Operator

SHORTEST_REASON = 2
LONGEST_REASON = 200


class ReasonMissing(Refusal):
    """Why the act is done has to be written down."""

    code = "refusal.reason_missing"
    text = "This is only done with a reason. Nothing was done. Write down why."


class SecondPersonMissing(Refusal):
    """The act takes two people."""

    code = "refusal.second_person_missing"
    text = (
        "This takes two people. Nothing was done and no money moved. Let a second "
        "operator with this right give name and password."
    )


class SamePerson(Refusal):
    """The second person is the first."""

    code = "refusal.same_person"
    text = (
        "The second person must be another operator than the first. Nothing was done "
        "and no money moved."
    )


class SecondPersonNew(Refusal):
    """The second person's password is still one that somebody else gave."""

    code = "refusal.second_person_new"
    text = (
        "Operator {operator} still has the first password, which another person knows. "
        "Nothing was done and no money moved. Let {operator} log in and change it."
    )


class ApprovedOtherwise(Refusal):
    """What was approved is another act, or another person's."""

    code = "refusal.approved_otherwise"
    text = (
        "The second person approved something else. Nothing was done and no money "
        "moved. Begin the act again."
    )


@dataclass(frozen=True, slots=True)
class Approval:
    """Name and password of the second person, as given; `by_card` wants a card too."""

    login_name: str
    password: SecretStr
    by_card: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be approved: an act of the table, and whom or what it is about."""

    act: str
    subject: str

    @property
    def right(self) -> str:
        """The right that both people must have."""
        return ACTS[self.act].right


@dataclass(frozen=True, slots=True)
class Paper:
    """How the slip is booked and printed."""

    cut_off_minute: int = 0
    prints_wanted: int = 0


@dataclass(frozen=True, slots=True)
class Approved:
    """Who approved what, for whom and why; good for one transaction, by `record`."""

    operator: Operator
    wish: Wish
    first_no: str
    reason: str
    paper: Paper
    proof: Proof = BY_PASSWORD

    @property
    def operator_no(self) -> str:
        """The number of the second person."""
        return self.operator.operator_no


class Gatekeeper(Protocol):
    """Who checks passwords, and what more there is; `Gate` fits."""

    @property
    def second(self) -> SecondCheck | None: ...
    @property
    def refusals(self) -> RefusalLog: ...
    async def identify(
        self, login_name: str, password: SecretStr, terminal: str
    ) -> Operator: ...
    async def require_right(self, operator: Operator, right: str) -> None: ...


class Approvals:
    """Finds out whether a second person stands behind an act."""

    def __init__(self, gate: Gatekeeper, paper: Paper | None = None) -> None:
        self._gate = gate
        self.paper = paper or Paper()

    async def approve(
        self, given: Approval | None, wish: Wish, actor: Actor, reason: str
    ) -> Approved:
        """Return who approves an act.

        Raises:
            ReasonMissing, SecondPersonMissing, SamePerson, RightMissing,
            SecondPersonNew: why nobody.
            LoginRefused, LoginMustWait: the password was wrong.
            SecondCardMissing: the second person's staff card has to be read first.
        """
        why = reason_of(reason)
        if given is None:
            raise SecondPersonMissing
        second = await self._gate.identify(
            given.login_name, given.password, actor.terminal
        )
        if second.operator_no == actor.operator_no:
            raise SamePerson
        if second.must_change:
            raise SecondPersonNew(operator=second.operator_no)
        await self._gate.require_right(second, wish.right)
        proof = await self._proof(Behind(
            second, given.password, wish.act, wish.subject, actor, given.by_card
        ))  # fmt: skip
        return Approved(second, wish, actor.operator_no, why, self.paper, proof)

    async def _proof(self, given: Behind) -> Proof:
        check = self._gate.second
        return BY_PASSWORD if check is None else await check.behind(given)


def reason_of(text: str) -> str:
    """Return a reason as it is kept, personal numbers in it masked.

    Raises:
        ReasonMissing: there is none.
    """
    why = without_personal(clean(text, limit=LONGEST_REASON).strip())
    if len(why) < SHORTEST_REASON:
        raise ReasonMissing
    return why


def still_approved(
    tx: Transaction, approved: Approved, wish: Wish, first: Actor
) -> tuple[Operator, Operator]:
    """Return first and second person; both must work here and have the right now.

    Raises:
        ApprovedOtherwise: something else was approved, or for somebody else.
        LoginMustWait, OperatorRetired, LoginRefused, RightMissing: not any more.
        OneHand: both may be one person, and there are others.
        StaffCardEnded: the card by which the second was known is out of use.
    """
    if (approved.wish, approved.first_no) != (wish, first.operator_no):
        raise ApprovedOtherwise
    second = confirm(tx, approved.operator)
    card_no = approved.proof.staff_card_no
    if ended := staff_cards.out_of_use(tx.connection, card_no):
        raise ended
    person = operators.find(tx.connection, first.operator_no)
    if person is None:
        raise RightMissing(right=wish.right)
    if person.state != ACTIVE:
        raise OperatorRetired(state=person.state)
    for somebody in (person, second):
        require_right(tx.connection, somebody, wish.right, person.outlet_no)
    hand_of_both(tx.connection, tx.now, person, second, wish.right)
    return person, second


def record(
    tx: Transaction,
    approved: Approved,
    wish: Wish,
    first: Actor,
    *,
    before: str = "",
    after: str = "",
) -> None:
    """Write the second person down, and make the slip that both sign.

    `before` and `after` are what the act changes, as people read it.

    Raises:
        Refusal: as `still_approved`.
    """
    people = still_approved(tx, approved, wish, first)
    if asked_no := approved.proof.asked_no:
        _use_up(tx, asked_no, approved, first)
    proof = approved.proof.text
    deed = Deed(wish.act, wish.subject, approved.reason, before, after, proof=proof)
    _write_down(tx, deed, people, first.terminal, approved.paper)


def _use_up(tx: Transaction, asked_no: int, approved: Approved, first: Actor) -> None:
    """A card that was laid down is good for one act.

    Raises:
        ApprovedOtherwise: it was used, or it was too long ago.
    """
    number, terminal = first.operator_no, first.terminal
    asked = second_cards.standing(tx.connection, number, terminal, tx.now)
    if asked is None or (asked.asked_no, asked.state) != (asked_no, second_cards.SHOWN):
        raise ApprovedOtherwise
    by = Actor(approved.operator_no, terminal)
    second_cards.change(tx, asked_no, actor=by, state=second_cards.USED)


def record_later(
    tx: Transaction,
    wish: Wish,
    first_no: str,
    second: Actor,
    *,
    reason: str,
    paper: Paper,
) -> None:
    """Write down who looked at an act of another afterwards, from an own session.

    Raises:
        SecondPersonMissing, OneHand: it is nobody else.
    """
    found = [operators.find(tx.connection, no) for no in (first_no, second.operator_no)]
    first, person = found
    if person is None or first is None:
        raise SecondPersonMissing
    deed = Deed(wish.act, wish.subject, reason, "", "")
    _write_down(tx, deed, (first, person), second.terminal, paper)


def _write_down(
    tx: Transaction,
    deed: Deed,
    people: tuple[Operator, Operator],
    terminal: str,
    paper: Paper,
) -> None:
    first, second = people
    right = ACTS[deed.act].right
    hand = hand_of_both(tx.connection, tx.now, first, second, right)
    if hand:
        both = f"{first.operator_no} + {second.operator_no}"
        by = Actor(second.operator_no, terminal)
        audit.record(tx, by, ONE_HAND, both, reason=deed.reason, after=hand)
    slip_no = two_people_slip.make(
        tx,
        replace(deed, hand=hand),
        people,
        terminal,
        cut_off_minute=paper.cut_off_minute,
        prints_wanted=paper.prints_wanted,
    )
    audit.record(
        tx,
        Actor(second.operator_no, terminal),
        f"{deed.act}{SUFFIX}",
        deed.subject,
        reason=deed.reason,
        before=first.operator_no,
        after=f"{slip_no} {deed.proof}".strip(),
    )

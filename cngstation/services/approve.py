"""Two people for a dangerous act: both give their passwords at the same terminal.

The first gives the own one again: a screen that is open shows nobody's presence. The
second person is another operator who has the right of the act, and is named in the
audit beside the first, with the reason. Passwords are checked and wrong ones counted
as at a login; whose login takes a staff card shows it here too. What was checked is
asked once more in the transaction of the act, and is good for that act on that subject
by that first person only. A slip to sign is printed for each; what is refused is
written down with both people, also where the act refuses itself behind them.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from pydantic import SecretStr

from cngstation.domain.numbers import without_personal
from cngstation.domain.two_people import ACTS, ONE_HAND
from cngstation.errors import Refusal
from cngstation.hygiene import clean
from cngstation.services import two_people_slip
from cngstation.services.check_rights import require_right
from cngstation.services.count_refusals import RefusalLog, Refused
from cngstation.services.log_in import confirm
from cngstation.services.one_hand import OneHand, hand_of_both
from cngstation.services.own_password import once_more, person_at
from cngstation.services.second_check import BY_PASSWORD, Behind, Proof, SecondCheck
from cngstation.services.two_people_slip import Deed
from cngstation.storage import audit, operators, second_cards, staff_cards
from cngstation.storage.approvals import SUFFIX
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.operators import Operator

SHORTEST_REASON = 2
LONGEST_REASON = 200
REFUSED, UNKNOWN, NOBODY = "approval.refused", "unknown name", "nobody"


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
    """Name and password of the second person, and the first's own password, as given.

    `by_card` wants the second's card too.
    """

    login_name: str
    password: SecretStr
    by_card: bool = False
    own_password: SecretStr | None = None


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
    """Who approved what, for whom and why; good for one transaction, by `record`.

    `first` is the first person as the password was checked; `outlet_no` is the till's.
    """

    operator: Operator
    wish: Wish
    first: Operator
    reason: str
    paper: Paper
    proof: Proof = BY_PASSWORD
    outlet_no: str = ""

    @property
    def first_no(self) -> str:
        """The number of the first person."""
        return self.first.operator_no

    @property
    def operator_no(self) -> str:
        """The number of the second person."""
        return self.operator.operator_no


class Gatekeeper(Protocol):
    """Who checks passwords, and what more there is; `Gate` fits."""

    @property
    def database(self) -> Database: ...
    @property
    def outlet_no(self) -> str: ...
    @property
    def second(self) -> SecondCheck | None: ...
    @property
    def refusals(self) -> RefusalLog: ...
    async def identify(
        self, login_name: str, password: SecretStr, terminal: str
    ) -> Operator: ...
    async def require_right(self, operator: Operator, right: str) -> None: ...


class Approvals:
    """Finds out whether two people stand behind an act.

    `first_is_asked`: a command, which took the first person's password just now.
    """

    def __init__(
        self,
        gate: Gatekeeper,
        paper: Paper | None = None,
        *,
        first_is_asked: bool = False,
    ) -> None:
        self._gate = gate
        self._first_is_asked = first_is_asked
        self.paper = paper or Paper()

    async def approve(
        self, given: Approval | None, wish: Wish, actor: Actor, reason: str
    ) -> Approved:
        """Return who approves an act.

        Raises:
            ReasonMissing, SecondPersonMissing, OwnPasswordMissing, SamePerson,
            RightMissing, SecondPersonNew, OneHand: why nobody.
            OwnPasswordWrong, LoginRefused, LoginMustWait: a password was wrong.
            SecondCardMissing: the second person's staff card has to be read first.
        """
        why = reason_of(reason)
        try:
            if given is None:
                raise SecondPersonMissing
            first, second = await self._both(given, wish, actor)
        except Refusal as refused:
            await self.note(refused, wish, actor, await self._tried(given))
            raise
        proof = await self._proof(Behind(
            second, given.password, wish.act, wish.subject, actor, given.by_card
        ))  # fmt: skip
        outlet_no = self._gate.outlet_no
        return Approved(second, wish, first, why, self.paper, proof, outlet_no)

    async def _both(
        self, given: Approval, wish: Wish, actor: Actor
    ) -> tuple[Operator, Operator]:
        first = await person_at(self._gate, actor, wish.right)
        if not self._first_is_asked:
            first = await once_more(self._gate, first, given.own_password, actor)
        second = await self._gate.identify(
            given.login_name, given.password, actor.terminal
        )
        if second.operator_no == actor.operator_no:
            raise SamePerson
        if second.must_change:
            raise SecondPersonNew(operator=second.operator_no)
        for person in (first, second):
            await self._gate.require_right(person, wish.right)
        both, till = (first, second), self._gate.outlet_no
        await self._gate.database.write(
            lambda tx: hand_of_both(tx.connection, tx.now, both, wish.right, till)
        )
        return both

    @asynccontextmanager
    async def noting(
        self, wish: Wish, actor: Actor, approved: Approved | None
    ) -> AsyncIterator[None]:
        """Write down what an act refuses behind its two people, or for want of them.

        Nobody approved what one person does; of that only what asks for two is noted.
        """
        try:
            yield
        except Refusal as refused:
            if approved is not None:
                await self.note(refused, wish, actor, approved.operator_no)
            elif isinstance(refused, (SecondPersonMissing, SamePerson, OneHand)):
                await self.note(refused, wish, actor)
            raise

    async def _tried(self, given: Approval | None) -> str:
        """Return whose name was given; a name that nobody has is not kept."""
        if given is None:
            return NOBODY
        name = clean(given.login_name, limit=40)
        found = await self._gate.database.read(
            lambda connection: operators.with_login_name(connection, name)
        )
        return found.operator_no if found else UNKNOWN

    async def note(
        self, refused: Refusal, wish: Wish, actor: Actor, tried: str = NOBODY
    ) -> None:
        """Write down who tried what with whom."""
        told = f"{wish.act}: {tried}, {refused.code}"
        await self._gate.refusals.note(Refused(actor, REFUSED, told))

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
    person = confirm(tx, approved.first)
    both, till = (person, second), approved.outlet_no
    for somebody in both:
        require_right(tx.connection, somebody, wish.right, till or person.outlet_no)
    hand_of_both(tx.connection, tx.now, both, wish.right, till)
    return both


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
    at = (first.terminal, approved.outlet_no)
    _write_down(tx, deed, people, at, approved.paper)


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
    _write_down(tx, deed, (first, person), (second.terminal, ""), paper)


def _write_down(
    tx: Transaction,
    deed: Deed,
    people: tuple[Operator, Operator],
    at: tuple[str, str],
    paper: Paper,
) -> None:
    (first, second), (terminal, outlet_no) = people, at
    right = ACTS[deed.act].right
    hand = hand_of_both(tx.connection, tx.now, people, right, outlet_no)
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

"""The daily digest (日报摘要): what a manager and head office should look at each day.

Every act of two people, money that was wrong, what was overridden, closed by words,
shown of persons, taken out, and who was refused. A row of the audit is in one section.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from cngstation.domain.act_names import APPROVED
from cngstation.domain.two_people import ONE_HAND, UNVOUCHED, often_together
from cngstation.language import mark


class Section(StrEnum):
    """What a row is about, in the order in which they are shown."""

    TWO_PEOPLE = "two_people"
    ONE_HAND = "one_hand"
    UNVOUCHED = "unvouched"
    OFTEN_TOGETHER = "often_together"
    WRONG_MONEY = "wrong_money"
    OVERRIDDEN = "overridden"
    STATION = "station"
    EXPLAINED = "explained"
    REVEALED = "revealed"
    EXPORTED = "exported"
    PEOPLE = "people"
    LOCKED_OUT = "locked_out"
    LOGIN_REFUSED = "login_refused"
    REFUSED = "refused"


TITLES: Mapping[Section, str] = {
    Section.TWO_PEOPLE: mark("Acts of two people"),
    Section.ONE_HAND: mark("Acts of two people, both passwords in one hand"),
    Section.UNVOUCHED: mark("Operators for whom nobody has vouched"),
    Section.OFTEN_TOGETHER: mark("The same two people again and again"),
    Section.WRONG_MONEY: mark("Money taken back, acts given up"),
    Section.OVERRIDDEN: mark("Rules overridden"),
    Section.STATION: mark("The station and its parameters changed"),
    Section.EXPLAINED: mark("Rows closed by words"),
    Section.REVEALED: mark("Personal numbers shown"),
    Section.EXPORTED: mark("Books taken out"),
    Section.PEOPLE: mark("Operators and roles changed"),
    Section.LOCKED_OUT: mark("Locked out"),
    Section.LOGIN_REFUSED: mark("Log-ins refused"),
    Section.REFUSED: mark("Other calls refused"),
}
GIVEN_UP = "act.void"
_OVERRIDDEN = frozenset(
    {
        "shift.force",
        "till.pay_out",
        "nozzle.unlock",
        "session.release",
        "fill.list",
        "fill.mark",
        "price.override",
        "price.cancel_late",
        "opening.accept",
        "card.unblacklist",
        "enrolment.alone",
        "lists.number",
        "lists.file",
    }
)
_WRONG_MONEY = frozenset(
    {"card.reverse_top_up", "card.settle_grey_by_hand", "card.replace"}
)
_OF_STATION = frozenset(
    {
        "card_key.changed",
        "card_key.confirm",
        "card_key.first",
        "card_key.left",
        "company.terms",
        "config.set",
        "discount.add",
        "discount.end",
        "enrolment.accept",
        "enrolment.edition",
        "enrolment.key",
        "enrolment.request",
        "enrolment.trust",
        "limit.set",
        "parameter.set",
        "price.cancel",
        "price.plan",
        "register.import",
        "station.found",
        "station.initialise",
    }
)
_OF_PEOPLE = ("operator.", "role.", "outlet.", "staff_card.", "vendor.")
_WORKING = frozenset({"operator.change_password"})
_LOGINS = frozenset({"session.login", "session.unlock"})
REFUSED, CARRIED = "refused", "carried"
# A digest stays small whatever somebody tries at the login.
MOST_NAMES = 100


@dataclass(frozen=True, slots=True)
class Happened:
    """A row of the audit, or an act that was given up, as a digest looks at it."""

    seq: int
    at_ms: int
    act: str
    subject: str
    outcome: str
    operator_no: str
    terminal: str
    reason: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class DigestRow:
    """A line of a digest; `times` counts equal refusals, that only."""

    section: Section
    seq: int
    at_ms: int
    act: str
    subject: str
    first_no: str
    second_no: str
    terminal: str
    reason: str
    before: str
    after: str
    times: int = 1


def section_of(row: Happened) -> Section | None:
    """Return the section that a row belongs to; None for everyday work.

    What new books took over stood in a digest of the old ones.
    """
    if row.outcome == CARRIED:
        return None
    if row.act.endswith(APPROVED):
        return Section.TWO_PEOPLE
    if row.act == ONE_HAND:
        return Section.ONE_HAND
    if row.act == UNVOUCHED:
        return Section.UNVOUCHED
    if row.act in _WRONG_MONEY or row.act.startswith(f"{GIVEN_UP}."):
        return Section.WRONG_MONEY
    if row.act in _LOGINS:
        return Section.LOGIN_REFUSED if row.outcome == REFUSED else None
    if row.outcome == REFUSED and not row.act.startswith("personal."):
        return Section.REFUSED
    if row.act in _OVERRIDDEN or (row.act == "vehicle.register" and row.reason):
        return Section.OVERRIDDEN
    if row.act in _OF_STATION:
        return Section.STATION
    if row.act == "row.explain":
        return Section.EXPLAINED
    if row.act.startswith("personal."):
        return Section.REVEALED
    if row.act.startswith("audit."):
        return Section.EXPORTED
    people = row.act.startswith(_OF_PEOPLE)
    return Section.PEOPLE if people and row.act not in _WORKING else None


def digest_rows(
    happened: Iterable[Happened], *, wrong_tries: int
) -> tuple[DigestRow, ...]:
    """Return the rows of a digest, section by section, oldest first.

    Refused log-ins are one row for each name, other refused calls one for each act of
    an operator; a name that was refused `wrong_tries` times without a log-in between
    was locked out.
    """
    found: list[DigestRow] = []
    refused: dict[tuple[Section, str, str], DigestRow] = {}
    in_a_row: Counter[str] = Counter()
    for row in happened:
        section = section_of(row)
        if row.act in _LOGINS:
            in_a_row[row.subject] = in_a_row[row.subject] + 1 if section else 0
            if in_a_row[row.subject] == wrong_tries:
                found.append(_row(Section.LOCKED_OUT, row))
        if section in {Section.LOGIN_REFUSED, Section.REFUSED}:
            _count(refused, section, row)
        elif section is not None:
            found.append(_row(section, row))
    order = list(Section)
    found += [*refused.values(), *_often(found)]
    return tuple(sorted(found, key=lambda row: (order.index(row.section), row.seq)))


def _often(rows: Iterable[DigestRow]) -> Iterator[DigestRow]:
    """Name each pair that did many acts, at the last of them."""
    of_two = [row for row in rows if row.section is Section.TWO_PEOPLE]
    for pair in often_together(of_two):
        people = (pair.first_no, pair.second_no)
        last = [row for row in of_two if (row.first_no, row.second_no) == people][-1]
        empty = replace(last, subject="", reason="", times=pair.count)
        yield replace(empty, section=Section.OFTEN_TOGETHER)


def _count(
    refused: dict[tuple[Section, str, str], DigestRow], section: Section, row: Happened
) -> None:
    """Count a refusal with its like; beyond so many kinds all are of one kind."""
    is_login = section is Section.LOGIN_REFUSED
    key = (
        (section, "", row.subject) if is_login else (section, row.act, row.operator_no)
    )
    if key not in refused and len(refused) >= MOST_NAMES:
        key, row = (section, "", ""), replace(row, subject="", operator_no="")
    # A row that stands for several tells how many.
    times = int(row.after) if row.after.isdecimal() else 1
    times += refused[key].times if key in refused else 0
    refused[key] = replace(_row(section, row), times=times)


def _row(section: Section, row: Happened) -> DigestRow:
    approved = section is Section.TWO_PEOPLE
    return DigestRow(
        section=section,
        seq=row.seq,
        at_ms=row.at_ms,
        act=row.act,
        subject=row.subject,
        first_no=row.before if approved else row.operator_no,
        second_no=row.operator_no if approved else "",
        terminal=row.terminal,
        reason=row.reason,
        before="" if approved else row.before,
        after="" if approved else row.after,
    )


def sums_of(rows: Iterable[DigestRow]) -> dict[Section, int]:
    """Count the rows of each section; refusals by how often."""
    counts = dict.fromkeys(Section, 0)
    for row in rows:
        counts[row.section] += row.times
    return counts

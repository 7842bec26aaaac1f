"""The slip of an act that two people did: what, why, both names, two lines to sign.

It is booked as an entry without postings, for every slip belongs to an entry.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cngstation.domain.ledger import Entry
from cngstation.domain.two_people import ACTS
from cngstation.language import _, mark
from cngstation.moments import time_text
from cngstation.protocols.receipt.slip import Row, Ruler
from cngstation.services.tell_day import today
from cngstation.storage import facts, receipts
from cngstation.storage.database import Transaction
from cngstation.storage.operators import Operator

KIND = "two_people"
TITLE = mark("Act of two people")
_LINE = "_" * 16
_ALWAYS = {"act", "subject", "reason", "before", "after"}


@dataclass(frozen=True, slots=True)
class Deed:
    """What was approved, and what it changes as people read it.

    `hand` is who may know both passwords, nobody vouching; empty for two people.
    `proof` is by what the second person was known, empty for a session of his own.
    """

    act: str
    subject: str
    reason: str
    before: str
    after: str
    hand: str = ""
    proof: str = ""


def make(
    tx: Transaction,
    deed: Deed,
    people: tuple[Operator, Operator],
    terminal: str,
    *,
    cut_off_minute: int,
    prints_wanted: int,
) -> int:
    """Make the slip of first and second person; return its number."""
    first, second = people
    head, seq = tx.tip.head.hex()[:16], tx.tip.seq
    entry = Entry(
        entry_id=f"{KIND}.{seq + 1}",
        kind=KIND,
        business_day=today(tx, cut_off_minute=cut_off_minute),
        operator_no=first.operator_no,
        terminal=terminal,
        postings=(),
        note=deed.reason,
    )
    facts.post(tx, entry)
    content = {
        **{
            name: told for name, told in asdict(deed).items() if told or name in _ALWAYS
        },
        "operator_no": first.operator_no,
        "first_name": first.full_name,
        "second_operator_no": second.operator_no,
        "second_name": second.full_name,
        "terminal": terminal,
        "books_seq": seq,
        "books_head": head,
        "at_ms": tx.now.wall_ms,
    }
    return receipts.make(tx, entry.entry_id, KIND, content, wanted=prints_wanted)


def rows_of(content: Mapping[str, Any]) -> list[Row | Ruler]:
    """Return the slip's rows below station and number, in the language of now."""
    known = ACTS.get(str(content["act"]))
    change = [str(content[name]) for name in ("before", "after") if content[name]]
    found: list[Row | Ruler] = [
        Row(_("Act"), _(known.title) if known else str(content["act"]), strong=True),
        Row(_("Of"), str(content["subject"])),
    ]
    if change:
        found.append(Row(_("Change"), " > ".join(change)))
    books = f"{content['books_seq']} {content['books_head']}"
    second = _person(content, "second_operator_no", "second_name")
    hand = str(content.get("hand", ""))
    return [
        *found,
        Row(_("Reason"), str(content["reason"])),
        Ruler(),
        Row(_("First operator"), _person(content, "operator_no", "first_name")),
        Row(_("Second operator"), second),
        *_proved(str(content.get("proof", ""))),
        *([Row(_("Password given by"), hand, strong=True)] if hand else []),
        Row(_("Terminal"), str(content["terminal"])),
        Row(_("Time"), time_text(int(content["at_ms"]))),
        Row(_("Books"), books),
    ]


def _proved(proof: str) -> list[Row | Ruler]:
    """Say by what the second person was known; older slips do not have it."""
    if not proof:
        return []
    card = proof.partition(" + card ")[2]
    words = (_("password"), *((f"{_('staff card')} {card}",) if card else ()))
    return [Row(_("Known by"), ", ".join(words))]


def footer() -> tuple[str, ...]:
    """Return the lines to sign on."""
    first, second = _("First operator"), _("Second operator")
    return (f"{first} {_LINE}", "", f"{second} {_LINE}")


def _person(content: Mapping[str, Any], number: str, name: str) -> str:
    return f"{content[number]} {content[name]}".strip()

"""The closing slip of a till: its float, what it took and gave, its counts.

What a tender began with, what came in and what went out add up to what the books
expected; what was counted stands beside it, with the difference.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from cngstation.domain import ledger
from cngstation.domain.tenders import IN_TILL, Tender
from cngstation.language import _, mark
from cngstation.moments import time_text
from cngstation.protocols.receipt.slip import Row, Ruler
from cngstation.services.take_payment import WORDS
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.facts import rows
from cngstation.storage.sqlite import Connection
from cngstation.storage.tills import DROP, PAY_IN, PAY_OUT, Count, TillStep
from cngstation.units import yuan_text

KIND = "till_close"
TITLE = mark("Closing of the till")
_MOVES = {
    PAY_IN: mark("From the safe"),
    DROP: mark("To the safe"),
    PAY_OUT: mark("Paid out"),
}
_ACTS = {
    "top_up": mark("Top-ups"),
    "issue": mark("Card issues"),
    "replace": mark("Replacements"),
    "clear_credit": mark("Credit cleared"),
    "company_top_up": mark("Company top-ups"),
    "shift": mark("Handed over by crews"),
    "reverse_top_up": mark("Taken back"),
    "cancel": mark("Cancellations"),
}
_OTHER = mark("Other")
_SESSION = (
    "SELECT e.seq, e.kind, p.account, p.amount FROM posting p JOIN entry e USING (seq)"
    " WHERE p.seq > ? AND p.account IN (SELECT value FROM json_each(?))"
)


def content_of(
    tx: Transaction,
    till: str,
    opening: TillStep,
    counts: Iterable[Count],
    actor: Actor,
) -> dict[str, Any]:
    """Return what the slip says, before the entry of the closing is booked."""
    received: dict[str, int] = defaultdict(int)
    given: dict[str, int] = defaultdict(int)
    moved: dict[str, int] = defaultdict(int)
    acts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    seen = set()
    for seq, kind, tender, amount in _postings(tx, till, opening.seq):
        if kind in _MOVES:
            moved[kind] += amount
            continue
        side = received if amount > 0 else given
        side[tender] += amount
        family = kind.partition(".")[0]
        act = acts[family if family in _ACTS else ""]
        act[0] += seq not in seen
        act[1] += amount
        seen.add(seq)
    return {
        "till": till,
        "session_no": opening.session_no,
        "opened_at_ms": opening.at_ms,
        "opened_by": opening.operator_no,
        "float_e4": sum(count.counted_e4 or 0 for count in opening.counts),
        "moves": [[kind, moved[kind]] for kind in _MOVES if moved[kind]],
        "tenders": [
            {
                "tender": str(count.tender),
                "received_e4": received[count.tender],
                "given_e4": given[count.tender],
                "expected_e4": count.expected_e4,
                "counted_e4": count.counted_e4,
                "over_e4": count.over_e4,
            }
            for count in counts
        ],
        "acts": [[name, *acts[name]] for name in (*_ACTS, "") if name in acts],
        "books_seq": tx.tip.seq,
        "books_head": tx.tip.head.hex()[:16],
        "operator_no": actor.operator_no,
        "at_ms": tx.now.wall_ms,
    }


def number_of(connection: Connection, closing_seq: int) -> int:
    """Return the number of the slip of a closing; 0 if it was made without one."""
    row = connection.execute(
        "SELECT r.receipt_no FROM entry e JOIN receipt r USING (entry_id)"
        " WHERE r.kind=? AND e.seq=(SELECT max(seq) FROM entry WHERE seq<?)",
        (KIND, closing_seq),
    ).fetchone()
    return int(row[0]) if row else 0


def _postings(
    tx: Transaction, till: str, since_seq: int
) -> Iterable[tuple[int, str, str, int]]:
    accounts = {ledger.till_account(till, tender): tender for tender in IN_TILL}
    names = "[" + ",".join(f'"{name}"' for name in accounts) + "]"
    for row in rows(tx.connection, _SESSION, (since_seq, names)):
        yield row["seq"], row["kind"], accounts[row["account"]], row["amount"]


def rows_of(facts: Mapping[str, Any]) -> list[Row | Ruler]:
    """Return the slip's rows below station and number, in the language of now."""
    opened = f"{time_text(int(facts['opened_at_ms']))} {facts['opened_by']}"
    closed = f"{time_text(int(facts['at_ms']))} {facts['operator_no']}"
    found: list[Row | Ruler] = [
        Row(_("Session"), f"{facts['till']}/{facts['session_no']}"),
        Row(_("Opened"), opened),
        Row(_("Closed"), closed),
    ]
    for one in facts["tenders"]:
        tender = Tender(one["tender"])
        found += [Ruler(), Row(_(WORDS[tender]), "", strong=True)]
        found += _of_tender(one, facts if tender is Tender.CASH else {})
    if facts["acts"]:
        found.append(Ruler())
    for name, count, amount in facts["acts"]:
        found.append(Row(f"{_(_ACTS.get(name, _OTHER))} {count}", yuan_text(amount)))
    books = f"{facts['books_seq']} {facts['books_head']}"
    return [*found, Ruler(), Row(_("Books"), books)]


def footer() -> tuple[str, ...]:
    """Return the lines to sign on."""
    cashier, checked = _("Cashier"), _("Checked by")
    line = "_" * 16
    return (f"{cashier} {line}", "", f"{checked} {line}")


def _of_tender(
    one: Mapping[str, Any], session: Mapping[str, Any]
) -> Iterable[Row | Ruler]:
    """Say one tender; the float and the moves are the cash's."""
    if session:
        yield Row(_("Float"), yuan_text(session["float_e4"]))
    yield Row(_("Received"), yuan_text(one["received_e4"]))
    if one["given_e4"]:
        yield Row(_("Given back"), yuan_text(one["given_e4"]))
    for kind, amount in session.get("moves", ()):
        yield Row(_(_MOVES[kind]), yuan_text(amount))
    yield Row(_("By the books"), yuan_text(one["expected_e4"]))
    counted = one["counted_e4"]
    if counted is None:
        yield Row(_("Counted"), _("not counted"))
        return
    yield Row(_("Counted"), yuan_text(counted), strong=True)
    yield Row(_("Difference"), yuan_text(one["over_e4"]), strong=bool(one["over_e4"]))

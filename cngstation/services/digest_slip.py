"""The slip of a daily digest (日报摘要单): its sums, then each row, for the manager.

It is booked as an entry without postings, for every slip belongs to an entry. A day
that is closed has one slip, every further print of it is a copy; of a day that is not
closed each slip says how it stood then.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from cngstation.domain.act_names import name_of
from cngstation.domain.digest import TITLES, DigestRow, Section, sums_of
from cngstation.domain.ledger import Entry
from cngstation.language import _, mark
from cngstation.moments import time_text
from cngstation.protocols.receipt.slip import Row, Ruler, Slip
from cngstation.storage import facts, receipts
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.digests import Digest
from cngstation.storage.receipts import Receipt

KIND = "digest"
TITLE = mark("Daily digest")
# Four slips of a metre at most; all rows are in the books. A row takes five lines, and
# a slip may have every section in its sums and above its rows.
ROWS_A_SLIP, MOST_ON_PAPER = 15, 60
_LINE = "_" * 16
_KEPT = (
    "section", "at_ms", "act", "subject", "first_no", "second_no", "reason", "before",
    "after", "times",
)  # fmt: skip


def make(
    tx: Transaction, digest: Digest, actor: Actor, business_day: str, *, wanted: int
) -> int:
    """Make the slip of a digest, or ask for a copy of it; return its number.

    `business_day` is the day of now, on which the slip is booked.
    """
    seq = tx.tip.seq
    entry_id = f"{KIND}.{digest.seq}" if digest.seq else f"{KIND}.open.{seq + 1}"
    if made := receipts.of_entry(tx.connection, entry_id):
        receipts.ask_for_print(tx, made.receipt_no)
        return made.receipt_no
    content = {
        "business_day": digest.business_day,
        "digest_seq": digest.seq,
        "sums": [[str(name), count] for name, count in sums_of(digest.rows).items()],
        "rows": [_told(row) for row in digest.rows[:MOST_ON_PAPER]],
        "more": max(len(digest.rows) - MOST_ON_PAPER, 0),
        "books_seq": seq,
        "books_head": tx.tip.head.hex()[:16],
        "operator_no": actor.operator_no,
        "at_ms": tx.now.wall_ms,
    }
    entry = Entry(
        entry_id=entry_id,
        kind=KIND,
        business_day=business_day,
        operator_no=actor.operator_no,
        terminal=actor.terminal,
        postings=(),
    )
    facts.post(tx, entry)
    return receipts.make(tx, entry_id, KIND, content, wanted=wanted)


def digest_slips(receipt: Receipt, station: str, copy_mark: str) -> list[Slip]:
    """Return the slips of a digest: the sums on the first, the rows in parts."""
    content = receipt.content
    rows: Sequence[Mapping[str, Any]] = content["rows"]
    firsts = range(0, max(len(rows), 1), ROWS_A_SLIP)
    parts = [rows[first : first + ROWS_A_SLIP] for first in firsts]
    slips = []
    for number, part in enumerate(parts, 1):
        found = _head(receipt, station)
        if number == 1:
            found += [Ruler(), *_sums(content)]
        found += _rows(part)
        is_last, signs = number == len(parts), _("Manager")
        if is_last:
            found += [Ruler(), *_foot(content)]
        slips.append(
            Slip(
                title=_(TITLE),
                part=f"{number}/{len(parts)}" if len(parts) > 1 else "",
                copy_mark=copy_mark,
                rows=tuple(found),
                footer=(f"{signs} {_LINE}",) if is_last else (),
            )
        )
    return slips


def _told(row: DigestRow) -> dict[str, str | int]:
    told = asdict(row)
    return {name: told[name] for name in _KEPT if told[name] != ""}


def _head(receipt: Receipt, station: str) -> list[Row | Ruler]:
    content = receipt.content
    seq = content["digest_seq"]
    state = _("closed, row {seq}").format(seq=seq) if seq else _("not closed yet")
    return [
        Row(_("Station"), station),
        Row(_("Receipt no."), f"{receipt.receipt_no:08d}"),
        Row(_("Business day"), f"{content['business_day']}", strong=True),
        Row(_("State"), state),
    ]


def _sums(content: Mapping[str, Any]) -> Iterator[Row | Ruler]:
    """Say what there was; an empty day says so."""
    found = [(Section(name), count) for name, count in content["sums"] if count]
    for section, count in found:
        yield Row(_(TITLES[section]), str(count))
    if not found:
        yield Row(_("Nothing of this day has to be looked at."), "")


def _rows(part: Sequence[Mapping[str, Any]]) -> Iterator[Row | Ruler]:
    """Say each row, below the title of its section."""
    shown = ""
    for row in part:
        yield Ruler()
        if row["section"] != shown:
            shown = row["section"]
            yield Row(_(TITLES[Section(shown)]), "", strong=True)
        yield from _row(row)


def _row(row: Mapping[str, Any]) -> Iterator[Row | Ruler]:
    people = _joined("+", row, "first_no", "second_no")
    change = _joined(" > ", row, "before", "after")
    times = f" x {row['times']}" if row["times"] > 1 else ""
    yield Row(name_of(str(row["act"])) + times, people)
    yield Row(time_text(int(row["at_ms"])), str(row.get("subject", "")))
    if change:
        yield Row(_("Change"), change)
    if row.get("reason"):
        yield Row(_("Reason"), str(row["reason"]))


def _joined(by: str, row: Mapping[str, Any], *names: str) -> str:
    return by.join(str(row[name]) for name in names if row.get(name))


def _foot(content: Mapping[str, Any]) -> Iterator[Row | Ruler]:
    if content["more"]:
        told = _("{count} more rows are in the books").format(count=content["more"])
        yield Row(told, "")
    if content["operator_no"]:
        yield Row(_("Operator"), str(content["operator_no"]))
    yield Row(_("Time"), time_text(int(content["at_ms"])))
    yield Row(_("Books"), f"{content['books_seq']} {content['books_head']}")

"""Compares the books with anchors: places and heads that were told outside of them.

A copy of the books that is older than an anchor, or that was written anew, disagrees
with it, however well it proves itself. Anchors stand on slips as `row head`, the head
by its first eight digits at least, and in a file beside the books, one a line:
`epoch row head at_ms`.
"""

import re
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from cngstation.errors import Refusal
from cngstation.language import _, mark
from cngstation.storage import checkpoints
from cngstation.storage.checkpoints import Checkpoint
from cngstation.storage.second_reader import begin
from cngstation.storage.sqlite import Connection, connect

OLDER_BOOKS, UNREAD = "older_books", "anchors_unread"
SUBJECT = "books"

OLDER = mark(
    "The books end at row {last}, the anchor is of row {seq}: an older copy was put "
    "back, or rows were cut off. Take no money on cards; keep this file; call the "
    "manager."
)
OTHER = mark(
    "Row {seq} has head {found}, the anchor says {head}: these are other books than "
    "those of the anchor. Take no money on cards; keep this file; call the manager."
)
_TYPED = re.compile(r"\s*([0-9]{1,15})\s*[: ]\s*([0-9A-Fa-f]{8,64})\s*")
_LINE = re.compile(r"([0-9]{1,9}) ([0-9]{1,15}) ([0-9a-f]{64}) ([0-9]{1,15})")


class NoAnchor(Refusal):
    """What was given is no row and head."""

    code = "refusal.no_anchor"
    text = (
        "{typed} is no anchor. Nothing was compared. Type the row and the first eight "
        "digits of the head as the slip has them, such as 1234:9f2c01ab."
    )


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place and the beginning of its head; `epoch` 0 where the paper has none.

    `line` is its line in the file, 0 for one that was typed.
    """

    seq: int
    head: str
    epoch: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True)
class Contradiction:
    """How the books differ from an anchor."""

    anchor: Anchor
    text: str
    facts: dict[str, str | int]

    def sentence(self) -> str:
        """Say it in English."""
        return self.text.format(**self.facts)

    def told(self) -> str:
        """Say it in the language in use."""
        return _(self.text).format(**self.facts)


def anchor_of(typed: str) -> Anchor:
    """Read an anchor as it stands on paper.

    Raises:
        NoAnchor: it is none.
    """
    found = _TYPED.fullmatch(typed)
    if found is None:
        raise NoAnchor(typed=typed[:80] or "-")
    return Anchor(int(found[1]), found[2].lower())


def file_of(database: Path, configured: Path | None = None) -> Path:
    """Return where the anchors of a file are kept: never in its own folder."""
    return configured or database.parent / "anchors" / f"{database.stem}.txt"


def line_of(made: Checkpoint) -> str:
    """Return an anchor as its line in the file."""
    return f"{made.epoch} {made.of_seq} {made.of_head} {made.at_ms}\n"


def read_anchors(path: Path) -> list[Anchor]:
    """Read a file of anchors; the last line may be cut off, as by a power cut.

    Raises:
        NoAnchor: another line is none.
        OSError: it cannot be read.
    """
    anchors = []
    whole, _, _ = path.read_text("ascii", errors="replace").rpartition("\n")
    for number, line in enumerate(whole.splitlines(), 1):
        found = _LINE.fullmatch(line)
        if found is None:
            raise NoAnchor(typed=f"{path.name}:{number}")
        anchors.append(Anchor(int(found[2]), found[3], int(found[1]), number))
    return anchors


def contradiction(connection: Connection, anchor: Anchor) -> Contradiction | None:
    """Say how the books differ from an anchor; one of an earlier epoch is not here."""
    epoch, last = checkpoints.ends(connection)
    if anchor.epoch and anchor.epoch < epoch:
        return None
    found = checkpoints.head_at(connection, anchor.seq)
    facts: dict[str, str | int] = {"seq": anchor.seq}
    if found is None or anchor.epoch > epoch:
        return Contradiction(anchor, OLDER, {**facts, "last": last})
    if found.startswith(anchor.head):
        return None
    digits = {"found": found[: len(anchor.head)][:16], "head": anchor.head[:16]}
    return Contradiction(anchor, OTHER, {**facts, **digits})


def first_contradiction(
    connection: Connection, anchors: Iterable[Anchor]
) -> Contradiction | None:
    """Say which anchor the books differ from first, of those that nobody answered for.

    A backup that was put back with everybody's knowledge is no new difference each
    day; while its row is open it is one.
    """
    return _first(connection, anchors, told_lines(connection, answered=True))


def _first(
    connection: Connection, anchors: Iterable[Anchor], told: int
) -> Contradiction | None:
    for anchor in anchors:
        if anchor.line and anchor.line <= told:
            continue
        if wrong := contradiction(connection, anchor):
            return wrong
    return None


def told_lines(connection: Connection, *, answered: bool = False) -> int:
    """Return up to which line of the file differences were told in a row.

    `answered`: in one that people have closed.
    """
    rows = connection.execute(
        "SELECT json_extract(facts, '$.lines'), EXISTS"
        " (SELECT 1 FROM finding_closed c WHERE c.finding_seq = f.seq)"
        " FROM finding f WHERE kind=? AND subject=?",
        (OLDER_BOOKS, SUBJECT),
    )
    return max((lines for lines, closed in rows if closed or not answered), default=0)


def compare(path: Path, anchor: Anchor) -> Contradiction | None:
    """Compare books with an anchor from paper, linking every row up to it anew."""
    with closing(connect(path, read_only=True)) as connection:
        begin(connection)
        if wrong := contradiction(connection, anchor):
            return wrong
        found = checkpoints.linked_to(connection, anchor.seq)
        if found.startswith(anchor.head):
            return None
        digits = {"found": found[:16], "head": anchor.head[:16]}
        return Contradiction(anchor, OTHER, {"seq": anchor.seq, **digits})


def tell(connection: Connection, anchors: list[Anchor]) -> dict[str, str | int] | None:
    """Return the facts of the row that is due, if the books differ from the file."""
    wrong = _first(connection, anchors, told_lines(connection))
    if wrong is None:
        return None
    last = checkpoints.ends(connection)[1]
    return {
        "seq": wrong.anchor.seq,
        "head": wrong.anchor.head[:16],
        "last": last,
        "lines": anchors[-1].line,
    }

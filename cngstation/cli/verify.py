"""`cngstation verify`: proves the books from the file, daemons up or down."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cngstation.config import load_config
from cngstation.errors import ConfigError, StationError, StorageError
from cngstation.language import DEFAULT, LANGUAGES, _, use_language
from cngstation.services.check_anchors import (
    Anchor,
    Contradiction,
    NoAnchor,
    anchor_of,
    file_of,
    first_contradiction,
    read_anchors,
)
from cngstation.services.verify_books import Proof, verify_file
from cngstation.storage import checkpoints
from cngstation.storage.sqlite import connect

DEFAULT_CONFIG = Path("/etc/cngstation/station.toml")
WRONG, USAGE, UNREACHED = 1, 2, 3


def run(arguments: Sequence[str]) -> int:
    """Verify and print the verdict; return the exit code."""
    parser = argparse.ArgumentParser(prog="cngstation verify")
    parser.add_argument("--database", type=Path, help="the station's file")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG)
    parser.add_argument("--json", action="store_true", help="one object, nothing else")
    parser.add_argument(
        "--anchor",
        action="append",
        default=[],
        metavar="ROW:HEAD",
        help="row and first digits of the head, from a slip; as often as wanted",
    )
    parser.add_argument("--anchors", type=Path, help="the file of anchors")
    parser.add_argument("--language", choices=LANGUAGES)
    given = parser.parse_args(arguments)
    use_language(given.language or DEFAULT)
    try:
        anchors = [anchor_of(typed) for typed in given.anchor]
        configured = None
        if given.database is None:
            config = load_config(given.config)
            use_language(given.language or config.station.language)
            paths = config.paths
            given.database, configured = paths.database, paths.anchors
        anchors += _kept_anchors(given.anchors, file_of(given.database, configured))
        proof = verify_file(given.database)
        wrong = _compared(given.database, anchors) if proof.proved else None
    except (ConfigError, NoAnchor) as error:
        sys.stderr.write(f"cngstation verify: {error.sentence()}\n")
        return USAGE
    except StationError as error:
        sys.stderr.write(f"cngstation verify: {error.sentence()}\n")
        return UNREACHED
    lacks = proof.proved and not anchors and _was_anchored(given.database)
    verdict = _Verdict(proof, len(anchors), wrong, lacks_file=lacks)
    sys.stdout.write(_json(verdict) if given.json else _sentence(verdict))
    return 0 if proof.proved and wrong is None else WRONG


@dataclass(frozen=True, slots=True)
class _Verdict:
    """The proof, how many anchors were compared with it, and what they contradict."""

    proof: Proof
    anchors: int
    contradiction: Contradiction | None
    lacks_file: bool  # the books were anchored, and no file of that was found


def _kept_anchors(asked: Path | None, usual: Path) -> list[Anchor]:
    """Read the file that was asked for, or the usual one where there is one."""
    if asked is None and not usual.is_file():
        return []
    try:
        return read_anchors(asked or usual)
    except OSError as error:
        raise StorageError(why=str(error)) from error


def _compared(path: Path, anchors: list[Anchor]) -> Contradiction | None:
    if not anchors:
        return None
    connection = connect(path, read_only=True)
    try:
        return first_contradiction(connection, anchors)
    finally:
        connection.close()


def _was_anchored(path: Path) -> bool:
    if not path.is_file():
        return False  # it was taken away while it was proved
    connection = connect(path, read_only=True)
    try:
        return checkpoints.newest(connection) is not None
    finally:
        connection.close()


def _json(verdict: _Verdict) -> str:
    proof = verdict.proof
    holds = proof.proved and verdict.contradiction is None
    contradicted = verdict.contradiction and verdict.contradiction.sentence()
    said = {
        "schema": 1,
        "verify": "proved" if holds else "failed",
        # What programs read is in English, whatever people read.
        "first_bad": proof.first_bad or contradicted,
        "ledger_head": proof.head,
        "rows": proof.rows,
        "open_rows": proof.open_rows,
        "anchors": verdict.anchors,
    }
    return json.dumps(said, ensure_ascii=False) + "\n"


def _sentence(verdict: _Verdict) -> str:
    proof = verdict.proof
    if not proof.proved:
        text = _("The books are NOT proved. First bad row: {first_bad}.")
        found = "" if proof.wrong is None else proof.wrong.told()
        return text.format(first_bad=found) + "\n"
    if verdict.contradiction:
        text = _("The books are NOT those of the anchors.")
        return f"{text} {verdict.contradiction.told()}\n"
    text = _("The books are proved: {rows} rows, head {head}, {open_rows} open rows.")
    if verdict.anchors:
        text = _(
            "The books are proved: {rows} rows, head {head}, {open_rows} open rows, "
            "{anchors} anchors agree."
        )
    told = {"rows": proof.rows, "head": proof.head[:16], "open_rows": proof.open_rows}
    said = text.format(**told, anchors=verdict.anchors) + "\n"
    if verdict.lacks_file:
        said += _(
            "The file of anchors was not found: whether these books are an older copy "
            "is not known. Name the file (--anchors), or compare a slip (--anchor)."
        )
        said += "\n"
    return said

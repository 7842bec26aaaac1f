"""`cngstation lists`: numbers of a file onto the dispensers' lists.

    cngstation lists put FILE --operator NAME --reason TEXT [--whole] [--second NAME]
    cngstation lists look FILE

The password is asked for; without a terminal it is read from one line, the second
person's from the next. Exit codes: 0 done, 1 refused, 2 usage, 3 could not reach it.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cngstation.cli.staff import (
    Answering,
    actor_at,
    add_release,
    answering,
    gate_of,
    password_of,
)
from cngstation.config import StationConfig, load_config
from cngstation.errors import ConfigError, Refusal, StationError
from cngstation.language import DEFAULT, LANGUAGES, _, use_language
from cngstation.moments import SystemClock
from cngstation.services.approve import Approval, Approvals, Paper
from cngstation.services.keep_parameters import in_force
from cngstation.services.list_numbers import RIGHT
from cngstation.services.station_rules import rules_of
from cngstation.services.take_list_file import Changes, ListFiles, Looked
from cngstation.storage.database import Database

DEFAULT_CONFIG = Path("/etc/cngstation/station.toml")
REFUSED, USAGE, UNREACHED = 1, 2, 3
_TERMINAL = "lists"


@dataclass(frozen=True, slots=True)
class _Wish:
    file: Path
    whole: bool
    answering: Answering
    second: str
    reason: str


def run(arguments: Sequence[str]) -> int:
    """Look at a file, or put its numbers on the lists; return the exit code."""
    parser = argparse.ArgumentParser(prog="cngstation lists")
    parser.add_argument("what", choices=("put", "look"))
    parser.add_argument("file", type=Path, help="text, CSV or .xlsx")
    parser.add_argument("--whole", action="store_true", help="the blacklist is this")
    parser.add_argument("--operator", default="", help="login name of who answers")
    parser.add_argument("--second", default="", help="who stands behind a shorter list")
    parser.add_argument("--reason", default="", help="why")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG)
    parser.add_argument("--language", choices=LANGUAGES)
    add_release(parser)
    given = parser.parse_args(arguments)
    use_language(given.language or DEFAULT)
    if given.what == "put" and not given.operator:
        parser.error("--operator is needed")
    wish = _Wish(given.file, given.whole, answering(given), given.second, given.reason)
    try:
        config = load_config(given.config)
        use_language(given.language or config.station.language)
        return asyncio.run(_run(config, wish, put=given.what == "put"))
    except ConfigError as error:
        return _said(error, USAGE)
    except Refusal as error:
        return _said(error, REFUSED)
    except StationError as error:
        return _said(error, UNREACHED)


def _said(error: StationError, code: int) -> int:
    sys.stderr.write(f"cngstation lists: {error.sentence()}\n")
    return code


async def _run(config: StationConfig, wish: _Wish, *, put: bool) -> int:
    passwords = [
        await password_of(name)
        for name in (wish.answering.login_name, wish.second)
        if name and put
    ]
    database = await Database.open(config.paths.database, SystemClock())
    try:
        config = await in_force(database, config)
        gate, rules = gate_of(config, database), rules_of(config)
        paper = Paper(rules.business_day_starts_minute, int(bool(config.printer.port)))
        area_no = config.station.area_no
        folder = wish.file.parent
        approvals = Approvals(gate, paper, first_is_asked=True)
        files = ListFiles(database, approvals, area_no, folder)
        looked = await files.look(wish.file)
        sys.stdout.write(_report(looked, whole=wish.whole))
        if not put or looked.file.faults:
            return REFUSED if looked.file.faults else 0
        first = replace(wish.answering, password=passwords[0])
        actor = await actor_at(database, gate, first, RIGHT, _TERMINAL)
        behind = Approval(wish.second, passwords[1]) if wish.second else None
        done = await files.take(
            wish.file,
            whole=wish.whole,
            reason=wish.reason,
            actor=actor,
            approval=behind,
            digest=looked.file.digest,
        )
    finally:
        await database.close()
    sys.stdout.write(_("Done.") + f" {_counts(done)}\n")
    return 0


def _report(looked: Looked, *, whole: bool) -> str:
    lines = [
        _("row {row}: ").format(row=fault.row)
        + _(fault.text).replace("{value}", fault.value)
        for fault in looked.file.faults
    ]
    changes = looked.as_whole if whole else looked.as_changes
    left_out = _("our own card, left out")
    lines += [f"{no}: {left_out}" for no in changes.own]
    lines.append(f"{looked.file.name}: {_counts(changes)}")
    return "\n".join(lines) + "\n"


def _counts(changes: Changes) -> str:
    others = len(changes.moved) - changes.on_black
    text = _(
        "{on} onto the blacklist, {off} off it, {others} others; {black} black then."
    )
    return text.format(
        on=changes.on_black,
        off=changes.off_black,
        others=others - changes.off_black,
        black=changes.black,
    )

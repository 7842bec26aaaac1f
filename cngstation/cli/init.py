"""`cngstation init`: the first start of a station.

    cngstation init [--config FILE] [--language zh_CN|en]
    cngstation init --non-interactive --login NAME --full-name NAME --station-no NO ...

Writes the configuration if there is none, makes the database and its first
administrator, and shows a password that holds until the first log-in. Broken off
anywhere it can be run again.
Exit codes: 0 done, 1 set up before, 2 usage, 3 could not reach what it needs.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cngstation import hygiene
from cngstation.cli.ask import BrokenOff, ask
from cngstation.cli.init_questions import (
    Key,
    add_options,
    asked_answers,
    given_answers,
    option_values,
    silent_answers,
)
from cngstation.cli.saying import LONGEST_TEXT, REFUSED, UNREACHED, USAGE, sentence
from cngstation.cli.verify import DEFAULT_CONFIG
from cngstation.config import StationConfig, load_config
from cngstation.config.example import station_file
from cngstation.config.load import Value, check_text
from cngstation.errors import ConfigError, Refusal, StationError
from cngstation.language import DEFAULT, LANGUAGES, _, use_language
from cngstation.moments import SystemClock
from cngstation.services.found_station import (
    Administrator,
    AlreadyFounded,
    found,
    has_operators,
)
from cngstation.services.keep_operators import check_names
from cngstation.services.made_files import (
    CONFIG_MODE,
    make_empty,
    make_folder,
    make_key,
    write_once,
)
from cngstation.services.passwords import Passwords
from cngstation.storage.database import Database

CARD_KEY, PERSONAL_KEY = "card-master-key", "personal-data-key"
CARD_KEY_BYTES, PERSONAL_KEY_BYTES = 16, 32


class UsageError(Exception):
    """What was given does not fit together; the text says how."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be made: everything is known before anything is written."""

    config_file: Path
    config_text: str  # empty where a configuration is there
    config: StationConfig
    keys: Path | None
    person: Administrator


def run(arguments: Sequence[str]) -> int:
    """Set the station up; return the exit code."""
    given = _parser().parse_args(arguments)
    use_language(given.language or _language())
    try:
        plan = _plan(given)
        _require_new(plan.config.paths.database)
        _make_files(plan)
        asyncio.run(_found(plan))
    except (BrokenOff, KeyboardInterrupt):
        return _said("\n" + _("Broken off: the station was not set up."), UNREACHED)
    except UsageError as error:
        return _said(str(error), USAGE)
    except ConfigError as error:
        return _said(error.sentence(), USAGE)
    except AlreadyFounded as refused:
        return _said(sentence(refused), REFUSED)
    except Refusal as refused:
        return _said(sentence(refused), USAGE)
    except StationError as error:
        return _said(sentence(error), UNREACHED)
    except OSError as error:
        return _said(hygiene.clean(str(error), limit=LONGEST_TEXT), UNREACHED)
    sys.stdout.write(_afterwards(plan))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cngstation init")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG)
    parser.add_argument("--language", choices=LANGUAGES)
    parser.add_argument("--non-interactive", action="store_true", help="ask nothing")
    parser.add_argument("--login", help="login name of the first administrator")
    parser.add_argument("--full-name", help="and the full name")
    parser.add_argument("--database", type=Path, help="paths.database of a new file")
    parser.add_argument("--runtime-dir", type=Path, help="paths.runtime_dir of it")
    parser.add_argument(
        "--keys", type=Path, help="folder for new keys of a single station's cards"
    )
    add_options(parser)
    return parser


def _language() -> str:
    named = os.environ.get("LC_ALL") or os.environ.get("LANG") or DEFAULT
    return "en" if named.startswith("en") else DEFAULT


def _said(text: str, code: int) -> int:
    sys.stderr.write(f"cngstation init: {text}\n")
    return code


def _plan(given: argparse.Namespace) -> Plan:
    """Decide everything; nothing is written yet.

    Raises:
        BrokenOff, ConfigError, UsageError, Refusal: why nothing will be.
    """
    path = given.config.absolute()
    silent = given.non_interactive or not sys.stdin.isatty()
    missing = [] if given.login and given.full_name else ["--login", "--full-name"]
    answers: Mapping[Key, Value] = {}
    if path.exists():
        config, text = load_config(path), ""
        _require_same(path, config, given)
    else:
        if silent:
            answers, also = silent_answers(path, given_answers(given))
            missing = also + missing
        else:
            sys.stdout.write(_("A new station. Enter takes what stands in brackets.\n"))
            answers = asked_answers(path, given_answers(given))
        if not (silent and missing):
            text = station_file({**answers, **_paths(given)})
            config = check_text(path, text)
    if silent and missing:
        said = _("these options are missing: {options}")
        raise UsageError(said.format(options=" ".join(missing)))
    person = _person(given, ask_for=not silent)
    return Plan(path, text, config, given.keys, person)


def _paths(given: argparse.Namespace) -> dict[Key, Value]:
    paths: dict[Key, Value] = {}
    if given.language:
        paths["station", "language"] = given.language
    for key in ("database", "runtime_dir"):
        if folder := getattr(given, key):
            paths["paths", key] = str(folder.absolute())
    if given.keys:
        keys = given.keys.absolute()
        paths["paths", "card_master_key"] = str(keys / CARD_KEY)
        paths["paths", "personal_data_key"] = str(keys / PERSONAL_KEY)
    return paths


def _require_same(path: Path, config: StationConfig, given: argparse.Namespace) -> None:
    """A file that is there counts; an option that says otherwise is a mistake."""
    wanted: dict[Key, Value] = dict(_paths(given))
    wanted |= option_values(given)
    for (section, key), value in wanted.items():
        if load_config(path, {(section, key): value}) != config:
            text = _(
                "{path} is there and does not say {key} = {value}. Edit the file, or "
                "leave the option out. Nothing was made."
            )
            raise UsageError(
                text.format(path=path, key=f"{section}.{key}", value=value)
            )


def _person(given: argparse.Namespace, *, ask_for: bool) -> Administrator:
    login, name = given.login or "", given.full_name or ""
    if ask_for:
        login = login or ask(
            _("Login name of the administrator"), "", lambda said: _unfit(said, "xx")
        )
        name = name or ask(
            _("Full name of the administrator"), "", lambda said: _unfit("xx", said)
        )
    check_names(login, name)
    return Administrator(login, name)


def _unfit(login_name: str, full_name: str) -> str:
    try:
        check_names(login_name, full_name)
    except Refusal as refused:
        return sentence(refused)
    return ""


def _require_new(path: Path) -> None:
    """Refuse a station that was set up before: it gets no new keys or configuration.

    Raises:
        AlreadyFounded: the station has operators.
    """
    if path.exists() and path.stat().st_size:
        asyncio.run(_require_nobody(path))


async def _require_nobody(path: Path) -> None:
    database = await Database.open(path, SystemClock())
    try:
        if await database.read(has_operators):
            raise AlreadyFounded(path=str(path))
    finally:
        await database.close()


def _make_files(plan: Plan) -> None:
    """Make keys, configuration and an empty database, each unless it is there."""
    paths = plan.config.paths
    if plan.keys is not None:
        make_folder(plan.keys)
        make_key(paths.card_master_key, CARD_KEY_BYTES)
        make_key(paths.personal_data_key, PERSONAL_KEY_BYTES)
    make_folder(plan.config_file.parent)
    if plan.config_text:
        write_once(plan.config_file, plan.config_text, CONFIG_MODE)
    make_folder(paths.database.parent)
    make_empty(paths.database)


async def _found(plan: Plan) -> None:
    path = plan.config.paths.database
    database = await Database.open(path, SystemClock())
    try:
        tell = partial(_tell, plan.person.login_name)
        await found(database, str(path), Passwords(), plan.person, tell)
    finally:
        await database.close()


def _tell(login_name: str, secret: str) -> None:
    text = _(
        "One-time password of {name}: {secret}\n"
        "It is shown this once, and must be changed at the first log-in.\n"
    )
    sys.stdout.write(text.format(name=login_name, secret=secret))
    sys.stdout.flush()


def _afterwards(plan: Plan) -> str:
    """Say what was made and what is still to be done."""
    paths = plan.config.paths
    lines = [
        _("The station is set up."),
        _("Configuration: {path}").format(path=plan.config_file),
        _("Database: {path}").format(path=paths.database),
    ]
    if not plan.config.lines:
        said = _("Dispensers: none yet; write their lines into the configuration.")
        lines.append(said)
    if plan.keys is not None:
        said = _(
            "Keep a copy of the keys in {path} in a safe: without them no card and no "
            "personal number can be read."
        )
        lines.append(said.format(path=plan.keys))
    for name, path, length in (
        (CARD_KEY, paths.card_master_key, CARD_KEY_BYTES),
        (PERSONAL_KEY, paths.personal_data_key, PERSONAL_KEY_BYTES),
    ):
        if not path.exists():
            lines += _missing_key(name, path, length)
    lines.append(_("Next: start the services, then cngstation tui."))
    return "\n".join(lines) + "\n"


def _missing_key(name: str, path: Path, length: int) -> list[str]:
    said = _(
        "Not there yet: the key {path}. A networked station gets it from head office; "
        "a single one makes its own and keeps a copy in a safe:"
    )
    return [
        said.format(path=path),
        f"  openssl rand -hex {length} | systemd-creds encrypt --name={name}"
        f" - /etc/cngstation/{name}.cred",
    ]

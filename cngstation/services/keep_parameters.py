"""The station's parameters: the file's, until they are set on the screen.

Devices, paths and lines stay in the file. What is set here goes before it, is checked
by the file's own rules, and holds once the programs have started anew; they do so by
themselves when no act is under way.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from cngstation.config import ConfigProblems, StationConfig
from cngstation.config.load import Value, changed
from cngstation.domain.loosening import loosens
from cngstation.errors import Refusal
from cngstation.hygiene import clean
from cngstation.language import mark
from cngstation.moments import seconds
from cngstation.services.approve import ReasonMissing, reason_of
from cngstation.services.wait_while_busy import while_busy
from cngstation.storage import audit, parameters
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.parameters import FIRST_START
from cngstation.storage.sqlite import Connection
from cngstation.units import Money, yuan_text

RIGHT = "station.parameters"
COUNTER = "cng-card-reader"
LOOK_MS = 500
LABELS = {
    "station.name": mark("Station name"),
    "station.company_name": mark("Company name"),
    "station.station_no": mark("Station number"),
    "station.area_no": mark("Area number"),
    "station.area_short_name": mark("Area short name"),
    "station.issue_point_no": mark("Issue point"),
    "limits.top_up_lower_yuan": mark("Top-up from"),
    "limits.top_up_upper_yuan": mark("Top-up up to"),
    "limits.balance_ceiling_yuan": mark("Most on a card"),
    "limits.card_fee_yuan": mark("Card fee"),
    "limits.cylinder_warning_days": mark("Cylinder warning"),
    "limits.negative_top_up": mark("Top-up back"),
    "printer.daily_digest": mark("Print the digest"),
}
NAMES = tuple(LABELS)
# They stand on cards and in the number of each sale.
FIXED = frozenset({"station.station_no", "station.area_no", "station.issue_point_no"})
_NUMBERS = frozenset({"limits.cylinder_warning_days"})
_SWITCHED = {"true": True, "false": False}
_SWITCHES = {
    "limits.negative_top_up": _SWITCHED,
    "printer.daily_digest": _SWITCHED,
}


class ParameterWrong(Refusal):
    """A parameter cannot be that."""

    code = "refusal.parameter_wrong"
    text = (
        "{field} cannot be {value}: it does not fit by itself, or beside the others. "
        "Nothing was changed."
    )


class ParameterFixed(Refusal):
    """A number that stands on cards and in sales."""

    code = "refusal.parameter_fixed"
    text = (
        "{field} stands on cards and sales already and cannot be changed. Nothing was "
        "changed. At the end of a trial, cngstation initialise begins new books."
    )


class LoosenedWithoutReason(Refusal):
    """A guard would hold back less, and nobody says why."""

    code = "refusal.loosened_without_reason"
    text = (
        "{field}: {after} instead of {before} holds back less than before; that is "
        "only done with a reason. Nothing was changed. Write down why."
    )


@dataclass(frozen=True, slots=True)
class InForce:
    """The parameters, which of them stay, and whether nobody has looked yet."""

    values: Mapping[str, str]
    fixed: frozenset[str]
    first: bool


def with_parameters(config: StationConfig, found: Mapping[str, str]) -> StationConfig:
    """Return the configuration with what was set at the station.

    Raises:
        ConfigProblems: file and station do not fit together.
    """
    values = {
        _place(name): _value(name, found[name]) for name in NAMES if name in found
    }
    return changed(config, values) if values else config


async def in_force(database: Database, config: StationConfig) -> StationConfig:
    """Return the configuration as the station has it now.

    Raises:
        ConfigProblems: file and station do not fit together.
    """
    return with_parameters(config, await database.read(parameters.every))


def shown(connection: Connection, config: StationConfig) -> InForce:
    """Return the parameters as they are shown and typed."""
    found = parameters.every(connection)
    now = with_parameters(config, found)
    values = {name: text_of(now, name) for name in NAMES}
    fixed = FIXED if _in_use(connection) else frozenset[str]()
    return InForce(values, fixed, found.get(FIRST_START) == "1")


def text_of(config: StationConfig, name: str) -> str:
    """Return a parameter of a configuration as it is typed."""
    section, key = _place(name)
    value = getattr(getattr(config, section), key)
    if isinstance(value, Money):
        return yuan_text(value.e4)
    return str(value).lower() if isinstance(value, bool) else str(value)


async def save(
    database: Database,
    config: StationConfig,
    given: Mapping[str, str],
    actor: Actor,
    reason: str = "",
) -> tuple[str, ...]:
    """Set parameters; return the names of those that are another now.

    Raises:
        ParameterWrong, ParameterFixed, LoosenedWithoutReason: nothing was changed.
    """
    why = _reason_or_none(reason)

    def unit(tx: Transaction) -> tuple[str, ...]:
        found = parameters.every(tx.connection)
        before = with_parameters(config, found)
        asked = {name: given[name].strip() for name in NAMES if name in given}
        try:
            after = with_parameters(config, {**found, **asked})
        except ConfigProblems as problems:
            raise _wrong(problems, {**found, **asked}) from None
        news = [name for name in asked if text_of(before, name) != text_of(after, name)]
        for name in news:
            if name in FIXED and _in_use(tx.connection):
                raise ParameterFixed(field=LABELS[name])
            old, new = text_of(before, name), text_of(after, name)
            if not why and loosens(name, old, new):
                raise LoosenedWithoutReason(field=LABELS[name], before=old, after=new)
        for name in news:
            old, new = text_of(before, name), text_of(after, name)
            parameters.put(tx, name, new, reason=why, actor=actor)
            audit.record(
                tx, actor, "parameter.set", name, reason=why, before=old, after=new
            )
        if found.get(FIRST_START) == "1":
            parameters.put(tx, FIRST_START, "0", actor=actor)
        return tuple(news)

    return await database.write(unit)


class Program(Protocol):
    """A running program, as begun by a file and what was set at the station."""

    program: str
    file: StationConfig
    config: StationConfig

    def begin_anew(self) -> None: ...


async def watch_parameters(database: Database, program: Program) -> None:
    """Begin a program anew once a parameter is another and no act is under way."""
    # Names and limits are the counter's: no fill is disturbed for them.
    names = NAMES if program.program == COUNTER else sorted(FIXED)
    began = [text_of(program.config, name) for name in names]
    while True:
        await asyncio.sleep(seconds(LOOK_MS))
        config = await while_busy(lambda: in_force(database, program.file))
        now = [text_of(config, name) for name in names]
        if now != began and not await while_busy(lambda: database.read(_under_way)):
            program.begin_anew()


def _reason_or_none(text: str) -> str:
    """Return a reason as it is kept; nothing where there is none."""
    try:
        return reason_of(text)
    except ReasonMissing:
        return ""


def _wrong(problems: ConfigProblems, asked: Mapping[str, str]) -> ParameterWrong:
    """Name the first parameter that a problem of the configuration is about."""
    said = problems.problems[0]
    name = next((name for name in NAMES if f" {name}:" in said), "")
    value = clean(asked.get(name, ""), limit=40) or '""'
    return ParameterWrong(field=LABELS.get(name, name), value=value)


def _under_way(connection: Connection) -> bool:
    sql = "SELECT 1 FROM intent WHERE state='PREPARED'"
    return connection.execute(sql).fetchone() is not None


def _in_use(connection: Connection) -> bool:
    """Tell whether a card or a sale carries the station's numbers."""
    row = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM card) OR EXISTS (SELECT 1 FROM sale)"
    ).fetchone()
    return bool(row[0])


def _place(name: str) -> tuple[str, str]:
    section, key = name.split(".")
    return section, key


def _value(name: str, text: str) -> Value:
    if name in _SWITCHES:
        return _SWITCHES[name].get(text.lower(), text)
    return int(text) if name in _NUMBERS and text.isascii() and text.isdigit() else text

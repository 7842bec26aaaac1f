"""Writes down what a station's configuration says, and every change of it.

The file belongs to whoever administers the machine, and some of its keys loosen what
the counter holds: tries at a login, the staff card, what a crew may mark alone. So the
first program that starts with another file books a row for each key with the values
before and after, and one with the digest of the whole. A key that is not named has its
default, written as nothing. A key that holds back less than before opens a row, until
somebody writes down why.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic_core import PydanticUndefined

from cngstation.config import StationConfig
from cngstation.config.values import Section
from cngstation.domain.loosening import GUARDS, loosens
from cngstation.services.compare_edition import compare_edition
from cngstation.storage import audit, findings
from cngstation.storage.database import Database, Transaction
from cngstation.storage.sqlite import Connection

KEY, WHOLE = "config.set", "config.read"
LOOSENED = "guard_loosened"
_PREFIX = "config."
_DIGEST_DIGITS = 16
_NAMED_BY = ("name", "nozzle_no")


async def note_config(database: Database, config: StationConfig) -> None:
    """Book what is another in the file since a program last started."""
    await compare_edition(database, config)
    said = said_by(config)
    digest = digest_of(said)
    if await database.read(noted_digest) == digest:
        return

    def unit(tx: Transaction) -> None:
        before = _noted(tx.connection)
        if before.pop(WHOLE, "") == digest:
            return  # another program started at the same time
        for key, facts in _loosened(config, before) if before else ():
            findings.open_finding(tx, LOOSENED, _PREFIX + key, facts)
        for key in sorted({*said, *before}):
            old, new = before.get(key, ""), said.get(key, "")
            if old != new:
                subject = _PREFIX + key
                audit.record(tx, audit.STATION, KEY, subject, before=old, after=new)
        audit.record(tx, audit.STATION, WHOLE, WHOLE, after=digest)

    await database.write(unit)


def _loosened(
    config: StationConfig, before: Mapping[str, str]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each key that holds back less than the books know it."""
    for key in GUARDS:
        section, name = key.split(".")
        held = getattr(config, section)
        default = type(held).model_fields[name].get_default(call_default_factory=True)
        plain = ""
        if default is not PydanticUndefined:
            plain = _text(held.model_copy(update={name: default}), name)
        old, new = before.get(key, plain), _text(held, name)
        if loosens(key, old, new):
            yield key, {"key": key, "before": old, "after": new}


def _text(section: Section, name: str) -> str:
    """Return one key of a section as the books have it."""
    values = section.model_dump(mode="json", include={name}, warnings=False)
    return dict(_flat("", values)).get(name, "")


def noted_digest(connection: Connection) -> str:
    """Return the digest of the configuration that the books know; else nothing."""
    row = connection.execute(
        "SELECT after FROM audit WHERE subject=? ORDER BY seq DESC LIMIT 1", (WHOLE,)
    ).fetchone()
    return "" if row is None else str(row[0])


def said_by(config: StationConfig) -> dict[str, str]:
    """Return each key that a configuration sets, in words: `lines.east.baud`."""
    values = config.model_dump(mode="json", exclude_defaults=True, warnings=False)
    return dict(_flat("", values))


def digest_of(said: Mapping[str, str]) -> str:
    """Return 16 hexadecimal digits that stand for what a configuration says."""
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_DIGITS]


def _flat(place: str, value: Any) -> Iterator[tuple[str, str]]:
    match value:
        case {"e4": int(e4), **rest} if not rest:
            yield place, str(e4)
        case dict():
            for key, inner in value.items():
                yield from _flat(f"{place}.{key}" if place else str(key), inner)
        case [{}, *_]:
            for number, inner in enumerate(value, 1):
                names = [str(inner[key]) for key in _NAMED_BY if key in inner]
                yield from _flat(f"{place}.{names[0] if names else number}", inner)
        case str():
            yield place, value
        case _:
            yield place, json.dumps(value, ensure_ascii=False)


def _noted(connection: Connection) -> dict[str, str]:
    rows = connection.execute(
        "SELECT subject, after, MAX(seq) FROM audit"
        " WHERE subject >= 'config.' AND subject < 'config/' AND act IN (?,?)"
        " GROUP BY subject",
        (KEY, WHOLE),
    )
    return {
        subject if subject == WHOLE else subject.removeprefix(_PREFIX): after
        for subject, after, _ in rows
    }

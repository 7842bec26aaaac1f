"""Notes which keys cards are written with; another key waits for two people.

A key is told apart by a check value that says nothing of it: scrypt of the key under
its name, so that even the short keys of sectors cannot be tried out against it. The
first key of a station is taken as it is. From then on another one, in the file of a
credential or in another file that the configuration names, can read cards but nothing
is written until two people have confirmed it. A file may hold older keys behind the one
in force, a line each: with them cards are read that were written before.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from cngstation.config.sections import StationConfig
from cngstation.drivers.fuel_card_keys import MASTER_BYTES
from cngstation.errors import Refusal
from cngstation.services.read_credentials import read_keys
from cngstation.storage import audit, card_keys, findings
from cngstation.storage.audit import Actor
from cngstation.storage.card_keys import GONE, IN_FORCE, OLD, WAITING, KeyVersion
from cngstation.storage.database import Database, Transaction
from cngstation.storage.sqlite import Connection

MASTER, FUEL, PLAIN = "card_master_key", "fuel_card_keys", "plain_card.keys"
MASTER_KEY_BYTES, PLAIN_KEY_BYTES = 16, 12
WAITS = "card_key_waits"
CONFIRM = "card_key.confirm"
FIRST, CHANGED, LEFT = "card_key.first", "card_key.changed", "card_key.left"
_CONTEXT = b"cngstation key check 1 "
_CHECK_BYTES = 8
_COST = 1 << 14
_BACK = "the file has the key in force again"


class CardKeyWaits(Refusal):
    """The key that cards would be written with is not the station's yet."""

    code = "refusal.card_key_waits"
    text = (
        "The key file {name} has another key ({check}) that two people have not "
        "confirmed. Nothing was written and no money moved. Confirm it by two people "
        "in the open rows (F7, E), or put the old key back."
    )


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys of a credential file, the one in force first."""

    name: str
    keys: tuple[bytes, ...] = field(repr=False)


Versions = Mapping[str, tuple[int, ...]]


def key_sets(config: StationConfig) -> tuple[KeySet, ...]:
    """Read the keys that the configuration names.

    Raises:
        ConfigError: a credential cannot be read.
    """
    paths, plain = config.paths, config.plain_card
    found = [KeySet(MASTER, read_keys(paths.card_master_key, MASTER_KEY_BYTES))]
    if paths.fuel_card_keys is not None:
        found.append(KeySet(FUEL, read_keys(paths.fuel_card_keys, MASTER_BYTES)[:1]))
    if plain is not None:
        found.append(KeySet(PLAIN, read_keys(plain.keys, PLAIN_KEY_BYTES)[:1]))
    return tuple(found)


def check_value(name: str, key: bytes) -> str:
    """Return 16 digits by which people and books tell a key from another."""
    salt = _CONTEXT + name.encode()
    digest = hashlib.scrypt(key, salt=salt, n=_COST, r=8, p=1, dklen=_CHECK_BYTES)
    return digest.hex().upper()


async def note_keys(database: Database, sets: Sequence[KeySet]) -> Versions:
    """Book which keys there are; return the versions of each file's keys."""

    def checks() -> dict[str, list[str]]:
        return {one.name: [check_value(one.name, k) for k in one.keys] for one in sets}

    given = await asyncio.to_thread(checks)

    def unit(tx: Transaction) -> Versions:
        for name in {one.name for one in card_keys.every(tx.connection)} - set(given):
            _drop_what_left(tx, name, ())
        return {name: _noted(tx, name, found) for name, found in given.items()}

    return await database.write(unit)


def require_keys(connection: Connection) -> None:
    """Refuse to write a card while a key waits for two people.

    Raises:
        CardKeyWaits: one does.
    """
    key = card_keys.waiting(connection)
    if key is not None:
        raise CardKeyWaits(name=key.name, check=key.check_value)


def confirm(tx: Transaction, subject: str, reason: str, actor: Actor) -> None:
    """Take a key into force that two people stand behind."""
    known = card_keys.every(tx.connection)
    key = next(one for one in known if (one.state, one.subject) == (WAITING, subject))
    before = _in_force([one for one in known if one.name == key.name])
    if key.wanted == IN_FORCE and before is not None:
        card_keys.change(tx, before, reason=reason, actor=actor, state=OLD)
    card_keys.change(tx, key, reason=reason, actor=actor, state=key.wanted)
    shown = before.shown if before else ""
    audit.record(
        tx, actor, CONFIRM, key.name, reason=reason, before=shown, after=key.shown
    )


def _noted(tx: Transaction, name: str, checks: Sequence[str]) -> tuple[int, ...]:
    """Note the keys of one file, the oldest first."""
    known = [one for one in card_keys.every(tx.connection) if one.name == name]
    is_first = not known
    for check in reversed(checks):
        wanted = IN_FORCE if check == checks[0] else OLD
        there = next((one for one in known if one.check_value == check), None)
        if there is None:
            state = wanted if is_first else WAITING
            there = KeyVersion(name, len(known) + 1, check, state, wanted)
            card_keys.add(tx, there)
            known.append(there)
            _tell(tx, FIRST if is_first else CHANGED, known, there)
        elif there.state == GONE or (there.state, wanted) == (OLD, IN_FORCE):
            card_keys.change(tx, there, state=WAITING, wanted=wanted)
            known[known.index(there)] = replace(there, state=WAITING, wanted=wanted)
            _tell(tx, CHANGED, known, there)
        elif there.state == WAITING and there.wanted != wanted:
            card_keys.change(tx, there, wanted=wanted)
    _drop_what_left(tx, name, checks)
    _open_rows(tx, name)
    place = {one.check_value: one.version for one in known}
    return tuple(place[check] for check in checks)


def _drop_what_left(tx: Transaction, name: str, checks: Sequence[str]) -> None:
    """A key that waited and is in the file no more is not waited for.

    Nor one of a file that the configuration names no more.
    """
    for one in card_keys.every(tx.connection):
        if (one.name, one.state) != (name, WAITING) or one.check_value in checks:
            continue
        card_keys.change(tx, one, state=GONE)
        audit.record(tx, audit.STATION, LEFT, name, before=one.shown)
        for row in findings.open_findings(tx.connection, one.subject):
            findings.close_finding(tx, row.seq, _BACK, "")


def _open_rows(tx: Transaction, name: str) -> None:
    known = [one for one in card_keys.every(tx.connection) if one.name == name]
    before = _in_force(known)
    for one in known:
        if one.state == WAITING:
            facts = {
                "name": name,
                "before": before.shown if before else "-",
                "after": one.shown,
            }
            findings.open_once(tx, WAITS, one.subject, facts)


def _tell(
    tx: Transaction, act: str, known: Sequence[KeyVersion], key: KeyVersion
) -> None:
    before = _in_force(known)
    shown = before.shown if before and before.version != key.version else ""
    audit.record(tx, audit.STATION, act, key.name, before=shown, after=key.shown)


def _in_force(known: Sequence[KeyVersion]) -> KeyVersion | None:
    return next((one for one in known if one.state == IN_FORCE), None)

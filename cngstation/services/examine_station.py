"""Looks at a station from its files: disk, database, clock, backlog, ports."""

import os
import shutil
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cngstation.config import StationConfig
from cngstation.errors import StorageError
from cngstation.language import mark
from cngstation.moments import Clock
from cngstation.services.open_rows import open_rows
from cngstation.services.tell_day import EARLIEST_MS
from cngstation.storage import outbox
from cngstation.storage.migrations import current_version, known_migrations
from cngstation.storage.sqlite import FAILURES, Connection, connect

# Below the first no new act is begun, see `StationRules`; the second is a warning.
LEAST_FREE_BYTES = 64 * 2**20
FEW_FREE_BYTES = 1024 * 2**20
# A day of a busy station; more means that nothing has gone out for long.
MANY_WAITING = 20_000
MANY_OPEN_ROWS = 20
# The last entry may be some seconds ahead of a clock that was just set.
CLOCK_SLACK_MS = 60_000
# No station is older than this program: 2026-01-01.

DISK_FULL = (
    mark("The disk is full: {free} MiB left. No money is taken at the counter."),
    mark("Move old backups and logs to another disk."),
)
DISK_NEARLY_FULL = (
    mark("The disk is nearly full: {free} MiB left."),
    mark("Move old backups and logs to another disk."),
)
NO_DATABASE = (
    mark("The database {path} cannot be read: {why}."),
    mark("Start the daemons once; else restore the last proved backup."),
)
NEWER_DATABASE = (
    mark("The database has version {found}, this program knows {known}."),
    mark("Install the program's newer version; the file is never taken back."),
)
CLOCK_BEHIND = (
    mark("The clock is wrong: the books have an entry of {minutes} minutes from now."),
    mark("Set the clock (timedatectl), replace the battery of the board."),
)
CLOCK_EARLY = (
    mark("The clock stands before the program's own time."),
    mark("Set the clock (timedatectl), replace the battery of the board."),
)
BACKLOG = (
    mark("{count} rows wait for head office."),
    mark("Look at the link to head office."),
)
OPEN_ROWS = (
    mark("{count} rows wait for a person."),
    mark("Open the counter's list and finish them one by one."),
)
PORT_GONE = (
    mark("The port {port} of the {device} is not there."),
    mark("Plug the adapter in; compare the name with /dev/serial/by-id."),
)
PORT_CLOSED = (
    mark("This user may not open the port {port} of the {device}."),
    mark("Run the doctor as root; the daemon's user needs the group of the port."),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with the station; `code` stays the same for ever."""

    part: str
    code: str
    text: str
    cure: str
    facts: dict[str, str | int] = field(default_factory=dict)


def examine(config: StationConfig, clock: Clock) -> list[Finding]:
    """Return what is wrong with files, clock and ports; the gravest first."""
    return [
        *_disk(config.paths.database.parent),
        *_clock(clock.now().wall_ms),
        *_books(config.paths.database, clock.now().wall_ms),
        *_ports(config),
    ]


def _found(part: str, code: str, told: tuple[str, str], **facts: str | int) -> Finding:
    return Finding(part, code, *told, facts)


def _disk(folder: Path) -> Iterable[Finding]:
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return
    if free < LEAST_FREE_BYTES:
        yield _found("disk", "disk_full", DISK_FULL, free=free // 2**20)
    elif free < FEW_FREE_BYTES:
        yield _found("disk", "disk_nearly_full", DISK_NEARLY_FULL, free=free // 2**20)


def _clock(now_ms: int) -> Iterable[Finding]:
    if now_ms < EARLIEST_MS:
        yield _found("clock", "clock_early", CLOCK_EARLY)


def _books(path: Path, now_ms: int) -> Iterable[Finding]:
    if not path.is_file():
        yield _no_database(path, "there is no such file")
        return
    try:
        connection = connect(path, read_only=True)
        try:
            yield from _read_books(connection, path, now_ms)
        finally:
            connection.close()
    except StorageError as error:
        yield _no_database(path, str(error.facts.get("why", error.sentence())))
    except FAILURES as error:
        yield _no_database(path, str(error))


def _no_database(path: Path, why: str) -> Finding:
    return _found("database", "no_database", NO_DATABASE, path=str(path), why=why)


def _read_books(connection: Connection, path: Path, now_ms: int) -> Iterable[Finding]:
    known = known_migrations()[-1][0]
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > known:
        facts = {"found": found, "known": known}
        yield _found("database", "database_newer", NEWER_DATABASE, **facts)
        return
    if current_version(connection, path, known) == 0:
        yield _no_database(path, "it is not a station's database")
        return
    connection.execute("BEGIN")
    (last_ms,) = connection.execute("SELECT max(at_ms) FROM entry").fetchone()
    if last_ms is not None and last_ms > now_ms + CLOCK_SLACK_MS:
        minutes = (last_ms - now_ms) // 60_000
        yield _found("clock", "clock_behind", CLOCK_BEHIND, minutes=minutes)
    waiting = outbox.waiting(connection).count
    if waiting > MANY_WAITING:
        yield _found("outbox", "backlog", BACKLOG, count=waiting)
    rows = len(open_rows(connection))
    if rows > MANY_OPEN_ROWS:
        yield _found("rows", "open_rows", OPEN_ROWS, count=rows)


def _ports(config: StationConfig) -> Iterable[Finding]:
    """Look at the ports of reader and printer; lines are looked at one by one."""
    devices = {"reader": config.reader.port, "printer": config.printer.port}
    for device, port in devices.items():
        path = Path(str(port))
        if not port or not path.is_absolute():
            continue
        facts = {"port": str(port), "device": device}
        try:
            is_there = stat.S_ISCHR(path.stat().st_mode)
        except OSError:
            is_there = False
        if not is_there:
            yield _found(device, f"{device}_port_missing", PORT_GONE, **facts)
        elif not os.access(path, os.R_OK | os.W_OK):
            yield _found(device, f"{device}_port_forbidden", PORT_CLOSED, **facts)

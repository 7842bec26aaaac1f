"""Begins new books: the old ones become an archive that nothing writes to any more.

Nothing is wiped. The file is copied, with its head and its proof, and then one rename
puts the new books in its place: cut off anywhere, a station has the old ones or the
new ones, whole. The old file is held exclusively meanwhile, so that no daemon writes.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from cngstation.errors import Refusal
from cngstation.moments import Clock
from cngstation.services import carry_over
from cngstation.services.approve import Approved, Wish, record
from cngstation.services.carry_over import Carried
from cngstation.services.verify_books import Proof, verify, verify_file
from cngstation.storage import audit
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.epochs import EpochStart
from cngstation.storage.sqlite import Connection, connect, is_busy, sqlite3

ACT = "station.initialise"
ARCHIVE_MODE = 0o440
_BLOCK = 1 << 20


class StillRunning(Refusal):
    """A daemon has the books open."""

    code = "refusal.still_running"
    text = (
        "The station is running: a program has {path} open. Nothing was changed. Stop "
        "the services first (systemctl stop cngstation.target)."
    )


class NotProved(Refusal):
    """Books that are not proved are not left behind."""

    code = "refusal.not_proved"
    text = (
        "The books are NOT proved: {first_bad}. Nothing was changed. Keep the file and "
        "call the manager."
    )


@dataclass(frozen=True, slots=True)
class NewBooks:
    """What was made: the archive, and the epoch that has begun."""

    archive: Path
    head: str
    epoch: int


async def initialise(
    path: Path,
    archive_folder: Path,
    clock: Clock,
    actor: Actor,
    approved: Approved,
    *,
    networked: bool,
) -> NewBooks:
    """Archive the books and begin new ones in their place.

    Raises:
        StillRunning, NotProved, NotAtRest: nothing was changed.
    """
    with _held(path) as connection:
        carry_over.require_rest(connection, clock.now(), networked=networked)
        proof = verify(connection)
        if not proof.proved:
            raise NotProved(first_bad=proof.wrong.told() if proof.wrong else "")
        carried = carry_over.read_over(connection, clock.now())
        name = f"{path.stem}-epoch{carried.epoch}-{carried.head[:16]}.db"
        archive = archive_folder / name
        with path.open("rb") as old:
            digest = _archive(old, archive, proof, carried)
            start = EpochStart(
                previous_epoch=carried.epoch,
                previous_seq=carried.seq,
                previous_head=carried.head,
                archive=archive.name,
                archive_sha256=digest,
                open_rows=proof.open_rows,
                carried=carried.money,
                reason=approved.reason,
                operator_no=actor.operator_no,
                second_no=approved.operator_no,
                terminal=actor.terminal,
            )
            # Closing any handle of the file ends the hold on it: not before the end.
            with _beside(path) as beside:
                database = await Database.open(beside, clock)
                try:
                    await database.write(partial(_write, carried, start, approved))
                finally:
                    await database.close()
                _require_proof(beside)
                _put_in_place(beside, path)
    return NewBooks(archive, carried.head, carried.epoch + 1)


@contextlib.contextmanager
def _held(path: Path) -> Iterator[Connection]:
    """Hold the file alone, all of it in one piece without a journal beside it.

    Raises:
        StillRunning: somebody else has it open.
    """
    connection = connect(path)
    try:
        try:
            # Possible only for who is alone with the file.
            (mode,) = connection.execute("PRAGMA journal_mode=DELETE").fetchone()
            if mode != "delete":
                raise StillRunning(path=str(path))
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            raise StillRunning(path=str(path)) from None
        yield connection
    finally:
        connection.close()


def _archive(old: BinaryIO, archive: Path, proof: Proof, carried: Carried) -> str:
    """Copy the books, read-only, with what proves them beside; return the SHA-256."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    beside = archive.with_name(f"{archive.name}.part")
    digest = hashlib.sha256()
    beside.unlink(missing_ok=True)
    with beside.open("wb") as copy:
        while block := old.read(_BLOCK):
            digest.update(block)
            copy.write(block)
        _sync(copy)
    beside.chmod(ARCHIVE_MODE)
    verdict = {
        "archive": archive.name,
        "sha256": digest.hexdigest(),
        "epoch": carried.epoch,
        "rows": carried.seq,
        "ledger_head": carried.head,
        "verify": "proved",
        "open_rows": proof.open_rows,
    }
    told = archive.with_suffix(".json")
    told.unlink(missing_ok=True)
    with told.open("w", encoding="utf-8") as file:
        file.write(json.dumps(verdict, indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())
    told.chmod(ARCHIVE_MODE)
    beside.replace(archive)
    _sync_folder(archive.parent)
    return digest.hexdigest()


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Make an empty file for the new books, as the old one's group may use it."""
    beside = path.with_name(f"{path.name}.next")
    every = (beside, *(beside.with_name(beside.name + end) for end in _JOURNALS))
    for left in every:
        left.unlink(missing_ok=True)
    beside.touch()
    try:
        os.chown(beside, -1, path.stat().st_gid)
        shutil.copymode(path, beside)
        yield beside
    finally:
        for left in every:
            left.unlink(missing_ok=True)


def _write(
    carried: Carried, start: EpochStart, approved: Approved, tx: Transaction
) -> None:
    actor = Actor(start.operator_no, start.terminal)
    cut_off_minute = approved.paper.cut_off_minute
    carry_over.begin_epoch(tx, carried, start, actor, cut_off_minute=cut_off_minute)
    wish = Wish(ACT, str(start.previous_epoch + 1))
    record(tx, approved, wish, actor, before=start.previous_head[:16])
    audit.record(
        tx, actor, ACT, wish.subject, reason=start.reason,
        before=start.previous_head, after=start.archive,
    )  # fmt: skip


def _require_proof(path: Path) -> None:
    proof = verify_file(path)
    if not proof.proved:
        raise NotProved(first_bad=proof.wrong.told() if proof.wrong else "")


_JOURNALS = ("-wal", "-shm", "-journal")


def _put_in_place(beside: Path, path: Path) -> None:
    """The one moment at which the station changes over."""
    with beside.open("rb") as made:
        os.fsync(made.fileno())
    beside.replace(path)
    _sync_folder(path.parent)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

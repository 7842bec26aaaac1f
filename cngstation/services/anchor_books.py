"""Anchors the books: says outside of them where their chain stands.

A checkpoint is a fact for head office, signed where the station has a key, and a line
in a file of its own folder. It is due after a quarter of an hour with new rows, after
a thousand rows, and when a shift has ended. At start the file is compared with the
books: a copy that was put back is a row that two people close, and so is a file that
is gone or cannot be read.

Every daemon compares and keeps anchors, so that a station has them whichever of its
programs run. Who writes holds the file; those that stand by write what nobody else has
written since they looked last.
"""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

import structlog

from cngstation.config import StationConfig
from cngstation.hygiene import clean
from cngstation.moments import Clock, Instant, seconds
from cngstation.services import check_anchors
from cngstation.services.check_anchors import OLDER_BOOKS, SUBJECT, UNREAD, NoAnchor
from cngstation.services.station_key import signer_of, tell_key
from cngstation.services.wait_while_busy import while_busy
from cngstation.storage import chain, checkpoints, findings
from cngstation.storage.checkpoints import Checkpoint
from cngstation.storage.database import Database, Transaction
from cngstation.storage.sqlite import Connection

LOOK_MS, STANDBY_LOOK_MS = 5_000, 30_000
EVERY_MS = 15 * 60_000
EVERY_ROWS = 1_000
UPLOADER = "cng-sync-uploader"
_LONGEST_LINE = 200
_log = structlog.get_logger("anchors")


class Signer(Protocol):
    """The station's key."""

    def sign(self, text: bytes) -> bytes: ...


class Program(Protocol):
    """A running program."""

    program: str
    config: StationConfig
    clock: Clock


class AnchorKeeper:
    """Makes the checkpoints of a station's books, and keeps their file."""

    def __init__(
        self,
        database: Database,
        path: Path,
        station_no: str,
        clock: Clock,
        signer: Signer | None = None,
        *,
        stands_by: bool = False,
    ) -> None:
        self._database = database
        self._path = path
        self._station_no = station_no
        self._clock = clock
        self._signer = signer
        self._since = clock.now()
        self._stands_by = stands_by
        self._left_due = -1  # the newest checkpoint when one was due at the last look
        self._trouble = ""

    async def run(self) -> None:
        """Compare once, then anchor whenever it is due, for ever."""
        await while_busy(self.compare)
        while True:
            await while_busy(self.look_once)
            pause_ms = STANDBY_LOOK_MS if self._stands_by else LOOK_MS
            await asyncio.sleep(seconds(pause_ms))

    async def compare(self) -> None:
        """Open a row where the books are not those of the file, or it says nothing."""
        try:
            anchors = await asyncio.to_thread(check_anchors.read_anchors, self._path)
        except (OSError, NoAnchor) as error:
            # Before the first checkpoint there is no file.
            if await self._database.read(checkpoints.newest) is not None:
                await self._name_unread(error)
            return
        facts = await self._database.read(lambda c: check_anchors.tell(c, anchors))
        if facts is not None:
            _log.error("books.older_than_anchor", **facts)
            await self._database.write(lambda tx: _tell_older(tx, anchors))

    async def _name_unread(self, error: OSError | NoAnchor) -> None:
        self._tell(str(error))
        if isinstance(error, NoAnchor):
            why = str(error.facts["typed"])
        else:
            why = error.strerror or "-"
        facts = {"file": clean(str(self._path)), "why": clean(why)}
        await self._database.write(
            lambda tx: findings.open_once(tx, UNREAD, SUBJECT, facts)
        )

    async def look_once(self) -> Checkpoint | None:
        """Make the checkpoint that is due, if one is, and write its line."""
        now = self._clock.now()
        newest, is_due = await self._database.read(
            lambda c: (checkpoints.newest(c), bool(due(c, now, self._since)))
        )
        last_seq = newest.seq if newest else 0
        was_left = self._left_due == last_seq
        self._left_due = last_seq if is_due else -1
        if not is_due or (self._stands_by and not was_left):
            return None
        with self._held() as (file, is_free):
            if not is_free:
                return None
            made = await self._database.write(self._anchor)
            if made is not None and file is not None:
                await asyncio.to_thread(self._append, file, made)
            return made

    @contextlib.contextmanager
    def _held(self) -> Iterator[tuple[BinaryIO | None, bool]]:
        """Hold the file, unless another daemon does; a checkpoint is made without one.

        It is there before the first checkpoint is: none of both is a file that is gone.
        """
        try:
            self._path.parent.mkdir(mode=0o770, parents=True, exist_ok=True)
            with self._path.open("ab+") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    yield None, False
                else:
                    yield file, True
                return
        except OSError as error:
            self._tell(str(error))
        yield None, True

    def _anchor(self, tx: Transaction) -> Checkpoint | None:
        cause = due(tx.connection, tx.now, self._since)
        if not cause:
            return None
        signature = ""
        if self._signer is not None:
            signature = self._signer.sign(signed_text(tx, self._station_no)).hex()
        return checkpoints.add(tx, self._station_no, cause, signature)

    def _append(self, file: BinaryIO, made: Checkpoint) -> None:
        try:
            file.seek(0, os.SEEK_END)
            file.seek(-min(file.tell(), _LONGEST_LINE), os.SEEK_END)
            # What a power cut has left of a line would make the file none.
            half = file.read().rpartition(b"\n")[2]
            file.truncate(file.tell() - len(half))
            file.write(check_anchors.line_of(made).encode())
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            self._tell(str(error))
        else:
            self._trouble = ""

    def _tell(self, trouble: str) -> None:
        if trouble != self._trouble:
            _log.error("anchors.file", why=trouble, path=str(self._path))
        self._trouble = trouble


def _tell_older(tx: Transaction, anchors: list[check_anchors.Anchor]) -> None:
    """Open the row, unless another daemon has meanwhile."""
    if facts := check_anchors.tell(tx.connection, anchors):
        findings.open_finding(tx, OLDER_BOOKS, SUBJECT, facts)


async def keep_anchors(database: Database, program: Program) -> None:
    """Compare and anchor the books in one of the station's programs, for ever."""
    config = program.config
    keeper = AnchorKeeper(
        database,
        check_anchors.file_of(config.paths.database, config.paths.anchors),
        config.station.station_no,
        program.clock,
        signer_of(config),
        stands_by=program.program != UPLOADER,
    )
    if program.program == UPLOADER:
        await while_busy(lambda: database.write(lambda tx: tell_key(tx, config)))
    await keeper.run()


def due(connection: Connection, now: Instant, since: Instant) -> str:
    """Return why a checkpoint is due, empty where none is.

    `since` is when this program began: nothing is due by time before it has run for so
    long, unless the last checkpoint is of this boot.
    """
    last = checkpoints.newest(connection)
    last_seq = last.seq if last else 0
    rows = chain.read_tip(connection).seq - last_seq
    if rows <= 0:
        return ""
    if rows >= EVERY_ROWS:
        return "rows"
    if checkpoints.shift_ended_since(connection, last_seq):
        return "shift"
    same_boot = last is not None and last.boot_id == now.boot_id
    began_ms = last.mono_ms if last is not None and same_boot else since.mono_ms
    return "time" if now.mono_ms - began_ms >= EVERY_MS else ""


def signed_text(tx: Transaction, station_no: str) -> bytes:
    """Return what a signature of the chain's place now is over."""
    place = {
        "station_no": station_no,
        "epoch": tx.tip.epoch,
        "of_seq": tx.tip.seq,
        "of_head": tx.tip.head.hex(),
        **tx.stamp(),
    }
    return chain.canonical(place).encode()

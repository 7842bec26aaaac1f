"""Anchors the books: says outside of them where their chain stands.

A checkpoint is a fact for head office, signed where the station has a key, and a line
in a file of its own folder. It is due after a quarter of an hour with new rows, after
a thousand rows, and when a shift has ended. At start the file is compared with the
books: a copy that was put back is a row that two people close, and so is a file that
is gone or cannot be read.
"""

import asyncio
import os
from pathlib import Path
from typing import Protocol

import structlog

from cngstation.hygiene import clean
from cngstation.moments import Clock, Instant, seconds
from cngstation.services import check_anchors
from cngstation.services.check_anchors import OLDER_BOOKS, SUBJECT, UNREAD, NoAnchor
from cngstation.services.wait_while_busy import while_busy
from cngstation.storage import chain, checkpoints, findings
from cngstation.storage.checkpoints import Checkpoint
from cngstation.storage.database import Database, Transaction
from cngstation.storage.sqlite import Connection

LOOK_MS = 5_000
EVERY_MS = 15 * 60_000
EVERY_ROWS = 1_000
_LONGEST_LINE = 200
_log = structlog.get_logger("anchors")


class Signer(Protocol):
    """The station's key."""

    def sign(self, text: bytes) -> bytes: ...


class AnchorKeeper:
    """Makes the checkpoints of a station's books, and keeps their file."""

    def __init__(
        self,
        database: Database,
        path: Path,
        station_no: str,
        clock: Clock,
        signer: Signer | None = None,
    ) -> None:
        self._database = database
        self._path = path
        self._station_no = station_no
        self._clock = clock
        self._signer = signer
        self._since = clock.now()
        self._trouble = ""

    async def run(self) -> None:
        """Compare once, then anchor whenever it is due, for ever."""
        await while_busy(self.compare)
        while True:
            await while_busy(self.look_once)
            await asyncio.sleep(seconds(LOOK_MS))

    async def compare(self) -> None:
        """Open a row where the books are not those of the file, or it says nothing."""
        try:
            anchors = check_anchors.read_anchors(self._path)
        except (OSError, NoAnchor) as error:
            # Before the first checkpoint there is no file.
            if await self._database.read(checkpoints.newest) is not None:
                await self._name_unread(error)
            return
        facts = await self._database.read(lambda c: check_anchors.tell(c, anchors))
        if facts is not None:
            _log.error("books.older_than_anchor", **facts)
            await self._database.write(
                lambda tx: findings.open_finding(tx, OLDER_BOOKS, SUBJECT, facts)
            )

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
        if not await self._database.read(lambda c: due(c, now, self._since)):
            return None
        made = await self._database.write(self._anchor)
        if made is not None:
            await asyncio.to_thread(self._append, made)
        return made

    def _anchor(self, tx: Transaction) -> Checkpoint | None:
        cause = due(tx.connection, tx.now, self._since)
        if not cause:
            return None
        signature = ""
        if self._signer is not None:
            signature = self._signer.sign(signed_text(tx, self._station_no)).hex()
        return checkpoints.add(tx, self._station_no, cause, signature)

    def _append(self, made: Checkpoint) -> None:
        try:
            self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            with self._path.open("ab+") as file:
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

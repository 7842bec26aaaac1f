"""Takes the numbers of a file onto the dispensers' lists: whole, or as changes.

As changes, the file says of each of its numbers on which list it shall be. Whole, the
blacklist by hand becomes what the file says. Where a number comes off the blacklist it
takes two people, who agree on this very file. Our own cards are left out: what their
register says of them stands.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from cngstation.config import StationConfig
from cngstation.domain.card_lists import LARGEST_BASE
from cngstation.errors import Refusal
from cngstation.services.approve import (
    Approval,
    Approvals,
    SecondPersonMissing,
    Wish,
    reason_of,
    record,
)
from cngstation.services.check_sale import wire_card_key
from cngstation.services.list_numbers import TooManyNumbers, wire_number
from cngstation.services.read_list_file import (
    BLACK,
    NONE,
    ListFile,
    ListFileRefused,
    read_list_file,
)
from cngstation.storage import audit, cards, downloads
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.sqlite import Connection

ACT = "lists.file"
FOLDER = "import"
_NEVER = 1 << 62  # behind every row of an audit
_DIGEST = 12  # hexadecimal digits that name a file for people


class FileHasFaults(Refusal):
    """Rows of it cannot be used."""

    code = "refusal.list_file_faults"
    text = (
        "{count} rows of {name} cannot be used, the first is row {row}. No list was "
        "changed. Correct the file and take it again."
    )


class FileChanged(Refusal):
    """It is not the file that was looked at."""

    code = "refusal.list_file_changed"
    text = "The file {name} was changed since you looked at it. No list was changed."


@dataclass(frozen=True, slots=True)
class Changes:
    """What a file would change: numbers by their new list, and what is left alone."""

    moved: dict[str, str]
    own: tuple[str, ...]
    off_black: int
    black: int

    @property
    def on_black(self) -> int:
        """How many come onto the blacklist."""
        return sum(on == BLACK for on in self.moved.values())


@dataclass(frozen=True, slots=True)
class Looked:
    """A file, and what it would change as changes and whole."""

    file: ListFile
    as_changes: Changes
    as_whole: Changes


class ListFiles:
    """The files of a folder, and what they say."""

    def __init__(
        self, database: Database, approvals: Approvals, area_no: str, folder: Path
    ) -> None:
        self._database = database
        self._approvals = approvals
        self._area_no = area_no
        self.folder = folder

    async def names(self) -> list[tuple[str, int, int]]:
        """Return name, size and time (ms) of the files in the folder.

        First what was never taken, then as they were taken, the last one first: a file
        has its time from a clock that may be any.
        """
        found = await asyncio.to_thread(_listed, self.folder)
        taken = await self._database.read(_taken)
        return sorted(found, key=lambda row: -taken.get(row[0], _NEVER))

    def path_of(self, name: str) -> Path:
        """Return a file of the folder; a name is no path.

        Raises:
            ListFileRefused: it is one.
        """
        if name != Path(name).name or name in {"", ".", ".."}:
            raise ListFileRefused(name=name, why="it cannot be read")
        return self.folder / name

    async def look(self, path: Path) -> Looked:
        """Read a file and say what it would change.

        Raises:
            ListFileRefused: it cannot be read.
        """
        file = await asyncio.to_thread(read_list_file, path, number_of=self._on_wire)
        as_changes, as_whole = await self._database.read(
            lambda connection: (
                self._changes(connection, file, whole=False),
                self._changes(connection, file, whole=True),
            )
        )
        return Looked(file, as_changes, as_whole)

    async def take(
        self,
        path: Path,
        *,
        whole: bool,
        reason: str,
        actor: Actor,
        approval: Approval | None,
        digest: str = "",
    ) -> Changes:
        """Put what a file says on the lists, all of it or nothing.

        Raises:
            ListFileRefused, FileHasFaults, FileChanged, TooManyNumbers, ReasonMissing,
            SecondPersonMissing, SamePerson, RightMissing, LoginRefused: nothing was.
        """
        why = reason_of(reason)
        looked = await self.look(path)
        file = looked.file
        if digest and digest != file.digest:
            raise FileChanged(name=file.name)
        if file.faults:
            first = file.faults[0].row
            raise FileHasFaults(count=len(file.faults), name=file.name, row=first)
        first_look = looked.as_whole if whole else looked.as_changes
        wish, approved = Wish(ACT, f"{file.name} {file.digest[:_DIGEST]}"), None
        if first_look.off_black:
            approved = await self._approvals.approve(approval, wish, actor, why)

        def unit(tx: Transaction) -> Changes:
            changes = self._changes(tx.connection, file, whole=whole)
            if changes.black > LARGEST_BASE:
                raise TooManyNumbers(count=changes.black, most=LARGEST_BASE)
            counts = f"+{changes.on_black} -{changes.off_black}"
            if changes.off_black:
                if approved is None:  # a number was listed after the first look
                    raise SecondPersonMissing
                record(tx, approved, wish, actor, after=counts)
            for card_no, on in changes.moved.items():
                downloads.list_number(
                    tx, card_no, on, source="file", reason=why, actor=actor
                )
            audit.record(tx, actor, ACT, wish.subject, after=counts, reason=why)
            return changes

        async with self._approvals.noting(wish, actor, approved):
            return await self._database.write(unit)

    def _on_wire(self, number: str) -> str:
        return wire_number(number, self._area_no)

    def _changes(
        self, connection: Connection, file: ListFile, *, whole: bool
    ) -> Changes:
        now = {no: on for no, on, _source in downloads.numbers_by_hand(connection)}
        wanted = dict(file.wanted)
        own = tuple(no for no in wanted if _is_own(connection, no))
        for card_no in own:
            del wanted[card_no]
        if whole:
            gone = (no for no, on in now.items() if on == BLACK and no not in wanted)
            wanted |= dict.fromkeys(gone, NONE)
        moved = {no: on for no, on in wanted.items() if now.get(no, NONE) != on}
        off = sum(now.get(no) == BLACK for no in moved)
        after = now | moved
        black = sum(on == BLACK for on in after.values())
        return Changes(moved, own, off, black)


def list_files(
    config: StationConfig, database: Database, approvals: Approvals
) -> ListFiles:
    """Return the files of the import folder, which lies beside the database."""
    folder = config.paths.database.parent / FOLDER
    return ListFiles(database, approvals, config.station.area_no, folder)


def _taken(connection: Connection) -> dict[str, int]:
    """Return where in the audit each name was taken last."""
    found = connection.execute(
        "SELECT subject, max(seq) FROM audit WHERE act=? GROUP BY subject"
        " ORDER BY max(seq)",
        (ACT,),
    )
    return {subject.rpartition(" ")[0]: seq for subject, seq in found}


def _is_own(connection: Connection, card_no: str) -> bool:
    key = wire_card_key(card_no)
    return bool(key) and cards.find(connection, key) is not None


def _listed(folder: Path) -> list[tuple[str, int, int]]:
    try:
        paths = [p for p in folder.iterdir() if p.is_file() and not p.is_symlink()]
        found = [(p.name, p.stat()) for p in paths]
    except OSError:
        return []
    rows = [(name, stat.st_size, int(stat.st_mtime * 1000)) for name, stat in found]
    return sorted(rows, key=lambda row: -row[2])

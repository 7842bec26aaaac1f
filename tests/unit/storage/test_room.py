"""A disk that fills up: what can wait is refused in time, the reserve is given up."""

import os
import shutil
from pathlib import Path

import pytest

from cngstation.errors import DatabaseBusy, NoRoom
from cngstation.storage import chain, room
from cngstation.storage.database import Database
from cngstation.storage.room import LEAST_BYTES, RESERVE_NAME, Room
from tests.small_station import HandClock, book


class Disk:
    """How much the disk of a folder says is free."""

    def __init__(self, folder: Path, free: int) -> None:
        self.folder = folder
        self.without_reserve = free

    def told(self, _: object) -> os.statvfs_result:
        """Answer as the system does, in blocks of one byte."""
        reserve = self.folder.joinpath(RESERVE_NAME).exists()
        free = self.without_reserve + (0 if reserve else room.RESERVE_BYTES)
        return os.statvfs_result((1, 1, 0, 0, free, 0, 0, 0, 0, 255))


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """Return a disk with nothing left but the reserve."""
    disk = Disk(tmp_path, 0)
    monkeypatch.setattr(os, "statvfs", disk.told)
    return disk


async def test_the_reserve_comes_first_then_what_can_wait(
    tmp_path: Path, disk: Disk
) -> None:
    """Refused before anything is begun; the program goes on; room brings all back."""
    tmp_path.joinpath(RESERVE_NAME).write_bytes(b"")
    path = tmp_path / "s.db"
    db = await Database.open(path, HandClock(), Room(tmp_path))
    last = await Database.open(path, HandClock(), Room(tmp_path, 0))
    try:
        assert await db.write(lambda tx: book(tx, "a")) == 1
        assert not tmp_path.joinpath(RESERVE_NAME).exists()
        disk.without_reserve = LEAST_BYTES - room.RESERVE_BYTES - 1
        with pytest.raises(NoRoom) as full:
            await db.write(lambda tx: book(tx, "b"))
        assert isinstance(full.value, DatabaseBusy)  # nothing was begun
        assert full.value.facts == {"free_mib": 7}
        assert db.failed is None
        assert await last.write(lambda tx: book(tx, "fill")) == 2
        disk.without_reserve += 1
        assert await db.write(lambda tx: book(tx, "b")) == 3
        assert (await db.read(chain.read_tip)).seq == 3
    finally:
        await db.close()
        await last.close()


def test_a_reserve_is_made_once_where_there_is_plenty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small disk keeps its last room for the books."""
    monkeypatch.setattr(room, "RESERVE_BYTES", 4_096)
    free = (100, 90, room._PLENTY_BYTES - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(*free))
    reserve = tmp_path / RESERVE_NAME
    Room(tmp_path).make_reserve()
    assert not reserve.exists()
    free = (100, 90, room._PLENTY_BYTES)
    Room(tmp_path).make_reserve()
    assert reserve.stat().st_blocks * 512 >= 4_096  # not a hole
    made = reserve.stat().st_mtime_ns
    Room(tmp_path).make_reserve()
    assert reserve.stat().st_mtime_ns == made


class _Usage:
    def __init__(self, total: int, used: int, free: int) -> None:
        self.total, self.used, self.free = total, used, free

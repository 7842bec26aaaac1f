"""Room on the disk for what must still be written: a floor, and a file to give up.

Programs that can wait stop writing while something is left, so that the fills which
dispensers hold find room. Beside the database lies a file of `RESERVE_BYTES` that
means nothing; the first program that finds the disk full removes it.
"""

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import structlog

from cngstation.errors import NoRoom

LEAST_BYTES = 8 * 2**20
RESERVE_BYTES = 16 * 2**20
# The reserve is made where four times as much stays free beside it.
_PLENTY_BYTES = 5 * RESERVE_BYTES
RESERVE_NAME = "reserve-for-a-full-disk"
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Room:
    """What one program leaves free in the folder of the station's database."""

    folder: Path
    least_bytes: int = LEAST_BYTES

    def require(self) -> None:
        """Refuse to begin when less is free, after giving up the reserve.

        Raises:
            NoRoom: with what is left.
        """
        if self._free() >= LEAST_BYTES:
            return
        self._give_up_reserve()
        free = self._free()
        if free < self.least_bytes:
            raise NoRoom(free_mib=free // 2**20)

    def make_reserve(self) -> None:
        """Make the reserve where there is plenty of room and none yet."""
        path = self.folder.joinpath(RESERVE_NAME)
        with contextlib.suppress(OSError):
            if path.exists() or shutil.disk_usage(self.folder).free < _PLENTY_BYTES:
                return
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
            try:
                os.posix_fallocate(file, 0, RESERVE_BYTES)
            except OSError:
                path.unlink(missing_ok=True)
            finally:
                os.close(file)

    def _free(self) -> int:
        try:
            # For everybody, not for root alone: the daemons are not root.
            told = os.statvfs(self.folder)
        except OSError:
            return LEAST_BYTES  # the commit will say what is wrong
        return told.f_bavail * told.f_frsize

    def _give_up_reserve(self) -> None:
        try:
            self.folder.joinpath(RESERVE_NAME).unlink()
        except OSError:
            return
        _log.critical("disk.reserve_given_up", folder=str(self.folder))

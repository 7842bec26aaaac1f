"""The disk of the bench: a folder on a real file system, and how often it syncs."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PAGE = 4096
_HERE = Path(__file__).resolve().parents[2]


@contextmanager
def folder_on_disk() -> Iterator[Path]:
    """Make a folder beside the clone; the system's temporary folder may be memory."""
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=_HERE) as name:
        yield Path(name)


class SyncProbe:
    """Overwrites one page and makes it durable, as often as it can."""

    def __init__(self, folder: Path) -> None:
        self._fd = os.open(folder / "probe", os.O_RDWR | os.O_CREAT, 0o600)
        self._page = os.urandom(PAGE)
        os.pwrite(self._fd, self._page, 0)
        os.fsync(self._fd)

    def per_second(self, seconds: float) -> float:
        """Return how many fdatasync a second the disk does now."""
        count, began = 0, time.perf_counter()
        while (took := time.perf_counter() - began) < seconds:
            os.pwrite(self._fd, self._page, 0)
            os.fdatasync(self._fd)
            count += 1
        return count / took

    def close(self) -> None:
        """Close the probe's file."""
        os.close(self._fd)

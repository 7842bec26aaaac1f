"""Rows that a writer remembers between its units, as long as nothing else changes them.

SQLite counts both ways in which they could go stale: `data_version` rises with every
commit of another connection, `total_changes` with every row that this one changes.
"""

from typing import Any

from cngstation.storage.sqlite import Connection

LARGEST = 10_000  # rows; a station has some nozzles and some thousand cards


class Kept:
    """What units of one connection remember for the next; not shared with another."""

    def __init__(self) -> None:
        self._rows: dict[Any, Any] = {}
        self._version = -1
        self._changes = -1

    def begin(self, connection: Connection) -> None:
        """A transaction begins: forget all if another connection has committed."""
        version: int = connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            self.forget()
            self._version = version

    def rows(self, connection: Connection) -> dict[Any, Any]:
        """Return what is remembered: nothing, if anything was changed since `seal`."""
        if not self.fits(connection) or len(self._rows) > LARGEST:
            self.forget()
        return self._rows

    def seal(self, connection: Connection) -> None:
        """Say that what is remembered is how the unit leaves the file; its last act."""
        self._changes = connection.total_changes

    def forget(self) -> None:
        """Remember nothing: what was remembered is undone or out of date."""
        self._rows.clear()
        self._changes = -1

    def fits(self, connection: Connection) -> bool:
        """Tell whether nothing was changed since `seal`."""
        return connection.total_changes == self._changes

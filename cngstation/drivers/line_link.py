"""What a line of dispensers needs of whatever carries its bytes."""

from typing import Protocol


class LineLink(Protocol):
    """An opened way to the dispensers of a line; one task reads it, any may write."""

    def write(self, data: bytes) -> None:
        """Send one frame.

        Raises:
            DeviceUnavailable: the way is lost or closed.
        """

    async def read(self) -> bytes:
        """Return what has arrived, at least one byte; wait for it if need be.

        Raises:
            DeviceUnavailable: the way is lost or closed, and all bytes were read.
        """

    async def close(self) -> None:
        """Give the way free."""


class LineSettings(Protocol):
    """Where the dispensers of a line are; `path` names it to a technician."""

    @property
    def path(self) -> str: ...

    async def open(self) -> LineLink:
        """Open the way for this program alone.

        Raises:
            DeviceUnavailable: there is none, or it is held or not permitted.
        """

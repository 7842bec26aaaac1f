"""What a subscriber has not been sent yet: bounded, newest live figures only."""

from collections.abc import Hashable, Iterator


class Overflow(Exception):
    """More waits than may wait; the subscriber is not reading."""


class Outbox:
    """Keeps event lines while the subscriber reads slowly or its snapshot is taken.

    A live figure takes the place of an older one with the same key, and goes to the
    end: it must not overtake a fact that was recorded before it. Nothing else is
    ever left out; when too much waits the subscriber has to go.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lines: dict[Hashable, bytes] = {}
        self._facts = 0

    def __len__(self) -> int:
        return len(self._lines)

    def put(self, line: bytes, figure: Hashable | None) -> None:
        """Keep a line; `figure` names the live figure it shows, None for a fact.

        Raises:
            Overflow: the most that may wait waits already.
        """
        if figure is None:
            self._facts += 1
            key: Hashable = self._facts
        else:
            key = ("figure", figure)
            self._lines.pop(key, None)
        if len(self._lines) >= self._most:
            raise Overflow
        self._lines[key] = line

    def take(self) -> Iterator[bytes]:
        """Give out lines in order, each gone once it is given."""
        while self._lines:
            yield self._lines.pop(next(iter(self._lines)))

    def clear(self) -> None:
        """Forget everything."""
        self._lines.clear()

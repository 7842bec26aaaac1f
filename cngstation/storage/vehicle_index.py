"""Searching vehicles by any part of a text: one line per vehicle, held in memory.

Looking through six million characters takes two milliseconds; a table of every part of
every text would make each registering ten times as dear. The chain tells what changed:
before each search the lines of vehicles with a newer fact are read again.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import itemgetter
from typing import NamedTuple

from cngstation.storage.sqlite import Connection

_MOST_NEWER = 1_000  # more changed lines than this are sorted in
_RETIRED = "\0"  # no clean text has it
_COLUMNS = (
    "SELECT vehicle_id, retired, plate, fleet_no, driver, owner, initials FROM vehicle"
)


class Line(NamedTuple):
    """A vehicle's texts in capitals, the plate first."""

    text: str
    vehicle_id: int


class VehicleIndex:
    """The lines of all vehicles in the order of their plates."""

    def __init__(self) -> None:
        self._text = "\n"
        self._begins = array("Q")
        self._ids = array("Q")
        self._newer: dict[int, Line] = {}
        self._seq = -1

    def find(
        self,
        connection: Connection,
        words: Iterable[str],
        limit: int,
        *,
        with_retired: bool = False,
    ) -> list[int]:
        """Return the ids of vehicles with all the words in them, by plate."""
        self._refresh(connection)
        wanted = [word.upper() for word in words] or [""]
        unwanted = "\n" if with_retired else _RETIRED
        # The rarest word leaves the fewest lines in which the others are looked for.
        rarest = min(wanted, key=self._text.count) if len(wanted) > 1 else wanted[0]
        old = (
            line
            for line in self._old_lines(rarest)
            if line.vehicle_id not in self._newer
        )
        lines = islice((o for o in old if _has(o.text, wanted, unwanted)), limit)
        new = (n for n in self._newer.values() if _has(n.text, wanted, unwanted))
        found = sorted([*lines, *new], key=itemgetter(0))
        return [line.vehicle_id for line in found[:limit]]

    def _old_lines(self, rarest: str) -> Iterator[Line]:
        text, begins = self._text, self._begins
        at = text.find(rarest, 1)
        while 0 <= at < len(text):
            row = bisect_right(begins, at) - 1
            end = text.find("\n", begins[row])
            yield Line(text[begins[row] : end], self._ids[row])
            at = text.find(rarest, end + 1)

    def _refresh(self, connection: Connection) -> None:
        """Read what has changed since the last search."""
        newest = connection.execute("SELECT max(seq) FROM register_change").fetchone()
        seq = newest[0] or 0
        if seq == self._seq:
            return
        changed = connection.execute(
            "SELECT DISTINCT row_key FROM register_change"
            " WHERE seq > ? AND register='vehicle' LIMIT ?",
            (self._seq, _MOST_NEWER + 1),
        ).fetchall()
        if self._seq < 0 or len(changed) + len(self._newer) > _MOST_NEWER:
            self._read_all(connection)
        else:
            for (key,) in changed:
                self._read_again(connection, int(key))
        self._seq = seq

    def _read_all(self, connection: Connection) -> None:
        lines = sorted(map(_line, connection.execute(_COLUMNS)))
        self._newer.clear()
        self._ids = array("Q", (line.vehicle_id for line in lines))
        self._begins = array("Q")
        begin = 1
        for line in lines:
            self._begins.append(begin)
            begin += len(line.text) + 1
        self._text = "\n" + "".join(line.text + "\n" for line in lines)

    def _read_again(self, connection: Connection, vehicle_id: int) -> None:
        row = connection.execute(
            f"{_COLUMNS} WHERE vehicle_id=?", (vehicle_id,)
        ).fetchone()
        self._newer[vehicle_id] = _line(row)


def _has(text: str, wanted: list[str], unwanted: str) -> bool:
    return unwanted not in text and all(word in text for word in wanted)


def _line(row: tuple[int, int, str, str | None, str, str, str]) -> Line:
    vehicle_id, retired, *texts = row
    joined = " ".join(text for text in texts if text).upper()
    mark = _RETIRED if retired else ""
    return Line(" ".join(joined.split()) + mark, vehicle_id)

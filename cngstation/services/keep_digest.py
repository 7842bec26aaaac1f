"""Makes the digest of each business day when the day has turned, once.

It goes to head office as a fact of its own, and on paper where a parameter says so.
After days without power each day has its digest; what a clock set back leaves behind a
day that is closed is in the next one. A clock that is wrong makes no day: what was done
in this boot is placed by the monotonic clock.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from cngstation.config import StationConfig
from cngstation.domain.digest import Happened, digest_rows
from cngstation.domain.two_people import UNVOUCHED
from cngstation.moments import Clock, Instant, business_day, seconds
from cngstation.services import digest_slip
from cngstation.services.one_hand import unvouched
from cngstation.services.tell_day import MAY_SLIP_MS, tell
from cngstation.services.wait_while_busy import while_busy
from cngstation.storage import digests
from cngstation.storage.audit import STATION, Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.digests import Digest
from cngstation.storage.sqlite import Connection

LOOK_MS = 60_000
# Days that one look closes; the next one closes more.
MOST_DAYS = 31
# Numbers that one row names; the list of operators has all.
MOST_NAMED = 20


class DigestKeeper:
    """Closes the digests of days that are over."""

    def __init__(
        self,
        clock: Clock,
        *,
        cut_off_minute: int,
        wrong_tries: int,
        on_paper: bool = False,
    ) -> None:
        self._clock = clock
        self.on_paper = on_paper
        self._cut_off_minute = cut_off_minute
        self._wrong_tries = wrong_tries

    async def run(self, database: Database) -> None:
        """Look again and again, for ever."""
        while True:
            await while_busy(lambda: self.look_once(database))
            await asyncio.sleep(seconds(LOOK_MS))

    async def look_once(self, database: Database) -> int:
        """Make the digests that are due; return how many."""
        if await database.read(self._due) is None:
            return 0
        for made in range(MOST_DAYS):
            if not await database.write(self.close_one):
                return made
        return MOST_DAYS

    def close_one(self, tx: Transaction) -> bool:
        """Make the oldest digest that is due; tell whether there was one."""
        due = self._due(tx.connection)
        if due is None:
            return False
        closed = replace(due, seq=digests.add(tx, due))
        if self.on_paper:
            self.put_on_paper(tx, closed, STATION)
        return True

    def put_on_paper(self, tx: Transaction, digest: Digest, actor: Actor) -> int:
        """Have a digest printed; return the number of its slip."""
        day = self.today(tx.connection)
        return digest_slip.make(tx, digest, actor, day, wanted=1)

    def today(self, connection: Connection) -> str:
        """Return the business day of now; a clock that jumped is not followed."""
        return self._day(tell(connection, self._clock.now()).ms)

    def _day(self, wall_ms: int) -> str:
        return business_day(wall_ms, cut_off_minute=self._cut_off_minute)

    def _due(self, connection: Connection) -> Digest | None:
        """Return the oldest day that is over and has no digest."""
        day, first, last = next(self._days(connection), ("", 0, 0))
        if not day or day >= self.today(connection):
            return None
        return self._made(connection, day, first, last)

    def of(self, connection: Connection, day: str) -> Digest:
        """Return the digest of a day; of a day that is not closed, as it stands."""
        if kept := digests.of_day(connection, day):
            return kept
        for each, first, last in self._days(connection):
            if each == day:
                return self._made(connection, day, first, last)
        return Digest(day, 1, 0, ())

    def _days(self, connection: Connection) -> Iterator[tuple[str, int, int]]:
        """Yield the days behind the last digest, each with its places in the chain.

        What the clock puts into a day that is closed, or that is still to come, decides
        no day; it goes along with what stands beside it.
        """
        before = digests.last(connection)
        end = before.to_seq if before else 0
        now = self._clock.now()
        told_ms = tell(connection, now).ms
        day, first, today = "", end + 1, self._day(told_ms)
        closed = digests.days(connection)
        for seq, at in digests.moments(connection, end):
            of = self._day(_placed(at, now, told_ms))
            if of <= today and of not in closed:
                if day and of > day:
                    yield day, first, end
                    first = end + 1
                day = max(day, of)
            end = seq
        if day:
            yield day, first, end

    def _made(self, connection: Connection, day: str, first: int, last: int) -> Digest:
        happened = chain(
            digests.happened(connection, first - 1, last),
            self._unvouched(connection, last),
        )
        rows = digest_rows(happened, wrong_tries=self._wrong_tries)
        return Digest(day, first, last, rows)

    def _unvouched(self, connection: Connection, seq: int) -> Iterator[Happened]:
        """Name each hand of several people, every day until somebody vouches."""
        now, people = self._clock.now(), defaultdict(list)
        for operator_no, hand in unvouched(connection, now):
            people[hand].append(operator_no)
        for hand, found in people.items():
            at_ms, told = tell(connection, now).ms, " ".join(found[:MOST_NAMED])
            more = " ..." if len(found) > MOST_NAMED else ""
            yield Happened(
                seq, at_ms, UNVOUCHED, told + more, "done", hand, "", "", "", ""
            )


def _placed(at: Instant, now: Instant, told_ms: int) -> int:
    """Return when something was; in this boot by the clock that nobody sets."""
    if at.boot_id != now.boot_id:
        return at.wall_ms
    by_mono = told_ms - now.mono_ms + at.mono_ms
    return at.wall_ms if abs(at.wall_ms - by_mono) <= MAY_SLIP_MS else by_mono


def digest_keeper(config: StationConfig, clock: Clock) -> DigestKeeper:
    """Return the keeper of a station's digests."""
    return DigestKeeper(
        clock,
        cut_off_minute=config.station.cut_off_minute,
        wrong_tries=config.security.wrong_tries,
        on_paper=config.printer.daily_digest and bool(config.printer.port),
    )

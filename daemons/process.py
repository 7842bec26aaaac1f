"""What every daemon does around its work: configuration, logs, signals, the end.

A daemon ends with 0 when it was asked to, 1 when it must be started anew (a commit
that the disk did not confirm, a task that failed), 2 for a wrong configuration.
"""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import structlog

from cngstation import __version__
from cngstation.config import StationConfig
from cngstation.errors import StationError
from cngstation.moments import Clock, seconds
from cngstation.rpc.refusals import RefusalLog
from cngstation.rpc.sd_notify import ServiceNotifier
from cngstation.services.anchor_books import keep_anchors
from cngstation.services.keep_parameters import in_force, watch_parameters
from cngstation.services.keep_staff_cards import StaffReader
from cngstation.services.log_in import Gate, Passwords
from cngstation.services.look_after_gate import look_after
from cngstation.services.note_config import note_config
from cngstation.services.open_station import open_books
from cngstation.services.second_step import SecondStep
from cngstation.services.station_rules import gate_rules, staff_card_rules
from cngstation.storage.database import Database

DATABASE_LOOK_MS = 50
WRONG_CONFIGURATION = 2
_log = structlog.get_logger()


@dataclass
class Process:
    """A daemon as it runs: its parts are started with `keep` and end together."""

    program: str
    config: StationConfig
    clock: Clock
    notifier: ServiceNotifier = field(default_factory=ServiceNotifier)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[Any]] = field(default_factory=list)
    _failed: bool = False
    file: StationConfig = field(init=False)  # without what was set at the station
    _databases: list[Database] = field(default_factory=list)

    @property
    def version(self) -> str:
        """The name and version told to clients."""
        return f"{self.program} {__version__}"

    async def open_database(self, *, to_the_last: bool = False) -> Database:
        """Open the station's file; it is closed however the daemon ends.

        Raises:
            StorageError: it cannot be opened.
        """
        database = await open_books(self.config, self.clock, to_the_last=to_the_last)
        self._databases.append(database)
        await note_config(database, self.config)
        self.file, self.config = self.config, await in_force(database, self.config)
        return database

    def begin_anew(self) -> None:
        """End so that the program is started again."""
        self._failed = True
        self._stop.set()

    async def close_databases(self) -> None:
        """Close what was opened: its threads would keep the process from ending."""
        for database in self._databases:
            await database.close()

    def keep(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run a part for ever; if it fails, the whole daemon ends and starts anew."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def watch_database(self, database: Database) -> None:
        """End when a commit is not confirmed or a parameter another; keep anchors."""
        self.keep(self._until_failed(database), "watch database")
        self.keep(watch_parameters(database, self), "watch parameters")
        self.keep(keep_anchors(database, self), "anchor books")

    @cached_property
    def refusals(self) -> RefusalLog:
        """Who logs what is refused at this daemon's socket."""
        return RefusalLog(self.clock)

    @cached_property
    def passwords(self) -> Passwords:
        """Who makes hashes, one at a time in the whole daemon."""
        return Passwords()

    def gate(
        self, database: Database, reader: Callable[[], StaffReader] | None = None
    ) -> Gate:
        """Return who decides about logins; `reader` reads staff cards, if any."""
        rules = gate_rules(self.config.security)
        outlet_no = self.config.till.outlet_no
        gate = Gate(database, self.passwords, self.clock, rules, outlet_no=outlet_no)
        cards = staff_card_rules(self.config.security)
        gate.second = SecondStep(database, gate, cards, reader)
        self.keep(look_after(gate, self.clock), "look after gate")
        return gate

    def fail(self, why: StationError) -> None:
        """End the daemon so that it is started anew."""
        _log.critical("daemon.must_restart", why=why.sentence())
        self.begin_anew()

    def report(self, where: str, error: Exception) -> None:
        """Log what nobody foresaw."""
        _log.error("unexpected", where=where, exc_info=error)

    async def until_stopped(self) -> int:
        """Wait for a signal or a failure; return the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        self.notifier.ready()
        _log.info("daemon.ready", version=__version__)
        await self._stop.wait()
        self.notifier.stopping()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        _log.info("daemon.ended", failed=self._failed)
        return 1 if self._failed else 0

    async def _until_failed(self, database: Database) -> None:
        while database.failed is None:
            self.notifier.alive()
            self.refusals.tell_rest()
            await asyncio.sleep(seconds(DATABASE_LOOK_MS))
        self.fail(database.failed)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if task.cancelled() or self._stop.is_set():
            return
        error = task.exception()
        _log.critical("daemon.part_failed", part=task.get_name(), exc_info=error)
        self._failed = True
        self._stop.set()

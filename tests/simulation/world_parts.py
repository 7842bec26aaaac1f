"""Parts of a simulated station: a clock that counts, a file whose commits fail."""

import asyncio
import atexit
import contextlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from enum import StrEnum
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeVar

from cngstation.drivers.mifare_purse_card import MifarePurseCard
from cngstation.errors import CommitUncertain
from cngstation.moments import Instant
from cngstation.services.keep_operators import add_operator
from cngstation.services.log_in import Passwords
from cngstation.services.watch_reader import BorrowedReader
from cngstation.storage import customers, prices
from cngstation.storage.audit import STATION
from cngstation.storage.customers import Company, Vehicle
from cngstation.storage.database import Database, Transaction
from cngstation.storage.operators import Operator
from cngstation.units import Price, Unit
from tests.simulation.money_cards import (
    MASTER_KEY,
    PRICE_E4,
    PowerCut,
    Reader,
)

T = TypeVar("T")
PASSWORDS = Passwords(memory_kib=8, passes=1)
PASSWORD = "a password of many"
# Who works here: the cashier of every call, and those who may be a second person.
STAFF = {"01": "administrator", "02": "administrator", "03": "junior"}


class CommitFault(StrEnum):
    """What goes wrong at a commit."""

    CUT_BEFORE = "cut_before"
    CUT_AFTER = "cut_after"
    ERROR_LOST = "error_lost"  # COMMIT raised, and nothing is on the disk
    ERROR_DURABLE = "error_durable"  # COMMIT raised, and everything is


class CountingClock:
    """A clock that goes on by one second whenever somebody looks at it."""

    def __init__(self) -> None:
        self._ms = 1_780_000_000_000

    def now(self) -> Instant:
        """Return the next second."""
        self._ms += 1_000
        return Instant(self._ms, self._ms, "boot")


class CuttingDatabase(Database):
    """The product's database, whose next commits can be cut off."""

    fault: CommitFault | None = None
    countdown = 0
    commits = 0
    # Something that another daemon does in the moment before a commit.
    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def write(self, unit: Callable[[Transaction], T]) -> T:
        """Write, or be cut off."""
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        fault = self._strikes()
        if fault is CommitFault.CUT_BEFORE:
            raise PowerCut
        if fault is CommitFault.ERROR_LOST:
            self._failed = CommitUncertain(why="simulated")
            raise self._failed
        result = await super().write(unit)
        self.commits += 1
        if fault is CommitFault.CUT_AFTER:
            raise PowerCut
        if fault is CommitFault.ERROR_DURABLE:
            self._failed = CommitUncertain(why="simulated")
            raise self._failed
        return result

    def _strikes(self) -> CommitFault | None:
        if self.fault is None:
            return None
        if self.countdown > 0:
            self.countdown -= 1
            return None
        fault, self.fault = self.fault, None
        return fault


class Watch:
    """Lends the one reader, as the product's watch does."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._card = MifarePurseCard(reader, MASTER_KEY)
        self._lock = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def borrow(self) -> AsyncIterator[BorrowedReader]:
        """Lend the reader to one act."""
        async with self._lock:
            yield BorrowedReader(self._reader, self._card)

    def show_again(self) -> None:
        """Nobody looks by itself here."""


def new_folder() -> Path:
    """Make a folder in memory: the disk itself is not what these tests are about."""
    memory = "/dev/shm"
    return Path(mkdtemp(prefix="money-", dir=memory if Path(memory).is_dir() else None))


@cache
def template() -> Path:
    """Make a file with a customer and a price once; worlds are copies of it."""
    path = new_folder() / "template.db"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)

    def unit(tx: Transaction) -> None:
        customers.add_company(tx, Company("0001", "公司", "", "", "gs"))
        blobs = ("id_no_sealed", "id_no_digest", "phone_sealed", "phone_digest")
        fields: dict[str, Any] = dict.fromkeys(Vehicle.__dataclass_fields__, "")
        fields |= dict.fromkeys((*blobs, "phone_tail_digest"), b"")
        fields |= {"plate": "川A12345", "plate_overridden": 0, "vehicle_type": "01"}
        fields |= {
            "company_no": "0001",
            "fleet_no": None,
            "vehicle_id": 0,
            "retired": 0,
        }
        customers.add_vehicle(tx, Vehicle(**fields))
        prices.plan(
            tx,
            level=0,
            price=Price(PRICE_E4),
            unit=Unit.M3,
            from_ms=0,
            operator_no="01",
        )

    async def make() -> None:
        database = await Database.open(path, CountingClock())
        await database.write(unit)
        for number, role in STAFF.items():
            operator = Operator(number, f"name{number}", number, role, "", 0, "active")
            await add_operator(database, PASSWORDS, operator, PASSWORD, STATION)
        await database.close()

    asyncio.run(make())
    return path

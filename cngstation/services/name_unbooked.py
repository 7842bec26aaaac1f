"""Names fills that never reach the books: refused by them, or not to be understood.

A row for each says what to do, and is closed when its fill is booked after all.
"""

import json

from cngstation.errors import CommitUncertain, DatabaseBusy
from cngstation.hygiene import clean
from cngstation.protocols.dispenser.canonical import FaultKind
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.name_breaks import subject_of
from cngstation.storage import findings, sales
from cngstation.storage.database import Database, Transaction
from cngstation.storage.findings import Finding
from cngstation.storage.sales import NozzleKey

REFUSED, UNREADABLE = "fill_not_booked", "nozzle_unreadable"
# A broken frame passes its checksum once in 65 536; a device that speaks otherwise
# repeats itself.
SENSELESS_UNTIL_NAMED = 3
# A fill that is not understood is offered again and again between sensible readings.
SENSIBLE_UNTIL_CLOSED = 100


class UnbookedFills:
    """The rows of one line's fills that cannot be booked."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._clear: set[NozzleKey] = set()  # that have no such row, surely
        self._senseless: dict[NozzleKey, int] = {}
        self._sensible: dict[NozzleKey, int] = {}  # readings since the last nonsense

    async def refused(
        self, nozzle: NozzleSetting, device_seq: int, error: Exception
    ) -> None:
        """Name a fill that the books refuse, once; a passing trouble is none."""
        if isinstance(error, DatabaseBusy | CommitUncertain):
            return
        self._clear.discard(nozzle.key)
        facts: dict[str, str | int] = {
            "nozzle": nozzle.key.nozzle_no,
            "number": device_seq,
            "why": clean(str(error) or type(error).__name__),
        }

        def unit(tx: Transaction) -> None:
            if device_seq not in (_number(row) for row in _rows(tx, nozzle.key)):
                findings.open_finding(tx, REFUSED, subject_of(nozzle.key), facts)

        await self._database.write(unit)

    async def booked(self, nozzle: NozzleSetting) -> None:
        """A fill was booked: close the rows of those that are in the books now."""
        self._senseless.pop(nozzle.key, None)
        if nozzle.key in self._clear:
            return

        def unit(tx: Transaction) -> bool:
            epoch = sales.current_epoch(tx.connection, nozzle.key)
            left = False
            _close_unreadable(tx, nozzle.key)
            for row in _rows(tx, nozzle.key):
                if sales.find(tx.connection, nozzle.key, epoch, _number(row)):
                    findings.close_finding(tx, row.seq, "booked", "")
                else:
                    left = True
            return left

        if not await self._database.write(unit):
            self._clear.add(nozzle.key)

    def makes_none(self, nozzle: NozzleSetting, kind: FaultKind) -> bool:
        """Count whole messages without sense; True when the nozzle is to be named."""
        if kind is not FaultKind.BAD_BODY:
            return False
        self._sensible[nozzle.key] = 0
        self._clear.discard(nozzle.key)
        count = self._senseless.get(nozzle.key, 0) + 1
        self._senseless[nozzle.key] = count
        return count == SENSELESS_UNTIL_NAMED

    async def senseless(self, nozzle: NozzleSetting) -> None:
        """Name a nozzle that sends what nobody understands."""
        subject, place = subject_of(nozzle.key), {"nozzle": nozzle.key.nozzle_no}
        await self._database.write(
            lambda tx: findings.open_once(tx, UNREADABLE, subject, place)
        )

    def makes_sense(self, nozzle: NozzleSetting) -> bool:
        """Count a reading that makes sense; True when there were enough in a row."""
        count = self._sensible.get(nozzle.key, 0) + 1
        self._sensible[nozzle.key] = count
        return count == SENSIBLE_UNTIL_CLOSED

    async def understood(self, nozzle: NozzleSetting) -> None:
        """Close the row of a nozzle that makes sense again."""
        self._senseless.pop(nozzle.key, None)
        await self._database.write(lambda tx: _close_unreadable(tx, nozzle.key))


def _close_unreadable(tx: Transaction, nozzle: NozzleKey) -> None:
    for row in findings.open_findings(tx.connection, subject_of(nozzle)):
        if row.kind == UNREADABLE:
            findings.close_finding(tx, row.seq, "it makes sense again", "")


def _rows(tx: Transaction, nozzle: NozzleKey) -> list[Finding]:
    found = findings.open_findings(tx.connection, subject_of(nozzle))
    return [row for row in found if row.kind == REFUSED]


def _number(row: Finding) -> int:
    number: int = json.loads(row.facts)["number"]
    return number

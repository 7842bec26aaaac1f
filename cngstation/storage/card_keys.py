"""Which keys cards are written with: name, version and check value, never a key."""

from dataclasses import asdict, dataclass

from cngstation.storage import registers
from cngstation.storage.audit import STATION, Actor
from cngstation.storage.database import Transaction
from cngstation.storage.facts import rows
from cngstation.storage.sqlite import Connection

WAITING, IN_FORCE, OLD, GONE = "waiting", "in_force", "old", "gone"
_TABLE = "card_key"


@dataclass(frozen=True, slots=True)
class KeyVersion:
    """A key by its check value; `wanted` is its state once two people confirm it."""

    name: str
    version: int
    check_value: str
    state: str
    wanted: str = IN_FORCE

    @property
    def shown(self) -> str:
        """Version and check value, as people compare them."""
        return f"{self.version} {self.check_value}"

    @property
    def subject(self) -> str:
        """What two people agree on."""
        return f"{self.name} {self.shown}"


def every(connection: Connection) -> list[KeyVersion]:
    """Return every key that was ever noted."""
    found = rows(connection, "SELECT * FROM card_key ORDER BY name, version")
    return [KeyVersion(**row) for row in found]


def waiting(connection: Connection) -> KeyVersion | None:
    """Return a key that nobody has confirmed."""
    sql = "SELECT * FROM card_key WHERE state='waiting' ORDER BY name, version LIMIT 1"
    return next((KeyVersion(**row) for row in rows(connection, sql)), None)


def add(tx: Transaction, key: KeyVersion) -> None:
    """Note a key that was not known."""
    registers.add(tx, _TABLE, asdict(key), actor=STATION)


def change(
    tx: Transaction, key: KeyVersion, *, reason: str = "", actor: Actor = STATION,
    **values: str,
) -> None:  # fmt: skip
    """Say that a key is in another state."""
    place = {"name": key.name, "version": key.version}
    registers.change(tx, _TABLE, place, values, reason=reason, actor=actor)

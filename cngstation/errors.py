"""One tree of errors with stable codes; each says whether money has moved.

`text` is an English sentence with named fields; it is also the key under which
the screen finds the Chinese one. A duplicate code is a TypeError at import.
"""

from enum import StrEnum
from typing import ClassVar


class MoneyMoved(StrEnum):
    """What an error means for the money of the act that raised it."""

    NO = "no"
    YES = "yes"
    UNKNOWN = "unknown"


_registry: dict[str, type["StationError"]] = {}


class StationError(Exception):
    """Root of everything that this product raises on purpose.

    `facts` fill the fields of `text`; they are data and are shown as data.
    """

    code: ClassVar[str] = "station.error"
    text: ClassVar[str] = "The station could not do this."
    money: ClassVar[MoneyMoved] = MoneyMoved.NO

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "code" not in cls.__dict__:
            raise TypeError(f"{cls.__name__} has no code of its own")
        if cls.code in _registry:
            raise TypeError(f"error code {cls.code} is used twice")
        _registry[cls.code] = cls

    def __init__(self, **facts: str | int) -> None:
        self.facts = facts
        super().__init__(self.sentence())

    def sentence(self) -> str:
        """Return the English sentence with its facts filled in."""
        return self.text.format_map(_Facts(self.facts))

    def __reduce__(self) -> tuple[object, ...]:
        """Cross from one process to another: the constructor takes no sentence."""
        return _remade, (type(self), self.args, self.__dict__)


def _remade(
    kind: type[StationError], args: tuple[object, ...], held: dict[str, object]
) -> StationError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(held)
    return error


class _Facts(dict[str, str | int]):
    """Leaves an unfilled field visible instead of hiding the failure behind another."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def registered() -> dict[str, type[StationError]]:
    """Return every error class by its code."""
    return dict(_registry)


class Refusal(StationError):
    """A rule said no. Nothing has happened; the text is fit for the cashier."""

    code = "refusal"
    text = "This is not allowed."


class ProtocolError(StationError):
    """Bytes or messages broke a protocol."""

    code = "protocol"
    text = "The device and the program did not understand each other."


class LocalProtocolError(ProtocolError):
    """Our side broke the protocol: a bug of ours."""

    code = "protocol.local"
    text = (
        "The program tried to send something that the protocol does not allow: {why}."
    )


class RemoteProtocolError(ProtocolError):
    """The other side broke the protocol."""

    code = "protocol.remote"
    text = "The device answered with something that the protocol does not allow: {why}."


class DeviceError(StationError):
    """A device did not do what it was asked."""

    code = "device"
    text = "The device {device} did not do what it was asked."


class DeviceUnavailable(DeviceError):
    """The device cannot be reached; nothing was sent."""

    code = "device.unavailable"
    text = (
        "{device} cannot be reached: {why}. Nothing was sent. "
        "Check its cable and power; the program keeps trying."
    )


class DeviceTimeout(DeviceError):
    """The device did not answer a request that changes nothing."""

    code = "device.timeout"
    text = "{device} did not answer within {wait_ms} ms."


class DeviceReported(DeviceError):
    """The device answered with an error of its own; the act did not happen."""

    code = "device.reported"
    text = "{device} reported error {reported}: {meaning}."


class OutcomeUnknown(DeviceError):
    """Something that changes a device was sent and not confirmed: read back first."""

    code = "device.outcome_unknown"
    text = "{device} was asked to write and did not confirm it."
    money = MoneyMoved.UNKNOWN


class StorageError(StationError):
    """The station's file did not do what it was asked."""

    code = "storage"
    text = "The station's database failed: {why}."
    money = MoneyMoved.UNKNOWN


class DatabaseBusy(StorageError):
    """No write lock within the wait; the unit was not begun."""

    code = "storage.busy"
    text = (
        "The station's database was busy for {wait_ms} ms. Nothing was recorded and "
        "no money moved. Try again."
    )
    money = MoneyMoved.NO


class NoRoom(DatabaseBusy):
    """The disk is full for all but fills; the unit was not begun."""

    code = "storage.no_room"
    text = (
        "The disk is full ({free_mib} MiB left). Nothing was recorded and no money "
        "moved. Fills are still recorded. Call the technician: make room on the disk."
    )


class DatabaseUnopened(StorageError):
    """There is no station's database where the configuration says."""

    code = "storage.unopened"
    text = (
        "Connecting to the database failed: {path} ({why}). Check paths.database in "
        "the configuration, the disk, and that this program may read and write the "
        "file. Nothing was booked. A station that was never set up: cngstation init."
    )
    money = MoneyMoved.NO


class CommitUncertain(StorageError):
    """A commit failed in a way that may still be durable; the daemon must stop."""

    code = "storage.commit_uncertain"
    text = (
        "The disk did not confirm a record ({why}). The program restarts and looks "
        "whether it is there; do not take or give money for it until then."
    )


class EntryConflict(StorageError):
    """An id was used again with other content."""

    code = "storage.entry_conflict"
    text = "Id {entry_id} is already in the books with other content. Nothing was done."
    money = MoneyMoved.NO


class SchemaMismatch(StorageError):
    """The file belongs to another version of the program."""

    code = "storage.schema"
    text = (
        "The database {path} has version {found}; this program understands up to "
        "{known}. Install the newer program, or restore a backup that fits."
    )
    money = MoneyMoved.NO


class LedgerImbalance(StorageError):
    """An entry does not sum to zero; the daemon must stop."""

    code = "storage.imbalance"
    text = (
        "Entry {entry_id} does not sum to zero in {unit}: {total}. It was not booked."
    )
    money = MoneyMoved.NO


class RpcError(StationError):
    """The local socket failed a call."""

    code = "rpc"
    text = "The program part that does this could not be asked."


class BadRequest(RpcError):
    """A message does not fit the contract."""

    code = "rpc.bad_request"
    text = "The request does not fit the contract: {why}. Nothing was done."


class VersionMismatch(RpcError):
    """The two ends understand no common contract."""

    code = "rpc.version"
    text = (
        "This program speaks contract {ours}, the other side needs {theirs}. "
        "Restart both after an upgrade. Nothing was done."
    )


class NotLoggedIn(RpcError):
    """The connection has no valid session."""

    code = "rpc.not_logged_in"
    text = "Nobody is logged in here. Log in and try again. Nothing was done."


class Disconnected(RpcError):
    """The connection ended while a call was under way: ask by its id."""

    code = "rpc.disconnected"
    text = (
        "The connection to {part} was lost while it was working. It may have finished; "
        "the screen asks again by the same number."
    )
    money = MoneyMoved.UNKNOWN


class ConfigError(StationError):
    """The configuration file cannot be used."""

    code = "config"
    text = "{path}: {key}: {why}. Allowed: {allowed}."

"""Keeps what dispensers report beside sales, duties and settings."""

from cngstation.protocols.dispenser.forecourt import DeviceEvent
from cngstation.storage import device_events
from cngstation.storage.database import Database
from cngstation.storage.sales import NozzleKey


async def keep_event(database: Database, nozzle: NozzleKey, event: DeviceEvent) -> None:
    """Keep an event durably; a repeat of one with a number changes nothing.

    Raises:
        StorageError: nothing is kept, and the dispenser says it again.
    """
    row = {
        "device_seq": event.device_seq,
        "name": event.name,
        "code": event.code,
        "card_no": event.card_no or "",
        "device_at": event.happened_at or "",
        "text": event.text,
        "raw_frame": event.raw,
    }
    await database.write(lambda tx: device_events.keep(tx, nozzle, row))

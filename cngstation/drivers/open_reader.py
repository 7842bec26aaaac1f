"""Opens the card reader that the configuration names."""

from functools import partial

from cngstation.config.sections import Reader
from cngstation.drivers.card_reader import CardReader
from cngstation.drivers.pn532_reader import Pn532Reader
from cngstation.drivers.serial_link import SerialSettings, open_serial


async def open_reader(settings: Reader) -> CardReader:
    """Return the reader of the till, open.

    Raises:
        DeviceUnavailable: no port, or nobody answers on it; the port is free.
    """
    link = partial(open_serial, SerialSettings(settings.port, settings.baud))
    match settings.kind:
        case "pn532":
            reader = Pn532Reader(link)
    await reader.open()
    return reader

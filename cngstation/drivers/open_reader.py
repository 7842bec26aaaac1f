"""Opens the card reader that the configuration names."""

from collections.abc import Coroutine
from functools import partial
from typing import Any

from cngstation.config.sections import Reader
from cngstation.drivers import gnetplus_reader, pn532_reader
from cngstation.drivers.card_reader import CardReader
from cngstation.drivers.fuel_card_number import fuel_card_number
from cngstation.drivers.gnetplus_reader import GNetPlusReader
from cngstation.drivers.pcsc_reader import PcscReader
from cngstation.drivers.pn532_reader import Pn532Reader
from cngstation.drivers.serial_link import SerialLink, SerialSettings, open_serial
from cngstation.errors import DeviceUnavailable


async def open_reader(settings: Reader) -> CardReader:
    """Return the reader of the till, open.

    Raises:
        DeviceUnavailable: no port or no service, or nobody answers on it; the port
            is free.
    """
    reader: Pn532Reader | GNetPlusReader | PcscReader
    match settings.kind:
        case "pn532":
            baud = settings.baud or pn532_reader.BAUD
            reader = Pn532Reader(_link(settings, baud))
        case "gnetplus":
            baud = settings.baud or gnetplus_reader.BAUD
            reader = GNetPlusReader(_link(settings, baud))
        case "pcsc":
            reader = _pcsc_reader(settings.name)
    await reader.open()
    return reader


def _link(settings: Reader, baud: int) -> partial[Coroutine[Any, Any, SerialLink]]:
    return partial(open_serial, SerialSettings(settings.port, baud))


def _pcsc_reader(name: str) -> PcscReader:
    try:
        # Built from source, and not at every station.
        from cngstation.drivers.pcsc_link import PcscLink
    except ImportError as error:
        why = "pyscard is not installed; install cngstation[pcsc]"
        raise DeviceUnavailable(device=PcscReader.NAME, why=why) from error
    return PcscReader(partial(PcscLink, name), fuel_card_number)

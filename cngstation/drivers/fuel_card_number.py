"""The number of a fuel card on contacts, which has no other name."""

from collections.abc import Awaitable, Callable

from cngstation.errors import RemoteProtocolError
from cngstation.protocols.fuel_card import commands, files
from cngstation.protocols.fuel_card.status import FuelCardReported


async def fuel_card_number(
    transmit: Callable[[bytes], Awaitable[bytes]],
) -> bytes | None:
    """Return the 8-byte number of a card, or None when it is no fuel card.

    Raises:
        DeviceError: as `transmit`.
    """
    select = commands.Select()
    read = commands.ReadFile(files.APPLICATION, files.LENGTHS[files.APPLICATION])
    try:
        select.read_answer(await transmit(select.apdu()))
        data = read.read_answer(await transmit(read.apdu()))
        return files.Application.read(data).number
    except (FuelCardReported, RemoteProtocolError):
        return None

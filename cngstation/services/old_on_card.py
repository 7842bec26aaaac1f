"""What stands on a card and is not what the register says now: plate, limits, price.

Each is named with the act that writes it. A card without counters is never written,
and a crew card carries none of it.
"""

from cngstation.services.card_on_reader import CardReading
from cngstation.services.limit_spending import NO_LIMITS, limits_on_card
from cngstation.storage import customers
from cngstation.storage.cards import Card
from cngstation.storage.sqlite import Connection

EDIT, LIMITS, PRICE = "edit", "rewrite_limits", "rewrite_price"


def acts_that_write(
    connection: Connection, card: Card, reading: CardReading, price_e4: int | None
) -> tuple[str, ...]:
    """Return the acts that bring a card to what the register says, in their order."""
    info, purse = reading.info, reading.purse
    if info is None or purse is None or not purse.counted or not card.for_customers:
        return ()
    vehicle = customers.find_vehicle(connection, card.vehicle_id)
    found = []
    if vehicle is not None and plate_is_old(vehicle.plate, info.plate):
        found.append(EDIT)
    wanted = limits_of(connection, card)
    if wanted is not None and any(
        getattr(info, name) != yuan for name, yuan in wanted.items()
    ):
        found.append(LIMITS)
    if price_e4 is not None and price_e4 != card.price_e4:
        found.append(PRICE)
    return tuple(found)


def plate_is_old(plate: str, on_card: str) -> bool:
    """Tell whether a card carries another plate than its vehicle; a long one is cut."""
    return not on_card or not plate.startswith(on_card)


def limits_of(connection: Connection, card: Card) -> dict[str, int] | None:
    """Return the bounds in yuan that a card should carry; None without a vehicle."""
    vehicle = customers.find_vehicle(connection, card.vehicle_id)
    if vehicle is None:
        return None
    return NO_LIMITS | limits_on_card(connection, vehicle.company_no, card.card_key)

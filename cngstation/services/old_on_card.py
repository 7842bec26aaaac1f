"""What stands on a card and is not what the register says now.

Its vehicle's plate and cylinder date, its limits, the price of its level.

Each is named with the act that writes it. A card without counters is never written,
and a crew card carries none of it.
"""

from cngstation.services.card_on_reader import CardReading
from cngstation.services.limit_spending import NO_LIMITS, limits_on_card
from cngstation.storage import customers
from cngstation.storage.cards import Card
from cngstation.storage.sqlite import Connection

EDIT, CYLINDER = "edit", "cylinder_date"
LIMITS, PRICE = "rewrite_limits", "rewrite_price"


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
    if cylinder_due(connection, card) != card.cylinder_due:
        found.append(CYLINDER)
    wanted = limits_of(connection, card)
    if wanted is not None and any(
        getattr(info, name) != yuan for name, yuan in wanted.items()
    ):
        found.append(LIMITS)
    if price_e4 is not None and price_e4 != card.price_e4:
        found.append(PRICE)
    return tuple(found)


def cylinder_due(connection: Connection, card: Card) -> str:
    """Return the date of the cylinder that a card fills: its vehicle's, else its own.

    A vehicle may have several cards; an inspection is written on one of them.
    """
    vehicle = customers.find_vehicle(connection, card.vehicle_id)
    return (
        vehicle.cylinder_due if vehicle and vehicle.cylinder_due else card.cylinder_due
    )


def plate_is_old(plate: str, on_card: str) -> bool:
    """Tell whether a card carries another plate than its vehicle; a long one is cut."""
    return not on_card or not plate.startswith(on_card)


def limits_of(connection: Connection, card: Card) -> dict[str, int] | None:
    """Return the bounds in yuan that a card should carry; None without a vehicle."""
    vehicle = customers.find_vehicle(connection, card.vehicle_id)
    if vehicle is None:
        return None
    return NO_LIMITS | limits_on_card(connection, vehicle.company_no, card.card_key)

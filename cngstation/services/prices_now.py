"""The prices that hold, with what of them waits because the clock is in doubt."""

from cngstation.moments import time_text
from cngstation.services.keep_one_row import keep_one_row
from cngstation.services.tell_day import Told, prices_ms
from cngstation.storage import prices
from cngstation.storage.database import Transaction
from cngstation.storage.sqlite import Connection
from cngstation.units import Price, Unit, yuan_text

PRICE_WAITS = "price_waits_for_clock"
_SUBJECT = "prices"
_BEGAN = "it began, or was taken back"


def in_force_now(connection: Connection, unit: Unit, now_ms: int) -> dict[int, Price]:
    """Return the price of each level at the time that was told."""
    return prices.in_force(connection, unit, prices_ms(connection, now_ms))


def name_waiting_price(tx: Transaction, told: Told, wall_ms: int) -> None:
    """Keep one row of a planned price whose time came by a clock in doubt.

    By either clock: who looks at the row knows which of them is right.
    """
    since_ms = prices_ms(tx.connection, told.ms)
    latest_ms = max(told.ms, wall_ms)
    waits = prices.next_planned(tx.connection, since_ms)
    facts: dict[str, str | int] | None = None
    if waits is not None and waits.from_ms <= latest_ms:
        facts = {
            "level": waits.level,
            "unit": str(waits.unit),
            "price": yuan_text(waits.price.e4),
            "at": time_text(waits.from_ms)[:16],
        }
    keep_one_row(tx, PRICE_WAITS, _SUBJECT, facts, why=_BEGAN)

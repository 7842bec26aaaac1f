"""Figures as the station writes them: yuan and gas with two decimals, MPa with one."""

from cngstation.moments import local_time
from cngstation.units import decimal_text, divide_half_up, quantity_text, yuan_text
from tui.words import word

_QUANTITY_MODES = {"prepaid_quantity", "credit_quantity"}
PREPAID_MODES = {"prepaid_money", "prepaid_quantity"}
# By standing: what is typed for such a card would always be refused.
NEVER_TOPPED_UP = frozenset({"black", "replaced", "waste", "cancelled"})


def in_quantity(payment_mode: str) -> bool:
    """Tell whether the purse of a mode counts gas rather than money."""
    return payment_mode in _QUANTITY_MODES


def purse_text(purse: int) -> str:
    """Write a purse figure: fen or 1/100 unit, without its unit."""
    return decimal_text(purse, 2, 2)


def purse_with_unit(purse: int, payment_mode: str, gas_unit: str) -> str:
    """Write a purse figure with its unit."""
    unit = word(gas_unit if in_quantity(payment_mode) else "CNY")
    return f"{purse_text(purse)} {unit}"


def fen_text(fen: int) -> str:
    """Write fen as yuan."""
    return decimal_text(fen, 2, 2)


def pressure_text(kpa: int | None) -> str:
    """Write a pressure in MPa with one decimal; nothing where it is unknown."""
    return "" if kpa is None else decimal_text(divide_half_up(kpa, 100), 1, 1)


def price_text(price_e4: int) -> str:
    """Write a price in yuan."""
    return yuan_text(price_e4)


def sale_text(quantity_milli: int, unit: str, amount_e4: int) -> str:
    """Write how much was filled and what it cost."""
    gas = f"{quantity_text(quantity_milli)} {word(unit)}"
    return f"{gas}  {yuan_text(amount_e4)} {word('CNY')}"


def short_time(wall_ms: int) -> str:
    """Write an instant as month, day, hour and minute."""
    return local_time(wall_ms).strftime("%m-%d %H:%M")


def clock_text(wall_ms: int) -> str:
    """Write the time of day to the second."""
    return local_time(wall_ms).strftime("%H:%M:%S")


def minute_text(wall_ms: int) -> str:
    """Write the time of day to the minute."""
    return local_time(wall_ms).strftime("%H:%M")

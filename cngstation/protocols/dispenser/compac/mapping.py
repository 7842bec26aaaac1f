"""Compac's registers in the canonical model."""

from typing import Any

from cngstation.protocols.dispenser.canonical import (
    Fault,
    FuellingState,
    NozzleStatus,
    StopReason,
    Totals,
)
from cngstation.protocols.dispenser.compac.registers import (
    LARGEST_TOTAL,
    CompacOptions,
    LiveRegisters,
)
from cngstation.protocols.dispenser.without_card import status_without_card
from cngstation.units import hundredths_to_e4

PROTOCOL = "compac"
_KPA_PER_BAR = 100
# What one unit of a wire figure is, by its number of decimals.
_E4 = {0: 10_000, 1: 1_000, 2: 100, 3: 10}
_MILLI = {0: 1_000, 1: 100, 2: 10, 3: 1}
STOPS = {
    1: StopReason.MANUAL,  # nozzle hung up
    2: StopReason.QUANTITY_PRESET,  # of CNG: a temperature-compensated fill is full
    3: StopReason.LOW_FLOW,
    4: StopReason.MANUAL,  # by the station
    5: StopReason.SINGLE_FILL_LIMIT,
    6: StopReason.MEASUREMENT_FAULT,  # air or gas
    7: StopReason.GAS_METER_FAULT,  # encoder, excess flow
    8: StopReason.LOW_FLOW,  # bank sequence came to its end
    9: StopReason.MEASUREMENT_FAULT,  # sump
    20: StopReason.MEASUREMENT_FAULT,  # temperature compensation
    21: StopReason.MEASUREMENT_FAULT,
    22: StopReason.MEASUREMENT_FAULT,
}


def nozzle_status(live: LiveRegisters, *, is_locked: bool, raw: bytes) -> NozzleStatus:
    """Map the live registers; whether it is locked stands in another register."""
    state = FuellingState.IDLE
    if live.is_filling:
        state = FuellingState.FUELLING
    elif is_locked:
        state = FuellingState.CLOSED
    return status_without_card(
        state,
        locked=is_locked,
        faults=frozenset({Fault.UNKNOWN}) if live.errors else frozenset(),
        price_e4=hundredths_to_e4(live.price),
        quantity_milli=live.quantity if live.is_filling else 0,
        amount_e4=hundredths_to_e4(live.amount) if live.is_filling else 0,
        pressure_kpa=live.pressure * _KPA_PER_BAR,
        raw=raw,
    )


def total_quantity_milli(live: LiveRegisters, options: CompacOptions) -> int:
    """Return the hose's quantity totaliser."""
    return live.total_quantity * _MILLI[options.total_decimals]


def total_amount_e4(live: LiveRegisters, options: CompacOptions) -> int:
    """Return the hose's amount totaliser."""
    return live.total_amount * _E4[options.total_decimals]


def total_step_milli(options: CompacOptions) -> int:
    """Return what the last digit of the quantity totaliser is worth."""
    return _MILLI[options.total_decimals]


def total_wrap_milli(options: CompacOptions) -> int:
    """Return the quantity totaliser's first figure that it cannot show."""
    return (LARGEST_TOTAL + 1) * _MILLI[options.total_decimals]


def total_wrap_e4(options: CompacOptions) -> int:
    """Return the amount totaliser's first figure that it cannot show."""
    return (LARGEST_TOTAL + 1) * _E4[options.total_decimals]


def last_amount_e4(live: LiveRegisters, options: CompacOptions) -> int:
    """Return the amount of the last delivery."""
    return live.last_amount * _E4[options.last_amount_decimals]


def totals(live: LiveRegisters, options: CompacOptions) -> Totals:
    """Map the totalisers; deliveries have no numbers, and there are no shifts."""
    return Totals(
        device_seq=None,
        gun_total_quantity_milli=total_quantity_milli(live, options),
        gun_total_amount_e4=total_amount_e4(live, options),
        shift_total_quantity_milli=None,
        shift_total_amount_e4=None,
    )


def of_last_delivery(live: LiveRegisters) -> dict[str, Any]:
    """Return the fields of a record that the registers add to its figures."""
    return {
        "transaction_code": live.end_of_sale,
        "pressure_before_kpa": live.pressure_start * _KPA_PER_BAR,
        "pressure_after_kpa": live.pressure_end * _KPA_PER_BAR,
        "stop_reason": STOPS.get(live.end_of_sale, StopReason.UNKNOWN),
        "stop_code": live.end_of_sale,
    }

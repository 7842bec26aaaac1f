"""Compac's registers: the map's figures, options, and what is no figure."""

from typing import Any

import pytest

from cngstation.errors import RemoteProtocolError
from cngstation.protocols.dispenser.canonical import (
    Fault,
    FuellingState,
)
from cngstation.protocols.dispenser.compac import mapping
from cngstation.protocols.dispenser.compac.registers import (
    CompacOptions,
    LiveRegisters,
)
from tests.unit.protocols.dispenser.compac import vectors

OPTIONS = CompacOptions()


def live(**changes: int) -> LiveRegisters:
    return LiveRegisters.from_registers(vectors.live(**changes))


def test_the_map_is_read_register_by_register() -> None:
    """Every figure stands where the manual says, in its own width and sign."""
    assert live() == LiveRegisters(
        flags=1,
        price=398,
        quantity=12_345,
        amount=4_913,
        total_quantity=123_456,
        total_amount=489_912,
        pressure=187,
        flow=0,
        errors=0,
        ambient_temperature=-5,
        gas_temperature=23,
        end_of_sale=1,
        last_quantity=12_345,
        last_amount=49_130,
        last_temperature=-200,
        pressure_start=35,
        pressure_end=200,
    )


def test_decimals_are_those_of_the_site() -> None:
    """The last amount with two decimals as the live one; totals with three or none."""
    assert mapping.last_amount_e4(live(), OPTIONS) == 491_300
    options = CompacOptions(last_amount_decimals=2, total_decimals=3)
    assert mapping.last_amount_e4(live(r128=4_913), options) == 491_300
    assert mapping.total_quantity_milli(live(), options) == 123_456
    assert mapping.total_step_milli(options) == 1
    totals = mapping.totals(live(), CompacOptions(total_decimals=0))
    assert totals.device_seq is None
    assert (totals.gun_total_quantity_milli, totals.gun_total_amount_e4) == (
        123_456_000,
        4_899_120_000,
    )
    assert mapping.total_wrap_milli(OPTIONS) == 10**11


@pytest.mark.parametrize(
    ("changes", "is_locked", "state"),
    [
        ({}, False, FuellingState.IDLE),
        ({"r103": 0, "r105": 0}, False, FuellingState.IDLE),
        ({"r113": 1}, False, FuellingState.FUELLING),
        ({"r103": 500}, False, FuellingState.FUELLING),
        ({}, True, FuellingState.CLOSED),
        ({"r113": 1}, True, FuellingState.FUELLING),
    ],
)
def test_states_follow_flow_display_and_lock(
    changes: dict[str, int], is_locked: bool, state: FuellingState
) -> None:
    """A fill is seen by flow or by a display that is not the last delivery's."""
    status = mapping.nozzle_status(live(**changes), is_locked=is_locked, raw=b"")
    assert (status.state, status.locked) == (state, is_locked)
    filling = state is FuellingState.FUELLING
    assert bool(status.quantity_milli) is filling
    assert status.pressure_kpa == 18_700


def test_an_error_is_a_fault() -> None:
    """The bits of register 114 are not published: any of them is a fault."""
    status = mapping.nozzle_status(live(r114=4), is_locked=False, raw=b"")
    assert status.faults == {Fault.UNKNOWN}


@pytest.mark.parametrize("bad", [{"r108": 0x345A}, {"r106": 0x0100}, {"r109": 0xF000}])
def test_a_total_that_is_no_number_is_refused(bad: dict[str, int]) -> None:
    """Two leading zeros and ten decimal digits, nothing else."""
    with pytest.raises(RemoteProtocolError, match="no number"):
        live(**bad)


def test_an_answer_of_another_length_is_refused() -> None:
    """Thirty-two registers, not one more or less."""
    with pytest.raises(RemoteProtocolError, match="31 registers"):
        LiveRegisters.from_registers(vectors.live()[:-1])


@pytest.mark.parametrize(
    "bad",
    [
        {"register_offset": 1},
        {"register_offset": "-1"},
        {"last_amount_decimals": 4},
        {"total_decimals": -1},
        {"colour": 1},
    ],
)
def test_options_out_of_bounds_are_refused(bad: dict[str, Any]) -> None:
    """What is not known is not guessed at."""
    with pytest.raises(ValueError, match=next(iter(bad))):
        CompacOptions.from_mapping(bad)
    assert CompacOptions.from_mapping({"register_offset": 0}).register_offset == 0

"""Live figures of nozzles and lines: told when they change, cleaned, with times."""

from dataclasses import dataclass, replace

from cngstation.protocols.dispenser.canonical import (
    Fault,
    FaultKind,
    FuellingState,
    Link,
)
from cngstation.protocols.dispenser.dialogue import ProtocolFault
from tests.unit.services.test_watch_forecourt import GUN, STATUS, Forecourt, forecourt

__all__ = ["forecourt"]  # the fixture


async def test_a_live_figure_is_told_when_it_changes(forecourt: Forecourt) -> None:
    """Not at every poll; who was filling is no longer shown when it is idle."""
    told = forecourt.told["nozzle"]
    for _ in range(3):
        forecourt.desk.status(GUN, STATUS)
    assert len(told) == 1
    assert (told[0].state, told[0].card_no) == ("fuelling", "00000001")
    forecourt.desk.status(GUN, replace(STATUS, state=FuellingState.IDLE))
    assert (told[1].card_no, told[1].plate, told[1].pressure_kpa) == ("", "", None)
    forecourt.desk.status(99, STATUS)
    forecourt.desk.link(99, Link.ONLINE)
    assert len(told) == 2


async def test_each_fault_has_its_own_beginning(forecourt: Forecourt) -> None:
    """It stays while the fault does, and begins again with the next one."""
    told, clock = forecourt.told["nozzle"], forecourt.clock

    def shows(*faults: Fault) -> dict[str, int]:
        forecourt.desk.status(GUN, replace(STATUS, faults=frozenset(faults)))
        return dict(zip(told[-1].faults, told[-1].faults_since_ms, strict=True))

    first_ms = clock.wall_ms
    assert shows(Fault.FRAM) == {"fram": first_ms}
    clock.forward(60_000)
    both = {"fram": first_ms, "pressure_sensor": clock.wall_ms}
    assert shows(Fault.PRESSURE_SENSOR, Fault.FRAM) == both
    assert shows() == {}
    clock.forward(60_000)
    assert shows(Fault.FRAM) == {"fram": clock.wall_ms}


@dataclass
class Port:
    """A port's state."""

    is_open: bool
    why: str = ""


async def test_a_port_that_fails_is_told_whatever_its_error(
    forecourt: Forecourt,
) -> None:
    """Long and dirty error texts of the system are cut and cleaned."""
    forecourt.desk.line_state(Port(is_open=True))
    forecourt.desk.line_state(Port(is_open=False, why="no such port " + "\x1b" * 400))
    online, offline = forecourt.told["line"]
    assert online.health.state == "online"
    assert offline.health.state == "offline"
    assert len(offline.health.facts[0].value) == 200
    assert (offline.frames_sent, offline.frames_lost) == (7, 1)
    forecourt.desk.fault(ProtocolFault(FaultKind.NOISE, None, 1))

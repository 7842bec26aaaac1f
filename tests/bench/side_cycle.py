"""DART and Lanfeng at the limit of their wire: sides that all fill, always polled.

An acknowledgement of DART is a frame of its own.
"""

import asyncio
import contextlib

from cngstation import exact_loop
from cngstation.units import Unit
from tests.bench.disk import folder_on_disk
from tests.bench.figure import Figure
from tests.bench.full_wire import Wire, talk
from tests.simulated_devices import simulator

WIRES = [Wire(name, 9_600, 16, Unit.M3) for name in ("dart", "lanfeng")]
SETTLED_S = 4.0


def measure() -> list[Figure]:
    """Run both lines at once, as the daemon does."""
    with folder_on_disk() as folder, contextlib.ExitStack() as stack:
        devices = {}
        for wire in WIRES:
            numbers = range(1, wire.count + 1)
            config = wire.config(
                folder, guns=[{"gun": n, "sells_alone": True} for n in numbers]
            )
            device = stack.enter_context(simulator("dispenser_line", config, folder))
            devices[wire] = device
            for gun in numbers:
                device.hand("lift", gun=gun)
                device.hand("fill", gun=gun, limit=900_000, flow_per_s=50)
        exact_loop.run(talk(folder, devices, lambda: asyncio.sleep(SETTLED_S)))
        return [wire.figure(device) for wire, device in devices.items()]

"""What the screens are told of the disk's room, before it is gone and after."""

import asyncio
import shutil
from pathlib import Path

import pytest

from cngstation.rpc.contract.figures import DeviceHealth, DeviceState
from cngstation.services import watch_disk
from cngstation.services.watch_disk import disk_health

MIB = 2**20


class Usage:
    """What the system says of a disk."""

    free = 0


@pytest.mark.parametrize(
    ("free", "state"),
    [(1_024 * MIB, "online"), (1_024 * MIB - 1, "trouble"), (64 * MIB, "trouble"),
     (64 * MIB - 1, "offline"), (0, "offline")],
)  # fmt: skip
async def test_it_is_told_at_its_bounds_and_at_each_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str
) -> None:
    """Below 64 MiB no act begins; the same figure is not told twice."""
    told: list[DeviceHealth] = []
    twice = asyncio.Event()

    async def hear(health: DeviceHealth) -> None:
        told.append(health)
        if len(told) == 2:
            twice.set()

    usage = Usage()
    usage.free = free
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr(watch_disk, "LOOK_MS", 1)
    task = asyncio.create_task(watch_disk.watch_disk(tmp_path, hear))
    await asyncio.sleep(0.02)
    assert [health.state for health in told] == [state]
    usage.free = 2_000 * MIB if free < 1_024 * MIB else 5 * MIB
    await twice.wait()
    task.cancel()
    assert told[1].state != told[0].state


def test_a_disk_that_cannot_be_asked_is_not_well(tmp_path: Path) -> None:
    """Nothing is assumed of it."""
    assert disk_health(tmp_path / "gone").state is DeviceState.OFFLINE

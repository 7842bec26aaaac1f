"""The simulated DART and Lanfeng lines: what they say on a pty, and their faults."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cngstation.simulators.control import HandsRefused
from cngstation.simulators.dispenser_line import read_config
from cngstation.simulators.side_line import SideLine, SideLineConfig

WITHIN_S = 60.0
# A poll of address 50H, a request for its status; a status request to gun 1.
DART_POLL = bytes.fromhex("50 20 FA")
DART_RESET_STATUS = bytes.fromhex(
    "50 30 02 08 00 00 00 00 00 00 00 00 03 04 00 03 98 01 01 01 01"
)
LANFENG_STATUS = bytes.fromhex("01 00 B8 00 00 00 00 00 00 00 00 48")
LANFENG_IDLE = bytes.fromhex("01 00 03 98 00 00 00 00 00 00 01 64")


@asynccontextmanager
async def line(folder: Path, protocol: str, **changes: Any) -> AsyncIterator["Host"]:
    folder.joinpath("memory").mkdir(exist_ok=True)
    config = SideLineConfig(
        protocol=protocol,
        link=folder / "line",
        control=folder / "ctl",
        memory=folder / "memory",
        baud=115_200,
        guns=[{"gun": 1, "sells_alone": True, "total_quantity": 700}],
        **changes,
    )
    simulated = SideLine(config)
    simulated.open()
    port = os.open(config.link, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        yield Host(simulated, port)
    finally:
        os.close(port)
        simulated.close()


class Host:
    """Who asks on the pty, and the hands at the dispenser."""

    def __init__(self, simulated: SideLine, port: int) -> None:
        self._port = port
        self._verbs = simulated.verbs()

    async def hand(self, do: str, **arguments: Any) -> dict[str, Any]:
        return await self._verbs[do]({"do": do, "gun": 1, **arguments})

    async def fault(self, **shares: float) -> None:
        await self._verbs["fault"]({"do": "fault", **shares})

    async def ask(self, data: bytes, wants: int, within_s: float = WITHIN_S) -> bytes:
        """Return what is answered, `wants` bytes of it."""
        os.write(self._port, data)
        heard = b""
        loop = asyncio.get_running_loop()
        end = loop.time() + within_s
        while len(heard) < wants and loop.time() < end:
            try:
                heard += os.read(self._port, 4_096)
            except BlockingIOError:
                await asyncio.sleep(0.005)
        return heard


async def test_a_dart_side_says_what_is_new_and_then_nothing(tmp_path: Path) -> None:
    async with line(tmp_path, "dart") as host:
        block = await host.ask(DART_POLL, 25)
        assert block.startswith(DART_RESET_STATUS)
        assert await host.ask(DART_POLL, 25) == block, "until it is acknowledged"
        await host.ask(bytes.fromhex("50 C0 FA"), 0)
        await asyncio.sleep(0.05)
        assert await host.ask(DART_POLL, 3) == bytes.fromhex("50 70 FA")


async def test_a_lanfeng_side_shows_its_fill(tmp_path: Path) -> None:
    async with line(tmp_path, "lanfeng") as host:
        assert await host.ask(LANFENG_STATUS, 12) == LANFENG_IDLE
        await host.hand("lift")
        facts = await host.hand("fill", limit=250, flow_per_s=1e6)
        assert facts["is_running"]
        status = await host.ask(LANFENG_STATUS, 12)
        assert status[7:11] == bytes.fromhex("00 02 50 82")
        facts = await host.hand("hang_up")
        assert (facts["total_quantity"], facts["quantity"]) == (950, 250)


async def test_a_memory_outlives_its_dispenser(tmp_path: Path) -> None:
    """A power cut in a fill takes the figures of the display, not the gas."""
    async with line(tmp_path, "dart") as host:
        await host.hand("lift")
        await host.hand("fill", limit=250, flow_per_s=1e6)
        await asyncio.sleep(0.01)
        await host.hand("state")
        facts = await host.hand("cut")
        assert facts["quantity"] == 0
        assert facts["total_quantity"] == 950
        assert facts["is_complete"], "as a pump says after its power was gone"


FAULTS = {
    "lose_request": b"",
    "lose_answer": b"",
    "wrong_gun": b"\x02" + LANFENG_IDLE[1:],
    "bad_check": LANFENG_IDLE[:8] + b"\x04" + LANFENG_IDLE[9:],
    "duplicate": 2 * LANFENG_IDLE,
}


@pytest.mark.parametrize(("fault", "answer"), FAULTS.items())
async def test_faults_of_the_wire_are_switches(
    tmp_path: Path, fault: str, answer: bytes
) -> None:
    async with line(tmp_path, "lanfeng") as host:
        await host.fault(**{fault: 1.0})
        wants, within_s = (len(answer), WITHIN_S) if answer else (1, 0.2)
        assert await host.ask(LANFENG_STATUS, wants, within_s) == answer
        await host.fault(**{fault: 0.0})
        assert await host.ask(LANFENG_STATUS, 12) == LANFENG_IDLE


@pytest.mark.parametrize(
    ("fault", "is_spoiled"),
    [
        ("truncate", lambda heard: 0 < len(heard) < 12),
        ("noise", lambda heard: len(heard) == 15 and heard.endswith(LANFENG_IDLE)),
        ("bit_error", lambda heard: len(heard) == 12 and heard != LANFENG_IDLE),
        ("byte_loss", lambda heard: len(heard) < 12),
    ],
)
async def test_faults_by_chance_are_drawn_from_a_seed(
    tmp_path: Path, fault: str, is_spoiled: Any
) -> None:
    share = 1.0 if fault in {"truncate", "noise"} else 0.2
    async with line(tmp_path, "lanfeng") as host:
        spoiled = 0
        for seed in range(12):
            await host.fault(seed=seed, **{fault: share})
            spoiled += is_spoiled(await host.ask(LANFENG_STATUS, 99, 0.08))
        assert spoiled


async def test_a_late_reply_is_late(tmp_path: Path) -> None:
    async with line(tmp_path, "lanfeng") as host:
        await host.fault(delay=1.0, delay_ms=300)
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert await host.ask(LANFENG_STATUS, 12) == LANFENG_IDLE
        assert loop.time() - began >= 0.3


async def test_hands_are_told_what_cannot_be(tmp_path: Path) -> None:
    async with line(tmp_path, "lanfeng") as host:
        with pytest.raises(HandsRefused, match="no such gun"):
            await host.hand("lift", gun=9)
        with pytest.raises(HandsRefused, match="holster"):
            await host.hand("fill", limit=5, flow_per_s=1)
        await host.hand("lift")
        with pytest.raises(HandsRefused, match="above zero"):
            await host.hand("fill", limit=0, flow_per_s=1)


def test_the_line_is_chosen_by_its_protocol() -> None:
    text = (
        b'{"protocol": "dart", "link": "/l", "control": "/c", "memory": "/m",'
        b' "guns": [{"gun": 1}]}'
    )
    assert isinstance(read_config(text), SideLineConfig)

"""A line of dispensers as a process: ready line, verbs, wire, SIGTERM and SIGKILL."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cngstation.simulators.control import ControlClient, HandsRefused
from cngstation.simulators.dispenser_hands import Hands
from cngstation.simulators.dispenser_line import (
    DispenserLine,
    LineConfig,
    read_master_key,
)
from tests.patience import allowed_s
from tests.unit.simulators.bench_gun import NOW, host_frame
from tests.unit.simulators.cards import MASTER, UID, issue

BAUD = 38_400
SPACING_S = 0.12
FILL = {
    "limit_hundredths": 1234,
    "flow_hundredths_per_s": 100_000,
    "pressure_start_kpa": 4_200,
    "pressure_end_kpa": 19_850,
}


def frame_size(answer: bytes) -> int:
    return int.from_bytes(answer[5:7], "big") + 11 if len(answer) >= 7 else 11


class RunningLine:
    """The process, its control socket and the host's end of its wire."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.link = folder / "line-1"
        self.control = ControlClient(folder / "line-1.sock")
        self.process: asyncio.subprocess.Process | None = None
        self.host = -1

    async def start(self) -> None:
        config = self.folder / "line-1.json"
        config.write_text(json.dumps(self.config()))
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "cngstation.simulators.dispenser_line",
            "--config",
            str(config),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert self.process.stdout is not None
        ready = json.loads(await self.process.stdout.readline())
        assert ready["ready"] is True
        assert ready["guns"] == [1, 2]
        assert os.readlink(self.link) == ready["pts"]
        self.host = os.open(self.link, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    def config(self) -> dict[str, object]:
        guns = [
            {"gun": n, "prices": [398, 388, 378], "phase_ms": 10 * n, "shift": 1}
            for n in (1, 2)
        ]
        return {
            "link": str(self.link),
            "control": str(self.folder / "line-1.sock"),
            "baud": BAUD,
            "cards": str(self.folder / "cards"),
            "memory": str(self.folder / "memory"),
            "master_key": str(self.folder / "master.key"),
            "station_no": "03160001",
            "guns": guns,
        }

    async def end(self, number: signal.Signals) -> int:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(number)
        code = await asyncio.wait_for(self.process.wait(), 60)
        assert self.process.stderr is not None
        self.complaints = await self.process.stderr.read()
        await self.control.close()
        os.close(self.host)
        # The pipe's transport is closed before the loop is.
        self.process._transport.close()  # type: ignore[attr-defined]
        return code

    async def ask(self, gun: int, command: int, body: bytes = b"") -> bytes:
        """Send a frame; return the frame that comes within 350 ms, if one does."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        os.write(self.host, host_frame(gun, command, body))
        answer = b""
        while loop.time() < begun + 0.35 and len(answer) < frame_size(answer):
            await asyncio.sleep(0.005)
            with contextlib.suppress(BlockingIOError):
                answer += os.read(self.host, 4096)
        await asyncio.sleep(max(begun + SPACING_S - loop.time(), 0))
        return answer

    async def poll(self, gun: int, time: str = "20300101120000") -> bytes:
        return await self.ask(gun, 0x51, bytes.fromhex(time) + bytes(6))


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[RunningLine]:
    issue(tmp_path / "cards")
    (tmp_path / "master.key").write_text(MASTER.hex() + "\n")
    running = RunningLine(tmp_path)
    await running.start()
    yield running
    assert running.process is not None
    if running.process.returncode is None:
        await running.end(signal.SIGKILL)


async def test_sigterm_ends_it_cleanly_at_once(line: RunningLine) -> None:
    """Exit code 0, also under an open call; link and socket are gone, no complaint."""
    waiting = asyncio.create_task(
        line.control.call("wait", gun=1, until="awaiting_debit", timeout_s=60)
    )
    await asyncio.sleep(0.1)
    begun = asyncio.get_running_loop().time()
    assert await line.end(signal.SIGTERM) == 0
    assert asyncio.get_running_loop().time() - begun < allowed_s(1)
    assert not line.link.is_symlink()
    assert not (line.folder / "line-1.sock").exists()
    assert line.complaints == b""
    with pytest.raises((HandsRefused, ConnectionResetError)):
        await waiting


async def test_a_fill_from_card_to_acknowledgement(line: RunningLine) -> None:
    """Hands insert and fill, the host polls, decides and acknowledges."""
    assert await line.poll(1) == b""  # its clock is set in silence
    assert (await line.poll(1))[:4].hex() == "bbee0001"
    accepted = await line.control.call("card_in", gun=1, uid=UID.hex())
    assert accepted["accepted"] is True
    assert (accepted["balance"], accepted["trans_no"]) == (10_000, 1)
    with pytest.raises(HandsRefused, match="another field"):
        await line.control.call("card_in", gun=2, uid=UID.hex())
    await line.control.call("fill", gun=1, **FILL)
    reached = await line.control.call("wait", gun=1, until="awaiting_debit")
    assert (reached["reached"], reached["status"]) == (True, "A5")
    assert (reached["quantity"], reached["amount"]) == (1234, 4911)
    asked = await line.poll(1)
    assert asked[4] == 0x55
    body = b"\x01\x00" + asked[9:17]
    for figure in (4911, 4911, 10_000, 5_089):
        body += figure.to_bytes(4, "big")
    await line.ask(1, 0x55, body.ljust(48, b"\x00"))
    state = await line.control.call("wait", gun=1, until="idle")
    assert state["last_record"]["trans_type"] == 0
    assert state["last_record"]["uploaded"] is False
    assert (await line.poll(1))[4] == 0x52
    await line.ask(1, 0x52, b"\x01\x00\x00\x00\x00\x01")
    state = await line.control.call("wait", gun=1, until="uploaded")
    assert state["last_record"]["uploaded"] is True
    out = await line.control.call("card_out", gun=1)
    assert (out["uid"], out["card"]) == (UID.hex(), None)


async def test_a_killed_process_is_a_power_cut(line: RunningLine) -> None:
    """The next one stores the fill as type 1, reason 5, and uploads it."""
    await line.control.call("card_in", gun=1, uid=UID.hex())
    await line.control.call("fill", gun=1, **{**FILL, "flow_hundredths_per_s": 200})
    await asyncio.sleep(0.5)
    before = await line.control.call("state", gun=1)
    assert 0 < before["quantity"] < 200
    assert await line.end(signal.SIGKILL) == -signal.SIGKILL
    line.control = ControlClient(line.folder / "line-1.sock")
    await line.start()
    state = await line.control.call("state", gun=1)
    record = state["last_record"]
    assert (state["status"], record["trans_type"]) == ("A1", 1)
    assert record["stop_reason"] == 5
    assert before["quantity"] <= record["quantity"] <= before["quantity"] + 60
    await line.poll(1)
    assert (await line.poll(1))[4] == 0x52
    refused = await line.control.call("card_in", gun=1, uid=UID.hex())
    assert refused == {"accepted": False, "refused": "grey"}


async def test_hands_of_crews_and_technicians(line: RunningLine) -> None:
    """Duty, settings, the port's switch, a cleared memory, and a look at the lists."""
    state = await line.control.call("off_duty", gun=1)
    assert (state["status"], state["waiting_shift_records"]) == ("A0", 1)
    with pytest.raises(HandsRefused, match="off duty"):
        await line.control.call("off_duty", gun=1)
    changed = {"parameter": 260, "decimals": 2, "before": 2_500, "after": 2_250}
    state = await line.control.call("parameter", gun=2, **changed)
    assert state["waiting_parameters"] == 1
    for wrong in ({"parameter": 65_536}, {"after": -1}):
        with pytest.raises(HandsRefused, match="bits"):
            await line.control.call("parameter", gun=2, **changed | wrong)
    await line.control.call("off_line", gun=2, is_off_line=True)
    assert await line.poll(2) == b""
    await line.control.call("off_line", gun=2, is_off_line=False)
    await line.poll(2)
    assert (await line.poll(2))[4] == 0x5B
    state = await line.control.call("clear", gun=2)
    assert (state["waiting_parameters"], state["last_trans_no"]) == (0, 0)
    held = await line.control.call("lists", gun=1)
    assert held["versions"] == {"1": 0, "2": 0, "3": 0, "4": 0}
    assert (held["price_version"], held["prices"]) == (0, [])


async def test_the_line_counts_what_it_saw(line: RunningLine) -> None:
    """Exchanges, limits and faults over the control socket."""
    for gun in (1, 2, 1, 2, 1):
        await line.poll(gun)
    await line.control.call("fault", lose_answer=1, seed=3)
    assert await line.poll(2) == b""
    await line.control.call("fault", lose_answer=0, wrong_gun=1, aa_inside=1)
    spoiled = await line.poll(1)
    assert spoiled[3] == 2
    assert spoiled[47:51].hex() == "aaff0100"
    with pytest.raises(HandsRefused, match="rain"):
        await line.control.call("fault", rain=1)
    with pytest.raises(HandsRefused, match="no such gun"):
        await line.control.call("state", gun=9)
    limits = await line.control.call("limits")
    assert (limits["rounds"], limits["frames_received"]) == (3, 7)
    assert limits["frames_ignored"] == {"clock_set": 2}
    assert limits["wire"] == {"lose_answer": 1}
    assert limits["answers_spoiled"] == {"wrong_gun": 1, "aa_inside": 1}
    assert limits["frames_unheard"] == 0
    assert 220_000 <= limits["median_w_us"] <= limits["median_cycle_us"]
    assert limits["least_gap_us"] > 110_000
    page = await line.control.call("exchanges", since=5)
    assert [one["gun"] for one in page["exchanges"]] == [2, 1]
    assert (page["next"], page["more"]) == (7, False)
    assert 0 <= page["exchanges"][1]["turnaround_us"] < 110_000


@pytest.mark.parametrize(
    ("do", "arguments", "why"),
    [
        ("fill", {"gun": 1, **FILL, "limit_hundredths": 0}, "above zero"),
        ("fill", {"gun": 1, **FILL, "flow_hundredths_per_s": 0}, "above zero"),
        ("fill", {"gun": 1, **FILL, "pressure_start_kpa": -1}, "pressure"),
        ("tear", {"gun": 1, "after_blocks": 3}, "three blocks"),
        ("on_duty", {"gun": 1, "employee_card": "1001", "shift": 1}, "16 digits"),
        ("fault", {"wrong_gun": 1.5}, "not a share"),
        ("state", {"gun": 9}, "no such gun"),
    ],
)
async def test_hands_cannot_do_the_impossible(
    tmp_path: Path, do: str, arguments: dict[str, object], why: str
) -> None:
    """Each wrong request is refused with a sentence."""
    (tmp_path / "master.key").write_bytes(MASTER)
    (tmp_path / "memory").mkdir()
    config = LineConfig.model_validate(RunningLine(tmp_path).config())
    line = DispenserLine(config, NOW)
    with pytest.raises((HandsRefused, ValueError), match=why):
        await Hands(line).verbs()[do](arguments)
    line.close()


def test_a_key_file_is_raw_or_hex(tmp_path: Path) -> None:
    """16 bytes either way, and nothing else."""
    path = tmp_path / "master.key"
    for content in (MASTER, MASTER.hex().encode() + b"\n"):
        path.write_bytes(content)
        assert read_master_key(path) == MASTER
    path.write_bytes(b"00" * 15)
    with pytest.raises(ValueError, match="16 bytes"):
        read_master_key(path)


def test_a_misspelt_key_of_the_configuration_is_refused(tmp_path: Path) -> None:
    """What nobody reads is an error, not a default."""
    good = RunningLine(tmp_path).config()
    LineConfig.model_validate(good)
    with pytest.raises(ValueError, match="bauds"):
        LineConfig.model_validate({**good, "bauds": 9600})

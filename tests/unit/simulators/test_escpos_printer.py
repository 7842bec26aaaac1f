"""The simulated printer: what it understands, counts, and how it starts and ends."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cngstation.simulators.control import ControlClient, HandsRefused
from cngstation.simulators.escpos_paper import (
    CUT_MARK,
    RECEIVE_BUFFER,
    EscposPaper,
)


class Bench:
    """A printer's inside on a bench: what came out of it on both sides."""

    def __init__(self, columns: int = 32) -> None:
        self.text = ""
        self.answers = b""
        self.inside = EscposPaper(columns, self._write, self._answer)

    def _write(self, text: str) -> None:
        self.text += text

    def _answer(self, data: bytes) -> None:
        self.answers += data


def test_chinese_needs_its_mode() -> None:
    """GB18030 is read after FS & only, and ESC @ ends the mode."""
    bench = Bench()
    gas = "气".encode("gb18030")
    bench.inside.feed(gas + b"\n\x1c&" + gas + b"\n\x1b@" + gas + b"\n")
    assert bench.text == "??\n气\n??\n"


def test_a_character_of_four_bytes_is_one_sign() -> None:
    """A rare character of GB18030 is read whole, two columns wide."""
    bench = Bench(columns=4)
    bench.inside.feed(b"\x1c&" + "㛃㛃㛃".encode("gb18030") + b"\n")
    assert bench.text == "㛃㛃\n㛃\n"


def test_bytes_may_arrive_one_by_one() -> None:
    """Chopped anywhere, the same stream gives the same paper and answers."""
    stream = b"\x1b@\x1c&\x1bE\x01" + "金额".encode("gb18030") + b"\x10\x04\x01 1.00\n"
    stream += b"\x1dV\x42\x03\x1dr\x01\x1bp\x00\x32\x32\x10\x14\x01\x00\x01end\n"
    whole, chopped = Bench(), Bench()
    whole.inside.feed(stream)
    for byte in stream:
        chopped.inside.feed(bytes([byte]))
    assert whole.text == chopped.text == f"金额 1.00\n{CUT_MARK}\nend\n"
    assert whole.answers == chopped.answers == b"\x12\x00"
    assert whole.inside.kicks == chopped.inside.kicks == 2


def test_what_it_does_not_know_is_counted() -> None:
    """Unknown sequences are seen, not printed as if they were text."""
    bench = Bench()
    bench.inside.feed(b"\x1bZ\x07\x7f\x10\x99ok\n")
    assert bench.inside.unknown == 4
    assert bench.text == "ok\n"


def test_a_stopped_printer_still_tells_its_state() -> None:
    """Out of paper it answers DLE EOT, keeps text for later and reports nothing."""
    bench = Bench()
    bench.inside.mechanics.paper = False
    bench.inside.feed(b"late\n\x1dr\x01\x10\x04\x01\x10\x04\x02\x10\x04\x04")
    assert (bench.text, bench.answers.hex()) == ("", "1a327e")
    bench.inside.mechanics.paper = True
    bench.inside.run()
    assert (bench.text, bench.answers.hex()) == ("late\n", "1a327e00")


def test_its_memory_is_bounded() -> None:
    """What does not fit into a standing printer's buffer is lost and counted."""
    bench = Bench()
    bench.inside.mechanics.cover_open = True
    bench.inside.feed(b"x" * (RECEIVE_BUFFER + 5))
    assert bench.inside.lost_bytes == 5
    bench.inside.mechanics.cover_open = False
    bench.inside.run()  # the last line waits for its line feed
    assert bench.text.count("x") == RECEIVE_BUFFER - 32


def start(folder: Path) -> subprocess.Popen[str]:
    config = {name: str(folder / name) for name in ("link", "control", "paper")}
    file = folder / "printer.json"
    file.write_text(json.dumps({**config, "baud": 115_200}))
    program = [sys.executable, "-m", "cngstation.simulators.escpos_printer"]
    return subprocess.Popen(
        [*program, "--config", str(file)], stdout=subprocess.PIPE, text=True
    )


async def test_as_a_process(tmp_path: Path) -> None:
    """It says when it is ready, prints for any program, and ends within a second."""
    process = start(tmp_path)
    assert process.stdout is not None
    with process.stdout:
        ready = json.loads(await asyncio.to_thread(process.stdout.readline))
        assert ready["ready"] is True
        Path(ready["link"]).write_bytes("\x1b@\x1c&完\n".encode("gb18030"))
        hands = ControlClient(Path(ready["control"]))
        while not (await hands.call("printed"))["text"]:
            await asyncio.sleep(0.01)
        assert (tmp_path / "paper").read_text("utf-8") == "完\n"
        with pytest.raises(HandsRefused):
            await hands.call("plug")
        await hands.call("unplug")
        assert not (tmp_path / "link").is_symlink()
        with pytest.raises(HandsRefused):
            await hands.call("unplug")
        await hands.call("plug")
        await hands.close()
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 1) == 0
        assert not (tmp_path / "link").is_symlink()

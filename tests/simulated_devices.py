"""Simulated devices as processes for tests: started, awaited, stopped, cleaned up."""

import asyncio
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cngstation.simulators.control import HandsRefused

READY_WITHIN_S = 120.0
ENDS_WITHIN_S = 60.0
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class SimulatedProcess:
    """A simulator that is ready; `ready` is the JSON line that it printed."""

    process: subprocess.Popen[bytes]
    control: Path
    ready: Mapping[str, Any]

    def hand(self, do: str, **arguments: object) -> dict[str, Any]:
        """Do something to the device with one's hands; blocks.

        Raises:
            HandsRefused: the device said why not.
        """
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(READY_WITHIN_S)
            line.connect(str(self.control))
            line.sendall(json.dumps({"do": do, **arguments}).encode() + b"\n")
            with line.makefile("rb") as answers:
                answer: dict[str, Any] = json.loads(answers.readline())
        if not answer.pop("ok"):
            raise HandsRefused(answer["why"])
        return answer


@dataclass(frozen=True)
class SimulatedReader(SimulatedProcess):
    """A PN532 on a pty; open `link` as its serial port."""

    link: Path
    cards: Path

    def card_file(self, uid: str) -> Path:
        """Return the 1024-byte file of a card."""
        return self.cards / f"{uid.upper()}.mfd"

    def put_blank_card(self, uid: str) -> Path:
        """Make a factory-new card and put it into the field; return its file."""
        self.hand("blank", uid=uid)
        self.hand("insert", uid=uid)
        return self.card_file(uid)


@contextmanager
def simulator(
    module: str, config: Mapping[str, Any], folder: Path
) -> Iterator[SimulatedProcess]:
    """Run `python -m cngstation.simulators.MODULE --config FILE` until the block ends.

    `config` must hold `control`, the path of the control socket. The device must
    end within one second of SIGTERM.
    """
    process = _start(module, config, folder)
    try:
        yield SimulatedProcess(process, Path(config["control"]), _ready_line(process))
    finally:
        _stop(process)


@contextmanager
def card_reader(
    folder: Path,
    *,
    cards: Path | None = None,
    name: str = "reader",
    module: str = "pn532_reader",
    **config: object,
) -> Iterator[SimulatedReader]:
    """Run a PN532, or another reader, in a folder; other keywords are its settings.

    Several readers share cards when they get the same `cards` and another `name`.
    """
    cards = cards or folder / "cards"
    cards.mkdir(parents=True, exist_ok=True)
    link, control = folder / name, folder / f"{name}.control"
    whole = {"link": str(link), "control": str(control), "cards": str(cards), **config}
    with simulator(module, whole, folder) as device:
        yield SimulatedReader(
            device.process, device.control, device.ready, link=link, cards=cards
        )


@asynccontextmanager
async def async_card_reader(
    folder: Path, **arguments: Any
) -> AsyncIterator[SimulatedReader]:
    """Run a PN532 as `card_reader` does, without blocking the event loop."""
    context = card_reader(folder, **arguments)
    reader = await asyncio.to_thread(context.__enter__)
    try:
        yield reader
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)


def _start(
    module: str, config: Mapping[str, Any], folder: Path
) -> subprocess.Popen[bytes]:
    file = folder / f"{Path(config['control']).stem}.{module}.json"
    file.write_text(json.dumps(config))
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            f"cngstation.simulators.{module}",
            "--config",
            str(file),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )


def _ready_line(process: subprocess.Popen[bytes]) -> Mapping[str, Any]:
    assert process.stdout is not None
    if not select.select([process.stdout], [], [], READY_WITHIN_S)[0]:
        raise TimeoutError("the simulator did not get ready")
    line = process.stdout.readline()
    if not line:
        raise ChildProcessError(f"the simulator ended with {process.wait()}")
    ready: dict[str, Any] = json.loads(line)
    return ready


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise
    finally:
        assert process.stdout is not None
        process.stdout.close()

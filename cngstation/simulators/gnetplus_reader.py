"""A simulated GNetPlus reader as a process: a pty, cards from a folder.

`python -m cngstation.simulators.gnetplus_reader --config FILE.json`, the file holding
`{"link": PATH, "control": PATH, "cards": FOLDER, "baud": 19200, "seed": 0}`; the last
two may be left out. Prints one JSON line when ready; SIGTERM ends it. Hands: insert,
remove, swap, blank {uid}; pull_during_write, tear; fault {kind, commands}, or
{kind: unplugged, for_ms}; state, asked {clear}.
"""

import argparse
import asyncio
import json
import random
import signal
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from cngstation.simulators.card_field import CardField, Pull, TornBlock
from cngstation.simulators.control import Answer, ControlServer, HandsRefused
from cngstation.simulators.gnetplus_chip import GNetPlusChip
from cngstation.simulators.pty_port import NAMED_RATES, PtyPort

BAUD = 19_200
_BITS_PER_BYTE = 10
_LATE_S = 0.7
_UNPLUGGED = "unplugged"


class Fault(StrEnum):
    """What is wrong with the reader or its line."""

    NONE = "none"
    SILENT = "silent"  # hears nothing, does nothing
    ANSWER_LOST = "answer_lost"  # does it, and never says so
    GARBAGE = "garbage"  # answers with random bytes
    WRONG_CHECKSUM = "wrong_checksum"  # does it, and one bit of the answer is turned
    HALF = "half"  # does it, and the end of the answer is missing
    LATE = "late"  # does it, and answers when the host has given up
    MISHEARS = "mishears"  # one bit of the command is turned on the way
    NOISE = "noise"  # does it, and says so behind some bytes of noise


class GNetPlusLine:
    """Runs the reader against its port in the time that the wire takes."""

    def __init__(self, port: PtyPort, chip: GNetPlusChip, baud: int, seed: int) -> None:
        self._port = port
        self._chip = chip
        self._byte_s = _BITS_PER_BYTE / baud
        self._random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._free_at = 0.0
        self.fault = Fault.NONE
        self._left: int | None = None
        self.asked: list[str] = []

    def plug(self) -> str:
        """Connect the reader; return the path of its pty."""
        path = self._port.plug()
        asyncio.get_running_loop().add_reader(self._port.fd, self._on_readable)
        return path

    def unplug(self) -> None:
        """Cut the cable and the supply."""
        if self._port.fd >= 0:
            asyncio.get_running_loop().remove_reader(self._port.fd)
        self._port.unplug()
        self._chip.power_up()

    def break_down(self, fault: Fault, commands: int | None) -> None:
        """Be faulty for so many commands, or until told otherwise."""
        self.fault, self._left = fault, commands

    def _on_readable(self) -> None:
        data = self._port.read()
        loop = asyncio.get_running_loop()
        self._free_at = max(loop.time(), self._free_at) + len(data) * self._byte_s
        for frame in self._chip.receive(data):
            self._serve(frame)

    def _serve(self, frame: bytes) -> None:
        fault = self._spend()
        self.asked.append(f"{frame[2]:02X}")
        if fault is Fault.SILENT:
            return
        if fault is Fault.MISHEARS:
            frame = self._turned(frame)
        answer = self._chip.execute(frame)
        sent = self._spoiled(answer, fault) if answer is not None else b""
        late_s = _LATE_S if fault is Fault.LATE else 0.0
        self._free_at += late_s + len(sent) * self._byte_s
        loop = asyncio.get_running_loop()
        loop.call_at(self._free_at, self._port.write, sent)

    def _spoiled(self, answer: bytes, fault: Fault) -> bytes:
        match fault:
            case Fault.ANSWER_LOST:
                return b""
            case Fault.GARBAGE:
                return self._random.randbytes(len(answer))
            case Fault.WRONG_CHECKSUM:
                return self._turned(answer)
            case Fault.HALF:
                return answer[: len(answer) // 2]
            case Fault.NOISE:
                return b"\x01\x00\x06" + self._random.randbytes(2) + answer
        return answer

    def _turned(self, frame: bytes) -> bytes:
        """Turn a bit of the checksum: the frame's own length stays."""
        return frame[:-1] + bytes([frame[-1] ^ 0x10])

    def _spend(self) -> Fault:
        fault = self.fault
        if self._left is not None:
            self._left -= 1
            if not self._left:
                self.fault, self._left = Fault.NONE, None
        return fault


class Hands:
    """The control verbs: what a person does to reader and card."""

    def __init__(self, field: CardField, line: GNetPlusLine) -> None:
        self._field = field
        self._line = line
        self.verbs = {
            "insert": self._insert,
            "remove": self._remove,
            "swap": self._swap,
            "blank": self._blank,
            "state": self._state,
            "tear": self._tear,
            "pull_during_write": self._pull_during_write,
            "fault": self._fault,
            "asked": self._asked,
        }

    async def _insert(self, request: Mapping[str, Any]) -> Answer:
        self._field.insert(_uid(request))
        return {}

    async def _remove(self, _request: Mapping[str, Any]) -> Answer:
        self._field.remove()
        return {}

    async def _swap(self, request: Mapping[str, Any]) -> Answer:
        self._field.swap(_uid(request))
        return {}

    async def _blank(self, request: Mapping[str, Any]) -> Answer:
        return {"path": str(self._field.make_blank(_uid(request)))}

    async def _state(self, _request: Mapping[str, Any]) -> Answer:
        card = self._field.card
        return {
            "card": card.uid.hex().upper() if card else None,
            "pulled": self._field.pulled,
            "fault": self._line.fault,
        }

    async def _tear(self, request: Mapping[str, Any]) -> Answer:
        return self._arm(request, int(request["after_commands"]), writes=False)

    async def _pull_during_write(self, request: Mapping[str, Any]) -> Answer:
        return self._arm(request, int(request["nth_write"]), writes=True)

    def _arm(self, request: Mapping[str, Any], nth: int, *, writes: bool) -> Answer:
        pull = Pull(
            nth=nth,
            block=TornBlock(request.get("block", TornBlock.BEFORE)),
            only_writes=writes,
            reader_reports=bool(request.get("reader_reports", True)),
        )
        self._field.arm(pull)
        return {}

    async def _fault(self, request: Mapping[str, Any]) -> Answer:
        if request["kind"] == _UNPLUGGED:
            self._line.unplug()
            await asyncio.sleep(int(request.get("for_ms", 0)) / 1000)
            return {"pty": self._line.plug()}
        commands = request.get("commands")
        count = None if commands is None else int(commands)
        self._line.break_down(Fault(request["kind"]), count)
        return {}

    async def _asked(self, request: Mapping[str, Any]) -> Answer:
        asked = list(self._line.asked)
        if request.get("clear"):
            self._line.asked.clear()
        return {"asked": asked}


def _uid(request: Mapping[str, Any]) -> bytes:
    try:
        return bytes.fromhex(request["uid"])
    except (TypeError, ValueError) as error:
        raise HandsRefused("a UID is written in hexadecimal") from error


async def serve(config: Mapping[str, Any]) -> None:
    """Be a reader until a signal says stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    baud, seed = int(config.get("baud", BAUD)), int(config.get("seed", 0))
    if baud not in NAMED_RATES.values():
        raise ValueError(f"baud is one of {sorted(NAMED_RATES.values())}")
    antenna = CardField(Path(config["cards"]), seed=seed)
    port = PtyPort(Path(config["link"]), baud)
    line = GNetPlusLine(port, GNetPlusChip(antenna), baud, seed)
    control = ControlServer(Path(config["control"]), Hands(antenna, line).verbs)
    pty = line.plug()
    try:
        await control.start()
        ready = {"ready": True, "link": config["link"], "pty": pty}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        await stop.wait()
        await control.stop()
    finally:
        line.unplug()


def main() -> int:
    """Run the process; return its exit code."""
    parser = argparse.ArgumentParser(prog="gnetplus_reader", description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    path: Path = parser.parse_args().config
    try:
        asyncio.run(serve(json.loads(path.read_bytes())))
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"{path}: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

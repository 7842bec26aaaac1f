"""A receipt printer on a pseudo-terminal, with hands on a control socket.

    python -m cngstation.simulators.escpos_printer --config FILE.json

`{"link": path of the port, "control": path of the socket, "baud": 9600,
"paper": path of the paper, "columns": 48}`; `columns` may be left out. One JSON
line on standard output says that it is ready; SIGTERM ends it.

Hands: `paper_out` (after `lines` more, 0 at once), `paper_in`, `cover` (`open`),
`unplug`, `plug`, `stall` (`on`: stops reading), `printed`.
"""

import argparse
import asyncio
import json
import os
import pty
import signal
import tty
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from cngstation.simulators.control import Answer, ControlServer, HandsRefused
from cngstation.simulators.escpos_paper import EscposPaper

READ_BYTES = 256
WIRE_BITS_PER_BYTE = 10
# An answer is one line of the control socket, 64 KiB; a sign is up to 6 bytes there.
REMEMBERED_SIGNS = 8_000


@dataclass(frozen=True)
class PrinterConfig:
    """Where the printer is and how fast it hears."""

    link: Path
    control: Path
    paper: Path
    baud: int = 9600
    columns: int = 48

    @classmethod
    def from_file(cls, path: Path) -> "PrinterConfig":
        """Read the JSON file that the process is started with."""
        given = json.loads(path.read_text("utf-8"))
        return cls(
            link=Path(given["link"]),
            control=Path(given["control"]),
            paper=Path(given["paper"]),
            baud=int(given.get("baud", cls.baud)),
            columns=int(given.get("columns", cls.columns)),
        )


class Port:
    """The printer's plug: a pseudo-terminal behind a symbolic link."""

    def __init__(self, link: Path) -> None:
        self._link = link
        self._fds: tuple[int, int] | None = None

    @property
    def plugged(self) -> bool:
        return self._fds is not None

    @property
    def printer_side(self) -> int:
        if self._fds is None:
            raise HandsRefused("the printer is unplugged")
        return self._fds[0]

    def plug(self) -> None:
        """Appear. Our own hold on the host's side keeps the line up between hosts."""
        ours, hosts = pty.openpty()
        tty.setraw(hosts)
        os.set_blocking(ours, False)
        fresh = self._link.with_name(self._link.name + ".new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(hosts))
        fresh.rename(self._link)
        self._fds = (ours, hosts)

    def unplug(self) -> None:
        """Disappear; whoever has the port open sees it hang up."""
        if self._fds is None:
            return
        self._link.unlink(missing_ok=True)
        fds, self._fds = self._fds, None
        for fd in fds:
            os.close(fd)

    def answer(self, data: bytes) -> None:
        """Send to the host; a host that never reads loses it, as on a wire."""
        if self._fds is not None:
            try:
                os.write(self._fds[0], data)
            except BlockingIOError:
                return


class SimulatedPrinter:
    """The device: hears at wire speed, prints at once, does what hands do to it."""

    def __init__(self, config: PrinterConfig, paper: TextIO) -> None:
        self._config = config
        self._file = paper
        self._remembered = ""
        self._port = Port(config.link)
        self._inside = EscposPaper(config.columns, self._write, self._port.answer)
        self._stalled = False
        self._pause: asyncio.TimerHandle | None = None
        self._control = ControlServer(
            config.control,
            {
                "paper_out": self._paper_out,
                "paper_in": self._paper_in,
                "cover": self._cover,
                "unplug": self._unplug,
                "plug": self._plug,
                "stall": self._stall,
                "printed": self._printed,
            },
        )

    async def start(self) -> None:
        """Plug in and listen to the hands."""
        self._port.plug()
        self._listen()
        await self._control.start()

    async def stop(self) -> None:
        """Unplug and let the hands go."""
        self._deafen()
        self._port.unplug()
        await self._control.stop()

    def _listen(self) -> None:
        self._pause = None
        if self._port.plugged and not self._stalled:
            loop = asyncio.get_running_loop()
            loop.add_reader(self._port.printer_side, self._hear)

    def _deafen(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        if self._port.plugged:
            asyncio.get_running_loop().remove_reader(self._port.printer_side)

    def _hear(self) -> None:
        data = os.read(self._port.printer_side, READ_BYTES)
        self._deafen()
        wire_s = len(data) * WIRE_BITS_PER_BYTE / self._config.baud
        self._pause = asyncio.get_running_loop().call_later(wire_s, self._listen)
        self._inside.feed(data)

    def _write(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()
        self._remembered = (self._remembered + text)[-REMEMBERED_SIGNS:]

    async def _paper_out(self, request: Mapping[str, Any]) -> Answer:
        lines = int(request.get("lines", 0))
        if lines > 0:
            self._inside.mechanics.lines_left = lines
        else:
            self._inside.mechanics.paper = False
        return {}

    async def _paper_in(self, request: Mapping[str, Any]) -> Answer:
        del request
        self._inside.mechanics.paper = True
        self._inside.mechanics.lines_left = None
        self._inside.run()
        return {}

    async def _cover(self, request: Mapping[str, Any]) -> Answer:
        self._inside.mechanics.cover_open = bool(request.get("open", True))
        self._inside.run()
        return {}

    async def _unplug(self, request: Mapping[str, Any]) -> Answer:
        del request
        if not self._port.plugged:
            raise HandsRefused("the printer is unplugged already")
        self._deafen()
        self._port.unplug()
        return {}

    async def _plug(self, request: Mapping[str, Any]) -> Answer:
        del request
        if self._port.plugged:
            raise HandsRefused("the printer is plugged in already")
        self._port.plug()
        self._listen()
        return {}

    async def _stall(self, request: Mapping[str, Any]) -> Answer:
        self._stalled = bool(request.get("on", True))
        self._deafen()
        self._listen()
        return {}

    async def _printed(self, request: Mapping[str, Any]) -> Answer:
        del request
        return {
            "text": self._remembered,
            "kicks": self._inside.kicks,
            "unknown": self._inside.unknown,
            "cuts": self._inside.cuts,
            "lost_bytes": self._inside.lost_bytes,
        }


async def run(config: PrinterConfig) -> None:
    """Be a printer until told to end."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    with config.paper.open("a", encoding="utf-8") as paper:
        printer = SimulatedPrinter(config, paper)
        await printer.start()
        ready = {"ready": True, "link": str(config.link)}
        print(json.dumps(ready | {"control": str(config.control)}), flush=True)
        await ended.wait()
        await printer.stop()


def main() -> None:
    """Read the command line and be a printer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    asyncio.run(run(PrinterConfig.from_file(parser.parse_args().config)))


if __name__ == "__main__":
    main()

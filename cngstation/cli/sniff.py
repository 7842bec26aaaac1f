"""`cngstation sniff`: what goes over a line, in words; it listens and never writes."""

import argparse
import asyncio
import stat
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from cngstation.cli.heard_lines import Shown, frame_line, summary
from cngstation.drivers.capture_file import Piece, read_capture
from cngstation.drivers.serial_link import Parity, SerialSettings
from cngstation.errors import StationError
from cngstation.language import DEFAULT, LANGUAGES, _, use_language
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.services.overhear_line import Ear, heard_protocols

UNKNOWN, UNREACHED = 1, 3
# The speeds of the trade, the usual ones first; some makers send a parity bit.
BAUDS = (9600, 38400, 19200, 115200, 57600, 4800, 2400)
PARITIES = (Parity.NONE, Parity.ODD, Parity.EVEN)
# A station polls every nozzle within some seconds.
TRIAL_S = 3.0
# Frames that wait for a verdict; beyond them the oldest are not shown.
MOST_WAITING = 4_000


def run(arguments: Sequence[str]) -> int:
    """Listen and print; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="cngstation sniff",
        description="Decodes a line without sending anything.",
    )
    parser.add_argument("source", metavar="PORT|CAPTURE", type=Path)
    parser.add_argument("--baud", type=int, help="else the usual ones are tried")
    parser.add_argument("--parity", choices=list(Parity), help="else all are tried")
    parser.add_argument("--protocol", choices=heard_protocols())
    parser.add_argument("--seconds", type=float, help="how long to listen")
    parser.add_argument("--hex", action="store_true", help="lines of a capture")
    parser.add_argument("--language", choices=LANGUAGES, default=DEFAULT)
    given = parser.parse_args(arguments)
    use_language(given.language)
    sniffer = Sniffer(given.protocol, as_hex=given.hex)
    try:
        if _is_port(given.source):
            asyncio.run(_listen(sniffer, given))
        else:
            for lines in sniffer.hear_whole(read_capture(given.source)):
                sys.stdout.write(lines)
    except StationError as error:
        sys.stderr.write(f"cngstation sniff: {_(error.text).format_map(error.facts)}\n")
        return UNREACHED
    except KeyboardInterrupt:
        pass
    sys.stdout.write(sniffer.end())
    return 0 if sniffer.verdict is not None else UNKNOWN


class Sniffer:
    """Prints the frames of the line's protocol, as soon as it is known which it is."""

    def __init__(self, protocol: str | None, *, as_hex: bool = False) -> None:
        self._protocol = protocol
        self._protocols = heard_protocols() if protocol is None else [protocol]
        self._as_hex = as_hex
        self.begin()

    def begin(self) -> None:
        """Forget what was heard: another speed is tried."""
        self._ear = Ear(self._protocols)
        self._shown = self._protocol
        self._waiting: dict[str, list[Shown]] = {name: [] for name in self._protocols}

    @property
    def verdict(self) -> str | None:
        """The line's protocol, if one is believed."""
        return self._ear.verdict()

    def hear(self, at: str, data: bytes) -> str:
        """Take bytes; return the lines to print."""
        told = self._ear.hear(data)
        if self._shown is not None:
            return self._lines(Shown(at, one) for one in told[self._shown])
        for name, frames in told.items():
            kept = self._waiting[name]
            kept += [Shown(at, frame) for frame in frames]
            del kept[:-MOST_WAITING]
        return self._decided()

    def hear_whole(self, pieces: Sequence[Piece]) -> Iterable[str]:
        """Take all that was captured: the protocol is known from all of it."""
        for piece in pieces:
            self._ear.hear(piece.data)
        shown = self._protocol or self.verdict
        if shown is None:
            return
        yield _title(shown)
        again, at_byte = Ear([shown]), 0
        for piece in pieces:
            at = piece.at or f"@{at_byte}"
            frames = again.hear(piece.data)[shown]
            yield self._lines(Shown(at, frame) for frame in frames)
            at_byte += len(piece.data)

    def end(self) -> str:
        """Return what stands at the end: the scores of the protocols."""
        return summary(self._ear)

    def _decided(self) -> str:
        self._shown = self.verdict
        if self._shown is None:
            return ""
        self._ear.keep_only(self._shown)
        return _title(self._shown) + self._lines(self._waiting.pop(self._shown))

    def _lines(self, shown: Iterable[Shown]) -> str:
        return "".join(frame_line(one, as_hex=self._as_hex) + "\n" for one in shown)


def _title(protocol: str) -> str:
    return f"# {PROTOCOLS[protocol].title}\n"


def _is_port(path: Path) -> bool:
    try:
        return stat.S_ISCHR(path.stat().st_mode)
    except OSError:
        # A device would stand there; what is kept in memory is a file.
        return path.is_relative_to("/dev") and path.parts[2:3] != ("shm",)


async def _listen(sniffer: Sniffer, given: argparse.Namespace) -> None:
    """Listen at each speed until one makes sense, and then go on with it."""
    bauds = BAUDS if given.baud is None else (given.baud,)
    parities = PARITIES if given.parity is None else (Parity(given.parity),)
    loop = asyncio.get_running_loop()
    end = None if given.seconds is None else loop.time() + given.seconds
    trials = [(parity, baud) for parity in parities for baud in bauds]
    is_only_one = len(trials) == 1
    while end is None or loop.time() < end:
        for parity, baud in trials:
            settings = SerialSettings(str(given.source), baud, parity)
            await _trial(sniffer, settings, end, TRIAL_S if not is_only_one else None)
            if end is not None and loop.time() >= end:
                return


async def _trial(
    sniffer: Sniffer, settings: SerialSettings, end: float | None, limit_s: float | None
) -> None:
    """Listen with one setting; without a limit, or once it makes sense, for ever."""
    loop = asyncio.get_running_loop()
    link = await settings.open()
    sniffer.begin()
    began = loop.time()
    try:
        while True:
            until = end
            if sniffer.verdict is None and limit_s is not None:
                trial_end = began + limit_s
                until = trial_end if end is None else min(end, trial_end)
            try:
                async with asyncio.timeout_at(until):
                    data = await link.read()
            except TimeoutError:
                return
            sys.stdout.write(sniffer.hear(f"{loop.time() - began:.6f}", data))
            sys.stdout.flush()
    finally:
        await link.close()

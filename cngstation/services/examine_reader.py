"""Says what is likely wrong with the card reader, and what to do.

The reader's own service is asked how it is. Where that does not run, the port itself
may be asked: for the reader, for another kind or speed of one, and what else is heard.
"""

import asyncio
import contextlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cngstation.config import StationConfig
from cngstation.config.sections import Reader
from cngstation.domain.reader_causes import (
    ReaderEvidence,
    ReaderTrouble,
    causes,
)
from cngstation.drivers import gnetplus_reader, pn532_reader
from cngstation.drivers.card_reader import CardReader
from cngstation.drivers.open_reader import open_reader
from cngstation.drivers.serial_link import (
    PORT_DEAD,
    PORT_FORBIDDEN,
    PORT_HELD,
    PORT_LOST,
    PORT_MISSING,
    SerialSettings,
)
from cngstation.errors import DeviceError
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.rpc.contract.reader import ReaderSight
from cngstation.services.examine_station import Finding
from cngstation.services.overhear_line import Ear, heard_protocols
from cngstation.services.tell_reader_causes import READER_TEXTS
from cngstation.services.watch_reader import NOT_YET, reason_of

PORTS = Path("/dev/serial/by-id")
LISTEN_S, ASK_S = 1.0, 3.0
_KINDS = {"pn532": pn532_reader.BAUD, "gnetplus": gnetplus_reader.BAUD}
_BAUDS = (9600, 19200, 38400, 57600, 115200)
_SILENT = "it does not answer"
_TROUBLES = {
    PORT_MISSING: ReaderTrouble.PORT_MISSING,
    PORT_FORBIDDEN: ReaderTrouble.PORT_FORBIDDEN,
    PORT_HELD: ReaderTrouble.PORT_HELD,
    PORT_DEAD: ReaderTrouble.PORT_DEAD,
    PORT_LOST: ReaderTrouble.PORT_DEAD,
    NOT_YET: ReaderTrouble.NONE,
    _SILENT: ReaderTrouble.SILENT,
    "pyscard is not installed": ReaderTrouble.NO_PCSC,
    "the service has no reader": ReaderTrouble.NO_READER,
    # The service's own codes stand behind its words.
    "8010001D": ReaderTrouble.SERVICE_DOWN,
    "8010001E": ReaderTrouble.SERVICE_DOWN,
    "80100027": ReaderTrouble.SERVICE_FORBIDS,
    "8010006A": ReaderTrouble.SERVICE_FORBIDS,
    "8010002E": ReaderTrouble.NO_READER,
    "80100009": ReaderTrouble.NO_READER,
    "8010000B": ReaderTrouble.PORT_HELD,
}
_HAS = re.compile(r"\(it has: (.*)\)")


async def look(config: StationConfig) -> ReaderSight:
    """Open the reader as its service does and ask it; it is let go of again."""
    loop = asyncio.get_running_loop()
    kind, place = config.reader.kind, config.reader.port or config.reader.name
    sight = ReaderSight(
        kind=kind, place=place, is_online=False, firmware="", why="", answer_us=0,
        has_card=False,
    )  # fmt: skip
    try:
        async with asyncio.timeout(ASK_S):
            reader = await open_reader(config.reader)
            try:
                asked = loop.time()
                uid = await reader.find_card()
                taken_us = int((loop.time() - asked) * 1_000_000)
                firmware = reader.health.firmware
            finally:
                await _close(reader)
    except DeviceError as error:
        return sight.model_copy(update={"why": reason_of(error)[:200]})
    except TimeoutError:
        return sight.model_copy(update={"why": _SILENT})
    told = {"is_online": True, "firmware": firmware, "answer_us": taken_us}
    return sight.model_copy(update={**told, "has_card": uid is not None})


async def evidence_of(
    config: StationConfig, sight: ReaderSight, *, asks_port: bool
) -> ReaderEvidence:
    """Gather what is known of a reader that its driver cannot use.

    `asks_port`: nobody else uses its port now, so that it can be asked.
    """
    used = _ports_of(config)
    own = config.reader.port
    shared = [name for name, port in used.items() if own and port == own]
    seen = ReaderEvidence(
        trouble_of(config.reader, sight),
        shared_with=shared[0] if shared else "",
        other_ports=_free_ports({*used.values(), config.reader.port}),
        other_names=_names(sight.why),
    )
    if not asks_port or seen.trouble is not ReaderTrouble.SILENT:
        return seen
    protocol, heard = await _heard_at(config.reader)
    if protocol:
        return replace(seen, heard_protocol=protocol, heard_bytes=heard)
    return replace(await _asked_otherwise(config.reader, seen), heard_bytes=heard)


def trouble_of(reader: Reader, sight: ReaderSight) -> ReaderTrouble:
    """Say what keeps a driver from its reader, from the driver's reason."""
    if sight.is_online:
        return ReaderTrouble.NONE
    for text, trouble in _TROUBLES.items():
        if text in sight.why:
            return trouble
    if reader.kind == "pcsc":
        return ReaderTrouble.SERVICE_OTHER
    is_port = "port" in sight.why or reader.port in sight.why
    return ReaderTrouble.PORT_OTHER if is_port else ReaderTrouble.REPORTS


def findings(
    config: StationConfig, sight: ReaderSight, seen: ReaderEvidence
) -> Iterable[Finding]:
    """Return the likely causes in sentences, the likeliest first."""
    facts: Mapping[str, str | int] = {
        "place": sight.place,
        "kind": sight.kind,
        "other": seen.shared_with,
        "ports": ", ".join(seen.other_ports),
        "names": ", ".join(seen.other_names),
        "protocol": PROTOCOLS[seen.heard_protocol].title if seen.heard_protocol else "",
        "found_kind": seen.other_kind,
        "baud": seen.other_baud,
        "why": sight.why,
    }
    for cause in causes(seen):
        text, cure = READER_TEXTS[cause]
        told = {name: fact for name, fact in facts.items() if f"{{{name}}}" in text}
        yield Finding("reader", cause.value, text, cure, told)


def _ports_of(config: StationConfig) -> dict[str, str]:
    """Return the ports that the file gives to others, by what it calls these."""
    lines = {f"line {line.name}": line.port for line in config.lines}
    return {**lines, "printer": str(config.printer.port)}


def _free_ports(used: Iterable[str]) -> tuple[str, ...]:
    taken = {Path(port).resolve() for port in used if port}
    with contextlib.suppress(OSError):
        found = sorted(PORTS.iterdir())
        return tuple(str(one) for one in found if one.resolve() not in taken)[:4]
    return ()


def _names(why: str) -> tuple[str, ...]:
    told = _HAS.search(why)
    names = told[1].split(", ") if told else []
    return tuple(name for name in names if name not in {"", "none"})


async def _heard_at(reader: Reader) -> tuple[str, int]:
    """Listen for what talks by itself, as a line that somebody else polls."""
    ear = Ear(heard_protocols())
    settings = SerialSettings(reader.port, reader.baud or _KINDS[reader.kind])
    with contextlib.suppress(DeviceError):
        link = await settings.open()
        try:
            async with asyncio.timeout(LISTEN_S):
                while True:
                    ear.hear(await link.read())
        except TimeoutError:
            pass
        finally:
            await link.close()
    return ear.verdict() or "", ear.heard_bytes


async def _asked_otherwise(reader: Reader, seen: ReaderEvidence) -> ReaderEvidence:
    """Ask for the other kinds, then for the same one at other speeds."""
    own = reader.baud or _KINDS[reader.kind]
    for kind in _KINDS:
        other: dict[str, Any] = {"kind": kind, "baud": None}
        if kind != reader.kind and await _answers(reader.model_copy(update=other)):
            return replace(seen, other_kind=kind)
    for baud in _BAUDS:
        if baud != own and await _answers(reader.model_copy(update={"baud": baud})):
            return replace(seen, other_baud=baud)
    return seen


async def _answers(reader: Reader) -> bool:
    with contextlib.suppress(DeviceError, TimeoutError):
        async with asyncio.timeout(ASK_S):
            await _close(await open_reader(reader))
            return True
    return False


async def _close(reader: CardReader) -> None:
    with contextlib.suppress(DeviceError):
        await reader.close()

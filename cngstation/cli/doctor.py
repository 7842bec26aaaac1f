"""`cngstation doctor`: what is likely wrong with lines, devices, disk and books.

Asks the running daemons; where the monitor is down it says so, and with --probe it
polls the lines itself. It books nothing, acknowledges nothing and changes nothing.
Exit codes: 0 nothing is wrong, 1 something is, 2 usage, 3 could not look.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from cngstation.cli.verify import DEFAULT_CONFIG, USAGE
from cngstation.config import StationConfig, load_config
from cngstation.errors import ConfigError, StationError
from cngstation.language import LANGUAGES, _, mark, use_language
from cngstation.moments import SystemClock
from cngstation.rpc.client import RpcClient
from cngstation.rpc.contract.counter import COUNTER
from cngstation.rpc.contract.forecourt import FORECOURT
from cngstation.rpc.contract.reader import READER_SIGHT, ReaderSight
from cngstation.rpc.contract.technician import LINE_HEALTH, LineHealth
from cngstation.rpc.session import Nothing
from cngstation.services.examine_reader import evidence_of, look
from cngstation.services.examine_reader import findings as reader_findings
from cngstation.services.examine_station import Finding, examine
from cngstation.services.probe_lines import PROBE_S, probe

WELL, FAULTS, UNREACHED = 0, 1, 3
SOCKET, COUNTER_SOCKET = "forecourt.sock", "counter.sock"
_SCHEMA = 1
# What is told and needs no hand: an echo is taken off by itself.
_HARMLESS = frozenset({"own_echo"})
_MONITOR_DOWN = (
    mark("The dispenser monitor does not answer."),
    mark("Start cng-dispenser-monitor; or look at the lines with --probe."),
)
_LINE = mark(
    "{name}: {port}, {protocol}, {baud} baud: {answers} of the last {polls} frames"
    " answered, {bad} wrong checksums, {late} late, turn-round {turn} ms."
)
_COUNTER_DOWN = (
    mark("The card reader's service does not answer."),
    mark("Start cng-card-reader; or look at the reader with --probe."),
)
_NOT_REACHED = frozenset({"monitor_down", "counter_down"})
_READER = mark(
    "Card reader: {kind}, {place}: firmware {firmware}, answers in {answer} ms, {card}."
)
_NO_READER = mark("Card reader: {kind}, {place}: not there ({why}).")
_CARD, _NO_CARD = mark("a card lies on it"), mark("no card lies on it")
_WELL = mark("Nothing is wrong.")
_CURE = mark("Do: {cure}")


def run(arguments: Sequence[str]) -> int:
    """Look at everything and print it; return the exit code."""
    parser = argparse.ArgumentParser(prog="cngstation doctor")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG)
    parser.add_argument("--json", action="store_true", help="one object, nothing else")
    parser.add_argument(
        "--probe", action="store_true", help="poll the lines if no monitor does"
    )
    parser.add_argument("--seconds", type=float, default=PROBE_S, help="of a probe")
    parser.add_argument("--language", choices=LANGUAGES)
    given = parser.parse_args(arguments)
    try:
        config = load_config(given.config)
    except ConfigError as error:
        sys.stderr.write(f"cngstation doctor: {error.sentence()}\n")
        return UNREACHED if not given.config.is_file() else USAGE
    use_language(given.language or config.station.language)
    lines, reached, sight, of_reader = asyncio.run(_looked(config, given))
    station = examine(config, SystemClock())
    told = {one.code for one in of_reader}
    station = [one for one in station if one.code not in told]
    findings = [*_of_lines(lines), *of_reader, *station]
    if sight is None:
        findings.insert(0, Finding("reader", "counter_down", *_COUNTER_DOWN))
    if not reached:
        findings.insert(0, Finding("monitor", "monitor_down", *_MONITOR_DOWN))
    write = _json if given.json else _text
    sys.stdout.write(write(lines, sight, findings))
    if findings and all(one.code in _NOT_REACHED for one in findings):
        return UNREACHED
    return FAULTS if any(one.code not in _HARMLESS for one in findings) else WELL


async def _looked(
    config: StationConfig, given: argparse.Namespace
) -> tuple[Sequence[LineHealth], bool, ReaderSight | None, Sequence[Finding]]:
    """Return lines and reader, and what is likely wrong with the reader."""
    lines, reached = await _lines(config, given)
    sight = await _reader(config)
    asks_port = sight is None and given.probe
    if asks_port:
        sight = await look(config)
    if sight is None:
        return lines, reached, None, ()
    seen = await evidence_of(config, sight, asks_port=asks_port)
    return lines, reached, sight, tuple(reader_findings(config, sight, seen))


async def _reader(config: StationConfig) -> ReaderSight | None:
    """Ask the reader's service; None where it does not answer."""
    client = RpcClient(config.paths.runtime_dir / COUNTER_SOCKET, COUNTER)
    try:
        await client.connect()
        return await client.call(READER_SIGHT, Nothing())
    except StationError:
        return None
    finally:
        await client.close()


async def _lines(
    config: StationConfig, given: argparse.Namespace
) -> tuple[Sequence[LineHealth], bool]:
    """Return how the lines fare, and whether anybody could tell."""
    client = RpcClient(config.paths.runtime_dir / SOCKET, FORECOURT)
    try:
        await client.connect()
        health = await client.call(LINE_HEALTH, Nothing())
    except StationError:
        if not given.probe:
            return (), False
    else:
        return health.lines, True
    finally:
        await client.close()
    clock = SystemClock()
    probes = (probe(line, clock, seconds=given.seconds) for line in config.lines)
    return await asyncio.gather(*probes), True


def _facts(finding: Finding) -> dict[str, str | int]:
    """Return the facts of a finding; a driver's own reason is a text as well."""
    why = finding.facts.get("why")
    return {**finding.facts, "why": _(str(why))} if why else finding.facts


def _of_reader(sight: ReaderSight) -> str:
    if not sight.is_online:
        why = _(sight.why) if sight.why else ""
        return _(_NO_READER).format(kind=sight.kind, place=sight.place, why=why)
    return _(_READER).format(
        kind=sight.kind,
        place=sight.place,
        firmware=sight.firmware,
        answer=sight.answer_us // 1000,
        card=_(_CARD if sight.has_card else _NO_CARD),
    )


def _of_lines(lines: Iterable[LineHealth]) -> Iterable[Finding]:
    for line in lines:
        for cause in line.causes:
            facts: dict[str, str | int] = {f.name: f.value for f in cause.facts}
            part = f"line {line.name}"
            yield Finding(part, cause.code, cause.text, cause.cure, facts)


def _json(
    lines: Iterable[LineHealth], sight: ReaderSight | None, findings: Iterable[Finding]
) -> str:
    told = [
        {
            "part": one.part,
            "code": one.code,
            "text": _(one.text).format_map(_facts(one)),
            "cure": _(one.cure),
        }
        for one in findings
    ]
    shown = {
        "schema": _SCHEMA,
        "doctor": "faults" if told else "well",
        "findings": told,
        "lines": [line.model_dump(exclude={"causes"}) for line in lines],
        "reader": sight.model_dump() if sight else None,
    }
    return json.dumps(shown, ensure_ascii=False) + "\n"


def _text(
    lines: Iterable[LineHealth], sight: ReaderSight | None, findings: Sequence[Finding]
) -> str:
    shown = []
    for line in lines:
        told = _(_LINE).format(
            name=line.name,
            port=line.port,
            protocol=line.protocol,
            baud=line.baud,
            answers=line.answers,
            polls=line.polls,
            bad=line.bad_checksums,
            late=line.late,
            turn=line.turnaround_us // 1000,
        )
        shown.append(told)
    if sight is not None:
        shown.append(_of_reader(sight))
    for one in findings:
        shown.append(f"! {one.part}: {_(one.text).format_map(_facts(one))}")
        shown.append("  " + _(_CURE).format(cure=_(one.cure)))
    if not findings:
        shown.append(_(_WELL))
    return "".join(f"{line}\n" for line in shown)

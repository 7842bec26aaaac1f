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
from cngstation.rpc.contract.forecourt import FORECOURT
from cngstation.rpc.contract.technician import LINE_HEALTH, LineHealth
from cngstation.rpc.session import Nothing
from cngstation.services.examine_station import Finding, examine
from cngstation.services.probe_lines import PROBE_S, probe

WELL, FAULTS, UNREACHED = 0, 1, 3
SOCKET = "forecourt.sock"
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
    lines, reached = asyncio.run(_lines(config, given))
    findings = [*_of_lines(lines), *examine(config, SystemClock())]
    if not reached:
        findings.insert(0, Finding("monitor", "monitor_down", *_MONITOR_DOWN))
    sys.stdout.write(_json(lines, findings) if given.json else _text(lines, findings))
    if not reached and len(findings) == 1:
        return UNREACHED
    return FAULTS if any(one.code not in _HARMLESS for one in findings) else WELL


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


def _of_lines(lines: Iterable[LineHealth]) -> Iterable[Finding]:
    for line in lines:
        for cause in line.causes:
            facts: dict[str, str | int] = {f.name: f.value for f in cause.facts}
            part = f"line {line.name}"
            yield Finding(part, cause.code, cause.text, cause.cure, facts)


def _json(lines: Iterable[LineHealth], findings: Iterable[Finding]) -> str:
    told = [
        {
            "part": one.part,
            "code": one.code,
            "text": _(one.text).format_map(one.facts),
            "cure": _(one.cure),
        }
        for one in findings
    ]
    shown = {
        "schema": _SCHEMA,
        "doctor": "faults" if told else "well",
        "findings": told,
        "lines": [line.model_dump(exclude={"causes"}) for line in lines],
    }
    return json.dumps(shown, ensure_ascii=False) + "\n"


def _text(lines: Iterable[LineHealth], findings: Sequence[Finding]) -> str:
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
    for one in findings:
        shown.append(f"! {one.part}: {_(one.text).format_map(one.facts)}")
        shown.append("  " + _(_CURE).format(cure=_(one.cure)))
    if not findings:
        shown.append(_(_WELL))
    return "".join(f"{line}\n" for line in shown)

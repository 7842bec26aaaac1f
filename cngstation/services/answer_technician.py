"""Answers the technician: how each line fares, why, and its last frames in words."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from statistics import median

from cngstation.config.sections import Line
from cngstation.domain.line_causes import LineCause, LineEvidence, causes
from cngstation.drivers.dispenser_line import DispenserLine
from cngstation.drivers.frame_log import Direction, LoggedFrame
from cngstation.drivers.line_watch import LineCounts as Seen
from cngstation.errors import Refusal
from cngstation.language import mark
from cngstation.protocols.dispenser.overheard import Overheard
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import technician
from cngstation.rpc.contract.technician import (
    MOST_ADDRESSES,
    MOST_FIGURES,
    FrameFigure,
    FrameRow,
    FramesWanted,
    LikelyCause,
    LineCounts,
    LineDispensers,
    LineFrames,
    LineHealth,
    LinesHealth,
    LineWanted,
)
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.session import Nothing
from cngstation.services.name_dispensers import dispenser_row
from cngstation.services.open_rows import facts_of
from cngstation.services.tell_causes import CAUSE_TEXTS
from cngstation.services.weigh_line import evidence_of, port_trouble

SHOWN_CHARACTERS = 200
_CONTINUES = "..."
_NOT_UNDERSTOOD = mark("not understood")


class NoSuchLine(Refusal):
    """There is no line of this name."""

    code = "refusal.no_such_line"
    text = "There is no line {name}. Nothing was changed."


class TechnicianAnswers:
    """The handlers of the technician's part of the contract."""

    def __init__(self) -> None:
        self._lines: dict[str, tuple[Line, DispenserLine]] = {}

    def serve(self, section: Line, line: DispenserLine) -> None:
        """Answer for a line too."""
        entry = PROTOCOLS[section.protocol]
        if section.baud:
            bits = 9 + (entry.parity != "N") + entry.stop_bits
            line.watch.byte_us = bits * 1_000_000 // section.baud
        self._lines[section.name] = section, line

    def handle(self, handlers: Handlers) -> None:
        """Add a handler for each method."""
        handlers.add(technician.LINE_HEALTH, self.health)
        handlers.add(technician.LINE_FRAMES, self.frames)
        handlers.add(technician.LINE_DISPENSERS, self.dispensers)

    async def health(self, _: Nothing, call: CallContext) -> LinesHealth:
        """Return how every line fares."""
        return LinesHealth(lines=tuple(health_of(*one) for one in self._lines.values()))

    async def frames(self, wanted: FramesWanted, call: CallContext) -> LineFrames:
        """Return the last frames of a line.

        Raises:
            NoSuchLine: it is not configured.
        """
        section, line = self._line(wanted.name)
        rows = rows_of(line.log.frames(), section.protocol)
        return LineFrames(rows=tuple(rows[-wanted.count :]))

    async def dispensers(self, wanted: LineWanted, call: CallContext) -> LineDispensers:
        """Return who answers on a line: each dispenser is asked once.

        Raises:
            NoSuchLine: it is not configured.
        """
        section, line = self._line(wanted.name)
        rows = [await dispenser_row(section, line, one) for one in section.nozzles]
        return LineDispensers(rows=tuple(rows[:MOST_ADDRESSES]))

    def _line(self, name: str) -> tuple[Line, DispenserLine]:
        if name not in self._lines:
            raise NoSuchLine(name=name)
        return self._lines[name]


def health_of(section: Line, line: DispenserLine) -> LineHealth:
    """Return how a line fares, with what is likely wrong."""
    now_us = int(asyncio.get_running_loop().time() * 1_000_000)
    state = line.state
    guns = [nozzle.gun for nozzle in section.nozzles]
    if state is None or state.is_open:
        seen = evidence_of(line, section.protocol, section.baud, guns)
    else:
        seen = LineEvidence(port=port_trouble(state.why))
    times = line.watch.turnarounds_us
    cycles = line.cycle_times_us
    return LineHealth(
        name=section.name,
        port=section.port or section.url,
        protocol=section.protocol,
        baud=section.baud,
        is_open=state is not None and state.is_open,
        frames_sent=line.frames_sent,
        frames_lost=line.frames_lost,
        polls=seen.polls,
        answers=seen.answers,
        received_bytes=seen.received_bytes,
        bad_checksums=seen.bad_checksums,
        noise_bytes=seen.noise_bytes,
        late=seen.late,
        foreign_frames=seen.foreign_frames,
        turnaround_us=int(median(times)) if times else 0,
        slow_turnaround_us=sorted(times)[99 * (len(times) - 1) // 100] if times else 0,
        since_start=_counts(line.watch.since_start),
        last_hour=_counts(line.watch.last_hour(now_us)),
        cycle_us=int(median(cycles)) if cycles else 0,
        silent=seen.silent,
        causes=tuple(_told(cause, section, seen) for cause in causes(seen)),
    )


def _counts(seen: Seen) -> LineCounts:
    return LineCounts(**asdict(seen))


def _told(cause: LineCause, section: Line, seen: LineEvidence) -> LikelyCause:
    text, cure = CAUSE_TEXTS[cause]
    numbers = {nozzle.gun: nozzle.nozzle_no for nozzle in section.nozzles}
    guns = seen.silent if cause is LineCause.SOME_SILENT else seen.broken_at
    facts = {
        "port": section.port or section.url,
        "baud": section.baud,
        "protocol": PROTOCOLS[section.protocol].title,
        "nozzles": ", ".join(str(numbers[gun]) for gun in guns),
        "bad": seen.bad_checksums,
        "noise": seen.noise_bytes,
    }
    wanted = [(name, value) for name, value in facts.items() if f"{{{name}}}" in text]
    return LikelyCause(code=cause.value, text=text, cure=cure, facts=facts_of(wanted))


def rows_of(frames: Sequence[LoggedFrame], protocol: str) -> list[FrameRow]:
    """Return the entries of a log, each with what it says."""
    make = PROTOCOLS[protocol].tap
    tap = make() if make is not None else None
    rows = []
    for frame in frames:
        told = tap.feed(frame.data) if tap is not None else []
        rows.append(_row(frame, told))
    return rows


def _row(frame: LoggedFrame, told: Sequence[Overheard]) -> FrameRow:
    first = told[0] if told else None
    figures = [
        FrameFigure(name=one.name, value=one.value, word=one.word)
        for frame_told in told
        for one in frame_told.figures
    ]
    return FrameRow(
        at_us=frame.at_us,
        sent=frame.direction is Direction.SENT,
        data=_cut(frame.data.hex().upper()),
        bytes=len(frame.data),
        speaker=str(first.speaker) if first else "",
        address=first.address if first else 0,
        command=first.command if first else _NOT_UNDERSTOOD,
        figures=tuple(figures[:MOST_FIGURES]),
    )


def _cut(text: str) -> str:
    if len(text) <= SHOWN_CHARACTERS:
        return text
    return text[: SHOWN_CHARACTERS - len(_CONTINUES)] + _CONTINUES

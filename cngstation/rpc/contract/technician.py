"""What a technician asks of the dispenser monitor: how lines fare, the last frames."""

from typing import Annotated

from pydantic import Field

from cngstation.rpc.contract.figures import Facts, Word
from cngstation.rpc.method import Message, Method, Text
from cngstation.rpc.session import Nothing

MOST_LINES = 128
MOST_FRAMES = 200
MOST_CAUSES = 16
MOST_ADDRESSES = 64
MOST_FIGURES = 24

Addresses = Annotated[tuple[int, ...], Field(max_length=MOST_ADDRESSES)]


class LikelyCause(Message):
    """What is likely wrong, and what cures it; `code` stays the same for ever."""

    code: Word
    text: Text
    cure: Text
    facts: Facts


class LineCounts(Message):
    """What went over a line in some time.

    `timeouts` are requests without a valid answer, `asked_again` those that followed
    one at the same nozzle.
    """

    asked: int
    timeouts: int
    asked_again: int
    bad_checksums: int
    noise_bytes: int


class LineHealth(Message):
    """How a line fares: counts of its last exchanges, times in microseconds.

    `slow_turnaround_us` is what one answer in a hundred exceeds. `silent` are the
    dispensers' numbers on the line that do not answer.
    """

    name: Word
    port: Text
    protocol: Word
    baud: int
    is_open: bool
    frames_sent: int
    frames_lost: int
    polls: int
    answers: int
    received_bytes: int
    bad_checksums: int
    noise_bytes: int
    late: int
    foreign_frames: int
    turnaround_us: int
    slow_turnaround_us: int
    cycle_us: int
    since_start: LineCounts
    last_hour: LineCounts
    silent: Addresses
    causes: Annotated[tuple[LikelyCause, ...], Field(max_length=MOST_CAUSES)]


class LinesHealth(Message):
    """Every line."""

    lines: Annotated[tuple[LineHealth, ...], Field(max_length=MOST_LINES)]


class FramesWanted(Message):
    """Which line, and how many of its last frames."""

    name: Word
    count: Annotated[int, Field(ge=1, le=MOST_FRAMES)] = MOST_FRAMES


class FrameFigure(Message):
    """One figure of a frame; name and word are texts of the catalogue."""

    name: Word
    value: Text
    word: Word


class FrameRow(Message):
    """An entry of a line's log: its bytes, and what they mean.

    `speaker` is host, dispenser or empty where nothing is understood; texts are of the
    catalogue. Keys are blanked.
    """

    at_us: int
    sent: bool
    data: Text
    bytes: int
    speaker: Word
    address: int
    command: Text
    figures: Annotated[tuple[FrameFigure, ...], Field(max_length=MOST_FIGURES)]


class LineFrames(Message):
    """The last frames of a line, oldest first."""

    rows: Annotated[tuple[FrameRow, ...], Field(max_length=MOST_FRAMES)]


class LineWanted(Message):
    """Which line."""

    name: Word


class DispenserRow(Message):
    """Who answers for a nozzle, and what it said last; empty where it does not tell.

    `told` is a text of the catalogue that says why `identity` is empty.
    """

    nozzle_no: int
    address: int
    link: Word
    told: Text
    identity: Annotated[tuple[FrameFigure, ...], Field(max_length=MOST_FIGURES)]
    status: Annotated[tuple[FrameFigure, ...], Field(max_length=MOST_FIGURES)]


class LineDispensers(Message):
    """The dispensers of a line."""

    rows: Annotated[tuple[DispenserRow, ...], Field(max_length=MOST_ADDRESSES)]


# No right: it is asked on the station itself while nobody is logged in, and shows no
# customer.
LINE_HEALTH = Method("line.health", Nothing, LinesHealth, None, changes=False)
LINE_FRAMES = Method(
    "line.frames", FramesWanted, LineFrames, "line.frames", changes=False
)
LINE_DISPENSERS = Method(
    "line.dispensers", LineWanted, LineDispensers, "line.frames", changes=False
)
TECHNICIAN_METHODS = (LINE_HEALTH, LINE_FRAMES, LINE_DISPENSERS)

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


class LineHealth(Message):
    """How a line fares: counts of its last exchanges, times in microseconds.

    `silent` are the dispensers' numbers on the line that do not answer.
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
    cycle_us: int
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


# No right: it is asked on the station itself while nobody is logged in, and shows no
# customer.
LINE_HEALTH = Method("line.health", Nothing, LinesHealth, None, changes=False)
LINE_FRAMES = Method(
    "line.frames", FramesWanted, LineFrames, "line.frames", changes=False
)
TECHNICIAN_METHODS = (LINE_HEALTH, LINE_FRAMES)

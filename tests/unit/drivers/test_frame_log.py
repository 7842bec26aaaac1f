"""The log of a line: what arrives in pieces, and how much is kept."""

import pytest

from cngstation.drivers.frame_log import (
    KEPT_FRAMES,
    LONGEST_ENTRY,
    Direction,
    FrameLog,
    LoggedFrame,
)


@pytest.fixture
def log() -> FrameLog:
    return FrameLog()


def test_pieces_of_an_answer_are_one_entry(log: FrameLog) -> None:
    """What arrives between two transmissions reads as one."""
    log.sent(b"a", 1)
    log.received(b"b", 2)
    log.received(b"c", 3)
    log.sent(b"d", 4)
    assert log.frames() == [
        LoggedFrame(1, Direction.SENT, b"a"),
        LoggedFrame(2, Direction.RECEIVED, b"bc"),
        LoggedFrame(4, Direction.SENT, b"d"),
    ]


def test_the_log_is_bounded(log: FrameLog) -> None:
    """The last 200 entries are kept, and of a babbling line the beginning."""
    for at_us in range(KEPT_FRAMES + 5):
        log.sent(b"x", at_us)
    for _ in range(50):
        log.received(bytes(100), 1_000)
    frames = log.frames()
    assert len(frames) == KEPT_FRAMES
    assert len(frames[-1].data) == LONGEST_ENTRY

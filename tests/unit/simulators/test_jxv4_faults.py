"""What a simulated gun does wrong itself, drawn from a seed."""

import pytest

from cngstation.protocols.dispenser.jxv4.frames import FrameParser
from cngstation.simulators.jxv4_faults import (
    BAD_CRC,
    LOSE_ACK,
    WRONG_GUN,
    AnswerFaults,
)
from cngstation.simulators.jxv4_frames import answer_frame

GOOD = answer_frame(1, 0x57, bytes(20))


def spoiled(name: str) -> bytes:
    faults = AnswerFaults(seed=1)
    faults.set(name, 1)
    return faults.spoil(GOOD)


def test_without_a_fault_an_answer_stays_as_it_is() -> None:
    """Nothing is drawn."""
    assert AnswerFaults(seed=1).spoil(GOOD) == GOOD


def test_a_bad_crc_is_one_that_no_host_takes() -> None:
    """The same bytes but for the check."""
    frame = spoiled(BAD_CRC)
    assert (len(frame), frame[:-4], frame[-2:]) == (len(GOOD), GOOD[:-4], GOOD[-2:])
    assert FrameParser().feed(frame) == []


def test_another_guns_answer_is_whole() -> None:
    """A host must look at the number."""
    (frame,) = FrameParser().feed(spoiled(WRONG_GUN))
    assert frame.gun == 2


@pytest.mark.parametrize(
    ("command", "is_missed"),
    [(0x52, True), (0x5A, True), (0x5B, True), (0x51, False), (0x55, False)],
)
def test_only_acknowledgements_are_missed(command: int, is_missed: bool) -> None:
    """A poll is heard, so that the record comes again."""
    faults = AnswerFaults(seed=1)
    faults.set(LOSE_ACK, 1)
    assert faults.misses(command) is is_missed

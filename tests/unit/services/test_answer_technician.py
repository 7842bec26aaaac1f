"""The technician's questions: the last frames in words, how a line fares, by right."""

import pytest

from cngstation.config.sections import Line, Nozzle
from cngstation.domain.rights import ROLES
from cngstation.drivers.dispenser_line import DispenserLine
from cngstation.moments import SystemClock
from cngstation.rpc.contract.technician import (
    LINE_FRAMES,
    LINE_HEALTH,
    FramesWanted,
)
from cngstation.services.answer_technician import NoSuchLine, TechnicianAnswers
from cngstation.services.line_settings import conceal_of, dialogue_of, settings_of
from cngstation.services.probe_lines import Nobody
from cngstation.simulators.uart import UartSetting, delivered
from cngstation.units import Unit
from tests.unit.protocols.dispenser.jxv4 import vectors


def _watched() -> tuple[TechnicianAnswers, DispenserLine]:
    section = Line(
        name="east",
        port="/dev/ttyUSB0",
        protocol="jxv4",
        baud=9600,
        nozzles=(
            Nozzle(gun=1, nozzle_no=7, dispenser_no=1, unit=Unit.M3, unit_code=0),
        ),
    )
    line = DispenserLine(
        settings_of(section),
        dialogue_of(section),
        Nobody(),
        clock=SystemClock(),
        conceal=conceal_of(section),
    )
    answers = TechnicianAnswers()
    answers.serve(section, line)
    return answers, line


async def test_the_last_frames_are_told_in_words() -> None:
    """Both directions, oldest first, with what was not understood, at most so many."""
    answers, line = _watched()
    line.log.sent(vectors.POLL, 1_000)
    line.log.received(vectors.FUELLING, 90_000)
    line.log.sent(vectors.POLL, 200_000)
    line.log.received(b"\x00\x17", 300_000)
    told = await answers.frames(FramesWanted(name="east"), None)  # type: ignore[arg-type]
    assert [row.command for row in told.rows] == [
        "poll",
        "status",
        "poll",
        "not understood",
    ]
    assert [row.sent for row in told.rows] == [True, False, True, False]
    figures = {one.name: (one.value, one.word) for one in told.rows[1].figures}
    assert figures["state"] == ("A4H", "fuelling")
    assert told.rows[1].data.startswith("BBEE000151")
    last = await answers.frames(FramesWanted(name="east", count=1), None)  # type: ignore[arg-type]
    assert [row.at_us for row in last.rows] == [300_000]


async def test_a_line_that_is_not_there_is_refused() -> None:
    """By a sentence with its name."""
    answers, _line = _watched()
    with pytest.raises(NoSuchLine, match="west"):
        await answers.frames(FramesWanted(name="west"), None)  # type: ignore[arg-type]


async def test_how_a_line_fares_names_nozzles_as_people_know_them() -> None:
    """The health of a line whose nozzle is silent has its number on the line."""
    answers, line = _watched()
    for at_us in range(8):
        line.watch.sent(1, vectors.POLL, at_us)
        line.watch.bursts[-1].missed = True
    (health,) = (await answers.health(None, None)).lines  # type: ignore[arg-type]
    assert [one.code for one in health.causes] == ["all_silent"]
    assert health.silent == (1,)


@pytest.mark.parametrize(
    ("sent", "swapped", "cause"),
    [
        (UartSetting(9_600), True, "wires_swapped"),
        (UartSetting(9_600, "even"), False, "wrong_parity"),
        (UartSetting(9_600, "odd"), False, "wrong_parity"),
        (UartSetting(4_800), False, "wrong_baud"),
        (UartSetting(19_200), False, "wrong_baud"),
    ],
)
async def test_answers_read_wrongly_name_the_setting(
    sent: UartSetting, swapped: bool, cause: str
) -> None:
    """The beginning of each answer is garbled as one wrong setting garbles it."""
    answers, line = _watched()
    heard = delivered(vectors.IDLE, sent, UartSetting(9_600), swapped=swapped)
    for at_us in range(8):
        line.watch.sent(1, vectors.POLL, at_us)
        line.watch.received(heard, at_us)
        line.watch.bursts[-1].missed = True
    (health,) = (await answers.health(None, None)).lines  # type: ignore[arg-type]
    assert health.causes[0].code == cause


def test_frames_need_a_right_and_health_needs_none() -> None:
    """Frames hold card numbers: the administrator's; the doctor runs without login."""
    assert LINE_HEALTH.right is None
    assert LINE_FRAMES.right in ROLES["administrator"]
    assert LINE_FRAMES.right not in ROLES["senior"]

"""The technician's questions: the last frames in words, how a line fares, by right."""

import asyncio
import struct

import pytest

from cngstation.config.sections import Line, Nozzle
from cngstation.domain.rights import ROLES
from cngstation.drivers.dispenser_line import DispenserLine
from cngstation.moments import SystemClock
from cngstation.protocols.dispenser.canonical import FaultKind, Identity
from cngstation.protocols.dispenser.dialogue import AnswerMissed, ProtocolFault
from cngstation.protocols.dispenser.jxv4 import mapping
from cngstation.protocols.dispenser.jxv4.frames import FrameParser
from cngstation.protocols.dispenser.jxv4.messages import IdentityBody
from cngstation.rpc.contract.technician import (
    LINE_FRAMES,
    LINE_HEALTH,
    FramesWanted,
    LineWanted,
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


async def test_disturbances_are_counted_since_the_start_and_by_the_hour() -> None:
    """Time-outs, what was asked again, wrong sums and noise; an hour forgets them."""
    answers, line = _watched()
    now_us = int(asyncio.get_running_loop().time() * 1_000_000)
    long_ago_us = now_us - 3_700_000_000
    for at_us in (long_ago_us, now_us):
        line.watch.sent(1, vectors.POLL, at_us)
        line.watch.heard(AnswerMissed(1))
        line.watch.sent(1, vectors.POLL, at_us)
        line.watch.heard(ProtocolFault(FaultKind.BAD_CRC, 1, 2))
        line.watch.heard(ProtocolFault(FaultKind.BAD_TRAILER, 1, 1))
        line.watch.heard(ProtocolFault(FaultKind.NOISE, None, 7))
        line.watch.sent(1, vectors.POLL, at_us)
    (health,) = (await answers.health(None, None)).lines  # type: ignore[arg-type]
    once = {"asked": 3, "timeouts": 1, "asked_again": 1, "bad_checksums": 3}
    assert health.last_hour.model_dump() == {**once, "noise_bytes": 7}
    doubled = {name: 2 * count for name, count in once.items()}
    assert health.since_start.model_dump() == {**doubled, "noise_bytes": 14}


async def test_dispensers_are_asked_who_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The identity in words, what was said last with its meters; or why not."""
    answers, line = _watched()
    body = bytearray(vectors.FUELLING[7:-4])
    body[40:44] = struct.pack("<f", 1.25)
    line.log.sent(vectors.POLL, 1)
    line.log.received(vectors.answer(1, 0x51, bytes(body)), 2)
    frame = FrameParser().feed(vectors.identity())[0]
    who = mapping.identity(IdentityBody.from_bytes(frame.body))

    async def asked(_gun: int) -> Identity:
        return who

    monkeypatch.setattr(line, "request_identity", asked)
    (row,) = (await answers.dispensers(LineWanted(name="east"), None)).rows  # type: ignore[arg-type]
    told = {one.name: one.value for one in row.identity}
    expected = {"maker": "JX", "firmware": "V4.1", "white list": "4", "city": "5101"}
    assert told.items() >= expected.items()
    assert ("flow", "1.250") in [(one.name, one.value) for one in row.status]
    monkeypatch.undo()
    (row,) = (await answers.dispensers(LineWanted(name="east"), None)).rows  # type: ignore[arg-type]
    assert (row.identity, row.told) == ((), "no answer")


def test_frames_need_a_right_and_health_needs_none() -> None:
    """Frames hold card numbers: the administrator's; the doctor runs without login."""
    assert LINE_HEALTH.right is None
    assert LINE_FRAMES.right in ROLES["administrator"]
    assert LINE_FRAMES.right not in ROLES["senior"]

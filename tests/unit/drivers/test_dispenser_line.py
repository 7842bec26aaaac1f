"""The dispenser line on a pseudo-terminal, against a small scripted far end."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from cngstation.drivers import dispenser_line
from cngstation.drivers.dispenser_line import DispenserLine
from cngstation.drivers.frame_log import (
    Direction,
)
from cngstation.drivers.line_service import LineState
from cngstation.errors import DeviceTimeout, DeviceUnavailable
from cngstation.protocols.dispenser.canonical import (
    FaultKind,
    FuellingState,
    Link,
)
from cngstation.protocols.dispenser.dialogue import NoticeReceived
from cngstation.protocols.dispenser.jxv4.dialogue import BusDialogue
from cngstation.protocols.dispenser.turns import PolledNozzle
from tests.unit.drivers.far_end import (
    DEBIT,
    POLL,
    RECORD,
    FarEnd,
    Service,
    busy,
    make_line,
    running,
    until,
)
from tests.unit.protocols.dispenser.jxv4 import vectors


@pytest_asyncio.fixture
async def far_end(tmp_path: Path) -> AsyncIterator[FarEnd]:
    end = FarEnd(tmp_path)
    end.plug_in()
    yield end
    end.pull()


@pytest_asyncio.fixture
async def service() -> Service:
    return Service()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispenser_line, "FIRST_PAUSE_S", 0.02)


async def test_status_and_link_reach_the_service(
    far_end: FarEnd, service: Service
) -> None:
    """A polled nozzle is on line and its status arrives."""
    far_end.replies[POLL] = [vectors.FUELLING]
    async with running(make_line(far_end, service)):
        await until(lambda: service.statuses)
    assert service.states == [LineState(is_open=True)]
    assert service.links == [(1, Link.ONLINE)]
    gun, status = service.statuses[0]
    assert (gun, status.state) == (1, FuellingState.FUELLING)


async def test_a_record_is_acknowledged_after_the_commit_and_not_before(
    far_end: FarEnd, service: Service
) -> None:
    """While the commit lasts nothing is sent; after it the acknowledgement is next."""
    far_end.replies[POLL] = [vectors.RECORD]
    service.commit.clear()
    async with running(make_line(far_end, service)):
        await until(lambda: service.records)
        await asyncio.sleep(0.3)
        assert len(far_end.frames) == 1
        service.commit.set()
        await until(lambda: len(far_end.frames) > 1)
    assert far_end.frames[1] == vectors.ACKNOWLEDGEMENT


@pytest.mark.parametrize("accepts", [False, OSError("the disk is full")])
async def test_a_record_that_is_not_committed_is_not_acknowledged(
    far_end: FarEnd, service: Service, accepts: bool | Exception
) -> None:
    """A refusal and a failing service both leave the record with the dispenser."""
    far_end.always = busy
    far_end.replies[POLL] = [vectors.RECORD]
    service.accepts = accepts
    async with running(make_line(far_end, service, guns=2)):
        await until(lambda: len(far_end.frames) > 3)
    assert not far_end.heard(RECORD)
    assert [frame[2] for frame in far_end.frames[1:4]] == [2, 2, 2]


async def test_a_record_under_way_is_finished_when_the_port_goes(
    far_end: FarEnd, service: Service
) -> None:
    """The loss of the port does not cancel a commit; the repeat is acknowledged."""
    far_end.replies[POLL] = [vectors.RECORD, vectors.RECORD]
    service.commit.clear()
    line = make_line(far_end, service)
    async with running(line):
        await until(lambda: service.records)
        far_end.pull()
        await until(lambda: len(service.states) > 1)
        far_end.plug_in()
        await until(lambda: _received(line).count(vectors.RECORD) == 2)
        service.commit.set()
        await until(lambda: far_end.heard(RECORD))
    assert len(service.records) == 1


def _received(line: DispenserLine) -> bytes:
    frames = line.log.frames()
    return b"".join(f.data for f in frames if f.direction is Direction.RECEIVED)


async def test_a_debit_request_gets_the_services_decision(
    far_end: FarEnd, service: Service
) -> None:
    """The decision is the frame after the request."""
    far_end.replies[POLL] = [vectors.debit(kind=1)]
    async with running(make_line(far_end, service)):
        await until(lambda: len(far_end.frames) > 1)
    assert len(service.debits) == 1
    assert far_end.frames[1][4] == DEBIT
    assert far_end.frames[1][7:9] == b"\x00\x01"


async def test_questions_are_answered(far_end: FarEnd, service: Service) -> None:
    """Totals, a record by number and the identity come back as values."""
    line = make_line(far_end, service)
    head = (1_027).to_bytes(4, "little") + b"\x01"
    far_end.replies |= {
        0x57: [vectors.totals()],
        0x58: [
            vectors.answer(1, 0x58, head + vectors.record_body()),
            vectors.REREAD_NONE,
        ],
        0x59: [vectors.identity()],
    }
    async with running(line):
        await until(lambda: service.statuses)
        totals, record, none, identity = await asyncio.gather(
            line.request_totals(1),
            line.request_record(1, 1_027),
            line.request_record(1, 9_999),
            line.request_identity(1),
        )
    assert totals.device_seq == 1_027
    assert record is not None
    assert record.amount_e4 == 491_100
    assert none is None
    assert identity.firmware == "V4.1"


async def test_a_question_without_answer_says_so(
    far_end: FarEnd, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence and a wait beyond the limit are time-outs; a closed port is named."""
    line = make_line(far_end, service)
    with pytest.raises(DeviceUnavailable, match="not open"):
        await line.request_totals(1)
    async with running(line):
        await until(lambda: service.statuses)
        with pytest.raises(DeviceTimeout, match="Nozzle 1"):
            await line.request_totals(1)
        monkeypatch.setattr(dispenser_line, "REQUEST_LIMIT_S", 0.01)
        with pytest.raises(DeviceTimeout, match="Nozzle 1"):
            await line.request_totals(1)


async def test_a_missing_port_is_tried_until_it_comes(
    far_end: FarEnd, service: Service
) -> None:
    """The line reports once why it is not open and starts when the port is there."""
    far_end.pull()
    async with running(make_line(far_end, service)):
        await until(lambda: service.states)
        await asyncio.sleep(0.1)
        far_end.plug_in()
        await until(lambda: service.statuses)
    closed, opened = service.states
    assert not closed.is_open
    assert "no such port" in closed.why
    assert opened == LineState(is_open=True)


async def test_a_lost_port_is_opened_again(far_end: FarEnd, service: Service) -> None:
    """Pulling the adapter fails what waits, is reported, and heals by itself."""
    line = make_line(far_end, service)
    async with running(line):
        await until(lambda: service.statuses)
        asked = asyncio.ensure_future(line.request_totals(1))
        await until(lambda: far_end.heard(0x57))
        far_end.pull()
        with pytest.raises(DeviceTimeout):
            await asked
        far_end.plug_in()
        before = len(service.statuses)
        await until(lambda: len(service.statuses) > before)
    assert [state.is_open for state in service.states] == [True, False, True]
    assert "lost" in service.states[1].why


async def test_pauses_between_openings_grow_to_their_cap(
    far_end: FarEnd, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port that stays away is tried less and less often, at least every 5 s."""
    pauses: list[float] = []

    async def note(_line: DispenserLine, pause_s: float) -> None:
        pauses.append(pause_s)
        await asyncio.sleep(0)

    monkeypatch.setattr(dispenser_line, "FIRST_PAUSE_S", 0.25)
    monkeypatch.setattr(DispenserLine, "_pause", note)
    far_end.pull()
    async with running(make_line(far_end, service)):
        await until(lambda: len(pauses) > 12)
    caps = [min(0.25 * 2**step, 5.0) for step in range(12)]
    for pause_s, cap in zip(pauses, caps, strict=False):
        assert cap / 2 <= pause_s <= cap
    assert len(set(pauses)) > 6


async def test_nozzles_of_a_lost_line_go_offline(
    far_end: FarEnd, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time passes for the nozzles although nothing can be sent."""
    far_end.pull()
    monkeypatch.setattr(PolledNozzle, "offline_after_us", 200_000)
    async with running(make_line(far_end, service)):
        await until(lambda: service.links)
    assert service.links == [(1, Link.OFFLINE)]


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (b"\x12\x34" * 9, FaultKind.NOISE),
        (vectors.IDLE[:60], FaultKind.HALF_FRAME),
        (vectors.IDLE[:-4] + b"\0\0\xdd\xee", FaultKind.BAD_CRC),
        (vectors.status(99), FaultKind.WRONG_ADDRESS),
        (vectors.status(2), FaultKind.WRONG_GUN),
        (vectors.POLL, FaultKind.OWN_ECHO),
    ],
    ids=["noise", "half", "crc", "address", "gun", "echo"],
)
async def test_bad_input_is_reported_and_the_line_goes_on(
    far_end: FarEnd, service: Service, bad: bytes, kind: FaultKind
) -> None:
    """Every fault is named to the service, and the next answer is taken."""
    far_end.always = busy
    far_end.replies[POLL] = [bad]
    line = make_line(far_end, service, guns=2)
    async with running(line):
        await until(lambda: len({gun for gun, _ in service.statuses}) == 2)
    assert service.faults[0].kind is kind
    assert line.frames_lost == 1
    assert line.frames_sent >= 3


async def test_an_echoing_adapter_changes_nothing(
    far_end: FarEnd, service: Service
) -> None:
    """An adapter that hears itself costs a count, not an answer."""
    far_end.always = lambda gun: far_end.frames[-1] + busy(gun)
    line = make_line(far_end, service)
    async with running(line):
        await until(lambda: len(service.statuses) > 2)
    assert line.frames_lost == 0
    assert {fault.kind for fault in service.faults} == {FaultKind.OWN_ECHO}


async def test_what_is_not_served_is_kept_as_a_notice(
    far_end: FarEnd, service: Service
) -> None:
    """A question for prices that nobody offers is noted by its command and body."""
    far_end.replies[POLL] = [vectors.PRICES_ASKED]
    line = make_line(far_end, service)
    async with running(line):
        await until(lambda: service.statuses)
    assert list(line.notices) == [NoticeReceived(1, 0x5E, b"\x01")]


async def test_the_technician_sees_what_went_over_the_line(
    far_end: FarEnd, service: Service
) -> None:
    """Frames of both directions are in the log in their order."""
    line = make_line(far_end, service)
    async with running(line):
        await until(lambda: service.statuses)
    sent, received = line.log.frames()[:2]
    assert (sent.direction, sent.data) == (Direction.SENT, far_end.frames[0])
    assert (received.direction, received.data) == (
        Direction.RECEIVED,
        vectors.status(1),
    )
    assert sent.at_us < received.at_us


async def test_spacing_counts_from_the_write(
    far_end: FarEnd, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each transmission is reported to the dialogue when it is with the kernel."""
    told: list[int] = []
    real = BusDialogue.sent

    def note(dialogue: BusDialogue, now_us: int) -> None:
        told.append(now_us)
        real(dialogue, now_us)

    monkeypatch.setattr(BusDialogue, "sent", note)
    far_end.always = busy
    line = make_line(far_end, service)
    async with running(line):
        await until(lambda: len(service.statuses) > 2)
    sent = [f.at_us for f in line.log.frames() if f.direction is Direction.SENT]
    assert told == sent


async def test_stopping_ends_what_the_service_does(
    far_end: FarEnd, service: Service
) -> None:
    """A cancelled line leaves no task behind and frees its port."""
    far_end.replies[POLL] = [vectors.RECORD]
    service.commit.clear()
    async with running(make_line(far_end, service)):
        await until(lambda: service.records)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    async with running(make_line(far_end, service)):
        await until(lambda: service.statuses)


@pytest.mark.serial_timing
async def test_the_cycle_reaches_the_tick_limit(
    far_end: FarEnd, service: Service
) -> None:
    """With quick busy nozzles a cycle takes at most 10 % more than 110 ms each."""
    far_end.always = busy
    line = make_line(far_end, service, guns=3)
    async with running(line):
        await until(lambda: len(line.cycle_times_us) >= 8)
    cycles = sorted(line.cycle_times_us)
    assert cycles[0] >= 330_000
    assert cycles[len(cycles) // 2] < 363_000


@pytest.mark.serial_timing
async def test_the_cycle_reaches_the_wire_limit(
    far_end: FarEnd, service: Service
) -> None:
    """With slow answers a cycle takes at most 10 % more than they do."""
    far_end.always = busy
    far_end.delay_s = 0.13
    line = make_line(far_end, service, guns=3)
    async with running(line):
        await until(lambda: len(line.cycle_times_us) >= 6)
    cycles = sorted(line.cycle_times_us)
    assert cycles[len(cycles) // 2] < 429_000


async def test_an_idle_line_rests_between_its_polls(
    far_end: FarEnd, service: Service
) -> None:
    """A lone idle nozzle is asked once a second."""
    line = make_line(far_end, service)
    async with running(line):
        await until(lambda: len(line.cycle_times_us) >= 2)
    assert min(line.cycle_times_us) >= 1_000_000

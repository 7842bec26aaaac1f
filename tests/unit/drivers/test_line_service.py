"""What a line asks of its service and is told by it: duty, cards, downloads, orders."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from cngstation.drivers import dispenser_line
from cngstation.drivers.serial_link import SerialLink
from cngstation.errors import DeviceUnavailable, LocalProtocolError
from cngstation.protocols.dispenser.forecourt import (
    CardCheck,
    CardList,
    CardVerdict,
    Downloads,
    ListKind,
    Order,
    OrderKind,
    OrderOutcome,
    ParameterChange,
    PriceTable,
    ShiftRecord,
)
from tests.unit.drivers.far_end import (
    POLL,
    FarEnd,
    Service,
    busy,
    make_line,
    running,
    until,
)
from tests.unit.protocols.dispenser.jxv4 import vectors

LIST, BLOCK, PRICES, LOCK = 0x53, 0x54, 0x5E, 0x5F
LOCK_1 = Order(1, OrderKind.LOCK)

UPLOADS = {
    "shift": (vectors.shift(), 0x5A, ShiftRecord),
    "parameter": (vectors.parameter(), 0x5B, ParameterChange),
}


@pytest_asyncio.fixture
async def far_end(tmp_path: Path) -> AsyncIterator[FarEnd]:
    end = FarEnd(tmp_path)
    end.plug_in()
    end.always = busy
    yield end
    end.pull()


@pytest_asyncio.fixture
async def service() -> Service:
    return Service()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispenser_line, "FIRST_PAUSE_S", 0.02)


@pytest.mark.parametrize("name", UPLOADS)
async def test_an_upload_is_acknowledged_after_its_commit_and_not_before(
    far_end: FarEnd, service: Service, name: str
) -> None:
    """While the commit lasts nothing is sent; after it the acknowledgement is next."""
    upload, command, kind = UPLOADS[name]
    far_end.replies[POLL] = [upload]
    service.commit.clear()
    async with running(make_line(far_end, service)):
        await until(lambda: service.commits)
        await asyncio.sleep(0.3)
        assert len(far_end.frames) == 1
        service.commit.set()
        await until(lambda: len(far_end.frames) > 1)
    assert isinstance(service.commits[0], kind)
    assert (far_end.frames[1][4], far_end.frames[1][7:-4]) == (command, b"\x01")


@pytest.mark.parametrize("name", UPLOADS)
@pytest.mark.parametrize("accepts", [False, OSError("the disk is full")])
async def test_an_upload_that_is_not_committed_is_not_acknowledged(
    far_end: FarEnd, service: Service, name: str, accepts: bool | Exception
) -> None:
    """A refusal and a failing service both leave it with the dispenser."""
    upload, command, _ = UPLOADS[name]
    far_end.replies[POLL] = [upload]
    service.accepts = accepts
    async with running(make_line(far_end, service, guns=2)):
        await until(lambda: len(far_end.frames) > 3)
    assert not far_end.heard(command)
    assert [frame[2] for frame in far_end.frames[1:4]] == [2, 2, 2]


async def test_a_card_check_gets_the_services_verdict(
    far_end: FarEnd, service: Service
) -> None:
    """The verdict is the frame after the question."""
    far_end.replies[POLL] = [vectors.card_check()]
    service.verdict = CardVerdict.BLACKLISTED
    async with running(make_line(far_end, service)):
        await until(lambda: len(far_end.frames) > 1)
    (check,) = service.commits
    assert isinstance(check, CardCheck)
    assert far_end.frames[1][4] == 0x5C
    assert far_end.frames[1][15] == 2


async def test_a_card_check_that_fails_is_not_answered(
    far_end: FarEnd, service: Service
) -> None:
    """A service that breaks lets no card fill."""
    far_end.replies[POLL] = [vectors.card_check()]
    service.accepts = OSError("the disk is full")
    async with running(make_line(far_end, service, guns=2)):
        await until(lambda: len(far_end.frames) > 3)
    assert not far_end.heard(0x5C)


async def test_what_is_offered_is_fetched_and_reported(
    far_end: FarEnd, service: Service
) -> None:
    """Two blocks of a list; each step is told to the service."""
    cards = tuple(f"51010001{n:08}" for n in range(25))
    one = CardList(ListKind.BASE, 3, cards, "2025-06-01", "2026-06-01")
    prices = PriceTable(7, (39_800,), "2025-06-01 08:30:15")
    far_end.replies = {
        POLL: [
            vectors.status(),  # at rest: it is told of new versions
            vectors.LIST_ASKED,
            vectors.block_asked(offset=20),
            b"",
            vectors.PRICES_ASKED,
            vectors.status(),
        ],
        LIST: [vectors.BLOCK_ASKED],
        0x59: [vectors.held(versions="000000000000")]
        + [vectors.held(versions="030000000700")] * 4,
    }
    line = make_line(far_end, service)
    line.offer(Downloads({ListKind.BASE: one}, prices))

    def in_force() -> list[str]:
        steps = service.downloads
        return [step.kind.value for step in steps if step.is_in_force and step.version]

    async with running(line):
        await until(lambda: sorted(in_force()) == ["base", "prices"])
    assert [frame[10] for frame in far_end.heard(BLOCK)] == [20, 5]
    steps = [s.sent for s in service.downloads if s.kind == "base" and s.version]
    assert steps == [0, 20, 25, 25]
    assert far_end.heard(PRICES)[0][7] == 7


async def test_an_impossible_offer_is_said_to_whoever_makes_it(
    far_end: FarEnd, service: Service
) -> None:
    """It is not found out later on the line."""
    line = make_line(far_end, service)
    with pytest.raises(LocalProtocolError, match="21 price levels"):
        line.offer(Downloads({}, PriceTable(1, (39_800,) * 21, "2025-06-01")))


async def test_an_order_is_done_when_the_dispenser_says_so(
    far_end: FarEnd, service: Service
) -> None:
    """Its answer is the outcome."""
    far_end.replies[LOCK] = [vectors.LOCKED]
    line = make_line(far_end, service)
    async with running(line):
        await until(lambda: service.statuses)
        assert await line.give(LOCK_1) is OrderOutcome.DONE


async def test_an_order_without_answer_is_sent_once_and_read_from_the_state(
    far_end: FarEnd, service: Service
) -> None:
    """The next status shows the lock; nobody sends it again."""
    line = make_line(far_end, service)
    far_end.always = lambda gun: vectors.status(
        gun, 0xF0 if far_end.heard(LOCK) else 0xA1
    )
    async with running(line):
        await until(lambda: service.statuses)
        assert await line.give(LOCK_1) is OrderOutcome.DONE
        far_end.always = vectors.status
        assert await line.give(LOCK_1) is OrderOutcome.UNKNOWN
    assert len(far_end.heard(LOCK)) == 2


async def test_two_who_give_the_same_order_share_one_frame(
    far_end: FarEnd, service: Service
) -> None:
    """Two screens press the same key."""
    far_end.replies[LOCK] = [vectors.LOCKED]
    line = make_line(far_end, service)
    async with running(line):
        await until(lambda: service.statuses)
        outcomes = await asyncio.gather(line.give(LOCK_1), line.give(LOCK_1))
    assert list(outcomes) == [OrderOutcome.DONE] * 2
    assert len(far_end.heard(LOCK)) == 1


async def test_an_order_to_a_closed_port_is_refused_before_it_is_sent(
    far_end: FarEnd, service: Service
) -> None:
    """Nothing was sent, and the error says so."""
    line = make_line(far_end, service)
    with pytest.raises(DeviceUnavailable, match="not open"):
        await line.give(LOCK_1)


async def test_an_order_under_way_when_the_port_goes_is_unknown(
    far_end: FarEnd, service: Service
) -> None:
    """It may have been heard."""
    line = make_line(far_end, service)
    async with running(line):
        await until(lambda: service.statuses)
        given = asyncio.ensure_future(line.give(LOCK_1))
        await until(lambda: far_end.heard(LOCK))
        far_end.pull()
        assert await given is OrderOutcome.UNKNOWN


async def test_an_order_that_was_not_sent_in_time_is_not_sent_later(
    far_end: FarEnd, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record before it is still undecided: whoever waits is told, and it is off."""
    monkeypatch.setattr(dispenser_line, "REQUEST_LIMIT_S", 0.01)
    far_end.replies[POLL] = [vectors.record()]
    service.commit.clear()
    line = make_line(far_end, service)
    async with running(line):
        await until(lambda: service.records)
        assert await line.give(LOCK_1) is OrderOutcome.REFUSED
        service.commit.set()
        await until(lambda: service.statuses)
        before = len(service.statuses)
        await until(lambda: len(service.statuses) > before)
    assert not far_end.heard(LOCK)


async def test_an_order_while_the_port_closes_is_not_kept_for_the_next_port(
    far_end: FarEnd, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The port needs its time to close, and nobody was told of it yet."""
    line = make_line(far_end, service)
    closing, close = asyncio.Event(), SerialLink.close

    async def close_slowly(link: SerialLink) -> None:
        closing.set()
        with pytest.raises(DeviceUnavailable, match="not open"):
            await line.give(LOCK_1)
        await close(link)

    monkeypatch.setattr(SerialLink, "close", close_slowly)
    async with running(line):
        await until(lambda: service.statuses)
        far_end.pull()
        await asyncio.wait_for(closing.wait(), 60)


async def test_a_key_on_the_line_is_not_in_the_log(
    far_end: FarEnd, service: Service
) -> None:
    """Another host's key frame, cut in pieces or whole, is seen without its key."""
    secret = bytes(range(1, 17))
    body = b"\x06" + bytes(4) + secret
    head = bytes([1, 0, LIST]) + len(body).to_bytes(2, "big") + body
    stray = b"\xaa\xff" + head + vectors.crc(head).to_bytes(2, "big") + b"\xcc\xff"
    far_end.replies[POLL] = [stray[:12] + stray[12:] + busy(1), stray[3:20]]
    line = make_line(far_end, service)
    async with running(line):
        await until(lambda: len(far_end.frames) > 3)
    seen = b"".join(frame.data for frame in line.log.frames())
    assert bytes([LIST, 0, 21, 6]) in seen
    assert not any(secret[at : at + 3] in seen for at in range(14))

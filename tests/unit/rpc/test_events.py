"""Snapshot, subscription, live figures and facts."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from cngstation.rpc.connection import Limits
from cngstation.rpc.method import OWN_LOGIN
from cngstation.rpc.outbox import Outbox, Overflow
from tests.patience import turns
from tests.unit.rpc.toys import SALE_RECORDED, Figure, Raw, Sale, Station, code_of

Start = Callable[..., Awaitable[Station]]


async def subscribed(station: Station) -> Raw:
    """A raw client that is logged in and subscribed."""
    raw = await Raw.open(station.path)
    await raw.login()
    assert "result" in (await raw.ask("status.subscribe", {}) or {})
    return raw


async def fill_until_paused(station: Station, raw: Raw) -> None:
    """Stop a client's reading, and publish figures until all buffers are full."""
    raw.transport.pause_reading()
    (connection,) = (c for c in station.server._connections if c.subscribed)
    for number in range(100_000):
        if not connection._writable.is_set():
            return
        station.show(number, 1)
    raise AssertionError("the buffers never filled")


async def test_a_subscriber_gets_the_state_and_then_what_happens(
    station: Station,
) -> None:
    """The answer is the snapshot; events follow, in order, as notifications."""
    station.sell(1)
    raw = await Raw.open(station.path)
    await raw.login()
    answer = await raw.ask("status.subscribe", {})
    assert answer is not None
    assert answer["result"] == {"sale_nos": [1]}
    station.sell(2)
    station.show(4, 1_500)
    assert await raw.read() == {
        "jsonrpc": "2.0",
        "method": "sale.recorded",
        "params": {"sale_no": 2},
    }
    assert (await raw.read() or {})["params"] == {"nozzle_no": 4, "milli": 1_500}


async def test_nothing_falls_between_snapshot_and_events(station: Station) -> None:
    """What happens while the snapshot is made comes right after it, not before."""
    raw = await Raw.open(station.path)
    await raw.login()
    station.snapshot_hold.clear()
    raw.request("status.subscribe", {})
    await turns()
    station.sell(1)
    station.show(1, 10)
    station.show(1, 20)
    station.snapshot_hold.set()
    assert (await raw.read() or {})["result"] == {"sale_nos": []}
    assert (await raw.read() or {})["params"] == {"sale_no": 1}
    assert (await raw.read() or {})["params"] == {"nozzle_no": 1, "milli": 20}


async def test_who_has_not_subscribed_gets_no_event(station: Station) -> None:
    """Events go to subscribers alone, and not after a logout."""
    stranger = await Raw.open(station.path)
    raw = await subscribed(station)
    await raw.ask("session.logout", {})
    station.sell(1)
    for quiet in (stranger, raw):
        answer = await quiet.ask("word.echo", {"text": "a"})
        assert "result" in (answer or {})


async def test_a_failed_snapshot_subscribes_nobody(station: Station) -> None:
    """A snapshot that cannot be sent is a failure, and no events follow it."""
    raw = await Raw.open(station.path)
    await raw.login()
    station.sale_nos = list(range(501))
    assert code_of(await raw.ask("status.subscribe", {})) == "rpc.internal"
    station.sell(502)
    assert "result" in (await raw.ask("word.echo", {"text": "a"}) or {})


async def test_a_slow_reader_gets_the_newest_figures_and_every_fact(
    station: Station,
) -> None:
    """While a client does not read, figures replace each other and facts stay."""
    raw = await subscribed(station)
    await fill_until_paused(station, raw)
    for milli in range(10_000):
        station.show(milli % 4, milli)
        if milli % 100 == 0:
            station.sell(milli)
    station.sell(99_999)
    raw.transport.resume_reading()
    facts, figures = [], {}
    while (message := await raw.read()) is not None:
        if message["method"] == "sale.recorded":
            facts.append(message["params"]["sale_no"])
            if facts[-1] == 99_999:
                break
        elif message["params"]["milli"] != 1:
            figures[message["params"]["nozzle_no"]] = message["params"]["milli"]
    assert facts == [*range(0, 10_000, 100), 99_999]
    assert figures == {0: 9_996, 1: 9_997, 2: 9_998, 3: 9_999}


async def test_a_client_that_does_not_read_is_dropped_with_a_reason(
    station: Station,
) -> None:
    """Too many facts for a slow reader end its connection; others are not touched."""
    slow = await subscribed(station)
    await fill_until_paused(station, slow)
    other = await subscribed(station)
    for number in range(257):
        station.sell(number)
    slow.transport.resume_reading()
    assert await slow.last_words() == "rpc.slow_reader"
    for number in range(257):
        assert (await other.read() or {})["params"] == {"sale_no": number}


async def test_a_client_that_never_reads_again_is_gone_after_a_while(
    start: Start,
) -> None:
    """The reason waits only so long to be read; its place is free at once."""
    station = await start(Limits(linger_ms=50))
    slow = await subscribed(station)
    await fill_until_paused(station, slow)
    for number in range(257):
        station.sell(number)
    assert not station.server._connections
    assert len(station.server._lingering) == 1
    await asyncio.sleep(0.2)
    assert not station.server._lingering


async def test_nobody_watches_after_the_session_has_ended(start: Start) -> None:
    """A session that ends elsewhere ends its subscriptions soon."""
    station = await start(Limits(recheck_ms=20))
    raw = await subscribed(station)
    await turns()
    station.sell(1)
    assert (await raw.read() or {})["params"] == {"sale_no": 1}
    station.authority.locked = True
    assert await asyncio.wait_for(raw.last_words(), 60) == "rpc.not_logged_in"


async def test_who_sets_a_first_password_is_told_of_a_lock(start: Start) -> None:
    """That connection sees nothing and asks for nothing; others without are left."""
    station = await start(Limits(recheck_ms=20))
    other = await Raw.open(station.path)
    await other.login()
    station.authority.must_change = True
    raw = await Raw.open(station.path)
    await raw.login()
    station.authority.locked = True
    assert await asyncio.wait_for(raw.last_words(), 60) == "rpc.not_logged_in"
    assert station.authority.asked[-1] == OWN_LOGIN
    assert await other.ask("word.echo", {"text": "x"})


async def test_room_to_write_does_not_send_events_before_the_snapshot(
    station: Station,
) -> None:
    """While the snapshot is made, a client that catches up gets no event yet."""
    await subscribed(station)
    (connection,) = station.server._connections
    connection.begin()
    station.sell(1)
    connection.resume_writing()
    assert len(connection._outbox) == 1


async def test_what_was_kept_is_sent_as_the_client_reads(station: Station) -> None:
    """A client that comes back gets what waited bit by bit, not all in one buffer."""
    raw = await subscribed(station)
    raw.transport.pause_reading()
    (connection,) = station.server._connections
    connection.begin()
    for _ in range(200):
        connection.send_event(b"{" + b" " * 10_000 + b"}\n", None)
    answer = asyncio.create_task(raw.ask("word.echo", {"text": "a"}))
    await turns()
    assert connection._transport.get_write_buffer_size() < 300_000
    assert len(connection._outbox) > 100
    raw.transport.resume_reading()
    assert "result" in (await answer or {})
    for _ in range(200):
        assert await raw.read() == {}


async def test_an_event_is_encoded_once(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three subscribers cost one encoding."""
    raws = [await subscribed(station) for _ in range(3)]
    encoded = []
    original = Sale.model_dump_json
    monkeypatch.setattr(
        Sale,
        "model_dump_json",
        lambda self: encoded.append(1) or original(self),
    )
    station.sell(1)
    for raw in raws:
        assert (await raw.read() or {})["params"] == {"sale_no": 1}
    assert encoded == [1]


async def test_only_events_of_the_contract_are_published(station: Station) -> None:
    """A wrong body is a bug of ours and raises at once."""
    with pytest.raises(ValueError, match="Sale"):
        station.server.publish(SALE_RECORDED, Figure(nozzle_no=1, milli=1))  # type: ignore[arg-type]


async def test_a_stranger_event_is_not_published(station: Station) -> None:
    """An event that the contract does not have is refused."""
    from cngstation.rpc.method import Event

    with pytest.raises(ValueError, match="not an event"):
        station.server.publish(
            Event("sale.recorded", Sale, replaceable=True), Sale(sale_no=1)
        )


def test_a_newer_figure_does_not_overtake_a_fact() -> None:
    """A replaced figure goes behind the facts that were recorded before it."""
    outbox = Outbox(3)
    outbox.put(b"old", "nozzle 1")
    outbox.put(b"fact", None)
    outbox.put(b"new", "nozzle 1")
    assert list(outbox.take()) == [b"fact", b"new"]
    assert len(outbox) == 0


def test_an_outbox_is_bounded() -> None:
    """What would be one too many raises; a replacement is not one more."""
    outbox = Outbox(2)
    outbox.put(b"fact", None)
    outbox.put(b"a", "figure")
    outbox.put(b"b", "figure")
    with pytest.raises(Overflow):
        outbox.put(b"fact", None)
    with pytest.raises(Overflow):
        outbox.put(b"c", "other")
    assert json.dumps([line.decode() for line in outbox.take()]) == '["fact", "b"]'

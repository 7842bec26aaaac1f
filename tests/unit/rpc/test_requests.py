"""What a server does with each kind of line, good or hostile."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cngstation.errors import MoneyMoved, VersionMismatch
from cngstation.rpc.connection import Limits
from cngstation.rpc.failures import ServerClosing
from cngstation.rpc.wire import read_failed
from tests.patience import turns
from tests.unit.rpc.toys import HELLO, Raw, Station, code_of

Start = Callable[..., Awaitable[Station]]


async def test_a_request_is_answered_with_its_id(raw: Raw) -> None:
    """A good request gets its result under its own id."""
    answer = await raw.ask("word.echo", {"text": "川A·12345"}, 77)
    assert answer == {"jsonrpc": "2.0", "id": 77, "result": {"text": "川A·12345"}}


async def test_pipelined_requests_are_answered_in_order(raw: Raw) -> None:
    """A hundred requests in one write are answered one by one, in order."""
    for number in range(100):
        raw.request("word.echo", {"text": str(number)}, number)
    for number in range(100):
        answer = await raw.read()
        assert answer is not None
        assert (answer["id"], answer["result"]["text"]) == (number, str(number))


async def test_hello_comes_first(station: Station) -> None:
    """Anything before hello is refused, and the connection ends."""
    raw = await Raw.open(station.path, hello=False)
    assert code_of(await raw.ask("word.echo", {"text": "a"})) == "rpc.hello_first"
    assert await raw.read() is None


@pytest.mark.parametrize(
    ("major", "minor", "oldest", "fits"),
    [
        (1, 2, (1, 0), True),
        (1, 0, (1, 0), True),  # older, but we still understand it
        (1, 9, (1, 1), True),  # newer, and it still understands us
        (1, 9, (1, 3), False),  # newer, and it no longer understands us
        (0, 9, (0, 1), False),  # older than we understand
        (2, 0, (2, 0), False),
    ],
)
async def test_versions_decide_at_once(
    station: Station, major: int, minor: int, oldest: tuple[int, int], fits: bool
) -> None:
    """Two programs that do not fit say so and part; the sentence has both versions."""
    raw = await Raw.open(station.path, hello=False)
    hello = {
        "program": "other 9",
        "contract": {"major": major, "minor": minor},
        "oldest": {"major": oldest[0], "minor": oldest[1]},
    }
    raw.request("hello", hello)
    line = await raw.reader.readline()
    if fits:
        assert b'"result"' in line
    else:
        _, error = read_failed(line)
        assert isinstance(error, VersionMismatch)
        assert error.facts["ours"] == f"{major}.{minor}"
        assert await raw.read() is None


@pytest.mark.parametrize(
    "line",
    [
        b"x" * 70_000 + b"\n",
        b"x" * 1_048_576,
        b'{"a":"\xff"}\n',
        b"[" * 20_000 + b"\n",
        b'{"jsonrpc":"2.0","id":1,"method":"a.b","params":{"a":1.5}}\n',
        b'{"jsonrpc":"2.0","method":"word.echo","params":{"text":""}}\n',
        b'{"jsonrpc":"2.0","id":true,"method":"word.echo"}\n',
        b'{"jsonrpc":"2.0","id":-1,"method":"word.echo"}\n',
        b"[]\n",
        b"\n",
    ],
)
async def test_bytes_that_are_no_request_end_the_connection(
    station: Station, raw: Raw, line: bytes
) -> None:
    """A peer that does not speak the protocol is told so, and only it is closed."""
    raw.send(line)
    assert await raw.last_words() == "rpc.malformed"
    other = await Raw.open(station.path)
    assert "result" in (await other.ask("word.echo", {"text": "a"}) or {})
    assert station.reports == []


@pytest.mark.parametrize("number", [str(2**62), str(-(2**62)), "9" * 5_000])
async def test_a_number_that_fits_no_column_is_refused_and_no_more(
    raw: Raw, number: str
) -> None:
    """The request is refused under its id; the connection stays."""
    head = '{"jsonrpc":"2.0","id":5,"method":"card.top_up","params":'
    raw.send(f'{head}{{"amount_fen":{number}}}}}\n'.encode())
    answer = await raw.read()
    assert answer is not None
    assert (answer["id"], code_of(answer)) == (5, "rpc.bad_request")
    assert "18 digits" in str(answer)
    assert "result" in (await raw.ask("word.echo", {"text": "a"}) or {})


@pytest.mark.parametrize("request_id", [2**62, "[7]", '"7"', -1])
async def test_an_answer_needs_an_id_that_can_be_written(
    raw: Raw, request_id: object
) -> None:
    """Where the id is no id there is nobody to answer to."""
    head = f'{{"jsonrpc":"2.0","id":{request_id},"method":"word.echo","params":'
    raw.send(f'{head}{{"n":{2**62}}}}}\n'.encode())
    assert await raw.last_words() == "rpc.malformed"


async def test_before_hello_a_huge_number_ends_the_connection(
    station: Station,
) -> None:
    """Whoever does not even say its versions well has nothing to go on with."""
    raw = await Raw.open(station.path, hello=False)
    line = f'{{"jsonrpc":"2.0","id":1,"method":"hello","params":{{"n":{2**62}}}}}\n'
    raw.send(line.encode())
    assert await raw.last_words() == "rpc.malformed"


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("card.eat", {}, "rpc.unknown_method"),
        ("hello", HELLO, "rpc.unknown_method"),
        ("", {}, "rpc.unknown_method"),
        (7, {}, "rpc.unknown_method"),
        ("\ud800\x1b[2J", {}, "rpc.unknown_method"),
        ("x" * 1_000, {}, "rpc.unknown_method"),
        ("word.echo", {"text": 7}, "rpc.bad_request"),
        ("word.echo", {"text": "x" * 201}, "rpc.bad_request"),
        ("word.echo", {"text": "\x1b[2J"}, "rpc.bad_request"),
        ("word.echo", {"text": "\u202egnp"}, "rpc.bad_request"),
        ("word.echo", {"text": "\ud800"}, "rpc.bad_request"),
        ("word.echo", {"text": "a", "\x1bnote": 1}, "rpc.bad_request"),
        ("word.echo", {}, "rpc.bad_request"),
        ("word.echo", ["a"], "rpc.bad_request"),
        ("word.echo", None, "rpc.bad_request"),
        ("card.top_up", {"card_no": "1", "amount_fen": "100"}, "rpc.bad_request"),
        ("card.top_up", {"card_no": "1", "amount_fen": True}, "rpc.bad_request"),
    ],
)
async def test_what_does_not_fit_the_contract_is_refused(
    station: Station, raw: Raw, method: Any, params: object, code: str
) -> None:
    """A wrong name, type, length or key is a refusal; the connection stays."""
    await raw.login()
    answer = await raw.ask(method, params)
    assert code_of(answer) == code
    assert answer is not None
    assert answer["error"]["message"].isprintable()
    assert len(answer["error"]["message"]) < 500
    assert station.contexts == []
    assert "result" in (await raw.ask("word.echo", {"text": "a"}) or {})


@pytest.mark.parametrize(
    "envelope",
    [
        b'{"jsonrpc":"1.0","id":1,"method":"word.echo","params":{"text":"a"}}\n',
        b'{"jsonrpc":"2.0","id":1,"method":"word.echo","params":{"text":"a"},"role":1}\n',
        b'{"id":1,"method":"word.echo","params":{"text":"a"}}\n',
    ],
)
async def test_the_envelope_is_as_strict_as_what_is_in_it(
    raw: Raw, envelope: bytes
) -> None:
    """A key beside the four of JSON-RPC, or another version, is refused."""
    raw.send(envelope)
    assert code_of(await raw.read()) == "rpc.bad_request"


async def test_a_refused_login_does_not_repeat_the_password(raw: Raw) -> None:
    """What was typed as a password never comes back, however wrong the rest is."""
    facts = {"login_name": 7, "password": "s3cret", "terminal": "t", "s": "s3cret"}
    assert "s3cret" not in str(await raw.ask("session.login", facts))
    facts = {"login_name": "w", "password": ["s3cret"], "terminal": "t"}
    assert "s3cret" not in str(await raw.ask("session.login", facts))


@pytest.mark.parametrize("how", ["raise", "long", "type"])
async def test_a_broken_handler_is_logged_and_not_shown(
    station: Station, raw: Raw, how: str
) -> None:
    """An unforeseen failure is reported inside; outside only its number is told."""
    answer = await raw.ask("word.break", {"text": how}, 5)
    assert answer is not None
    data = answer["error"]["data"]
    assert (data["code"], data["money"]) == ("rpc.internal", "unknown")
    assert data["facts"]["reference"].endswith("-5")
    assert "secret path" not in str(answer)
    assert len(station.reports) == 1
    assert "result" in (await raw.ask("word.echo", {"text": "a"}) or {})


async def test_an_error_says_what_became_of_the_money(raw: Raw) -> None:
    """A StationError crosses with code, template, facts and money."""
    await raw.login()
    answer = await raw.ask("card.top_up", {"card_no": "1", "amount_fen": 13})
    assert answer is not None
    assert answer["error"]["code"] == -32000
    assert answer["error"]["data"] == {
        "code": "device.outcome_unknown",
        "text": "{device} was asked to write and did not confirm it.",
        "facts": {"device": "the reader"},
        "money": MoneyMoved.UNKNOWN.value,
    }


async def test_an_act_outlives_its_client(station: Station, raw: Raw) -> None:
    """A client that goes away in the middle does not stop the handler."""
    await raw.login()
    station.hold.clear()
    raw.request("card.top_up", {"card_no": "1", "amount_fen": 100})
    await station.begun.wait()
    raw.close()
    await turns()
    station.hold.set()
    await turns()
    assert station.balance_fen == 100
    assert station.reports == []


async def test_what_waited_behind_an_act_is_not_begun_for_nobody(
    station: Station, raw: Raw
) -> None:
    """Requests queued by a client that has gone are not carried out."""
    await raw.login()
    station.hold.clear()
    for number in range(3):
        raw.request("card.top_up", {"card_no": "1", "amount_fen": 100}, number)
    await station.begun.wait()
    raw.close()
    await turns()
    station.hold.set()
    await turns()
    assert station.balance_fen == 100


async def test_an_act_without_a_client_keeps_its_place(start: Start) -> None:
    """Leaving and coming back does not start more acts than there are places."""
    station = await start(Limits(connections=2))
    station.hold.clear()
    for _ in range(2):
        raw = await Raw.open(station.path)
        raw.request("word.echo", {"text": "a"})
        await asyncio.wait_for(station.begun.wait(), 60)
        station.begun.clear()
        raw.close()
    await turns()
    third = await Raw.open(station.path, hello=False)
    assert await third.last_words() == "rpc.too_many_connections"


async def test_the_seventeenth_is_told_why(station: Station) -> None:
    """16 connections are served; one more hears the reason; a freed place is free."""
    held = [await Raw.open(station.path) for _ in range(16)]
    extra = await Raw.open(station.path, hello=False)
    extra.request("hello", HELLO)
    assert await extra.last_words() == "rpc.too_many_connections"
    held.pop().close()
    await turns()
    held.append(await Raw.open(station.path))


async def test_a_foreign_user_is_told_why(station: Station) -> None:
    """A Linux user that is not admitted gets no further than the reason."""
    station.refused_uids.add(1000)
    raw = await Raw.open(station.path, hello=False)
    raw.request("hello", HELLO)
    assert await raw.last_words() == "rpc.peer_refused"


@pytest.mark.parametrize("sent", [b"", b'{"jsonrpc"'])
async def test_no_hello_in_time_ends_the_connection(start: Start, sent: bytes) -> None:
    """Silence, or half a hello, is waited for only so long."""
    station = await start(Limits(hello_ms=50))
    raw = await Raw.open(station.path, hello=False)
    raw.send(sent)
    assert await asyncio.wait_for(raw.last_words(), 60) == "rpc.slow_peer"


async def test_half_a_line_is_waited_for_only_so_long(start: Start) -> None:
    """A line that grows by a byte now and then is not waited for any longer."""
    station = await start(Limits(line_ms=100))
    raw = await Raw.open(station.path)

    async def dribble() -> None:
        for byte in b'{"jsonrpc":"2.0","id":1,"method":"word.echo"':
            raw.send(bytes([byte]))
            await asyncio.sleep(0.02)

    dribbling = asyncio.create_task(dribble())
    assert await asyncio.wait_for(raw.last_words(), 60) == "rpc.slow_peer"
    dribbling.cancel()


async def test_a_line_in_pieces_is_in_time(start: Start) -> None:
    """A line that is finished in time leaves no deadline behind."""
    station = await start(Limits(line_ms=1_000))
    raw = await Raw.open(station.path)
    for piece in (b'{"jsonrpc":"2.0",', b'"id":1,"method":"word.echo",'):
        raw.send(piece)
        await asyncio.sleep(0.02)
    raw.send(b'"params":{"text":"a"}}\n')
    assert "result" in (await raw.read() or {})
    await asyncio.sleep(1.1)
    assert "result" in (await raw.ask("word.echo", {"text": "b"}) or {})


async def test_a_login_can_have_a_deadline(start: Start) -> None:
    """With a deadline for logins, a silent connection ends and a used one stays."""
    station = await start(Limits(login_ms=100))
    silent, used = await Raw.open(station.path), await Raw.open(station.path)
    await used.login()
    assert await asyncio.wait_for(silent.last_words(), 60) == "rpc.slow_peer"
    assert "result" in (await used.ask("word.echo", {"text": "a"}) or {})


async def test_a_client_has_a_rate(start: Start) -> None:
    """More requests than the rate wait for the next second; others do not."""
    station = await start(Limits(requests_per_s=20))
    fast, calm = await Raw.open(station.path), await Raw.open(station.path)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(25):
        fast.request("word.echo", {"text": "a"}, number)
    await calm.ask("word.echo", {"text": "a"})
    calm_s = loop.time() - began
    for _ in range(25):
        await fast.read()
    fast_s = loop.time() - began
    assert fast_s > 0.5
    assert fast_s > calm_s


async def test_a_flood_of_requests_is_not_kept_in_memory(
    station: Station, raw: Raw
) -> None:
    """While an act runs, the server stops reading from who goes on sending."""
    station.hold.clear()
    raw.request("word.echo", {"text": "a"})
    await station.begun.wait()
    raw.send(b"x" * 8_000_000)
    await turns()
    assert raw.writer.transport.get_write_buffer_size() > 7_000_000
    station.hold.set()
    assert await raw.last_words() == "rpc.malformed"


async def test_who_leaves_while_not_being_read_is_noticed(
    station: Station, raw: Raw
) -> None:
    """A dropped client that the server had stopped reading is gone when it goes."""
    station.hold.clear()
    raw.request("word.echo", {"text": "a"})
    await station.begun.wait()
    raw.send(b"x" * 8_000_000)
    await turns()
    (connection,) = station.server._connections
    connection.drop(ServerClosing(part="toy"))
    raw.close()
    await turns()
    assert not station.server._lingering


async def test_answers_that_are_not_read_stop_the_requests(start: Start) -> None:
    """A client that asks and does not read is not answered without end."""
    station = await start(Limits(requests_per_s=1_000_000))
    raw = await Raw.open(station.path)
    raw.transport.pause_reading()
    for number in range(10_000):
        raw.request("word.echo", {"text": "x" * 200}, number)
    await asyncio.sleep(0.5)
    assert 100 < len(station.contexts) < 5_000


async def test_a_refused_client_can_still_send(start: Start) -> None:
    """Who sends its hello after it was refused reads the reason, not a broken pipe."""
    station = await start(Limits(connections=0))
    with socket.socket(socket.AF_UNIX) as late:
        late.settimeout(0)
        late.connect(str(station.path))
        await asyncio.sleep(0.05)
        late.send(json.dumps(HELLO).encode() + b"\n")
        assert b"rpc.too_many_connections" in late.recv(65_536)


async def test_a_flood_of_refused_clients_does_not_linger(start: Start) -> None:
    """Of a hundred refused clients that stay, the server holds no more than 65."""
    station = await start(Limits(connections=0))
    for _ in range(100):
        await Raw.open(station.path, hello=False)
    await turns()
    assert 60 < len(station.server._lingering) <= 65


async def test_a_thousand_connections_leave_nothing(station: Station) -> None:
    """A storm of connections, some rude, ends with an empty and working server."""

    async def visit(number: int) -> None:
        raw = await Raw.open(station.path, hello=False)
        if number % 3 == 0:
            raw.request("hello", HELLO)
            await raw.read()
        elif number % 3 == 1:
            raw.send(b"\x00" * 100)
        raw.close()

    for start_at in range(0, 1_000, 50):
        await asyncio.gather(*(visit(start_at + n) for n in range(50)))
    await turns()
    raw = await Raw.open(station.path)
    assert "result" in (await raw.ask("word.echo", {"text": "a"}) or {})
    raw.close()
    assert station.reports == []

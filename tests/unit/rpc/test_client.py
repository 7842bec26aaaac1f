"""The client: answers, errors, endings, events."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from cngstation.errors import (
    Disconnected,
    MoneyMoved,
    NotLoggedIn,
    OutcomeUnknown,
    RpcError,
    VersionMismatch,
)
from cngstation.rpc.client import RpcClient
from cngstation.rpc.failures import (
    BadReply,
    CallTimeout,
    NotConnected,
    ServerClosing,
    SlowReader,
    TooManyCalls,
    TooManyConnections,
)
from cngstation.rpc.method import Version
from cngstation.rpc.session import ATTACH, LOGIN, Attach, Login
from cngstation.rpc.wire import result_line
from tests.patience import turns
from tests.unit.rpc.toys import (
    ECHO,
    FIGURE_CHANGED,
    SALE_RECORDED,
    TOP_UP,
    Impostor,
    Raw,
    Sale,
    Station,
    TopUp,
    Word,
    contract,
)

Start = Callable[..., Awaitable[Station]]


async def login(client: RpcClient[Any]) -> SecretStr:
    """Log in; return the token."""
    credentials = Login(login_name="wang", password=SecretStr("right"), terminal="t")
    return (await client.call(LOGIN, credentials)).token


async def test_a_call_returns_the_model_of_its_answer(
    client: RpcClient[Any],
) -> None:
    """The answer is an object of the reply's class; secrets cross unmasked."""
    await login(client)
    reply = await client.call(TOP_UP, TopUp(card_no="01", amount_fen=100))
    assert reply.balance_fen == 100


async def test_calls_at_once_get_their_own_answers(client: RpcClient[Any]) -> None:
    """Fifty calls made together are each answered with their own words."""
    words = [Word(text=str(n)) for n in range(50)]
    assert await asyncio.gather(*(client.call(ECHO, w) for w in words)) == words


async def test_errors_come_back_as_their_class(client: RpcClient[Any]) -> None:
    """What the daemon raised is raised here, with its facts."""
    with pytest.raises(NotLoggedIn):
        await client.call(TOP_UP, TopUp(card_no="01", amount_fen=1))
    await login(client)
    with pytest.raises(OutcomeUnknown, match="the reader was asked") as caught:
        await client.call(TOP_UP, TopUp(card_no="01", amount_fen=13))
    assert caught.value.facts == {"device": "the reader"}


async def test_versions_that_do_not_fit_are_said_to_the_reader(
    station: Station,
) -> None:
    """The sentence is about the program that shows it."""
    newer = RpcClient(station.path, contract(Version(2, 1), Version(2, 0)))
    with pytest.raises(VersionMismatch, match=r"speaks contract 2\.1") as caught:
        await newer.connect()
    assert caught.value.facts == {"ours": "2.1", "theirs": "at most 1.2"}


async def test_nobody_listens(path: Path) -> None:
    """A missing or dead daemon is named, and nothing was sent."""
    client = RpcClient(path, contract())
    with pytest.raises(NotConnected, match="toy is not running") as caught:
        await client.connect()
    assert caught.value.money is MoneyMoved.NO
    with pytest.raises(NotConnected):
        await client.call(ECHO, Word(text="a"))


async def test_a_full_daemon_says_so_to_the_client(station: Station) -> None:
    """A refused connection raises the daemon's reason, not a lost connection."""
    for _ in range(16):
        await Raw.open(station.path)
    with pytest.raises(TooManyConnections, match="16 programs"):
        await RpcClient(station.path, contract()).connect()


async def test_a_slow_answer_is_a_timeout_and_not_the_next_answer(
    station: Station, client: RpcClient[Any]
) -> None:
    """After a timeout the late answer is dropped; the next call gets its own."""
    station.hold.clear()
    with pytest.raises(CallTimeout) as caught:
        await client.call(ECHO, Word(text="late"), timeout_s=0)
    assert caught.value.money is MoneyMoved.UNKNOWN
    station.hold.set()
    assert await client.call(ECHO, Word(text="next")) == Word(text="next")


async def test_a_connection_lost_in_a_call_leaves_the_outcome_open(
    path: Path,
) -> None:
    """A daemon that dies in a call raises Disconnected: money is unknown."""
    async with Impostor(path) as impostor:
        client = RpcClient(path, contract())
        await client.connect()
        call = asyncio.create_task(client.call(ECHO, Word(text="a")))
        await asyncio.sleep(0.02)
        impostor._writers[0].transport.abort()
        with pytest.raises(Disconnected) as caught:
            await call
        assert caught.value.money is MoneyMoved.UNKNOWN
        with pytest.raises(NotConnected):
            await client.call(ECHO, Word(text="a"))


async def test_only_so_many_calls_wait(
    station: Station, client: RpcClient[Any]
) -> None:
    """The 65th call at once is refused and not sent."""
    station.hold.clear()
    calls = [
        asyncio.create_task(client.call(ECHO, Word(text=str(n)))) for n in range(64)
    ]
    await turns()
    with pytest.raises(TooManyCalls):
        await client.call(ECHO, Word(text="a"))
    station.hold.set()
    assert len(await asyncio.gather(*calls)) == 64


async def test_snapshot_then_events(station: Station, client: RpcClient[Any]) -> None:
    """subscribe() returns the state, events() tells what changes, with its class."""
    station.sell(1)
    await login(client)
    assert (await client.subscribe()).sale_nos == (1,)
    station.sell(2)
    station.show(3, 700)
    events = client.events()
    first, second = await anext(events), await anext(events)
    assert (first.event, first.body) == (SALE_RECORDED, Sale(sale_no=2))
    assert second.event is FIGURE_CHANGED
    await events.aclose()


async def test_the_end_of_events_has_a_reason(
    station: Station, client: RpcClient[Any]
) -> None:
    """When the daemon stops, events() raises what it said."""
    await login(client)
    await client.subscribe()
    station.sell(1)
    await station.server.close()
    events = client.events()
    assert (await anext(events)).body == Sale(sale_no=1)
    with pytest.raises(ServerClosing):
        await anext(events)


async def test_our_own_close_ends_events_quietly(client: RpcClient[Any]) -> None:
    """After close() there is nothing more, and no error."""
    await client.close()
    assert [happened async for happened in client.events()] == []


async def test_a_screen_that_does_not_look_still_gets_its_answers(
    station: Station, client: RpcClient[Any]
) -> None:
    """Events that nobody takes stop the reading, but never an answer."""
    await login(client)
    await client.subscribe()
    for number in range(12_000):
        station.show(number % 8, number)
        if number % 50 == 0:
            await asyncio.sleep(0)
    await turns()
    assert await client.call(ECHO, Word(text="a")) == Word(text="a")
    assert client.ended is None
    assert len(client._events) < 8_192


async def test_events_that_nobody_takes_are_bounded(path: Path) -> None:
    """A daemon that pours events into a waiting call ends the connection."""
    event = {"jsonrpc": "2.0", "method": "sale.recorded", "params": {"sale_no": 1}}
    async with Impostor(path) as impostor:
        impostor.lines = [(json.dumps(event).encode() + b"\n") * 10_000]
        client = RpcClient(path, contract())
        await client.connect()
        with pytest.raises(Disconnected):
            await client.call(ECHO, Word(text="a"))
        assert isinstance(client.ended, SlowReader)
        assert len(client._events) <= 8_192


def failed(request_id: int = 2, **data: object) -> bytes:
    """A refusal."""
    whole = {"code": "x.y", "text": "t", "facts": {}, "money": "no"} | data
    error = {"code": -32000, "message": "m", "data": whole}
    return (
        json.dumps({"jsonrpc": "2.0", "id": request_id, "error": error}).encode()
        + b"\n"
    )


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (failed(text="Card {no} is new.", facts={"no": "07"}), "Card 07 is new."),
        (failed(text="Bell\x07 {no}", facts={"no": "\x1b[2J"}), "Bell\ufffd \ufffd[2J"),
        (failed(text="{no.__class__}", facts={"no": 1}), "{no.__class__}"),
        (failed(text="{no:>999999999}", facts={"no": 1}), "{no:>999999999}"),
        (failed(text="{0} {"), "{0} {"),
    ],
)
async def test_an_unknown_error_keeps_its_own_words(
    path: Path, line: bytes, sentence: str
) -> None:
    """A code of a newer daemon is an RpcError with its text, cleaned and harmless."""
    async with Impostor(path) as impostor:
        impostor.lines = [line]
        client = RpcClient(path, contract())
        await client.connect()
        with pytest.raises(RpcError) as caught:
            await client.call(ECHO, Word(text="a"))
        assert str(caught.value) == caught.value.sentence() == sentence
        assert caught.value.code == "x.y"
        assert caught.value.money is MoneyMoved.NO
        assert RpcError.code == "rpc"
        await client.close()


@pytest.mark.parametrize(
    "line",
    [
        b'{"jsonrpc":"2.0","id":2,"result":{"text":7}}\n',
        b'{"jsonrpc":"2.0","id":2,"result":{"text":"a","more":1}}\n',
        b'{"jsonrpc":"2.0","id":2,"result":{"text":"\\u001b[2J"}}\n',
        b'{"jsonrpc":"2.0","id":2,"result":null}\n',
        b'{"jsonrpc":"2.0","id":2,"result":{"text":"a","\\u001b[2J":1}}\n',
    ],
)
async def test_an_answer_outside_the_contract_is_an_error(
    path: Path, line: bytes
) -> None:
    """A wrong answer raises BadReply, and says that the act may be done."""
    async with Impostor(path) as impostor:
        impostor.lines = [line]
        client = RpcClient(path, contract())
        await client.connect()
        with pytest.raises(BadReply) as caught:
            await client.call(ECHO, Word(text="a"))
        assert caught.value.money is MoneyMoved.UNKNOWN
        assert "\x1b" not in str(caught.value)
        await client.close()


async def test_a_daemon_that_needs_a_newer_screen_is_left(path: Path) -> None:
    """The client compares versions itself, even if the daemon did not."""
    async with Impostor(path, minor=9, oldest_minor=5):
        with pytest.raises(VersionMismatch, match=r"needs 1\.5 or newer"):
            await RpcClient(path, contract()).connect()


async def test_an_answer_that_crosses_its_deadline_is_dropped(
    station: Station, client: RpcClient[Any]
) -> None:
    """An answer in the same turn of the loop as its timeout does no harm."""
    station.hold.clear()
    call = asyncio.create_task(client.call(ECHO, Word(text="a"), timeout_s=5))
    await turns()
    ((number, (_, answer)),) = client._waiting.items()
    client._give_up(answer, "word.echo", 5)
    client.take_line(failed(request_id=number).strip())
    client.take_line(result_line(number, Word(text="a")).strip())
    with pytest.raises(CallTimeout):
        await call
    assert client.ended is None


@pytest.mark.parametrize(
    "line",
    [
        b"x" * 70_000,
        b"\xff\n",
        b"{}\n",
        b'{"jsonrpc":"2.0","method":"card.eaten","params":{}}\n',
        b'{"jsonrpc":"2.0","method":"sale.recorded","params":{"sale_no":"1"}}\n',
        b'{"jsonrpc":"2.0","method":"connection.closing","params":7}\n',
        b'{"jsonrpc":"2.0","id":2,"error":7}\n',
        failed(money="perhaps"),
        failed(facts={"self": {}}),
    ],
)
async def test_a_daemon_that_talks_nonsense_is_left(path: Path, line: bytes) -> None:
    """Lines that fit nothing end the connection, and the call is told."""
    async with Impostor(path) as impostor:
        impostor.lines = [line]
        client = RpcClient(path, contract())
        await client.connect()
        with pytest.raises(Disconnected):
            await client.call(ECHO, Word(text="a"))
        assert isinstance(client.ended, BadReply)


async def test_a_newer_daemon_may_say_more(path: Path) -> None:
    """Keys and events that a newer minor version added are passed over."""
    async with Impostor(path, minor=3) as impostor:
        impostor.lines = [
            b'{"jsonrpc":"2.0","method":"card.eaten","params":{"by":1}}\n',
            b'{"jsonrpc":"2.0","method":"sale.recorded","params":{"sale_no":1,"x":2}}\n',
            b'{"jsonrpc":"2.0","id":2,"result":{"text":"a","more":1}}\n',
        ]
        client = RpcClient(path, contract())
        await client.connect()
        assert await client.call(ECHO, Word(text="a")) == Word(text="a")
        assert (await anext(client.events())).body == Sale(sale_no=1)
        await client.close()


async def test_a_token_attaches_another_client(
    station: Station, client: RpcClient[Any]
) -> None:
    """The token of a login works on a second connection."""
    token = await login(client)
    assert "token-0" not in repr(token)
    second = RpcClient(station.path, contract())
    await second.connect()
    state = await second.call(ATTACH, Attach(token=token))
    assert state.operator == "wang"
    await second.close()


def test_the_client_loads_nothing_heavy() -> None:
    """Importing the client loads neither logging, storage, serial nor reports."""
    program = (
        "import sys, cngstation.rpc.client, cngstation.rpc.reconnect;"
        "print(sorted({'structlog', 'aiosqlite', 'serial', 'openpyxl', 'sqlite3',"
        " 'cngstation.rpc.server', 'cryptography'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"

"""A small contract, an authority and a raw client for the tests of the socket."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field, SecretStr

from cngstation.errors import NotLoggedIn, OutcomeUnknown, Refusal
from cngstation.rpc.authority import Call, CallContext, Peer, Session
from cngstation.rpc.connection import Limits
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.method import (
    LOGGED_IN,
    OWN_LOGIN,
    Contract,
    Event,
    Line,
    Message,
    Method,
    Text,
    Version,
)
from cngstation.rpc.server import RpcServer
from cngstation.rpc.session import Login

PRESENT = Version(1, 2)
OLDEST = Version(1, 0)
HELLO = {
    "program": "raw 1",
    "contract": {"major": 1, "minor": 2},
    "oldest": {"major": 1, "minor": 0},
}


class TopUp(Message):
    card_no: Line
    amount_fen: int


class ToppedUp(Message):
    balance_fen: int


class Word(Message):
    text: Text


class Figure(Message):
    nozzle_no: int
    milli: int


class Sale(Message):
    sale_no: int


class Board(Message):
    sale_nos: Annotated[tuple[int, ...], Field(max_length=500)]


TOP_UP = Method("card.top_up", TopUp, ToppedUp, right="card.top_up", changes=True)
READ = Method("card.read", Word, Word, right=LOGGED_IN, changes=False)
ECHO = Method("word.echo", Word, Word, right=None, changes=False)
BREAK = Method("word.break", Word, Word, right=None, changes=False)
FIGURE_CHANGED = Event("nozzle.changed", Figure, replaceable=True)
SALE_RECORDED = Event("sale.recorded", Sale, replaceable=False)


def contract(version: Version = PRESENT, oldest: Version = OLDEST) -> Any:
    """The toy contract, in a version."""
    return Contract(
        version=version,
        oldest=oldest,
        snapshot=Board,
        methods=(TOP_UP, READ, ECHO, BREAK),
        events=(FIGURE_CHANGED, SALE_RECORDED),
    )


class WrongPassword(Refusal):
    code = "toy.wrong_password"
    text = "The name or the password is wrong."


class NoRight(Refusal):
    code = "toy.no_right"
    text = "{operator} may not do this."


class ToyAuthority:
    """One operator; a session is bound to the uid that made it."""

    def __init__(self) -> None:
        self.rights = {LOGGED_IN, OWN_LOGIN, "card.top_up"}
        self.locked = False
        self.must_change = False
        self.asked: list[str] = []
        self._sessions: dict[str, tuple[int, Session]] = {}

    async def login(self, credentials: Login, peer: Peer) -> Session:
        if credentials.password.get_secret_value() != "right":
            raise WrongPassword
        token = SecretStr(f"token-{len(self._sessions)}")
        session = Session(
            session_id=token.get_secret_value(),
            operator=credentials.login_name,
            terminal=credentials.terminal,
            rights=tuple(sorted(self.rights)),
            expires_at_ms=1_800_000_000_000,
            token=token,
            must_change_password=self.must_change,
        )
        self._sessions[session.session_id] = (peer.uid, session)
        return session

    async def resume(self, token: SecretStr, peer: Peer) -> Session:
        uid, session = self._sessions.get(token.get_secret_value(), (-1, None))
        if session is None or uid != peer.uid:
            raise NotLoggedIn
        return session

    async def allowed(self, session: Session, right: str, call: Call) -> None:
        self.asked.append(right)
        if self.locked or session.session_id not in self._sessions:
            raise NotLoggedIn
        if right not in self.rights:
            raise NoRight(operator=session.operator)

    async def holds(self, session: Session, right: str) -> bool:
        return right in self.rights and session.session_id in self._sessions

    async def lock(self, session: Session) -> None:
        self.locked = True

    async def unlock(self, session: Session, password: SecretStr) -> Session:
        if password.get_secret_value() != "right":
            raise WrongPassword
        self.locked = False
        return session

    async def logout(self, session: Session) -> None:
        self._sessions.pop(session.session_id, None)


class Station:
    """A server with toy handlers, and everything that a test wants to look at."""

    def __init__(
        self,
        path: Path,
        *,
        limits: Limits | None = None,
        toy_contract: Any = None,
    ) -> None:
        self.path = path
        self.authority = ToyAuthority()
        self.peer = Peer(pid=4242, uid=1000, gid=1000)
        self.refused_uids: set[int] = set()
        self.reports: list[tuple[str, Exception]] = []
        self.refused: list[tuple[int, str]] = []
        self.contexts: list[CallContext] = []
        self.balance_fen = 0
        self.sale_nos: list[int] = []
        self.hold = asyncio.Event()
        self.hold.set()
        self.snapshot_hold = asyncio.Event()
        self.snapshot_hold.set()
        self.snapshot_begun = asyncio.Event()
        self.begun = asyncio.Event()
        handlers = Handlers()
        handlers.add(TOP_UP, self.top_up)
        handlers.add(READ, self.echo)
        handlers.add(ECHO, self.echo)
        handlers.add(BREAK, self.fail)
        self.server = RpcServer(
            path,
            toy_contract or contract(),
            handlers,
            self.authority,
            self.snapshot,
            program="toy 1.0",
            admits=lambda peer: peer.uid not in self.refused_uids,
            report=lambda where, error: self.reports.append((where, error)),
            refused=lambda peer, error: self.refused.append((peer.uid, error.code)),
            limits=limits,
            ask_kernel=lambda _: self.peer,
        )

    async def top_up(self, request: TopUp, context: CallContext) -> ToppedUp:
        self.contexts.append(context)
        self.begun.set()
        await self.hold.wait()
        if request.amount_fen == 13:
            raise OutcomeUnknown(device="the reader")
        self.balance_fen += request.amount_fen
        return ToppedUp(balance_fen=self.balance_fen)

    async def echo(self, request: Word, context: CallContext) -> Word:
        self.contexts.append(context)
        self.begun.set()
        await self.hold.wait()
        return request

    async def fail(self, request: Word, context: CallContext) -> Word:
        if request.text == "long":
            return Word.model_construct(text="x" * 300)
        if request.text == "type":
            return Word.model_construct(text=7)
        raise KeyError("secret path and traceback")

    async def snapshot(self, context: CallContext) -> Board:
        taken = Board(sale_nos=tuple(self.sale_nos))
        self.snapshot_begun.set()
        await self.snapshot_hold.wait()
        return taken

    def sell(self, sale_no: int) -> None:
        """Record a sale and tell it."""
        self.sale_nos.append(sale_no)
        self.server.publish(SALE_RECORDED, Sale(sale_no=sale_no))

    def show(self, nozzle_no: int, milli: int) -> None:
        """Tell a live figure."""
        figure = Figure(nozzle_no=nozzle_no, milli=milli)
        self.server.publish(FIGURE_CHANGED, figure, key=str(nozzle_no))


class Raw:
    """A client that writes whatever bytes a test wants."""

    opened: ClassVar[list["Raw"]] = []

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.opened.append(self)

    @property
    def transport(self) -> asyncio.Transport:
        """What can be told to read no more."""
        assert isinstance(self.writer.transport, asyncio.Transport)
        return self.writer.transport

    @classmethod
    async def open(cls, path: Path, *, hello: bool = True) -> "Raw":
        """Connect and, unless told not to, say hello."""
        raw = cls(*await asyncio.open_unix_connection(str(path)))
        if hello:
            answer = await raw.ask("hello", HELLO)
            assert answer is not None
            assert "result" in answer, answer
        return raw

    def send(self, data: bytes) -> None:
        """Write bytes."""
        self.writer.write(data)

    def request(self, method: str, params: object, request_id: object = 1) -> None:
        """Write a request."""
        whole = {
            "jsonrpc": "2.0",
            "id": request_id,
            "method": method,
            "params": params,
        }
        self.send(json.dumps(whole).encode() + b"\n")

    async def read(self) -> dict[str, Any] | None:
        """Read one message; None at the end of the connection."""
        try:
            line = await self.reader.readline()
        except ConnectionResetError:
            return None
        return json.loads(line) if line else None

    async def ask(
        self, method: str, params: object, request_id: object = 1
    ) -> dict[str, Any] | None:
        """Write a request and read what comes."""
        self.request(method, params, request_id)
        return await self.read()

    async def login(self) -> str:
        """Log in; return the token."""
        facts = {"login_name": "wang", "password": "right", "terminal": "till 1"}
        answer = await self.ask("session.login", facts)
        assert answer is not None
        return answer["result"]["token"]

    async def last_words(self) -> str:
        """Read to the end; return the code of the last reason or refusal."""
        code = "nothing"
        while (message := await self.read()) is not None:
            if "error" in message:
                code = message["error"]["data"]["code"]
            elif message.get("method") == "connection.closing":
                code = message["params"]["code"]
        return code

    def close(self) -> None:
        """Go away."""
        self.writer.transport.abort()


class Impostor:
    """A daemon that answers hello well and everything else as it is told."""

    def __init__(self, path: Path, minor: int = 2, oldest_minor: int = 0) -> None:
        self.path = path
        self.lines: list[bytes] = []
        self.minor = minor
        self.oldest_minor = oldest_minor
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> "Impostor":
        self._server = await asyncio.start_unix_server(self._serve, str(self.path))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._writers.append(writer)
        hello = {
            "program": "impostor",
            "contract": {"major": 1, "minor": self.minor},
            "oldest": {"major": 1, "minor": self.oldest_minor},
        }
        await reader.readline()
        answer = {"jsonrpc": "2.0", "id": 1, "result": hello}
        writer.write(json.dumps(answer).encode() + b"\n")
        while await reader.readline():
            for line in self.lines:
                writer.write(line)


def code_of(answer: dict[str, Any] | None) -> str:
    """The stable code of a refusal."""
    assert answer is not None
    return str(answer["error"]["data"]["code"])

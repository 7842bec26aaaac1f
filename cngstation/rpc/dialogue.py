"""One connection's conversation: versions, then a session, then calls in order.

It knows nothing of sockets: a line goes in, the line that answers it comes out, and
`over` says that the connection has to end after that.

    new --hello--> greeted --login or attach--> with a session --logout--> greeted
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol

from cngstation import hygiene
from cngstation.errors import BadRequest, NotLoggedIn, StationError
from cngstation.protocols.ndjson import Fault, decode_object, id_beside_huge_number
from cngstation.rpc import session as own
from cngstation.rpc.authority import Authority, Call, CallContext, Peer, Session
from cngstation.rpc.failures import (
    HelloFirst,
    InternalFault,
    MalformedLine,
    UnknownMethod,
)
from cngstation.rpc.method import OWN_LOGIN, Contract, Message, Method, Rep, Req, Snap
from cngstation.rpc.refusals import Refused, untold
from cngstation.rpc.wire import error_line, read_called, result_line

Handler = Callable[[Any, CallContext], Awaitable[Message]]
Report = Callable[[str, Exception], None]
_Own = Callable[[Any], Awaitable[Message]]
# To see what happens is no work: a screen that nobody looks at is subscribed too.
_WATCHING = Call(own.SUBSCRIBE, by_hand=False)


class Handlers:
    """What answers each method of a contract, held to its types."""

    def __init__(self) -> None:
        self._by_name: dict[str, Handler] = {}

    def add(
        self,
        method: Method[Req, Rep],
        handler: Callable[[Req, CallContext], Awaitable[Rep]],
    ) -> None:
        """Let a handler answer a method.

        Raises:
            ValueError: the method has a handler already.
        """
        if method.name in self._by_name:
            raise ValueError(f"{method.name} has two handlers")
        self._by_name[method.name] = handler

    def check(self, contract: Contract[Any]) -> None:
        """Refuse a set of handlers that is not exactly the contract.

        Raises:
            ValueError: a method has no handler, or a handler no method.
        """
        odd = self._by_name.keys() ^ contract.methods_by_name.keys()
        if odd:
            raise ValueError(f"handlers and contract differ: {', '.join(sorted(odd))}")

    def of(self, method: Method[Any, Any]) -> Handler:
        """Return the handler of a method of the contract."""
        return self._by_name[method.name]


class Subscription(Protocol):
    """The connection's side of a subscription."""

    def begin(self) -> None:
        """Keep every event from now on; none is sent before the snapshot."""

    def end(self) -> None:
        """Keep and send no more events."""


@dataclass(frozen=True)
class Service(Generic[Snap]):
    """What all conversations of a daemon share."""

    program: str
    contract: Contract[Snap]
    handlers: Handlers
    authority: Authority
    snapshot: Callable[[CallContext], Awaitable[Snap]]
    report: Report
    refused: Refused = untold


class Dialogue:
    """Answers the lines of one connection, one after the other."""

    def __init__(
        self,
        service: Service[Any],
        peer: Peer,
        connection_id: int,
        subscription: Subscription,
    ) -> None:
        self.greeted = False
        self.over = False
        self.session: Session | None = None
        self._service = service
        self._peer = peer
        self._connection_id = connection_id
        self._subscription = subscription
        subscribe = Method(
            own.SUBSCRIBE,
            own.Nothing,
            service.contract.snapshot,
            right=service.contract.subscribe_right,
            changes=False,
        )
        self._own: dict[str, tuple[Method[Any, Any], _Own]] = {}
        self._offer(own.LOGIN, self._login)
        self._offer(own.ATTACH, self._attach)
        self._offer(own.LOGOUT, self._logout)
        self._offer(own.LOCK, self._lock)
        self._offer(own.UNLOCK, self._unlock)
        self._offer(own.TOUCH, self._touch)
        self._offer(subscribe, self._subscribe)

    def _offer(
        self, method: Method[Req, Rep], answer: Callable[[Req], Awaitable[Rep]]
    ) -> None:
        self._own[method.name] = (method, answer)

    async def answer(self, line: bytes | Fault) -> bytes:
        """Do what a line asks and return the line that says how it went."""
        message = decode_object(line) if isinstance(line, bytes) else line
        if isinstance(message, Fault):
            if refusal := self._too_large(line, message):
                return refusal
            return self._malformed(message.value)
        request_id = _id_of(message)
        if request_id is None:
            return self._malformed("has no id that is an integer")
        name = str(message.get("method", ""))
        try:
            try:
                assert isinstance(line, bytes)
                return result_line(request_id, await self._result(name, line))
            except StationError as error:
                self._service.refused(self._peer, error)
                return error_line(request_id, error)
        except Exception as error:  # noqa: BLE001 - the top of a call
            return error_line(request_id, self._fault(name, request_id, error))

    def _malformed(self, why: str) -> bytes:
        self.over = True
        error = MalformedLine(why=why)
        self._service.refused(self._peer, error)
        return error_line(None, error)

    def _too_large(self, line: bytes | Fault, fault: Fault) -> bytes | None:
        """Refuse a request for a number that fits no column; the client may go on."""
        if fault is not Fault.HUGE_NUMBER or not isinstance(line, bytes):
            return None
        request_id = id_beside_huge_number(line)
        if request_id is None or request_id < 0 or not self.greeted:
            return None
        error = BadRequest(why=f"it {fault.value}")
        self._service.refused(self._peer, error)
        return error_line(request_id, error)

    def _fault(self, name: str, request_id: int, error: Exception) -> InternalFault:
        shown = hygiene.clean(name, limit=60)
        reference = f"{self._connection_id}-{request_id}"
        self._service.report(f"{shown} {reference}", error)
        return InternalFault(method=shown, reference=reference)

    async def _result(self, name: str, line: bytes) -> Message:
        if not self.greeted:
            return self._hello(name, line)
        if name in self._own:
            method, answer = self._own[name]
            return await answer(read_called(method, line))
        found = self._service.contract.methods_by_name.get(name)
        if found is None:
            raise UnknownMethod(method=hygiene.clean(name, limit=60))
        call = Call(found.name, by_hand=found.changes)
        context = await self._context(found.right, call)
        request = read_called(found, line)
        reply = await self._service.handlers.of(found)(request, context)
        checked: Message = found.reply.model_validate(reply)
        return checked

    def _hello(self, name: str, line: bytes) -> Message:
        self.over = True
        if name != own.HELLO.name:
            raise HelloFirst
        theirs: own.Hello = read_called(own.HELLO, line)
        ours = own.hello_of(self._service.program, self._service.contract)
        own.agree(reader=theirs, other=ours)
        self.over = False
        self.greeted = True
        return ours

    async def _context(self, right: str | None, call: Call) -> CallContext:
        """Let the authority decide, at this very call, and say who is calling."""
        if right is None:
            return CallContext(None, self._peer, self._connection_id)
        session = self._present()
        await self._service.authority.allowed(session, right, call)
        return CallContext(session, self._peer, self._connection_id)

    def _present(self) -> Session:
        if self.session is None:
            raise NotLoggedIn
        return self.session

    @property
    def sets_a_password(self) -> bool:
        """Tell whether this connection waits for somebody's own password."""
        return self.session is not None and self.session.must_change_password

    async def check_watcher(self, *, subscribed: bool) -> None:
        """Ask again whether this connection may still see what happens.

        One that sets a first password sees nothing, and is told of a lock all the same.

        Raises:
            StationError: the authority's refusal.
        """
        right = self._service.contract.subscribe_right if subscribed else OWN_LOGIN
        await self._context(right, _WATCHING)

    async def may_see(self, right: str) -> bool:
        """Tell whether this connection may be shown what takes a right, now."""
        if self.session is None:
            return False
        try:
            return await self._service.authority.holds(self.session, right)
        except StationError:
            return False

    async def _subscribe(self, _: own.Nothing) -> Message:
        context = await self._context(self._service.contract.subscribe_right, _WATCHING)
        # Before the snapshot: what happens while it is made must not be missed. An
        # event can therefore tell again what the snapshot has already.
        self._subscription.begin()
        try:
            made = await self._service.snapshot(context)
            snapshot: Message = self._service.contract.snapshot.model_validate(made)
        except BaseException:
            self._subscription.end()
            raise
        return snapshot

    async def _login(self, credentials: own.Login) -> own.LoggedIn:
        session = await self._service.authority.login(credentials, self._peer)
        self.session = session
        state = _state_of(session)
        return own.LoggedIn(**dict(state), token=session.token)

    async def _attach(self, request: own.Attach) -> own.SessionState:
        self.session = None
        self.session = await self._service.authority.resume(request.token, self._peer)
        return _state_of(self.session)

    async def _logout(self, _: own.Nothing) -> own.Nothing:
        session, self.session = self._present(), None
        self._subscription.end()
        await self._service.authority.logout(session)
        return own.Nothing()

    async def _lock(self, _: own.Nothing) -> own.Nothing:
        await self._service.authority.lock(self._present())
        return own.Nothing()

    async def _touch(self, _: own.Nothing) -> own.Nothing:
        await self._context(own.TOUCH.right, Call(own.TOUCH.name, by_hand=True))
        return own.Nothing()

    async def _unlock(self, request: own.Unlock) -> own.SessionState:
        self.session = await self._service.authority.unlock(
            self._present(), request.password
        )
        return _state_of(self.session)


def _state_of(session: Session) -> own.SessionState:
    return own.SessionState(
        operator=session.operator,
        terminal=session.terminal,
        rights=session.rights,
        expires_at_ms=session.expires_at_ms,
        must_change_password=session.must_change_password,
    )


def _id_of(message: dict[str, object]) -> int | None:
    request_id = message.get("id")
    if not isinstance(request_id, int) or isinstance(request_id, bool):
        return None
    return request_id if request_id >= 0 else None

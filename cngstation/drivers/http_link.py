"""A controller behind HTTP as the far end of a line; the only importer of aiohttp here.

A frame is the body of a POST, what is read is the body of its answer. One request is
out at a time: a new one gives the old one up. The log-in is by digest, where a
password does not cross the network, or basic; neither stands in a log or an error.

What is given up must not arrive later, for it may be an order. A dead connection keeps
what was written and would deliver it when the network is back, minutes later: so a
connection is never closed in peace but reset, and the kernel keeps nothing of it.
"""

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from cngstation.errors import DeviceUnavailable

LONGEST_ANSWER = 256 * 1024
OPEN_LIMIT_S = 5.0
# The dialogue waits 5 s. What was asked is dead by then, and its connection too.
REQUEST_LIMIT_S = 5.5
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger: on, no time
_UNHEARD_LIMIT_MS = 5_000
_UNREAD_ANSWERS = 4
_NOTHING = b'{"Protocol":"jsonPTS","Packets":[]}'
_REFUSALS = {
    401: "it refuses the user name or the password",
    403: "it refuses the user name or the password",
    404: "there is no such service at this address",
}


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Where a controller is, and as whom to speak to it.

    `certificate_sha256` is that of a controller's own certificate; without it, one of
    https is checked against the authorities that the system knows.
    """

    url: str
    user: str
    password: str = field(repr=False)
    is_basic: bool = False
    certificate_sha256: bytes | None = None

    @property
    def path(self) -> str:
        """What a technician knows it by."""
        return self.url

    async def open(self) -> "HttpLink":
        """Make sure that the controller is there and lets us in.

        Raises:
            DeviceUnavailable: it cannot be reached, or refuses us.
        """
        link = HttpLink(self)
        try:
            async with asyncio.timeout(OPEN_LIMIT_S):
                await link.knock()
        except BaseException as error:
            await link.close()
            if isinstance(error, TimeoutError):
                raise DeviceUnavailable(
                    device=self.url, why="it does not answer"
                ) from None
            raise
        return link


class HttpLink:
    """An opened way to a controller. Made by `HttpSettings.open`."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._answers: asyncio.Queue[bytes] = asyncio.Queue(_UNREAD_ANSWERS)
        loop = asyncio.get_running_loop()
        self._lost: asyncio.Future[str] = loop.create_future()
        self._request: asyncio.Task[None] | None = None
        self._session = _session(settings)

    async def knock(self) -> None:
        """Ask nothing, to see whether an answer comes.

        Raises:
            DeviceUnavailable: none comes, or a refusal.
        """
        try:
            await self._exchange(_NOTHING)
        except aiohttp.ClientError as error:
            raise self._unavailable(_why(error)) from None

    def write(self, data: bytes) -> None:
        """Send a request; one that is still out is given up.

        Raises:
            DeviceUnavailable: the controller is lost, or the link closed.
        """
        if self._lost.done():
            raise self._unavailable(self._lost.result())
        if self._request is not None:
            self._request.cancel()
        self._request = asyncio.ensure_future(self._post(data))

    async def read(self) -> bytes:
        """Return the body of the next answer, or as much of it as came.

        Raises:
            DeviceUnavailable: the controller is lost, or the link closed.
        """
        reading = asyncio.ensure_future(self._answers.get())
        try:
            either: set[asyncio.Future[Any]] = {reading, self._lost}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                return reading.result()
        finally:
            reading.cancel()
        raise self._unavailable(self._lost.result())

    async def close(self) -> None:
        """End the request that is out, and the connection."""
        self._lose("the link was closed")
        request, self._request = self._request, None
        if request is not None:
            request.cancel()
            await asyncio.gather(request, return_exceptions=True)
        await self._session.close()

    async def _post(self, data: bytes) -> None:
        try:
            body = await self._exchange(data)
        except TimeoutError:
            return  # the dialogue has given it up before
        except aiohttp.ClientError as error:
            self._lose(_why(error))
        except DeviceUnavailable as refused:
            self._lose(str(refused.facts["why"]))
        else:
            # Nobody reads: what is late is worth nothing.
            with contextlib.suppress(asyncio.QueueFull):
                self._answers.put_nowait(body)

    async def _exchange(self, data: bytes) -> bytes:
        async with self._session.post(
            self._settings.url, data=data, allow_redirects=False
        ) as response:
            if response.status in _REFUSALS:
                raise self._unavailable(_REFUSALS[response.status])
            body = bytearray()
            # Half an answer is handed on: the dialogue counts what it is.
            with contextlib.suppress(aiohttp.ClientPayloadError):
                async for piece in response.content.iter_any():
                    body += piece
                    if len(body) > LONGEST_ANSWER:
                        break
            return bytes(body) or b" "

    def _lose(self, why: str) -> None:
        if not self._lost.done():
            self._lost.set_result(why)

    def _unavailable(self, why: str) -> DeviceUnavailable:
        return DeviceUnavailable(device=self._settings.url, why=why)


def _session(settings: HttpSettings) -> aiohttp.ClientSession:
    user, password = settings.user, settings.password
    tls: bool | aiohttp.Fingerprint = True
    if settings.certificate_sha256 is not None:
        tls = aiohttp.Fingerprint(settings.certificate_sha256)
    headers = {"Content-Type": "application/json"}
    if settings.is_basic:
        headers["Authorization"] = aiohttp.encode_basic_auth(user, password)
    digest = aiohttp.DigestAuthMiddleware(user, password)
    return aiohttp.ClientSession(
        headers=headers,
        middlewares=() if settings.is_basic else (digest,),
        connector=aiohttp.TCPConnector(limit=1, ssl=tls, socket_factory=_socket),
        timeout=aiohttp.ClientTimeout(total=REQUEST_LIMIT_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )


def _socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """Return a socket whose close throws away what was not delivered."""
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNHEARD_LIMIT_MS)
    return made


def _why(error: aiohttp.ClientError) -> str:
    if isinstance(error, aiohttp.ServerFingerprintMismatch):
        return "its certificate is another one than the configuration says"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not trusted"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "there is nothing at this address that takes connections"
    return "it broke the connection off"

"""The control socket of a simulator: what hands do to a device, as JSON lines.

Request `{"do": NAME, ...}`, answer `{"ok": true, ...}` or
`{"ok": false, "why": SENTENCE}`; any number of requests on one connection.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

Answer = dict[str, Any]
Handler = Callable[[Mapping[str, Any]], Awaitable[Answer]]


class HandsRefused(Exception):
    """The simulated device cannot do what the hands tried; the text says why."""


class ControlServer:
    """Answers requests by the handlers it was given."""

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        self._path = path
        self._handlers = dict(handlers)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Listen; a socket left by a killed predecessor is replaced."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self._path)

    async def stop(self) -> None:
        """Close every connection and the socket."""
        if self._server is None:
            return
        self._server.close()
        for writer in list(self._open):
            writer.close()
        await self._server.wait_closed()
        self._path.unlink(missing_ok=True)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._open.add(writer)
        try:
            while line := await reader.readline():
                answer = await self._answer(line)
                writer.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(self, line: bytes) -> Answer:
        try:
            request = json.loads(line)
            handler = self._handlers[request["do"]]
        except (ValueError, KeyError, TypeError):
            known = ", ".join(sorted(self._handlers))
            return {"ok": False, "why": f"not a request; known: {known}"}
        try:
            return {"ok": True, **await handler(request)}
        except HandsRefused as refused:
            return {"ok": False, "why": str(refused)}
        except (ValueError, KeyError, TypeError) as error:
            return {"ok": False, "why": f"{type(error).__name__}: {error}"}


class ControlClient:
    """One connection to a simulator's control socket; one call at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, do: str, **arguments: object) -> Answer:
        """Ask the device; return its answer.

        Raises:
            HandsRefused: the device said why it cannot.
            OSError: no simulator listens there.
        """
        async with self._lock:
            try:
                line = await self._exchange({"do": do, **arguments})
            except BaseException:
                # A late answer must not be taken for that of the next call.
                self._close()
                raise
        answer: Answer = json.loads(line)
        if not answer.pop("ok"):
            raise HandsRefused(answer["why"])
        return answer

    async def close(self) -> None:
        """End the connection."""
        async with self._lock:
            self._close()

    async def _exchange(self, request: Answer) -> bytes:
        if self._streams is None:
            self._streams = await asyncio.open_unix_connection(self._path)
        reader, writer = self._streams
        writer.write(json.dumps(request).encode() + b"\n")
        await writer.drain()
        line = await reader.readline()
        if not line:
            raise ConnectionResetError(f"{self._path.name} went away")
        return line

    def _close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

"""A serial port as an asyncio link; the only module that knows the serial package.

One `SerialLink` is one opened port. It is held exclusively, loses nothing that the
kernel delivered, and ends with `DeviceUnavailable` when the port goes away. Opening
it again is the business of whoever drives the device.
"""

import asyncio
import contextlib
import errno
import os
import termios
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import serial
import serial_asyncio

from cngstation.errors import DeviceUnavailable
from cngstation.language import mark

# Received bytes that nobody has read; beyond it the kernel's buffer takes over.
LARGEST_UNREAD = 64 * 1024
# Written bytes that the port has not taken: a far end that stopped listening.
LARGEST_UNSENT = 64 * 1024
# pyserial calls select(), which cannot watch a descriptor from 1024 on.
FIRST_UNWATCHABLE_FD = 1024
# Linux gives these to pseudo-terminals, which carry bytes but no parity bit: the C
# library reports a parity that was not taken as an error.
_PSEUDO_TERMINAL_MAJORS = range(136, 144)
_DRAIN_LOOK_S = 0.005

PORT_MISSING = mark("there is no such port")
PORT_FORBIDDEN = mark("this program has no permission to open the port")
PORT_HELD = mark("another program holds the port")
PORT_DEAD = mark("the port is there but its device is not")
PORT_LOST = mark("the port was lost or closed")
_OPEN_FAILURES = {
    errno.ENOENT: PORT_MISSING,
    errno.ENODEV: PORT_MISSING,
    errno.ENXIO: PORT_MISSING,
    errno.EACCES: PORT_FORBIDDEN,
    errno.EPERM: PORT_FORBIDDEN,
    errno.EBUSY: PORT_HELD,
    errno.EAGAIN: PORT_HELD,
    errno.EIO: PORT_DEAD,
    errno.EMFILE: "this program has too many files open",
}


class Parity(StrEnum):
    """The parity bit of a character."""

    NONE = serial.PARITY_NONE
    EVEN = serial.PARITY_EVEN
    ODD = serial.PARITY_ODD


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """How to open a port; characters have 8 data bits, no flow control."""

    path: str
    baud: int
    parity: Parity = Parity.NONE
    stop_bits: int = 1

    async def open(self) -> "SerialLink":
        """Open the port, as `open_serial` does."""
        return await open_serial(self)


class SerialLink:
    """An opened port; one task reads it, any may write. Made by `open_serial`."""

    def __init__(self, path: str, port: serial.Serial) -> None:
        loop = asyncio.get_running_loop()
        self.path = path
        self._port = port
        self._receiver = _Receiver(loop)
        self._transport = serial_asyncio.SerialTransport(loop, self._receiver, port)

    def write(self, data: bytes) -> None:
        """Hand bytes to the kernel at once, or as soon as it takes them.

        Raises:
            DeviceUnavailable: the port is lost or closed, or does not take data.
        """
        if self._transport.is_closing():
            raise self._lost()
        if self._transport.get_write_buffer_size() + len(data) > LARGEST_UNSENT:
            raise DeviceUnavailable(device=self.path, why="the port takes no data")
        if not self._transport.get_write_buffer_size():
            data = data[self._write_now(data) :]
        if data:
            self._transport.write(data)

    async def read(self) -> bytes:
        """Return whatever has arrived, at least one byte; wait for it if need be.

        Cancelling it loses no bytes.

        Raises:
            DeviceUnavailable: the port is lost or closed, and all bytes were read.
        """
        while not self._receiver.unread:
            if self._receiver.ended.done():
                raise self._lost()
            await self._receiver.wait()
        data = bytes(self._receiver.unread)
        self._receiver.unread.clear()
        self._receiver.go_on()
        return data

    def discard_input(self) -> None:
        """Forget everything that has arrived and was not read."""
        self._receiver.unread.clear()
        if not self._transport.is_closing():
            self._receiver.go_on()
            # A port that was just lost says so at the next read.
            with contextlib.suppress(termios.error):
                self._port.reset_input_buffer()

    async def drain(self) -> None:
        """Wait until every written byte has left; bound it with a time-out.

        Raises:
            DeviceUnavailable: the port was lost before.
        """
        while not self._transport.is_closing():
            if not self._transport.get_write_buffer_size() and not self._waiting():
                return
            await asyncio.sleep(_DRAIN_LOOK_S)
        raise self._lost()

    async def close(self) -> None:
        """Close the port and free its lock; bytes that have not left are dropped."""
        if not self._transport.is_closing():
            # The transport waits for the last byte with the whole loop standing.
            if self._waiting():
                with contextlib.suppress(termios.error):
                    self._port.reset_output_buffer()
            self._transport.abort()
        await asyncio.shield(self._receiver.ended)

    def _write_now(self, data: bytes) -> int:
        # Protocols count their gaps from here; the transport writes a turn later.
        try:
            return os.write(self._port.fileno(), data)
        except OSError:  # full, or lost: the transport waits or finds out
            return 0

    def _waiting(self) -> int:
        try:
            return int(self._port.out_waiting)
        except OSError:  # lost, or a driver that cannot tell
            return 0

    def _lost(self) -> DeviceUnavailable:
        return DeviceUnavailable(device=self.path, why=PORT_LOST)


class _Receiver(asyncio.Protocol):
    """Collects what the transport reads until the link's reader takes it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._news: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self.unread = bytearray()
        self.ended: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self.unread += data
        if len(self.unread) >= LARGEST_UNREAD and self._transport is not None:
            self._transport.pause_reading()
            self._paused = True
        self._tell()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.ended.set_result(None)
        self._tell()

    def go_on(self) -> None:
        """Let the transport read again after the unread bytes were taken."""
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    async def wait(self) -> None:
        """Wait for bytes or the end."""
        self._news = self._loop.create_future()
        try:
            await self._news
        finally:
            self._news = None

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)


async def open_serial(settings: SerialSettings) -> SerialLink:
    """Open a port for this program alone.

    Raises:
        DeviceUnavailable: it is missing, held by another program, not permitted, no
            serial port, or this program has too many files open.
    """
    opening = asyncio.ensure_future(asyncio.to_thread(_open_port, settings))
    try:
        port = await asyncio.shield(opening)
    except asyncio.CancelledError:
        # The thread cannot be stopped; what it opens must not stay locked.
        opening.add_done_callback(_close_abandoned)
        raise
    return SerialLink(settings.path, port)


def _open_port(settings: SerialSettings) -> serial.Serial:
    try:
        port = serial.Serial(
            port=settings.path,
            baudrate=settings.baud,
            parity=_parity(settings).value,
            stopbits=settings.stop_bits,
            timeout=0,
            write_timeout=0,
            exclusive=True,
        )
    except (OSError, termios.error, ValueError) as error:
        raise DeviceUnavailable(device=settings.path, why=_why(error)) from error
    watched = (port.fd, port.pipe_abort_read_r, port.pipe_abort_write_r)
    if any(fd is None or fd >= FIRST_UNWATCHABLE_FD for fd in watched):
        port.close()
        raise DeviceUnavailable(
            device=settings.path, why="this program has too many files open"
        )
    return port


def _parity(settings: SerialSettings) -> Parity:
    device = Path(settings.path).stat().st_rdev
    if os.major(device) in _PSEUDO_TERMINAL_MAJORS:
        return Parity.NONE
    return settings.parity


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno in _OPEN_FAILURES:
        return _OPEN_FAILURES[error.errno]
    if isinstance(error, ValueError):
        return "the port does not accept this speed or character format"
    return "it cannot be set up as a serial port"


def _close_abandoned(opening: asyncio.Future[serial.Serial]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()

"""The serial link on real pseudo-terminals: opening, losing, bounds, speed."""

import asyncio
import contextlib
import os
import pty
import resource
import time
import tty
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import serial

from cngstation.drivers import serial_link
from cngstation.drivers.serial_link import (
    LARGEST_UNREAD,
    LARGEST_UNSENT,
    Parity,
    SerialLink,
    SerialSettings,
    open_serial,
)
from cngstation.errors import DeviceUnavailable


class FarEnd:
    """The other end of a pseudo-terminal."""

    def __init__(self) -> None:
        self.fd, self._near = pty.openpty()
        tty.setraw(self._near)
        self.path = os.ttyname(self._near)
        self.settings = SerialSettings(self.path, 38_400)

    def unplug(self) -> None:
        for fd in (self.fd, self._near):
            if fd >= 0:
                os.close(fd)
        self.fd = self._near = -1


@pytest.fixture
def far_end() -> Iterator[FarEnd]:
    end = FarEnd()
    yield end
    end.unplug()


@pytest_asyncio.fixture
async def link(far_end: FarEnd) -> AsyncIterator[SerialLink]:
    opened = await open_serial(far_end.settings)
    yield opened
    await opened.close()


async def test_bytes_go_both_ways(far_end: FarEnd, link: SerialLink) -> None:
    """What is written arrives as it is, and so does what is received."""
    every = bytes(range(256))
    link.write(every)
    await link.drain()
    assert os.read(far_end.fd, 1000) == every
    os.write(far_end.fd, every)
    received = b""
    while len(received) < len(every):
        received += await link.read()
    assert received == every


async def test_every_character_format_opens(far_end: FarEnd) -> None:
    """Parity and stop bits of the known devices are accepted."""
    for parity in Parity:
        settings = SerialSettings(far_end.path, 9_600, parity, stop_bits=2)
        link = await open_serial(settings)
        await link.close()


async def test_a_missing_port_says_so() -> None:
    """A port that is not there is a DeviceUnavailable that names it."""
    with pytest.raises(DeviceUnavailable, match="no such port"):
        await open_serial(SerialSettings("/dev/cng-none", 9_600))


async def test_what_is_no_serial_port_says_so(tmp_path: Path) -> None:
    """An ordinary file is refused in words."""
    plain = tmp_path / "plain"
    plain.touch()
    with pytest.raises(DeviceUnavailable, match="serial port"):
        await open_serial(SerialSettings(str(plain), 9_600))


async def test_an_impossible_speed_says_so(far_end: FarEnd) -> None:
    """A speed that the port refuses is a DeviceUnavailable, not a ValueError."""
    with pytest.raises(DeviceUnavailable, match="speed"):
        await open_serial(SerialSettings(far_end.path, -1))


async def test_a_busy_port_says_so_and_frees(far_end: FarEnd, link: SerialLink) -> None:
    """A port in use cannot be opened twice; after close it can."""
    with pytest.raises(DeviceUnavailable, match="another program"):
        await open_serial(far_end.settings)
    await link.close()
    again = await open_serial(far_end.settings)
    await again.close()


async def test_no_permission_says_so(
    far_end: FarEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port that this user may not open names the permission."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(serial, "Serial", refuse)
    with pytest.raises(DeviceUnavailable, match="permission"):
        await open_serial(far_end.settings)


async def test_descriptors_that_select_cannot_watch_are_refused(
    far_end: FarEnd,
) -> None:
    """Beyond descriptor 1023 opening fails in words instead of for ever later."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2_048:
        pytest.fail("this test needs 2048 files; raise the hard limit")
    with contextlib.ExitStack() as held:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2_048), hard))
        held.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        while (fd := os.dup(far_end.fd)) < 1_024:
            held.callback(os.close, fd)
        held.callback(os.close, fd)
        with pytest.raises(DeviceUnavailable, match="too many files"):
            await open_serial(far_end.settings)
    link = await open_serial(far_end.settings)
    await link.close()


async def test_a_lost_port_ends_the_reader(far_end: FarEnd, link: SerialLink) -> None:
    """When the far end goes, a waiting read and every later call say so."""
    reading = asyncio.ensure_future(link.read())
    await asyncio.sleep(0)
    far_end.unplug()
    with pytest.raises(DeviceUnavailable, match="lost"):
        await reading
    with pytest.raises(DeviceUnavailable, match="lost"):
        link.write(b"x")
    with pytest.raises(DeviceUnavailable, match="lost"):
        await link.drain()
    link.discard_input()


async def test_bytes_before_the_loss_are_read(
    far_end: FarEnd, link: SerialLink
) -> None:
    """What arrived before the port went is handed out before the error."""
    os.write(far_end.fd, b"last words")
    await asyncio.sleep(0.01)
    far_end.unplug()
    await asyncio.sleep(0.01)
    assert await link.read() == b"last words"
    with pytest.raises(DeviceUnavailable):
        await link.read()


async def test_discarded_input_is_not_read(far_end: FarEnd, link: SerialLink) -> None:
    """Old bytes do not answer a new request."""
    os.write(far_end.fd, b"old")
    await asyncio.sleep(0.01)
    link.discard_input()
    os.write(far_end.fd, b"new")
    assert await link.read() == b"new"


async def test_a_cancelled_read_loses_nothing(
    far_end: FarEnd, link: SerialLink
) -> None:
    """A reader that gave up finds the bytes at its next read."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(link.read(), 0.01)
    os.write(far_end.fd, b"later")
    assert await link.read() == b"later"


async def test_unread_bytes_are_bounded(far_end: FarEnd, link: SerialLink) -> None:
    """A flood stops at the limit and goes on when it is read."""
    os.set_blocking(far_end.fd, False)
    sent = 0
    for _ in range(400):
        try:
            sent += os.write(far_end.fd, bytes(1_024))
        except BlockingIOError:
            await asyncio.sleep(0.001)
    assert len(link._receiver.unread) < LARGEST_UNREAD + 1_024
    received = 0
    while received < sent:
        received += len(await link.read())
    assert received == sent > LARGEST_UNREAD


async def test_unsent_bytes_are_bounded(link: SerialLink) -> None:
    """A far end that takes nothing is unavailable, not a growing buffer."""
    unsent = 0
    while unsent + 4_096 <= LARGEST_UNSENT:
        link.write(bytes(4_096))
        await asyncio.sleep(0)
        unsent = link._transport.get_write_buffer_size()
    with pytest.raises(DeviceUnavailable, match="takes no data"):
        link.write(bytes(4_096))


async def test_closing_with_unsent_bytes_is_quick(
    far_end: FarEnd, link: SerialLink
) -> None:
    """Close does not wait for a far end that takes nothing."""
    link.write(bytes(LARGEST_UNSENT))
    await asyncio.sleep(0)
    await asyncio.wait_for(link.close(), 30)


async def test_closing_does_not_wait_for_a_slow_wire(
    link: SerialLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes that still wait in the kernel are dropped: waiting stops every device."""
    dropped = []
    monkeypatch.setattr(type(link._port), "out_waiting", 5)
    monkeypatch.setattr(
        type(link._port), "reset_output_buffer", lambda _: dropped.append(True)
    )
    await link.close()
    assert dropped == [True]


async def test_a_cancelled_opening_leaves_the_port_free(
    far_end: FarEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An opening that nobody waits for any more does not keep the lock."""
    opened = []
    real = serial_link._open_port

    def slow(settings: SerialSettings) -> serial.Serial:
        opened.append(real(settings))
        return opened[0]

    monkeypatch.setattr(serial_link, "_open_port", slow)
    opening = asyncio.ensure_future(open_serial(far_end.settings))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    async with asyncio.timeout(120):
        while not opened or opened[0].is_open:
            await asyncio.sleep(0.005)


async def test_bytes_keep_their_order_when_the_port_is_slow(
    far_end: FarEnd, link: SerialLink
) -> None:
    """What could not go at once goes before what is written later."""
    os.set_blocking(far_end.fd, False)
    sent = b"".join(bytes([block]) * 1_000 for block in range(60))
    received = b""
    for at in range(0, len(sent), 1_000):
        link.write(sent[at : at + 1_000])
        if link._transport.get_write_buffer_size() > 4_000:
            with contextlib.suppress(BlockingIOError):
                received += os.read(far_end.fd, 4_000)
                time.sleep(0.002)  # the kernel makes room, the loop does not turn
    while len(received) < len(sent):
        await asyncio.sleep(0)
        with contextlib.suppress(BlockingIOError):
            received += os.read(far_end.fd, 4_000)
    assert received == sent


async def test_reading_costs_less_than_a_millisecond(
    far_end: FarEnd, link: SerialLink
) -> None:
    """The median from the far end's write to our bytes is below 1 ms."""
    loop = asyncio.get_running_loop()
    taken = []
    for _ in range(200):
        reading = asyncio.ensure_future(link.read())
        await asyncio.sleep(0)
        start = loop.time()
        os.write(far_end.fd, b"x")
        await reading
        taken.append(loop.time() - start)
    assert sorted(taken)[100] < 0.001

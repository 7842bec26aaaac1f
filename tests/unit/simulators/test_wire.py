"""The pty that behaves as a serial line."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cngstation.exact_loop import exact_loop
from cngstation.simulators.wire import HOST, Wire

BAUD = 9600
BYTE_S = 10 / BAUD
WHOLE_ANSWER = bytes(range(95))


class LineUnderTest:
    """A wire with one device that notes what it hears, and the host's end of it."""

    def __init__(self, folder: Path) -> None:
        self.wire = Wire(folder / "line", BAUD, seed=1)
        self.wire.open()
        self.heard = bytearray()
        self.neighbour = bytearray()
        self.wire.listen(1, self.heard.extend)
        self.wire.listen(2, self.neighbour.extend)
        self.host = os.open(folder / "line", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.arrivals: list[tuple[float, bytes]] = []
        self.loop = asyncio.get_running_loop()
        self.loop.add_reader(self.host, self._arrived)

    def _arrived(self) -> None:
        self.arrivals.append((self.loop.time(), os.read(self.host, 4096)))

    def close(self) -> None:
        self.loop.remove_reader(self.host)
        os.close(self.host)
        self.wire.close()

    @property
    def answer(self) -> bytes:
        return b"".join(piece for _, piece in self.arrivals)


def run(folder: Path, steps: Callable[[LineUnderTest], object]) -> None:
    """Run the steps on a loop with precise timers, as the process does."""

    async def body() -> None:
        line = LineUnderTest(folder)
        try:
            await steps(line)  # type: ignore[misc]
        finally:
            line.close()

    with asyncio.Runner(loop_factory=exact_loop) as runner:
        runner.run(body())


@pytest.mark.serial_timing
def test_an_answer_dribbles_and_ends_at_its_time(tmp_path: Path) -> None:
    """95 bytes at 9600 take 98.96 ms; the last byte is within 2 ms of it."""

    async def steps(line: LineUnderTest) -> None:
        errors, longest_gaps = [], []
        for _ in range(5):
            line.arrivals.clear()
            sent = line.wire.send(WHOLE_ANSWER, source=1)
            assert sent is not None
            await asyncio.sleep(0.11)
            assert line.answer == WHOLE_ANSWER
            assert len(line.arrivals) >= 20
            gaps = [
                b[0] - a[0]
                for a, b in zip(line.arrivals, line.arrivals[1:], strict=False)
            ]
            longest_gaps.append(max(gaps))
            errors.append(line.arrivals[-1][0] - (sent.start + 95 * BYTE_S))
        assert min(errors) >= 0
        # The best of five: a busy machine may wake anybody late now and then.
        assert min(errors) < 0.002
        assert min(longest_gaps) < 5 * BYTE_S + 0.005

    run(tmp_path, steps)


def test_host_bytes_arrive_with_the_baud(tmp_path: Path) -> None:
    """24 bytes written at once have half arrived after 12.5 ms, not before."""

    async def steps(line: LineUnderTest) -> None:
        seen: list[float] = []
        line.wire.on_host = lambda _data, start: seen.append(start)
        os.write(line.host, bytes(range(24)))
        await asyncio.sleep(0.002)
        start = seen[0]
        line.wire.deliver(start + 11.99 * BYTE_S)
        assert len(line.heard) == 11
        line.wire.deliver(start + 12 * BYTE_S)
        assert len(line.heard) == 12
        line.wire.deliver(start + 24 * BYTE_S)
        assert line.heard == bytes(range(24)) == line.neighbour

    run(tmp_path, steps)


def test_neighbours_hear_an_answer_and_its_sender_does_not(tmp_path: Path) -> None:
    """On RS-485 everybody hears everybody else."""

    async def steps(line: LineUnderTest) -> None:
        sent = line.wire.send(b"\xaa\xbb", source=1)
        assert sent is not None
        line.wire.deliver(sent.start + 1)
        assert (bytes(line.heard), bytes(line.neighbour)) == (b"", b"\xaa\xbb")

    run(tmp_path, steps)


def test_an_answer_waits_until_the_host_has_finished(tmp_path: Path) -> None:
    """A gun whose tick falls before the trailer does not talk over it."""

    async def steps(line: LineUnderTest) -> None:
        starts: list[float] = []
        line.wire.on_host = lambda _data, start: starts.append(start)
        os.write(line.host, bytes(24))
        await asyncio.sleep(0.002)
        sent = line.wire.send(b"x", source=1)
        assert sent is not None
        assert sent.start == pytest.approx(starts[0] + 24 * BYTE_S)

    run(tmp_path, steps)


def test_two_answers_follow_each_other(tmp_path: Path) -> None:
    """A late answer and a new one do not mix their bytes."""

    async def steps(line: LineUnderTest) -> None:
        first = line.wire.send(b"first.", source=1)
        second = line.wire.send(b"second", source=2)
        assert first is not None
        assert second is not None
        assert second.start == pytest.approx(first.start + 6 * BYTE_S)
        await asyncio.sleep(0.03)
        assert line.answer == b"first.second"

    run(tmp_path, steps)


def test_a_late_loop_keeps_the_order_of_the_bytes(tmp_path: Path) -> None:
    """What was due while the program did something else comes in its order."""

    async def steps(line: LineUnderTest) -> None:
        line.wire.send(b"first.", source=1)
        line.wire.send(b"second", source=2)
        time.sleep(0.03)
        await asyncio.sleep(0.01)
        assert line.answer == b"first.second"

    run(tmp_path, steps)


def test_talking_over_an_answer_garbles_both(tmp_path: Path) -> None:
    """A collision is counted and neither side reads what was sent."""

    async def steps(line: LineUnderTest) -> None:
        line.wire.send(WHOLE_ANSWER, source=2)
        await asyncio.sleep(0.03)
        os.write(line.host, b"\xaa" * 20)
        await asyncio.sleep(0.09)
        line.wire.deliver(line.loop.time())
        assert line.wire.counts["collision"] == 1
        assert len(line.answer) == 95
        assert line.answer != WHOLE_ANSWER
        assert line.answer[:20] == WHOLE_ANSWER[:20]
        assert line.answer[-20:] == WHOLE_ANSWER[-20:]
        assert b"\xaa" * 20 not in bytes(line.heard)

    run(tmp_path, steps)


def test_the_host_may_close_and_reopen(tmp_path: Path) -> None:
    """The line lives on while nobody has it open."""

    async def steps(line: LineUnderTest) -> None:
        line.loop.remove_reader(line.host)
        os.close(line.host)
        await asyncio.sleep(0.01)
        line.host = os.open(tmp_path / "line", os.O_RDWR | os.O_NONBLOCK)
        line.loop.add_reader(line.host, line._arrived)
        line.wire.send(b"again", source=1)
        await asyncio.sleep(0.02)
        assert line.answer == b"again"

    run(tmp_path, steps)


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ({"lose_answer": 1}, lambda got: got == b""),
        ({"truncate": 1}, lambda got: WHOLE_ANSWER.startswith(got) and len(got) < 95),
        ({"duplicate": 1}, lambda got: got == WHOLE_ANSWER * 2),
        ({"noise": 1, "noise_bytes": 4}, lambda got: got[4:] == WHOLE_ANSWER),
        ({"bit_error": 0.1}, lambda got: len(got) == 95 and got != WHOLE_ANSWER),
        ({"byte_loss": 0.1}, lambda got: 50 < len(got) < 95),
        ({"byte_repeat": 0.1}, lambda got: 95 < len(got) < 140),
        ({"glue": 1}, lambda got: got == b""),
    ],
)
def test_each_fault_does_what_it_says(
    tmp_path: Path, fault: dict[str, float], check: Callable[[bytes], bool]
) -> None:
    """Loss, truncation, duplication, noise, glue, changed, lost and repeated bytes."""

    async def steps(line: LineUnderTest) -> None:
        line.wire.faults.set(fault)
        line.wire.send(WHOLE_ANSWER, source=1)
        await asyncio.sleep(0.21)
        assert check(line.answer)
        assert line.wire.counts[next(iter(fault))] >= 1

    run(tmp_path, steps)


def test_glued_answers_come_as_one(tmp_path: Path) -> None:
    """The held one comes with the next, as an adapter's buffer brings them."""

    async def steps(line: LineUnderTest) -> None:
        line.wire.faults.set({"glue": 1})
        assert line.wire.send(b"held", source=1) is None
        line.wire.faults.set({"glue": 0})
        assert line.wire.send(b"next", source=2) is not None
        await asyncio.sleep(0.03)
        assert line.answer == b"heldnext"

    run(tmp_path, steps)


def test_a_delay_is_in_the_time_that_is_told(tmp_path: Path) -> None:
    """The answer starts later, and the log learns the true start."""

    async def steps(line: LineUnderTest) -> None:
        line.wire.faults.set({"delay": 1, "delay_ms": 40})
        begun = line.loop.time()
        sent = line.wire.send(b"late", source=1)
        assert sent is not None
        assert sent.start >= begun + 0.04
        await asyncio.sleep(0.03)
        assert line.answer == b""
        await asyncio.sleep(0.03)
        assert line.answer == b"late"

    run(tmp_path, steps)


def test_a_lost_request_is_heard_by_nobody(tmp_path: Path) -> None:
    """The wire still was busy with it."""

    async def steps(line: LineUnderTest) -> None:
        line.wire.faults.set({"lose_request": 1})
        os.write(line.host, b"\xaa" * 9)
        await asyncio.sleep(0.002)
        line.wire.deliver(line.loop.time() + 1)
        assert line.heard == b""
        assert line.wire.counts["lose_request"] == 1

    run(tmp_path, steps)


def test_faults_repeat_from_their_seed(tmp_path: Path) -> None:
    """The same seed spoils the same bytes."""

    async def steps(line: LineUnderTest) -> None:
        line.wire.faults.set({"bit_error": 0.05})
        seen = []
        for _ in range(2):
            line.wire.reseed(7)
            line.arrivals.clear()
            line.wire.send(WHOLE_ANSWER, source=1)
            await asyncio.sleep(0.11)
            seen.append(line.answer)
        assert seen[0] == seen[1] != WHOLE_ANSWER

    run(tmp_path, steps)


@pytest.mark.parametrize("wrong", [{"rain": 1}, {"noise": 2}, {"noise": -0.1}])
def test_no_such_fault_is_refused(wrong: dict[str, float], tmp_path: Path) -> None:
    """A misspelt fault would silently test nothing."""
    with pytest.raises(ValueError, match="no fault"):
        Wire(tmp_path / "line", BAUD).faults.set(wrong)


def test_an_unread_pty_overruns_and_does_not_block(tmp_path: Path) -> None:
    """A host that stops reading loses bytes, as with a UART; we go on."""

    async def steps(line: LineUnderTest) -> None:
        line.loop.remove_reader(line.host)
        line.wire.byte_s = 1e-6
        for _ in range(400):
            line.wire.send(bytes(300), source=HOST)
        await asyncio.sleep(0.3)
        assert line.wire.counts["overrun"] > 0

    run(tmp_path, steps)

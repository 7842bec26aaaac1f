"""Far ends for many lines in one process: each answers a poll when wire and turn allow.

    python -m tests.bench.lanes COUNT BAUD

Prints the ports as JSON; when its input ends it prints each one's exchanges: when the
request came and when its answer was whole, in microseconds.
"""

import asyncio
import json
import os
import pty
import sys
import tty

from tests.unit.protocols.dispenser.jxv4 import vectors

REQUEST_BYTES = len(vectors.POLL)
ANSWER_BYTES = len(vectors.FUELLING)
TURN_S = 0.005
BITS_PER_BYTE = 10
FUELLING = 0xA4


def exchange_s(baud: int) -> float:
    """Return the least time of a poll and its answer."""
    return (REQUEST_BYTES + ANSWER_BYTES) * BITS_PER_BYTE / baud + TURN_S


class Lane:
    """One line: the master side of a pty."""

    def __init__(self, baud: int) -> None:
        self._far, self._near = pty.openpty()
        tty.setraw(self._near)
        os.set_blocking(self._far, False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._far, self._heard)
        self._exchange_s = exchange_s(baud)
        self.path = os.ttyname(self._near)
        self.exchanges: list[tuple[int, int]] = []

    def _heard(self) -> None:
        request = os.read(self._far, 4096)
        now = self._loop.time()
        answer = vectors.status(request[2], FUELLING)
        self._loop.call_at(now + self._exchange_s, self._answer, answer, now)

    def _answer(self, answer: bytes, begun: float) -> None:
        os.write(self._far, answer)
        self.exchanges.append((int(begun * 1e6), int(self._loop.time() * 1e6)))


async def _serve(count: int, baud: int) -> None:
    lanes = [Lane(baud) for _ in range(count)]
    print(json.dumps([lane.path for lane in lanes]), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps([lane.exchanges for lane in lanes]), flush=True)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))

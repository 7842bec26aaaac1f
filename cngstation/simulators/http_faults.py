"""What goes wrong between a host and a controller on HTTP, drawn from a seed."""

import json
import random
from collections import Counter
from dataclasses import dataclass, fields
from typing import Any

_DEEP = 100_000


@dataclass(slots=True)
class HttpFaults:
    """How often an answer goes wrong; shares from 0 to 1."""

    refuse_login: float = 0.0
    server_error: float = 0.0  # 500 with a page
    drop: float = 0.0  # the connection is closed without an answer
    half_answer: float = 0.0
    garble: float = 0.0  # one byte of the body is another
    deep: float = 0.0  # JSON without an end to its depth
    stale: float = 0.0  # the answer to the request before
    lose_packets: float = 0.0  # a packet of the answer is missing
    double_packets: float = 0.0  # every packet stands there twice
    shuffle_packets: float = 0.0  # the packets stand in another order
    wrong_gun: float = 0.0  # every answer is of the next gun
    delay: float = 0.0
    delay_ms: int = 300
    late: float = 0.0  # what was asked is done later, the asker long gone
    late_ms: int = 6_000

    def set(self, changes: dict[str, float]) -> None:
        """Change some shares; the other ones stay.

        Raises:
            ValueError: there is no such fault.
        """
        known = {one.name for one in fields(self)}
        for name, value in changes.items():
            if name not in known or value < 0:
                raise ValueError(f"{name}={value} is no fault of a controller")
            setattr(self, name, int(value) if name.endswith("_ms") else value)


class BodySpoiler:
    """Draws what becomes of each answer; `counts` says how often what happened."""

    def __init__(self, seed: int) -> None:
        self.faults = HttpFaults()
        self.counts: Counter[str] = Counter()
        self._before = b"{}"
        self.reseed(seed)

    def reseed(self, seed: int) -> None:
        """Begin the row of faults again."""
        self._random = random.Random(seed)  # noqa: S311 - a run must be repeatable

    def draws(self, kind: str) -> bool:
        """Tell whether it happens now."""
        share = getattr(self.faults, kind)
        if not share or self._random.random() >= share:
            return False
        self.counts[kind] += 1
        return True

    def body(self, answer: dict[str, Any]) -> bytes:
        """Return the body that the host gets for an answer."""
        if packets := answer.get("Packets"):
            answer = answer | {"Packets": self._packets(packets)}
        body = json.dumps(answer).encode()
        self._before, before = body, self._before
        if self.draws("stale"):
            return before
        if self.draws("deep"):
            return b'{"Packets":' + b"[" * _DEEP
        if self.draws("garble"):
            at = self._random.randrange(len(body))
            body = body[:at] + self._random.randbytes(1) + body[at + 1 :]
        return body

    def _packets(self, packets: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if self.draws("lose_packets"):
            lost = self._random.randrange(len(packets))
            packets = packets[:lost] + packets[lost + 1 :]
        if self.draws("double_packets"):
            packets = [packet for packet in packets for _ in range(2)]
        if self.draws("shuffle_packets"):
            packets = self._random.sample(packets, len(packets))
        if self.draws("wrong_gun"):
            packets = [_of_the_next(packet) for packet in packets]
        return packets


def _of_the_next(packet: dict[str, Any]) -> dict[str, Any]:
    data = packet.get("Data")
    if not isinstance(data, dict) or "Pump" not in data:
        return packet
    return packet | {"Data": data | {"Pump": data["Pump"] + 1}}

"""What goes wrong with frames between a host and its devices, drawn from a seed.

It knows no protocol and no clock: a wire asks it what becomes of the bytes of a
request, and of an answer, and when.
"""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import NamedTuple

# A captured frame of a DART pump, address 52H: some other device on the same pair.
FOREIGN_FRAME = bytes.fromhex("52390304010500124DE503FA")
# Between an answer and the one that it overtook: longer than the gap that ends a frame.
OVERTAKEN_S = 0.030


@dataclass(slots=True)
class WireFaults:
    """How often the wire goes wrong; shares from 0 to 1."""

    lose_request: float = 0.0  # of what the host writes at once
    lose_answer: float = 0.0
    bit_error: float = 0.0  # per byte, both ways
    byte_loss: float = 0.0  # per byte, both ways
    byte_repeat: float = 0.0  # per byte, both ways
    flip: float = 0.0  # per answer: one bit of it is another
    noise: float = 0.0  # per answer: bytes of noise before it
    noise_bytes: int = 3
    delay: float = 0.0  # per answer
    delay_ms: int = 300
    duplicate: float = 0.0  # per answer: sent twice
    truncate: float = 0.0  # per answer: its end is missing
    glue: float = 0.0  # per answer: it is held until the next one and comes before it
    reorder: float = 0.0  # per answer: it is held until the next one and comes behind
    foreign: float = 0.0  # per answer: a frame of another device comes before it

    def set(self, changes: Mapping[str, float]) -> None:
        """Change some shares; the other ones stay.

        Raises:
            ValueError: there is no such fault, or its figure makes no sense.
        """
        known = {one.name for one in fields(self)}
        for name, value in changes.items():
            whole = name in {"noise_bytes", "delay_ms"}
            if name not in known or value < 0 or (value > 1 and not whole):
                raise ValueError(f"{name}={value} is no fault of a wire")
            setattr(self, name, int(value) if whole else value)


class Heard(NamedTuple):
    """Bytes that arrive in one piece, so long after they would have."""

    data: bytes
    late_s: float = 0.0


class Spoiler:
    """Draws what becomes of each frame; `counts` says how often what happened."""

    def __init__(self, seed: int) -> None:
        self.faults = WireFaults()
        self.counts: Counter[str] = Counter()
        self._glued = b""
        self._overtaken = b""
        self.reseed(seed)

    def reseed(self, seed: int) -> None:
        """Begin the row of faults again."""
        # Not for secrets: a run with faults must be repeatable.
        self._random = random.Random(seed)  # noqa: S311

    def request(self, data: bytes) -> bytes | None:
        """Return what the devices hear of a request; None when it is lost."""
        if self._draws("lose_request", self.faults.lose_request):
            return None
        return self._with_byte_faults(data)

    def answer(self, data: bytes) -> list[Heard]:
        """Return what the host hears of an answer, and of those held before it."""
        spoiled = self._spoiled(data)
        if not spoiled:
            return []
        late_s = 0.0
        if self._draws("delay", self.faults.delay):
            late_s = self.faults.delay_ms / 1000
        heard = [Heard(spoiled, late_s)]
        if self._overtaken:
            heard.append(Heard(self._overtaken, late_s + OVERTAKEN_S))
            self._overtaken = b""
        return heard

    def _spoiled(self, data: bytes) -> bytes | None:
        faults = self.faults
        if self._draws("lose_answer", faults.lose_answer):
            return None
        if self._draws("truncate", faults.truncate):
            data = data[: self._random.randrange(1, len(data))]
        if self._draws("duplicate", faults.duplicate):
            data += data
        if self._draws("noise", faults.noise):
            data = self._random.randbytes(faults.noise_bytes) + data
        data = self._glued + self._with_byte_faults(data)
        self._glued = b""
        if self._draws("flip", faults.flip):
            data = self._flipped(data)
        if self._draws("foreign", faults.foreign):
            data = FOREIGN_FRAME + data
        if self._draws("glue", faults.glue):
            self._glued = data
            return None
        if not self._overtaken and self._draws("reorder", faults.reorder):
            self._overtaken = data
            return None
        return data

    def _flipped(self, data: bytes) -> bytes:
        at = self._random.randrange(len(data))
        one = data[at] ^ 1 << self._random.randrange(8)
        return data[:at] + bytes([one]) + data[at + 1 :]

    def _with_byte_faults(self, data: bytes) -> bytes:
        faults = self.faults
        if not (faults.bit_error or faults.byte_loss or faults.byte_repeat):
            return data
        kept = bytearray()
        for byte in data:
            if self._draws("byte_loss", faults.byte_loss):
                continue
            if self._draws("bit_error", faults.bit_error):
                byte ^= 1 << self._random.randrange(8)  # noqa: PLW2901
            kept += bytes([byte]) * (1 + self._draws("byte_repeat", faults.byte_repeat))
        return bytes(kept)

    def _draws(self, kind: str, share: float) -> bool:
        if not share or self._random.random() >= share:
            return False
        self.counts[kind] += 1
        return True

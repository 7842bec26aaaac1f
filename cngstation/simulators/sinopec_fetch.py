"""How a simulated Sinopec dispenser fetches lists, prices and the station's data.

It asks for the length, then for segment 0 alone, then for ten at a time; prices and
station data come in one go. What is whole is put into force at once.
"""

import struct
from dataclasses import dataclass
from typing import Any

from cngstation.simulators.sinopec_frames import LENGTH, SEGMENTS
from cngstation.simulators.sinopec_memory import Figures

BASE, ADDED, DELETED, WHITE, PRICES, STATION = range(6)
URGENT = (PRICES, STATION)
_SEGMENT = 16
_AT_ONCE, _IN_ONE_GO = 10, 14
_LIST_HEAD = struct.Struct(">H4s4s2sI")
_CARD_BYTES = 10


@dataclass(slots=True)
class Fetch:
    """One download under way."""

    kind: int
    version: int
    held_base: int
    length: int | None = None
    data: bytes = b""

    def ask(self) -> bytes:
        """Return the next question."""
        if self.length is None:
            return bytes([LENGTH, self.kind]) + self.held_base.to_bytes(2, "big")
        done = len(self.data) // _SEGMENT
        left = -(-self.length // _SEGMENT) - done
        if self.kind in URGENT:
            count = min(left, _IN_ONE_GO)
        else:
            count = min(left, _AT_ONCE) if done else 1
        return bytes([SEGMENTS, self.kind]) + struct.pack(">HB", done, count)

    def take(self, data: bytes) -> bool:
        """Take the host's answer; tell whether all of it has come."""
        if data[0] == LENGTH and len(data) == 6 and data[5] == self.kind:
            self.length = int.from_bytes(data[1:5], "big")
        elif data[0] == SEGMENTS and len(data) >= 5 and data[1] == self.kind:
            offset, count = struct.unpack(">HB", data[2:5])
            if offset * _SEGMENT == len(self.data) and len(data) == 5 + 16 * count:
                self.data += data[5:]
        return self.length is not None and len(self.data) >= self.length

    def put_into_force(self, figures: Figures) -> None:
        """Take over what has come; a list that contradicts itself is dropped."""
        assert self.length is not None
        whole = self.data[: self.length]
        if self.kind == PRICES:
            now, following = _price_blocks(whole)
            figures.prices = now["prices"]
            figures.coming = following
            version = following["version"]
        elif self.kind == STATION:
            figures.station, version = whole.hex(), whole[0]
        else:
            version, _from, _to, _area, count = _LIST_HEAD.unpack_from(whole)
            cards = [
                whole[at : at + _CARD_BYTES].hex()
                for at in range(_LIST_HEAD.size, len(whole), _CARD_BYTES)
            ]
            if len(cards) != count:
                return
            figures.lists[str(self.kind)] = cards
        figures.versions[self.kind] = version


def announced(poll: bytes) -> list[int]:
    """Return the six versions of a poll's data."""
    return [int.from_bytes(poll[8:10], "big"), *poll[10:15]]


def _price_blocks(data: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    now, rest = _price_block(data)
    following, _ = _price_block(rest)
    return now, following


def _price_block(data: bytes) -> tuple[dict[str, Any], bytes]:
    version, moment, count = data[0], data[1:7], data[7]
    rest, prices = data[8:], {}
    for _ in range(count):
        nozzle, levels = rest[0], rest[7]
        ends = 8 + 2 * levels
        fen = [int.from_bytes(rest[at : at + 2], "big") for at in range(8, ends, 2)]
        prices[str(nozzle)] = fen
        rest = rest[ends:]
    return {"version": version, "effective": moment.hex(), "prices": prices}, rest

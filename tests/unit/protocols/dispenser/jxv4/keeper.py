"""A dispenser that keeps lists and prices, as a far end of a JX-V4 bus on paper."""

from dataclasses import dataclass, field

from cngstation.protocols.dispenser.dialogue import Transmission
from tests.unit.protocols.dispenser.jxv4 import vectors

POLL, LIST, BLOCK, IDENTITY, PRICES = 0x51, 0x53, 0x54, 0x59, 0x5E
VERSIONS_AT = 7  # of a poll's body
CODES = (1, 2, 3, 4)


@dataclass
class Keeper:
    """One gun; it asks in the firmware's order and saves in silence."""

    gun: int = 1
    state: int = 0xA1
    versions: bytearray = field(default_factory=lambda: bytearray(6))
    lists: dict[int, list[bytes]] = field(default_factory=dict)
    infos: dict[int, bytes] = field(default_factory=dict)
    prices: bytes = b""
    count: int = -1
    fetched: list[bytes] = field(default_factory=list)
    knows_identity: bool = True
    takes_prices: bool = True
    polls: int = 0

    def answer(self, sent: Transmission) -> bytes:
        command, body = sent.data[4], sent.data[7:-4]
        if command == POLL:
            self.polls += 1
            return self._polled(body[VERSIONS_AT:])
        if command == LIST:
            self.count = int.from_bytes(body[1:5], "big")
            self.fetched = []
            return vectors.block_asked(self.gun, 0, body[0])
        if command == BLOCK:
            self._take(body)
        if command == PRICES and self.takes_prices:
            self.versions[4], self.prices = body[0], body
        if command == IDENTITY and self.knows_identity:
            return vectors.held(self.gun, bytes(self.versions).hex())
        return b""

    def _polled(self, announced: bytes) -> bytes:
        if self.state not in (0xA0, 0xA1):
            return vectors.status(self.gun, self.state)
        for at, code in enumerate(CODES):
            if announced[at] in (0, self.versions[at]):
                continue
            if self.count < 0:
                return vectors.list_asked(self.gun, code)
            if len(self.fetched) < self.count:
                return vectors.block_asked(self.gun, len(self.fetched), code)
            self.lists[code], self.count = self.fetched, -1
            self.versions[at] = announced[at]
            return b""
        if announced[4] not in (0, self.versions[4]):
            return vectors.answer(self.gun, PRICES, b"\x01")
        return vectors.status(self.gun, self.state)

    def _take(self, body: bytes) -> None:
        offset, count = int.from_bytes(body[1:3], "big"), body[3]
        cards = [body[20 + 8 * n : 28 + 8 * n] for n in range(count)]
        if offset == len(self.fetched):
            self.fetched += cards
            self.infos[body[0]] = body[4:20]

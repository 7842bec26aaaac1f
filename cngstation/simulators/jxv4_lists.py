"""What a simulated JX-V4 dispenser keeps of lists and prices, and how it fetches them.

A poll announces versions; where one differs from ours and is not 0, an idle gun asks
for that kind before it says anything else: base, added, deleted, white list, prices.
A list that has come whole is saved in silence: that poll has no answer. Its version is
the one which that poll announces, as in the firmware.

A price table is kept until its time has come. UNVERIFIED: what the firmware does with
the time of a table that lies ahead.
"""

from dataclasses import dataclass, field
from typing import Any

from cngstation.simulators import jxv4_frames as frames

BASE, ADDED, DELETED, WHITE, KEY = 1, 2, 3, 4, 6
LISTS = (BASE, ADDED, DELETED, WHITE)
BLOCK_CARDS = 20
MOST_LEVELS = 20
_COUNT_BYTES = 5
_BLOCK_HEAD_BYTES = 20
_PRICES_HEAD_BYTES = 10
_CARD_BYTES = 8


@dataclass(slots=True)
class Holdings:
    """Lists and prices with their versions; 0 is none. Prices in fen by level."""

    versions: dict[int, int] = field(default_factory=lambda: dict.fromkeys(LISTS, 0))
    lists: dict[int, list[str]] = field(default_factory=dict)
    infos: dict[int, str] = field(default_factory=dict)
    price_version: int = 0
    prices: list[int] = field(default_factory=list)
    next_prices: list[int] = field(default_factory=list)
    next_from: str = ""

    @classmethod
    def restored(cls, facts: dict[str, Any]) -> "Holdings":
        """Return what a file held: JSON has made the kinds texts."""
        for name in ("versions", "lists", "infos"):
            facts[name] = {int(kind): value for kind, value in facts[name].items()}
        return cls(**facts)

    def blacklist(self) -> frozenset[str]:
        """Return the cards that may not fill: base and added without deleted."""
        base, added, deleted = (set(self.lists.get(kind, ())) for kind in LISTS[:3])
        return frozenset((base | added) - deleted)

    def edition(self) -> str:
        """Return what changes whenever anything here does."""
        return f"{self.versions} {self.price_version} {self.prices} {self.next_prices}"

    def version_bytes(self) -> bytes:
        """Return the versions as an identity names them."""
        return bytes([*self.versions.values(), self.price_version, 0])

    def change_prices(self, now: str) -> bool:
        """Bring a table into force whose time (bcd hex) has come; tell whether."""
        if not self.next_prices or now < self.next_from:
            return False
        self.prices, self.next_prices = self.next_prices, []
        return True


class Fetching:
    """The list that is being fetched; a power cut forgets it."""

    def __init__(self, held: Holdings) -> None:
        self._held = held
        self._kind = 0
        self._count = -1
        self._cards: list[str] = []

    def ask(self, announced: bytes) -> tuple[int, bytes] | None:
        """Return the question of a poll, or None when nothing is lacking."""
        for at, kind in enumerate(LISTS):
            if announced[at] not in (0, self._held.versions[kind]):
                return self._ask_list(kind)
        if announced[4] not in (0, self._held.price_version):
            return frames.PRICES, b"\x01"
        if announced[5]:
            return frames.LIST, bytes([KEY]) + bytes(6)
        return None

    def is_whole(self, announced: bytes) -> bool:
        """Save a list that has come whole; tell whether one was saved."""
        if not self._kind or len(self._cards) < self._count or self._count < 0:
            return False
        version = announced[LISTS.index(self._kind)]
        if version not in (0, self._held.versions[self._kind]):
            self._held.versions[self._kind] = version
            self._held.lists[self._kind] = self._cards
        self._begin(0, -1)
        return True

    def take_count(self, body: bytes) -> tuple[int, bytes] | None:
        """Take 53H; return the question for the first block."""
        if len(body) != _COUNT_BYTES or body[0] not in LISTS:
            return None
        self._begin(body[0], int.from_bytes(body[1:], "big"))
        return self._block_asked()

    def take_block(self, body: bytes) -> bool:
        """Take 54H; False when it is not the block that was asked for."""
        count = body[3] if len(body) >= _BLOCK_HEAD_BYTES else -1
        if len(body) != _BLOCK_HEAD_BYTES + _CARD_BYTES * count:
            return False
        offset = int.from_bytes(body[1:3], "big")
        if (body[0], offset) != (self._kind, len(self._cards)):
            return False
        self._held.infos[self._kind] = body[4:_BLOCK_HEAD_BYTES].hex()
        cards = body[_BLOCK_HEAD_BYTES:]
        self._cards += [cards[n : n + 8].hex() for n in range(0, len(cards), 8)]
        return True

    def take_prices(self, body: bytes, byte_order: str) -> bool:
        """Take 5EH; False when it is not a table."""
        levels = body[9] if len(body) >= _PRICES_HEAD_BYTES else 0
        whole = len(body) == _PRICES_HEAD_BYTES + 2 * levels
        if not whole or not 1 <= levels <= MOST_LEVELS:
            return False
        self._held.price_version = body[0]
        self._held.next_from = body[2:9].hex()
        prices = body[_PRICES_HEAD_BYTES:]
        self._held.next_prices = [
            frames.host_int(prices[n : n + 2], byte_order)
            for n in range(0, len(prices), 2)
        ]
        return True

    def _ask_list(self, kind: int) -> tuple[int, bytes]:
        if kind != self._kind or self._count < 0:
            self._begin(kind, -1)
            return frames.LIST, bytes([kind]) + bytes(6)
        return self._block_asked()

    def _block_asked(self) -> tuple[int, bytes]:
        offset = len(self._cards).to_bytes(2, "little")
        return frames.BLOCK, bytes([self._kind]) + offset + bytes([BLOCK_CARDS])

    def _begin(self, kind: int, count: int) -> None:
        self._kind, self._count, self._cards = kind, count, []

"""What each byte of a SQLite file is for, from the published file format.

Bytes that belong to no header, pointer, cell or list are unused: free pages, the gap
between the cell pointers and the cells, and what deleted cells have left.
Source: sqlite.org/fileformat2.html, sections 1.3 to 1.6; no auto-vacuum.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

_HEADER = 100
_INTERIOR_INDEX, _INTERIOR_TABLE, _LEAF_INDEX, _LEAF_TABLE = 2, 5, 10, 13
_WIDTHS = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0)
KINDS = {
    _INTERIOR_INDEX: "index, interior",
    _INTERIOR_TABLE: "table, interior",
    _LEAF_INDEX: "index, leaf",
    _LEAF_TABLE: "table, leaf",
}


@dataclass(slots=True)
class Page:
    """A page: what it is for, and which of its bytes are used."""

    kind: str
    used: bytearray


@dataclass(slots=True)
class Pages:
    """A whole file, page by page; the first page has number 1."""

    data: bytes
    size: int = 0
    pages: dict[int, Page] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.size = int.from_bytes(self.data[16:18], "big")
        self.size = 65_536 if self.size == 1 else self.size
        self._free_list(self._u32(32))
        for root in (1, *self._roots()):
            self._tree(root)

    def kind_at(self, offset: int) -> str:
        """Return what the page of a byte is for."""
        if offset < _HEADER:
            return "header"
        return self.pages[offset // self.size + 1].kind

    def is_used(self, offset: int) -> bool:
        """Tell whether a byte belongs to anything."""
        page = self.pages[offset // self.size + 1]
        return bool(page.used[offset % self.size])

    def _free_list(self, trunk: int) -> None:
        while trunk:
            at = (trunk - 1) * self.size
            count = self._u32(at + 4)
            self._page(trunk, "free list").used[: 8 + 4 * count] = b"\1" * (
                8 + 4 * count
            )
            for place in range(count):
                self._page(self._u32(at + 8 + 4 * place), "free page")
            trunk = self._u32(at)

    def _roots(self) -> list[int]:
        found: list[int] = []
        self._tree(1, found)
        self.pages.pop(1)
        return found

    def _tree(self, number: int, roots: list[int] | None = None) -> None:
        base = (number - 1) * self.size
        start = base + (_HEADER if number == 1 else 0)
        kind = self.data[start]
        page = self._page(number, KINDS[kind])
        interior = kind in {_INTERIOR_INDEX, _INTERIOR_TABLE}
        cells = int.from_bytes(self.data[start + 3 : start + 5], "big")
        pointers = start + (12 if interior else 8)
        self._use(page, 0, pointers + 2 * cells - base)
        block = int.from_bytes(self.data[start + 1 : start + 3], "big")
        while block:
            self._use(page, block, 4)
            block = int.from_bytes(self.data[base + block : base + block + 2], "big")
        for cell in range(cells):
            at = pointers + 2 * cell
            offset = int.from_bytes(self.data[at : at + 2], "big")
            payload = self._cell(page, kind, base, offset)
            if interior:
                self._tree(self._u32(base + offset), roots)
            if roots is not None and kind == _LEAF_TABLE:
                roots += _root_of(payload)
        if interior:
            self._tree(self._u32(start + 8), roots)

    def _cell(self, page: Page, kind: int, base: int, offset: int) -> bytes:
        """Mark a cell and its overflow pages as used; return what it holds."""
        at = base + offset + (4 if kind in {_INTERIOR_INDEX, _INTERIOR_TABLE} else 0)
        if kind == _INTERIOR_TABLE:
            _, at = self._varint(at)
            self._use(page, offset, at - base - offset)
            return b""
        length, at = self._varint(at)
        if kind == _LEAF_TABLE:
            _, at = self._varint(at)
        local = self._local(length, kind)
        payload = self.data[at : at + local]
        more = local < length
        end = at + local + (4 if more else 0)
        self._use(page, offset, max(4, end - base - offset))
        if more:
            payload += self._overflow(self._u32(at + local), length - local)
        return payload

    def _local(self, length: int, kind: int) -> int:
        most = (
            self.size - 35 if kind == _LEAF_TABLE else (self.size - 12) * 64 // 255 - 23
        )
        if length <= most:
            return length
        least = (self.size - 12) * 32 // 255 - 23
        kept = least + (length - least) % (self.size - 4)
        return kept if kept <= most else least

    def _overflow(self, number: int, left: int) -> bytes:
        held = b""
        while number:
            at = (number - 1) * self.size
            here = min(left, self.size - 4)
            self._use(self._page(number, "overflow"), 0, 4 + here)
            held += self.data[at + 4 : at + 4 + here]
            left -= here
            number = self._u32(at)
        return held

    def _page(self, number: int, kind: str) -> Page:
        return self.pages.setdefault(number, Page(kind, bytearray(self.size)))

    def _use(self, page: Page, first: int, count: int) -> None:
        page.used[first : first + count] = b"\1" * count

    def _u32(self, at: int) -> int:
        return int.from_bytes(self.data[at : at + 4], "big")

    def _varint(self, at: int) -> tuple[int, int]:
        return varint(self.data, at)


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of one to nine bytes, and what follows it."""
    value = 0
    for place in range(8):
        byte = data[at + place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + place + 1
    return value << 8 | data[at + 8], at + 9


def _root_of(record: bytes) -> Iterator[int]:
    """Yield the root page that a row of the schema names, if it has one."""
    end, at = varint(record, 0)
    widths = []
    while at < end:
        code, at = varint(record, at)
        widths.append(
            (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)[code] if code < 10 else code // 2 - 6
        )
    start = end + sum(widths[:3])
    if root := int.from_bytes(record[start : start + widths[3]], "big"):
        yield root

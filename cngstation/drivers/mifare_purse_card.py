"""Our purse on a MIFARE Classic card: read whole, written so that no tear loses it.

What a card is follows from what opens its three sectors: our keys (`OURS`), the keys
a new card comes with (`NEW`), or neither (`SHUT`).

    slot A  slot B  info    data                                    the card is
    OURS    OURS    any     a slot whose MAC fits                   ours
    OURS    OURS    any     none fits, slot B never written         torn in its issue
    OURS    OURS    any     none fits                               both bad
    NEW     NEW     NEW     slots empty                             blank
    OURS or NEW, mixed      slots empty                             torn in its issue
    all other with a sector of ours                                 both bad
    all other                                                       foreign

A trailer is never written after the issue. So a slot that our key does not open is
damage and no tear: it may be the newer one, and the older is not taken for the card's
state.
"""

from dataclasses import dataclass, replace
from enum import Enum, auto

from cngstation.drivers.card_reader import (
    CardReader,
    CardSaidNo,
    KeyKind,
    KeyRefused,
)
from cngstation.errors import DeviceError, LocalProtocolError, OutcomeUnknown
from cngstation.protocols.card_image import access_bits
from cngstation.protocols.card_image.diversification import CardKeys
from cngstation.protocols.card_image.purse import (
    BLOCK_BYTES,
    BLOCKS,
    INFO_SECTOR,
    LAST_GEN,
    SLOT_BYTES,
    SLOT_SECTORS,
    CardInfo,
    CardState,
    CounterExhausted,
    Purse,
    choose_slot,
    decode_info,
    decode_slot,
    encode_info,
    encode_slot,
)

TRANSPORT_KEY = b"\xff" * 6
_SECTORS = (*SLOT_SECTORS, INFO_SECTOR)
_BLOCKS_A_SECTOR = 4


@dataclass(frozen=True, slots=True)
class CardReading:
    """A card as it was read: `current` is the slot that counts, 0 or 1."""

    state: CardState
    uid: bytes
    purse: Purse | None = None
    info: CardInfo | None = None
    current: int | None = None


class WriteNotConfirmed(OutcomeUnknown):
    """The card was being written and did not show the result."""

    code = "card.write_not_confirmed"
    text = (
        "The card left or failed while it was being written; whether it was written is "
        "not known yet. Lay the same card on the reader again: it shows by itself."
    )


class SectorLost(DeviceError):
    """A card in its issue has a sector that no known key opens."""

    code = "card.sector_lost"
    text = (
        "Sector {sector} of the card is damaged: the card cannot be issued, and there "
        "is no purse on it. Take a new card."
    )


class _Opens(Enum):
    """What opens a sector."""

    OURS = auto()
    NEW = auto()
    SHUT = auto()


@dataclass(frozen=True, slots=True)
class _Sector:
    opens: _Opens
    data: bytes = b""

    @property
    def is_empty(self) -> bool:
        """Whether it can be read and holds nothing."""
        return self.opens is not _Opens.SHUT and not any(self.data)


class MifarePurseCard:
    """Reads and writes the purse of whatever card is in the field of a reader."""

    def __init__(self, reader: CardReader, master_key: bytes) -> None:
        self._reader = reader
        self._master_key = master_key

    async def read(self, uid: bytes) -> CardReading:
        """Select a card anew and read its slots and info.

        Raises:
            CardGone: this card is not in the field.
            DeviceError: the reader failed.
        """
        await self._reader.reselect(uid)
        return await self.read_selected(uid)

    async def read_selected(self, uid: bytes) -> CardReading:
        """Read a card that was found just now, without selecting it again.

        Raises:
            CardGone: this card is not in the field.
            DeviceError: the reader failed.
        """
        keys = CardKeys(self._master_key, uid)
        sectors = [await self._read_ours(uid, sector, keys) for sector in _SECTORS]
        if len({sector.opens for sector in sectors}) > 1:
            # A refused key may be noise at the edge of the field: ask once more.
            sectors = [
                await self._read_ours(uid, no, keys)
                if sector.opens is _Opens.SHUT
                else sector
                for no, sector in zip(_SECTORS, sectors, strict=True)
            ]
        slot_a, slot_b, info = [
            await self._read_new(uid, no) if sector.opens is _Opens.SHUT else sector
            for no, sector in zip(_SECTORS, sectors, strict=True)
        ]
        return _interpret(uid, keys, slot_a, slot_b, info)

    async def write_purse(self, reading: CardReading, purse: Purse) -> None:
        """Write a purse into the spare slot of a card just read, and read it back.

        `gen` is set here, one above the card's. The card must be one of ours.

        Raises:
            CardGone: it left before anything was sent; it is as it was.
            CounterExhausted: a counter is at its end; nothing was sent.
            WriteNotConfirmed: it may or may not have been written.
        """
        if reading.purse is None or reading.current is None:
            raise LocalProtocolError(why="a purse for a card that has none")
        if reading.purse.gen >= LAST_GEN:
            raise CounterExhausted(card_no=purse.card_no)
        keys = CardKeys(self._master_key, reading.uid)
        image = encode_slot(replace(purse, gen=reading.purse.gen + 1), keys)
        await self._write_sector(SLOT_SECTORS[1 - reading.current], image, keys)

    async def write_info(self, uid: bytes, info: CardInfo) -> None:
        """Write the info sector and read it back.

        Raises:
            CardGone: it left before anything was sent; it is as it was.
            WriteNotConfirmed: it may or may not have been written.
        """
        keys = CardKeys(self._master_key, uid)
        await self._reader.reselect(uid)
        await self._write_sector(INFO_SECTOR, encode_info(info, keys), keys)

    async def personalise(self, uid: bytes, purse: Purse, info: CardInfo) -> None:
        """Bring a blank card, or one torn in its issue, to a whole image.

        Info first, then the trailers, slot A last: a valid slot A proves that all of
        the issue is on the card. Doing it again over a torn try does no harm.

        Raises:
            CardGone: it left before anything was sent.
            SectorLost: a sector opens with no known key; there is no purse on it.
            WriteNotConfirmed: lay it on the reader again; what it has decides.
        """
        keys = CardKeys(self._master_key, uid)
        slot_a, slot_b = SLOT_SECTORS
        image = encode_slot(replace(purse, gen=1), keys)
        info_image = encode_info(info, keys)
        await self._reader.reselect(uid)
        await self._take_over(uid, INFO_SECTOR, keys, info_image)
        try:
            await self._take_over(uid, slot_b, keys)
            await self._take_over(uid, slot_a, keys)
            for sector, expected in (
                (INFO_SECTOR, info_image),
                (slot_b, bytes(SLOT_BYTES)),
            ):
                found = await self._read_ours(uid, sector, keys)
                _confirm(found.data, expected)
            await self._write_sector(slot_a, image, keys)
        except (SectorLost, WriteNotConfirmed):
            raise
        except DeviceError as error:
            raise WriteNotConfirmed(device="card") from error

    async def _read_ours(self, uid: bytes, sector: int, keys: CardKeys) -> _Sector:
        key = keys.sector_key(sector, "A")
        return await self._read_sector(uid, sector, key, _Opens.OURS)

    async def _read_new(self, uid: bytes, sector: int) -> _Sector:
        return await self._read_sector(uid, sector, TRANSPORT_KEY, _Opens.NEW)

    async def _read_sector(
        self, uid: bytes, sector: int, key: bytes, opens: _Opens
    ) -> _Sector:
        """Read a sector by a key A; SHUT when that key does not serve."""
        try:
            await self._reader.authenticate(sector * _BLOCKS_A_SECTOR, key, "A")
            return _Sector(opens, await self._read_blocks(sector))
        except (KeyRefused, CardSaidNo):
            await self._reader.reselect(uid)
            return _Sector(_Opens.SHUT)

    async def _read_blocks(self, sector: int) -> bytes:
        first = sector * _BLOCKS_A_SECTOR
        return b"".join(
            [await self._reader.read_block(first + b) for b in range(BLOCKS)]
        )

    async def _write_blocks(self, sector: int, image: bytes) -> None:
        first = sector * _BLOCKS_A_SECTOR
        for block in range(BLOCKS):
            part = image[block * BLOCK_BYTES : (block + 1) * BLOCK_BYTES]
            await self._reader.write_block(first + block, part)

    async def _take_over(
        self, uid: bytes, sector: int, keys: CardKeys, data: bytes | None = None
    ) -> None:
        """Give a sector our keys and, before them, its data."""
        first = sector * _BLOCKS_A_SECTOR
        key_a, key_b = keys.sector_key(sector, "A"), keys.sector_key(sector, "B")
        is_new = await self._opens(uid, first, TRANSPORT_KEY, "A")
        if not is_new and not await self._opens(uid, first, key_b, "B"):
            raise SectorLost(sector=sector)
        try:
            if not is_new and sector in SLOT_SECTORS:
                _require_no_purse(await self._read_blocks(sector), keys)
            if data is not None:
                await self._write_blocks(sector, data)
            if is_new:
                trailer = access_bits.trailer(key_a, access_bits.PURSE_SECTOR, key_b)
                await self._reader.write_block(first + BLOCKS, trailer)
        except DeviceError as error:
            raise WriteNotConfirmed(device="card") from error

    async def _opens(self, uid: bytes, block: int, key: bytes, kind: KeyKind) -> bool:
        try:
            await self._reader.authenticate(block, key, kind)
        except KeyRefused:
            await self._reader.reselect(uid)
            return False
        return True

    async def _write_sector(self, sector: int, image: bytes, keys: CardKeys) -> None:
        first = sector * _BLOCKS_A_SECTOR
        await self._reader.authenticate(first, keys.sector_key(sector, "B"), "B")
        try:
            await self._write_blocks(sector, image)
            found = await self._read_blocks(sector)
        except DeviceError as error:
            raise WriteNotConfirmed(device="card") from error
        _confirm(found, image)


def _interpret(
    uid: bytes, keys: CardKeys, slot_a: _Sector, slot_b: _Sector, info: _Sector
) -> CardReading:
    """Say what a card is; the table stands at the head of this module."""
    opens = {slot_a.opens, slot_b.opens, info.opens}
    both_empty = slot_a.is_empty and slot_b.is_empty
    shown = decode_info(info.data, keys) if info.opens is _Opens.OURS else None
    if _Opens.OURS not in opens:
        blank = opens == {_Opens.NEW} and both_empty
        return CardReading(CardState.BLANK if blank else CardState.FOREIGN, uid)
    if {slot_a.opens, slot_b.opens} != {_Opens.OURS}:
        torn = both_empty and _Opens.SHUT not in opens
        state = CardState.TORN_ISSUE if torn else CardState.BOTH_BAD
        return CardReading(state, uid, info=shown)
    slots = [decode_slot(slot.data, keys) for slot in (slot_a, slot_b)]
    current = choose_slot(slots[0], slots[1])
    if current is None:
        # The issue writes slot A last, every later write goes to slot B first.
        torn = slot_b.is_empty and info.opens is not _Opens.SHUT
        state = CardState.TORN_ISSUE if torn else CardState.BOTH_BAD
        return CardReading(state, uid, info=shown)
    return CardReading(CardState.OURS, uid, slots[current], shown, current)


def _confirm(found: bytes, expected: bytes) -> None:
    if found != expected:
        raise WriteNotConfirmed(device="card")


def _require_no_purse(data: bytes, keys: CardKeys) -> None:
    """Stop an issue that would write over money."""
    if decode_slot(data, keys) is not None:
        raise LocalProtocolError(why="an issue over a card that holds a purse")

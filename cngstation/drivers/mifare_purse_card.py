"""Our purse on a MIFARE Classic card: read whole, written so that no tear loses it.

What a card is follows from what opens its three sectors: our keys (`OURS`), the keys
a new card comes with (`NEW`), or neither (`SHUT`).

    slot A, slot B, info       data                              the card is
    one or more OURS           a slot of ours whose MAC fits     ours
    OURS or NEW, not all NEW   none fits, slot B never written   torn in its issue
    one or more OURS           all else                          both bad
    all NEW                    all empty                         blank
    all NEW                    slots empty, info begun           torn in its issue
    all other                                                    foreign

A trailer is never written after the issue. So a slot that our key does not open is
damage and no tear: it may be the newer one, and the reading says that it is not whole.
The same goes for a slot under our MAC that is newer and cannot be understood, or as
new and different: a tear leaves no MAC that fits.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from enum import Enum, auto

from cngstation.drivers.card_reader import (
    CardGone,
    CardReader,
    CardSaidNo,
    KeyKind,
    KeyRefused,
)
from cngstation.drivers.purse_card import (
    CardBroken,
    CardNotAsRead,
    CardReading,
    WriteNotConfirmed,
)
from cngstation.errors import DeviceError, LocalProtocolError, RemoteProtocolError
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
    contradicts,
    decode_info,
    decode_slot,
    encode_info,
    encode_slot,
)

TRANSPORT_KEY = b"\xff" * 6
# Keys of the cards seen last: deriving them costs more than a block on the wire.
_KEPT_KEYS = 64
_SECTORS = (*SLOT_SECTORS, INFO_SECTOR)
_BLOCKS_A_SECTOR = 4
# A weak field refuses a key now and then: only twice means that it is so.
_TRIES = 2
# Once something was sent, an answer without sense proves no more than none.
_FAILURES = (DeviceError, RemoteProtocolError)
# A card that answers again after one of these has refused a key or an access; some
# chips refuse by not answering.
_REFUSALS = (KeyRefused, CardSaidNo, CardGone)


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
        self._keys: OrderedDict[bytes, CardKeys] = OrderedDict()

    async def read(self, uid: bytes, *, selected: bool = False) -> CardReading:
        """Read a card's slots and info; select it anew unless it was found just now.

        Raises:
            CardGone: this card is not in the field.
            DeviceError: the reader failed.
        """
        if not selected:
            await self._reader.reselect(uid)
        keys = self._keys_of(uid)
        slot_a, slot_b, info = [
            await self._read_sector(uid, sector, keys) for sector in _SECTORS
        ]
        return _interpret(uid, keys, slot_a, slot_b, info)

    async def write_purse(self, reading: CardReading, purse: Purse) -> None:
        """Write a purse into the spare slot of a card just read, and read it back.

        `gen` is set here, one above the card's. The card must be one of ours.

        Raises:
            CardGone: it left before anything was sent; it is as it was.
            CardNotAsRead: the reading is old or not whole; nothing was sent.
            CounterExhausted: a counter is at its end; nothing was sent.
            LocalProtocolError: there is no purse on that card; nothing was sent.
            WriteNotConfirmed: it may or may not have been written.
        """
        if reading.purse is None or reading.current is None:
            raise LocalProtocolError(why="a purse for a card that has none")
        if reading.purse.gen >= LAST_GEN:
            raise CounterExhausted(card_no=purse.card_no)
        if not reading.whole:
            raise CardNotAsRead(device="card")
        keys = self._keys_of(reading.uid)
        image = encode_slot(replace(purse, gen=reading.purse.gen + 1), keys)
        spare = SLOT_SECTORS[1 - reading.current]
        await self._write_sector(spare, image, keys, found_end=reading.standing)

    async def write_info(self, uid: bytes, info: CardInfo) -> None:
        """Write the info sector and read it back.

        Raises:
            CardGone: it left before anything was sent; it is as it was.
            WriteNotConfirmed: it may or may not have been written.
        """
        keys = self._keys_of(uid)
        await self._reader.reselect(uid)
        await self._write_sector(INFO_SECTOR, encode_info(info, keys), keys)

    async def personalise(self, uid: bytes, purse: Purse, info: CardInfo) -> None:
        """Bring a blank card, or one torn in its issue, to a whole image.

        Info first, then the trailers, slot A last: a valid slot A proves that all of
        the issue is on the card. Doing it again over a torn try does no harm.

        Raises:
            CardGone: it left before anything was sent.
            KeyRefused: it is a card of somebody else; nothing was written.
            CardBroken: a sector is dead; the card never gets a purse.
            WriteNotConfirmed: lay it on the reader again; what it has decides.
            LocalProtocolError: the purse or the info does not fit the layout, or the
                card holds a purse already.
        """
        keys = self._keys_of(uid)
        slot_a, slot_b = SLOT_SECTORS
        image = encode_slot(replace(purse, gen=1), keys)
        info_image = encode_info(info, keys)
        await self._reader.reselect(uid)
        await self._take_over(uid, INFO_SECTOR, keys, info_image)
        try:
            await self._take_over(uid, slot_b, keys)
            await self._take_over(uid, slot_a, keys)
            await self._confirm_ours(INFO_SECTOR, info_image, keys)
            await self._confirm_ours(slot_b, bytes(SLOT_BYTES), keys)
            await self._write_sector(slot_a, image, keys)
        except (CardBroken, WriteNotConfirmed):
            raise
        except _FAILURES as error:
            raise WriteNotConfirmed(device="card") from error

    async def wipe(self, reading: CardReading) -> None:
        """Bring a card of ours back to a new card; raises as `PurseCard` says.

        The purse stays in slot A until slot B is empty: then slot A, the info and the
        trailers go. Until slot A goes the card is ours with the purse that was read,
        from then on it is torn in its issue, at the end blank.
        """
        found = await self.read(reading.uid)
        same = (found.state, found.purse) == (reading.state, reading.purse)
        if not same or (found.purse is not None and not found.whole):
            raise CardNotAsRead(device="card")
        keys = self._keys_of(reading.uid)
        slot_a, slot_b = SLOT_SECTORS
        if found.state is CardState.FOREIGN:
            raise KeyRefused(block=slot_a * _BLOCKS_A_SECTOR)
        try:
            if found.purse is not None and found.current:
                image = encode_slot(found.purse, keys)
                await self._write_sector(slot_a, image, keys)
            for sector in (slot_b, slot_a, INFO_SECTOR):
                await self._empty(reading.uid, sector, keys)
            for sector in (slot_b, slot_a, INFO_SECTOR):
                await self._give_back(reading.uid, sector, keys)
        except (CardBroken, WriteNotConfirmed):
            raise
        except _FAILURES as error:
            raise WriteNotConfirmed(device="card") from error

    async def _empty(self, uid: bytes, sector: int, keys: CardKeys) -> None:
        """Write zeros over a sector, whichever key opens it, and read them back."""
        if await self._opened_for_writing(uid, sector, keys) is _Opens.SHUT:
            raise await self._why_shut(uid, sector, keys)
        try:
            if not any(await self._read_blocks(sector)):
                return
        except CardSaidNo as error:
            raise CardBroken(device="card", sector=sector) from error
        await self._write_blocks(sector, bytes(SLOT_BYTES))
        _confirm(await self._read_blocks(sector), bytes(SLOT_BYTES))

    async def _give_back(self, uid: bytes, sector: int, keys: CardKeys) -> None:
        """Give an empty sector the keys of a new card, and open it with them."""
        if await self._opened_for_writing(uid, sector, keys) is not _Opens.NEW:
            new = access_bits.trailer(TRANSPORT_KEY, access_bits.FACTORY, TRANSPORT_KEY)
            await self._reader.write_block(sector * _BLOCKS_A_SECTOR + BLOCKS, new)
        await self._authenticate(sector, TRANSPORT_KEY, "A")
        _confirm(await self._read_blocks(sector), bytes(SLOT_BYTES))

    def _keys_of(self, uid: bytes) -> CardKeys:
        keys = self._keys.pop(uid, None) or CardKeys(self._master_key, uid)
        self._keys[uid] = keys
        while len(self._keys) > _KEPT_KEYS:
            self._keys.popitem(last=False)
        return keys

    async def _read_sector(self, uid: bytes, sector: int, keys: CardKeys) -> _Sector:
        """Read a sector by whichever key A serves; SHUT when none does."""
        key_a = keys.sector_key(sector, "A")
        for _ in range(_TRIES):
            for opens, key in ((_Opens.OURS, key_a), (_Opens.NEW, TRANSPORT_KEY)):
                try:
                    await self._authenticate(sector, key, "A")
                    return _Sector(opens, await self._read_blocks(sector))
                except _REFUSALS:
                    await self._reader.reselect(uid)
        return _Sector(_Opens.SHUT)

    async def _opened_for_writing(
        self, uid: bytes, sector: int, keys: CardKeys
    ) -> _Opens:
        """Open a sector with whichever key may write it, and say which it was."""
        key_b = keys.sector_key(sector, "B")
        for _ in range(_TRIES):
            if await self._is_opened_by(uid, sector, TRANSPORT_KEY, "A"):
                return _Opens.NEW
            if await self._is_opened_by(uid, sector, key_b, "B"):
                return _Opens.OURS
        return _Opens.SHUT

    async def _is_opened_by(
        self, uid: bytes, sector: int, key: bytes, kind: KeyKind
    ) -> bool:
        try:
            await self._authenticate(sector, key, kind)
        except _REFUSALS:
            await self._reader.reselect(uid)
            return False
        return True

    async def _take_over(
        self, uid: bytes, sector: int, keys: CardKeys, data: bytes | None = None
    ) -> None:
        """Give a sector our keys and, before them, its data."""
        opens = await self._opened_for_writing(uid, sector, keys)
        if opens is _Opens.SHUT:
            raise await self._why_shut(uid, sector, keys)
        if opens is _Opens.OURS:
            await self._require_no_purse(sector, keys)
        try:
            if data is not None:
                await self._write_blocks(sector, data)
            if opens is _Opens.NEW:
                await self._write_trailer(sector, keys)
        except _FAILURES as error:
            raise WriteNotConfirmed(device="card") from error

    async def _why_shut(
        self, uid: bytes, sector: int, keys: CardKeys
    ) -> CardBroken | KeyRefused:
        """Tell a dead sector from a card of somebody else, which opens nowhere."""
        for other in _SECTORS:
            opens = await self._opened_for_writing(uid, other, keys)
            if opens is not _Opens.SHUT:
                return CardBroken(device="card", sector=sector)
        return KeyRefused(block=sector * _BLOCKS_A_SECTOR)

    async def _require_no_purse(self, sector: int, keys: CardKeys) -> None:
        """Stop an issue that would write over money, or into a dead sector."""
        try:
            data = await self._read_blocks(sector)
        except CardSaidNo as error:
            # Access bits gone bad let a key in and then refuse everything.
            raise CardBroken(device="card", sector=sector) from error
        if sector in SLOT_SECTORS and decode_slot(data, keys) is not None:
            raise LocalProtocolError(why="an issue over a card that holds a purse")

    async def _confirm_ours(self, sector: int, image: bytes, keys: CardKeys) -> None:
        await self._authenticate(sector, keys.sector_key(sector, "A"), "A")
        _confirm(await self._read_blocks(sector), image)

    async def _write_sector(
        self,
        sector: int,
        image: bytes,
        keys: CardKeys,
        *,
        found_end: bytes | None = None,
    ) -> None:
        """Write a sector and read it back, if need be only over what was found."""
        await self._authenticate(sector, keys.sector_key(sector, "B"), "B")
        if found_end is not None:
            last = sector * _BLOCKS_A_SECTOR + BLOCKS - 1
            if await self._reader.read_block(last) != found_end:
                # A dispenser's debit stands there: it would be written over.
                raise CardNotAsRead(device="card")
        try:
            await self._write_blocks(sector, image)
            found = await self._read_blocks(sector)
        except _FAILURES as error:
            raise WriteNotConfirmed(device="card") from error
        _confirm(found, image)

    async def _authenticate(self, sector: int, key: bytes, kind: KeyKind) -> None:
        await self._reader.authenticate(sector * _BLOCKS_A_SECTOR, key, kind)

    async def _read_blocks(self, sector: int) -> bytes:
        first = sector * _BLOCKS_A_SECTOR
        return b"".join(
            [await self._reader.read_block(first + n) for n in range(BLOCKS)]
        )

    async def _write_blocks(self, sector: int, image: bytes) -> None:
        first = sector * _BLOCKS_A_SECTOR
        for n in range(BLOCKS):
            part = image[n * BLOCK_BYTES : (n + 1) * BLOCK_BYTES]
            await self._reader.write_block(first + n, part)

    async def _write_trailer(self, sector: int, keys: CardKeys) -> None:
        key_a, key_b = keys.sector_key(sector, "A"), keys.sector_key(sector, "B")
        trailer = access_bits.trailer(key_a, access_bits.PURSE_SECTOR, key_b)
        await self._reader.write_block(sector * _BLOCKS_A_SECTOR + BLOCKS, trailer)


def _interpret(
    uid: bytes, keys: CardKeys, slot_a: _Sector, slot_b: _Sector, info: _Sector
) -> CardReading:
    """Say what a card is; the table stands at the head of this module."""
    opens = {slot_a.opens, slot_b.opens, info.opens}
    if _Opens.OURS not in opens:
        return CardReading(_without_our_keys(slot_a, slot_b, info), uid)
    whole = opens == {_Opens.OURS}
    shown = decode_info(info.data, keys) if info.opens is _Opens.OURS else None
    slots = [
        decode_slot(slot.data, keys) if slot.opens is _Opens.OURS else None
        for slot in (slot_a, slot_b)
    ]
    current = choose_slot(slots[0], slots[1])
    if current is None:
        # The issue writes slot A last, every later write goes to slot B first.
        a_is_ours = slot_a.is_empty or slot_a.opens is _Opens.OURS
        torn = _Opens.SHUT not in opens and slot_b.is_empty and a_is_ours
        state = CardState.TORN_ISSUE if torn else CardState.BOTH_BAD
        return CardReading(state, uid, info=shown, whole=whole)
    used, spare = (slot_b, slot_a) if current else (slot_a, slot_b)
    whole = whole and not contradicts(spare.data, used.data, keys)
    return CardReading(
        CardState.OURS,
        uid,
        slots[current],
        shown,
        current,
        whole,
        spare.data[-BLOCK_BYTES:],
    )


def _without_our_keys(slot_a: _Sector, slot_b: _Sector, info: _Sector) -> CardState:
    if info.opens is _Opens.SHUT or not (slot_a.is_empty and slot_b.is_empty):
        return CardState.FOREIGN
    # The issue writes the info first, and under the key of a new card.
    return CardState.BLANK if info.is_empty else CardState.TORN_ISSUE


def _confirm(found: bytes, expected: bytes) -> None:
    if found != expected:
        raise WriteNotConfirmed(device="card")

"""Our purse on a MIFARE Classic card: read whole, written so that no tear loses it."""

from collections import OrderedDict
from dataclasses import dataclass, replace

from cngstation.drivers.card_reader import CardGone, CardReader, KeyRefused
from cngstation.errors import DeviceError, OutcomeUnknown, ProtocolError
from cngstation.protocols.card_image import access_bits
from cngstation.protocols.card_image.diversification import CardKeys
from cngstation.protocols.card_image.purse import (
    BLOCK_BYTES,
    BLOCKS,
    INFO_SECTOR,
    SLOT_SECTORS,
    CardInfo,
    CardState,
    Purse,
    choose_slot,
    decode_info,
    decode_slot,
    encode_info,
    encode_slot,
)

TRANSPORT_KEY = b"\xff" * 6
# Keys of the cards seen last: deriving them costs more than a block on the wire.
_KEPT_KEYS = 64
_BLOCKS_A_SECTOR = 4
# Once something was sent, an answer without sense proves no more than none.
_FAILURES = (DeviceError, ProtocolError)


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


class MifarePurseCard:
    """Reads and writes the purse of whatever card is in the field of a reader."""

    def __init__(self, reader: CardReader, master_key: bytes) -> None:
        self._reader = reader
        self._master_key = master_key
        self._keys: OrderedDict[bytes, CardKeys] = OrderedDict()

    async def read(self, uid: bytes) -> CardReading:
        """Select a card anew and read its slots and info.

        Raises:
            CardGone: this card is not in the field.
            DeviceError: the reader failed.
        """
        await self._reader.reselect(uid)
        keys = self._keys_of(uid)
        sectors: list[bytes | None] = []
        for sector in (*SLOT_SECTORS, INFO_SECTOR):
            sectors.append(await self._read_ours(uid, sector, keys))
        if not any(sectors):
            return CardReading(await self._without_our_keys(uid), uid)
        slots = [decode_slot(data, keys) if data else None for data in sectors[:2]]
        info = decode_info(sectors[2], keys) if sectors[2] else None
        current = choose_slot(slots[0], slots[1])
        if current is None:
            # The issue writes slot A last: before that there is no purse at all.
            never_whole = all(not data or not any(data) for data in sectors[:2])
            state = CardState.TORN_ISSUE if never_whole else CardState.BOTH_BAD
            if not never_whole and _issue_was_torn(sectors):
                state = CardState.TORN_ISSUE
            return CardReading(state, uid, info=info)
        return CardReading(CardState.OURS, uid, slots[current], info, current)

    async def write_purse(self, reading: CardReading, purse: Purse) -> None:
        """Write a purse into the spare slot of a card just read, and read it back.

        `gen` is set here, one above the card's. The card must be one of ours.

        Raises:
            CardGone: it left before anything was sent; it is as it was.
            CounterExhausted: a counter is at its end; nothing was sent.
            WriteNotConfirmed: it may or may not have been written.
        """
        if reading.purse is None or reading.current is None:
            raise CardGone
        keys = self._keys_of(reading.uid)
        image = encode_slot(replace(purse, gen=reading.purse.gen + 1), keys)
        await self._write_sector(SLOT_SECTORS[1 - reading.current], image, keys)

    async def write_info(self, uid: bytes, info: CardInfo) -> None:
        """Write the info sector and read it back.

        Raises:
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
            KeyRefused: a sector is somebody else's; the card is not whole.
            WriteNotConfirmed: lay it on the reader again; what it has decides.
            LocalProtocolError: the purse or the info does not fit the layout.
        """
        keys = self._keys_of(uid)
        slot_a, slot_b = SLOT_SECTORS
        image = encode_slot(replace(purse, gen=1), keys)
        info_image = encode_info(info, keys)
        await self._reader.reselect(uid)
        try:
            await self._take_over(uid, INFO_SECTOR, keys, info_image)
            await self._take_over(uid, slot_b, keys, None)
            await self._take_over(uid, slot_a, keys, None)
            await self._write_sector(slot_a, image, keys)
        except KeyRefused:
            raise
        except _FAILURES as error:
            raise WriteNotConfirmed(device="card") from error

    def _keys_of(self, uid: bytes) -> CardKeys:
        keys = self._keys.pop(uid, None) or CardKeys(self._master_key, uid)
        self._keys[uid] = keys
        while len(self._keys) > _KEPT_KEYS:
            self._keys.popitem(last=False)
        return keys

    async def _read_ours(self, uid: bytes, sector: int, keys: CardKeys) -> bytes | None:
        """Return a sector's data, or None when it has not our keys."""
        first = sector * _BLOCKS_A_SECTOR
        try:
            await self._reader.authenticate(first, keys.sector_key(sector, "A"), "A")
        except KeyRefused:
            await self._reader.reselect(uid)
            return None
        return b"".join(
            [await self._reader.read_block(first + block) for block in range(BLOCKS)]
        )

    async def _without_our_keys(self, uid: bytes) -> CardState:
        first = SLOT_SECTORS[0] * _BLOCKS_A_SECTOR
        try:
            await self._reader.authenticate(first, TRANSPORT_KEY, "A")
        except KeyRefused:
            await self._reader.reselect(uid)
            return CardState.FOREIGN
        data = [await self._reader.read_block(first + block) for block in range(BLOCKS)]
        return CardState.FOREIGN if any(b"".join(data)) else CardState.BLANK

    async def _take_over(
        self, uid: bytes, sector: int, keys: CardKeys, data: bytes | None
    ) -> None:
        """Give a sector our keys; `data` is written before, and again if it is ours."""
        first = sector * _BLOCKS_A_SECTOR
        key_a, key_b = keys.sector_key(sector, "A"), keys.sector_key(sector, "B")
        ours = await self._opens(uid, first, key_b, "B")
        if not ours and not await self._opens(uid, first, TRANSPORT_KEY, "A"):
            raise KeyRefused(block=first)
        for block in range(BLOCKS if data else 0):
            part = (
                data[block * BLOCK_BYTES : (block + 1) * BLOCK_BYTES] if data else b""
            )
            await self._reader.write_block(first + block, part)
        if not ours:
            trailer = access_bits.trailer(key_a, access_bits.PURSE_SECTOR, key_b)
            await self._reader.write_block(first + BLOCKS, trailer)

    async def _opens(self, uid: bytes, block: int, key: bytes, kind: str) -> bool:
        try:
            await self._reader.authenticate(block, key, "B" if kind == "B" else "A")
        except KeyRefused:
            await self._reader.reselect(uid)
            return False
        return True

    async def _write_sector(self, sector: int, image: bytes, keys: CardKeys) -> None:
        first = sector * _BLOCKS_A_SECTOR
        await self._reader.authenticate(first, keys.sector_key(sector, "B"), "B")
        try:
            for block, part in enumerate(_blocks(image)):
                await self._reader.write_block(first + block, part)
            found = b"".join(
                [await self._reader.read_block(first + b) for b in range(BLOCKS)]
            )
        except _FAILURES as error:
            raise WriteNotConfirmed(device="card") from error
        if found != image:
            raise WriteNotConfirmed(device="card")


def _blocks(data: bytes) -> list[bytes]:
    return [data[at : at + BLOCK_BYTES] for at in range(0, len(data), BLOCK_BYTES)]


def _issue_was_torn(sectors: list[bytes | None]) -> bool:
    """Slot B never written: the tear was in the first write of slot A."""
    slot_b = sectors[1]
    return slot_b is not None and not any(slot_b)

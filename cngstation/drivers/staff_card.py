"""A staff card in the field of a reader: read, issued, its token renewed.

A DESFire card proves its key, and we ours, before anything is read of it. A MIFARE
Classic card can be copied: it carries a token that is another after each login.
"""

import secrets
from dataclasses import dataclass
from enum import StrEnum

from cngstation.drivers.card_reader import CardGone, CardReader, CardSaidNo, KeyRefused
from cngstation.drivers.desfire_card import DesfireCard
from cngstation.drivers.purse_card import WriteNotConfirmed
from cngstation.errors import DeviceError, RemoteProtocolError
from cngstation.protocols.card_image import access_bits
from cngstation.protocols.card_image import staff as layout
from cngstation.protocols.card_image.purse import BLOCK_BYTES, BLOCKS, CardState
from cngstation.protocols.card_image.staff import Holder, StaffKeys, Token
from cngstation.protocols.desfire import commands
from cngstation.protocols.desfire.session import Session
from cngstation.protocols.desfire.status import (
    APPLICATION_NOT_FOUND,
    CardAnswersWrongly,
    CardReported,
)

TRANSPORT_KEY = b"\xff" * 6
_BLOCKS_A_SECTOR = 4
_TRIES = 2  # a weak field refuses a key now and then
_FAILURES = (DeviceError, RemoteProtocolError)
_REFUSALS = (KeyRefused, CardSaidNo, CardGone)


class StaffCardKind(StrEnum):
    """How a card shows that it is no copy."""

    BY_KEY = "desfire"
    BY_TOKEN = "mifare"  # noqa: S105 - the name of a technology


@dataclass(frozen=True, slots=True)
class StaffReading:
    """A staff card of this station as it was read.

    `holder` is None when it does not say whose it is; `token` when it has none, as a
    card with a key. `current` is the sector of the token.
    """

    uid: bytes
    kind: StaffCardKind
    holder: Holder | None
    token: Token | None = None
    current: int = 0


class StaffCard:
    """Reads and writes the staff card in the field of a reader."""

    def __init__(self, reader: CardReader, master_key: bytes) -> None:
        self._reader = reader
        self._master_key = master_key
        self._desfire = DesfireCard(reader)

    async def read(self, uid: bytes) -> StaffReading | None:
        """Read a card; None when it is no staff card of this station.

        Raises:
            CardGone: it is not in the field.
        """
        await self._reader.reselect(uid)
        keys = StaffKeys(self._master_key, uid)
        if self._reader.traits.takes_apdus:
            session = await self._proved(keys)
            if session is None:
                return None
            holder = await self._holder_file(session)
            found = layout.decode_holder(holder, keys)
            return StaffReading(uid, StaffCardKind.BY_KEY, found)
        return await self._read_sectors(uid, keys)

    async def issue(self, uid: bytes, holder: Holder, secret: bytes) -> StaffReading:
        """Make a new card, or one of ours, the card of somebody; read it back.

        What is torn is issued again. `secret` is the first token.

        Raises:
            KeyRefused: it is another card; nothing was written.
            WriteNotConfirmed: it may be written in part; issue it again.
            CardGone: it left before anything was written.
        """
        keys = StaffKeys(self._master_key, uid)
        await self._reader.reselect(uid)
        if self._reader.traits.takes_apdus:
            await self._issue_application(holder, keys)
        else:
            await self._issue_sectors(uid, holder, secret, keys)
        found = await self.read(uid)
        if found is None or found.holder != holder:
            raise WriteNotConfirmed(device="card")
        return found

    async def renew(self, reading: StaffReading, secret: bytes) -> None:
        """Write the next token over the older one, and read it back.

        Raises:
            CardGone: it left before anything was sent; it has the token it had.
            WriteNotConfirmed: it has the token it had, or the new one.
        """
        assert reading.token is not None, "a card with a key has no token"
        keys = StaffKeys(self._master_key, reading.uid)
        first, second = layout.TOKEN_SECTORS
        spare = second if reading.current == first else first
        image = layout.encode_token(Token(reading.token.gen + 1, secret), keys)
        await self._reader.reselect(reading.uid)
        await self._authenticate(spare, keys.sector_key(spare, "B"), "B")
        await self._write(spare, image)

    # Sectors.

    async def _read_sectors(self, uid: bytes, keys: StaffKeys) -> StaffReading | None:
        data: dict[int, bytes] = {}
        for sector in layout.SECTORS:
            read = await self._sector(uid, sector, keys)
            if read is None:
                return None
            data[sector] = read
        tokens = [
            (found, sector)
            for sector in layout.TOKEN_SECTORS
            if (found := layout.decode_token(data[sector], keys)) is not None
        ]
        newest = max(tokens, key=lambda each: each[0].gen, default=(None, 0))
        image = b"".join(data[sector] for sector in layout.HOLDER_SECTORS)
        holder = layout.decode_holder(image, keys)
        return StaffReading(uid, StaffCardKind.BY_TOKEN, holder, *newest)

    async def _sector(self, uid: bytes, sector: int, keys: StaffKeys) -> bytes | None:
        for _ in range(_TRIES):
            try:
                await self._authenticate(sector, keys.sector_key(sector, "A"), "A")
                return await self._read_blocks(sector)
            except _REFUSALS:
                await self._reader.reselect(uid)
        return None

    async def _issue_sectors(
        self, uid: bytes, holder: Holder, secret: bytes, keys: StaffKeys
    ) -> None:
        """Holder first, the token that counts last; keys are given before data."""
        image = layout.encode_holder(holder, keys)
        half = layout.SECTOR_BYTES
        first, second = layout.TOKEN_SECTORS
        parts = dict(
            zip(layout.HOLDER_SECTORS, (image[:half], image[half:]), strict=True)
        )
        parts |= {second: bytes(half)}
        parts |= {first: layout.encode_token(Token(1, secret), keys)}
        for sector in layout.SECTORS:
            await self._require_free(uid, sector, keys)
        try:
            for sector, data in parts.items():
                await self._take_over(uid, sector, keys)
                await self._write(sector, data)
        except WriteNotConfirmed:
            raise
        except _FAILURES as error:
            raise WriteNotConfirmed(device="card") from error

    async def _require_free(self, uid: bytes, sector: int, keys: StaffKeys) -> None:
        """Refuse a sector that is neither a new card's and empty, nor a staff card's.

        Raises:
            KeyRefused: it is another card's.
        """
        if await self._opened(uid, sector, TRANSPORT_KEY, "A"):
            if any(await self._read_blocks(sector)):
                raise KeyRefused(block=sector * _BLOCKS_A_SECTOR)
        elif not await self._opened(uid, sector, keys.sector_key(sector, "B"), "B"):
            raise KeyRefused(block=sector * _BLOCKS_A_SECTOR)

    async def _take_over(self, uid: bytes, sector: int, keys: StaffKeys) -> None:
        """Open a sector for writing, giving it our keys if it has a new card's."""
        key_a, key_b = keys.sector_key(sector, "A"), keys.sector_key(sector, "B")
        if await self._opened(uid, sector, TRANSPORT_KEY, "A"):
            trailer = access_bits.trailer(key_a, access_bits.PURSE_SECTOR, key_b)
            await self._reader.write_block(sector * _BLOCKS_A_SECTOR + BLOCKS, trailer)
            await self._reader.reselect(uid)
        await self._authenticate(sector, key_b, "B")

    async def _opened(self, uid: bytes, sector: int, key: bytes, kind: str) -> bool:
        for _ in range(_TRIES):
            try:
                await self._authenticate(sector, key, kind)
            except _REFUSALS:
                await self._reader.reselect(uid)
            else:
                return True
        return False

    async def _authenticate(self, sector: int, key: bytes, kind: str) -> None:
        block = sector * _BLOCKS_A_SECTOR
        await self._reader.authenticate(block, key, "A" if kind == "A" else "B")

    async def _read_blocks(self, sector: int) -> bytes:
        first = sector * _BLOCKS_A_SECTOR
        return b"".join(
            [await self._reader.read_block(first + n) for n in range(BLOCKS)]
        )

    async def _write(self, sector: int, image: bytes) -> None:
        first = sector * _BLOCKS_A_SECTOR
        try:
            for n in range(BLOCKS):
                part = image[n * BLOCK_BYTES : (n + 1) * BLOCK_BYTES]
                await self._reader.write_block(first + n, part)
            found = await self._read_blocks(sector)
        except _FAILURES as error:
            raise WriteNotConfirmed(device="card") from error
        if found != image:
            raise WriteNotConfirmed(device="card")

    # An application.

    async def _proved(self, keys: StaffKeys) -> Session | None:
        """Have the card prove its key; None when it has none of ours."""
        try:
            await self._desfire.talk(commands.select_application(layout.APPLICATION))
            return await self._shown(keys.application_key(layout.LOGIN_KEY))
        except (CardReported, CardAnswersWrongly):
            return None

    async def _shown(self, key: bytes, key_no: int = layout.LOGIN_KEY) -> Session:
        random_a = secrets.token_bytes(16)
        return await self._desfire.talk(commands.authenticate(key_no, key, random_a))

    async def _holder_file(self, session: Session) -> bytes:
        read = commands.read_data(session, layout.HOLDER_FILE, layout.HOLDER_BYTES)
        return await self._desfire.talk(read)

    async def _issue_application(self, holder: Holder, keys: StaffKeys) -> None:
        """Make what the card lacks; its first key is changed last."""
        talk = self._desfire.talk
        image = layout.encode_holder(holder, keys)
        try:
            await talk(commands.select_application(layout.APPLICATION))
        except CardReported as reported:
            state = await self._desfire.without_application()
            if reported.status != APPLICATION_NOT_FOUND or state is CardState.FOREIGN:
                raise KeyRefused(block=layout.MASTER_KEY) from reported
            create = commands.create_application(
                layout.APPLICATION, layout.SETTINGS, layout.KEYS
            )
            await talk(create, changes_card=True)
            await talk(commands.select_application(layout.APPLICATION))
        is_ours = (
            await talk(commands.get_key_version(layout.MASTER_KEY)) == layout.OUR_KEYS
        )
        files = await talk(commands.get_file_ids())
        login = await talk(commands.get_key_version(layout.LOGIN_KEY))
        ours = keys.application_key(layout.MASTER_KEY)
        try:
            session = await self._shown(
                ours if is_ours else commands.NEW_KEY, layout.MASTER_KEY
            )
        except CardReported as reported:
            raise KeyRefused(block=layout.MASTER_KEY) from reported
        if layout.HOLDER_FILE not in files:
            create_file = commands.create_backup_file(
                session,
                layout.HOLDER_FILE,
                layout.HOLDER_RIGHTS,
                layout.HOLDER_BYTES,
            )
            await talk(create_file, changes_card=True)
        await talk(commands.write_data(session, layout.HOLDER_FILE, image))
        await talk(commands.commit(session), changes_card=True)
        if login != layout.OUR_KEYS:
            change = commands.change_key(
                session,
                layout.LOGIN_KEY,
                keys.application_key(layout.LOGIN_KEY),
                old=commands.NEW_KEY,
                version=layout.OUR_KEYS,
            )
            await talk(change, changes_card=True)
        if not is_ours:
            last = commands.change_shown_key(
                session, layout.MASTER_KEY, ours, version=layout.OUR_KEYS
            )
            await talk(last, changes_card=True)

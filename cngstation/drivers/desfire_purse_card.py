"""Our purse on a MIFARE DESFire card: all of a write takes effect in one commit.

    application   key 1 is ours   record                       the card is
    none          -               no other application         blank
    none          -               others, or not to be listed  foreign
    ours          yes             a slot of ours               ours
    ours          yes             sealed, and says nothing     blank
    ours          yes             zeros, never written         torn in its issue
    ours          yes             all else                     both bad
    ours          no              key 0 is a new one's         torn in its issue
    ours          no              -                            foreign

What was not committed is forgotten by the card when it leaves or is selected again, so
until the commit is sent nothing has happened. A commit whose answer is lost is looked
up at once if the card is still there; otherwise the next reading shows it.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace

from cngstation.drivers.card_reader import CardGone, CardReader, KeyRefused
from cngstation.drivers.desfire_card import DesfireCard
from cngstation.drivers.purse_card import (
    CardMemoryBroken,
    CardNotAsRead,
    CardReading,
    WriteNotConfirmed,
)
from cngstation.errors import DeviceError, LocalProtocolError, RemoteProtocolError
from cngstation.protocols.card_image import desfire_layout as layout
from cngstation.protocols.card_image.diversification import CardKeys
from cngstation.protocols.card_image.purse import (
    LAST_GEN,
    CardInfo,
    CardState,
    CounterExhausted,
    Purse,
    decode_info,
    decode_slot,
    encode_info,
    encode_slot,
)
from cngstation.protocols.desfire import commands
from cngstation.protocols.desfire.session import Session
from cngstation.protocols.desfire.status import (
    APPLICATION_NOT_FOUND,
    CardAnswersWrongly,
    CardReported,
)

# Once the card was changed, an answer without sense proves no more than none.
_FAILURES = (DeviceError, RemoteProtocolError)
# A weak field loses an answer now and then: only twice means that it is so.
_TRIES = 2
# The files are not there, or not as we make them.
_NO_FILE_OF_OURS = frozenset({0x9D, 0xAE, 0xBE, 0xF0, 0xF1})
# The chip has no room, or says itself that it is broken: it never gets a purse.
_BROKEN = frozenset({0x0E, 0xA1, 0xC1, 0xCD, 0xEE, 0xF1})


class DesfirePurseCard:
    """Reads and writes the purse of a DESFire card in the field of a reader."""

    def __init__(
        self,
        reader: CardReader,
        master_key: bytes,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._card = DesfireCard(reader, random_bytes)
        self._master_key = master_key

    async def read(self, uid: bytes, *, selected: bool = False) -> CardReading:
        """Read a card whole; select it anew unless it was found just now.

        Raises:
            CardGone: this card is not in the field.
            DeviceError: the reader failed, or the card says that it is damaged.
        """
        if not selected:
            await self._card.select(uid)
        if (without := await self._without_application(uid)) is not None:
            return CardReading(without, uid)
        keys = CardKeys(self._master_key, uid)
        session = await self._card.shown(keys, layout.COUNTER_KEY)
        if session is None:
            is_new = await self._card.has_new_key(layout.MASTER_KEY)
            state = CardState.TORN_ISSUE if is_new else CardState.FOREIGN
            return CardReading(state, uid)
        return await self._read_files(uid, keys, session)

    async def write_purse(self, reading: CardReading, purse: Purse) -> None:
        """Write record and value of a card just read, and read them back.

        `gen` is set here, one above the card's. The card must be one of ours.

        Raises:
            CardNotAsRead: the reading is old or not whole; nothing was changed.
            CounterExhausted: a counter is at its end; nothing was sent.
            LocalProtocolError: there is no purse on that card; nothing was sent.
            WriteNotConfirmed: it may or may not have been written.
            DeviceError: it left or failed before the commit; it is as it was.
        """
        if reading.purse is None:
            raise LocalProtocolError(why="a purse for a card that has none")
        if reading.purse.gen >= LAST_GEN:
            raise CounterExhausted(card_no=purse.card_no)
        if not reading.whole:
            raise CardNotAsRead(device="card")
        keys = CardKeys(self._master_key, reading.uid)
        new = replace(purse, gen=reading.purse.gen + 1)
        files = {layout.RECORD_FILE: encode_slot(new, keys)}
        session = await self._card.opened(reading.uid, keys)
        await self._require_as_read(session, reading)
        await self._change(reading.uid, keys, session, files, layout.value_of(new))

    async def write_info(self, uid: bytes, info: CardInfo) -> None:
        """Write the info file and read it back.

        Raises:
            WriteNotConfirmed: it may or may not have been written.
            DeviceError: it left or failed before the commit; it is as it was.
        """
        keys = CardKeys(self._master_key, uid)
        files = {layout.INFO_FILE: encode_info(info, keys)}
        session = await self._card.opened(uid, keys)
        await self._change(uid, keys, session, files)

    async def personalise(self, uid: bytes, purse: Purse, info: CardInfo) -> None:
        """Bring a blank card, or one torn in its issue, to a whole image.

        Application, files and keys first; purse, value and info in one commit.

        Raises:
            CardGone: it left before anything was sent.
            KeyRefused: it is a card of somebody else; nothing was written.
            CardMemoryBroken: the chip is full or broken; it never gets a purse.
            WriteNotConfirmed: lay it on the reader again; what it has decides.
            LocalProtocolError: the purse or the info does not fit the layout, or the
                card holds a purse already.
        """
        keys = CardKeys(self._master_key, uid)
        new = replace(purse, gen=1)
        files = {
            layout.RECORD_FILE: encode_slot(new, keys),
            layout.INFO_FILE: encode_info(info, keys),
        }
        await self._card.select(uid)
        try:
            session = await self._card.set_up(uid, keys)
            record = await self._file(session, layout.RECORD_FILE)
            if decode_slot(record, keys) is not None:
                raise LocalProtocolError(why="an issue over a card that holds a purse")
            await self._change(uid, keys, session, files, layout.value_of(new))
        except (KeyRefused, WriteNotConfirmed):
            raise
        except _FAILURES as error:
            raise _why_not_set_up(error) from error

    async def wipe(self, reading: CardReading) -> None:
        """Bring a card of ours back to a new card; raises as `PurseCard` says.

        Record, value and info go in one commit: the card holds all or nothing. The
        application with its keys stays for the next issue.
        """
        found = await self.read(reading.uid)
        has_purse = found.purse is not None
        if has_purse and not found.whole:
            raise CardNotAsRead(device="card")
        keys = CardKeys(self._master_key, reading.uid)
        files = {
            layout.RECORD_FILE: layout.nothing(keys),
            layout.INFO_FILE: bytes(layout.FILE_BYTES),
        }
        try:
            session = await self._card.set_up(reading.uid, keys)
            if has_purse:
                await self._require_as_read(session, reading)
            await self._change(reading.uid, keys, session, files, 0)
        except (CardNotAsRead, KeyRefused, WriteNotConfirmed):
            raise
        except _FAILURES as error:
            if has_purse:
                raise WriteNotConfirmed(device="card") from error
            raise _why_not_set_up(error) from error

    async def _without_application(self, uid: bytes) -> CardState | None:
        """Select our application; without it, say what the card is."""
        for _ in range(_TRIES):
            try:
                await self._card.talk(commands.select_application(layout.APPLICATION))
            except CardReported as reported:
                if reported.status == APPLICATION_NOT_FOUND:
                    return await self._card.without_application()
                return CardState.FOREIGN
            except CardAnswersWrongly:
                return CardState.FOREIGN
            except CardGone:
                # It left; or it says nothing to a class that it does not know.
                await self._card.select(uid)
            else:
                return None
        return CardState.FOREIGN

    async def _read_files(
        self, uid: bytes, keys: CardKeys, session: Session
    ) -> CardReading:
        try:
            record = await self._file(session, layout.RECORD_FILE)
            value = await self._value(session)
            info = await self._file(session, layout.INFO_FILE)
        except CardReported as reported:
            if reported.status not in _NO_FILE_OF_OURS:
                raise
            return CardReading(CardState.BOTH_BAD, uid)
        purse = decode_slot(record, keys)
        shown = decode_info(info, keys)
        if purse is not None:
            whole = value == layout.value_of(purse)
            return CardReading(CardState.OURS, uid, purse, shown, 0, whole, record)
        state = CardState.BOTH_BAD
        if value == 0 and record == layout.nothing(keys):
            state = CardState.BLANK
        elif value == 0 and not any(record):
            state = CardState.TORN_ISSUE
        return CardReading(state, uid, info=shown, whole=True)

    async def _file(self, session: Session, file_no: int) -> bytes:
        reading = commands.read_data(session, file_no, layout.FILE_BYTES)
        return await self._card.talk(reading)

    async def _value(self, session: Session) -> int:
        return await self._card.talk(commands.get_value(session, layout.VALUE_FILE))

    async def _require_as_read(self, session: Session, reading: CardReading) -> None:
        """Stop a write over what something else has written since the reading."""
        if await self._file(session, layout.RECORD_FILE) != reading.standing:
            raise CardNotAsRead(device="card")

    async def _change(
        self,
        uid: bytes,
        keys: CardKeys,
        session: Session,
        files: Mapping[int, bytes],
        value: int | None = None,
    ) -> None:
        """Write files and move the value in one commit, and read them back."""
        for file_no, data in files.items():
            await self._card.talk(commands.write_data(session, file_no, data))
        if value is not None:
            found = await self._value(session)
            if value != found:
                by = value - found
                await self._card.talk(
                    commands.move_value(session, layout.VALUE_FILE, by)
                )
        try:
            await self._card.talk(commands.commit(session), changes_card=True)
            holds = await self._holds(session, files, value)
        except _FAILURES as error:
            if await self._shows_it_holds(uid, keys, files, value):
                return
            raise WriteNotConfirmed(device="card") from error
        if not holds:
            raise WriteNotConfirmed(device="card")

    async def _holds(
        self, session: Session, files: Mapping[int, bytes], value: int | None
    ) -> bool:
        if value is not None:
            found = await self._value(session)
            if found != value:
                return False
        for file_no, data in files.items():
            if await self._file(session, file_no) != data:
                return False
        return True

    async def _shows_it_holds(
        self, uid: bytes, keys: CardKeys, files: Mapping[int, bytes], value: int | None
    ) -> bool:
        """Look up a commit whose answer was lost, on a card that is still there."""
        try:
            session = await self._card.opened(uid, keys)
            return await self._holds(session, files, value)
        except _FAILURES:
            return False


def _why_not_set_up(error: Exception) -> DeviceError:
    """Tell a chip that never gets a purse from one that may have got it."""
    if isinstance(error, CardReported) and error.status in _BROKEN:
        return CardMemoryBroken(device="card", why=error.facts["meaning"])
    return WriteNotConfirmed(device="card")

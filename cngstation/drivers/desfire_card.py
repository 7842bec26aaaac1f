"""A DESFire card in the field of a reader: its sessions, and our application on it."""

import secrets
from collections.abc import Callable, Mapping
from typing import TypeVar

from cngstation.drivers.card_reader import CardReader, KeyRefused
from cngstation.protocols.card_image import desfire_layout as layout
from cngstation.protocols.card_image.diversification import CardKeys
from cngstation.protocols.card_image.purse import CardState
from cngstation.protocols.desfire import commands
from cngstation.protocols.desfire.frames import Conversation
from cngstation.protocols.desfire.session import Session
from cngstation.protocols.desfire.status import (
    APPLICATION_NOT_FOUND,
    AUTHENTICATION,
    ILLEGAL_COMMAND,
    KEY_NO_UNKNOWN,
    CardReported,
)

T = TypeVar("T")

_NO_SUCH_KEY = frozenset({AUTHENTICATION, KEY_NO_UNKNOWN, ILLEGAL_COMMAND})
_RANDOM_BYTES = 16


class DesfireCard:
    """Talks to the card that a reader has selected."""

    def __init__(
        self,
        reader: CardReader,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._reader = reader
        self._random_bytes = random_bytes

    async def talk(
        self, conversation: Conversation[T], *, changes_card: bool = False
    ) -> T:
        """Carry a conversation to its end; what it changes for good must be said."""
        try:
            apdu = next(conversation)
            while True:
                answer = await self._reader.transmit(apdu, changes_card=changes_card)
                apdu = conversation.send(answer)
        except StopIteration as done:
            value: T = done.value
            return value

    async def select(self, uid: bytes) -> None:
        """Select this very card, without a session.

        Raises:
            CardGone: it is not in the field.
        """
        await self._reader.reselect(uid)

    async def shown(self, keys: CardKeys, key_no: int) -> Session | None:
        """Show a key of ours; None when the card has another one."""
        key = keys.application_key(layout.APPLICATION, key_no)
        return await self._shown(key_no, key)

    async def opened(self, uid: bytes, keys: CardKeys) -> Session:
        """Select a card of ours and show the counter's key.

        Raises:
            KeyRefused: it has another one.
        """
        await self.select(uid)
        await self.talk(commands.select_application(layout.APPLICATION))
        return _required(await self.shown(keys, layout.COUNTER_KEY))

    async def has_new_key(self, key_no: int) -> bool:
        """Tell whether a key is still the one of a new application."""
        return await self._shown(key_no, commands.NEW_KEY) is not None

    async def without_application(self) -> CardState:
        """Say what a selected card without our application is."""
        try:
            others = await self.talk(commands.get_application_ids())
            version = await self.talk(commands.get_version())
        except CardReported:
            return CardState.FOREIGN
        is_free = not others and version.is_desfire_with_aes
        return CardState.BLANK if is_free else CardState.FOREIGN

    async def set_up(self, uid: bytes, keys: CardKeys) -> Session:
        """Give a card our application, files and keys where it lacks them.

        Each step is one change that the card makes whole or not at all, and each is
        asked for before it is made: a set-up that was torn goes on where it was.

        Raises:
            KeyRefused: it is a card of somebody else.
        """
        await self.select(uid)
        try:
            await self.talk(commands.select_application(layout.APPLICATION))
        except CardReported as reported:
            is_free = reported.status == APPLICATION_NOT_FOUND
            if not is_free or await self.without_application() is CardState.FOREIGN:
                raise KeyRefused(block=layout.MASTER_KEY) from reported
            await self._create_application()
        if await self._version_of(layout.MASTER_KEY) != layout.OUR_KEYS:
            await self._create_files_and_change_keys(keys)
        return _required(await self.shown(keys, layout.COUNTER_KEY))

    async def _shown(self, key_no: int, key: bytes) -> Session | None:
        random_a = self._random_bytes(_RANDOM_BYTES)
        try:
            return await self.talk(commands.authenticate(key_no, key, random_a))
        except CardReported as reported:
            if reported.status not in _NO_SUCH_KEY:
                raise
            return None

    async def _version_of(self, key_no: int) -> int:
        return await self.talk(commands.get_key_version(key_no))

    async def _create_application(self) -> None:
        create = commands.create_application(
            layout.APPLICATION, layout.SETTINGS, layout.KEYS
        )
        await self.talk(create, changes_card=True)
        await self.talk(commands.select_application(layout.APPLICATION))

    async def _create_files_and_change_keys(self, keys: CardKeys) -> None:
        """Do what the application lacks; its first key is changed last."""
        present = await self.talk(commands.get_file_ids())
        versions = {
            key_no: await self._version_of(key_no) for key_no in layout.OTHER_KEYS
        }
        session = _required(await self._shown(layout.MASTER_KEY, commands.NEW_KEY))
        for file_no, create in _FILES.items():
            if file_no not in present:
                await self.talk(create(session), changes_card=True)
        for key_no, version in versions.items():
            if version != layout.OUR_KEYS:
                change = commands.change_key(
                    session,
                    key_no,
                    keys.application_key(layout.APPLICATION, key_no),
                    old=commands.NEW_KEY,
                    version=layout.OUR_KEYS,
                )
                await self.talk(change, changes_card=True)
        last = commands.change_shown_key(
            session,
            layout.MASTER_KEY,
            keys.application_key(layout.APPLICATION, layout.MASTER_KEY),
            version=layout.OUR_KEYS,
        )
        await self.talk(last, changes_card=True)
        # The session ended with its key; the next one begins like any other.
        await self.talk(commands.select_application(layout.APPLICATION))


def _required(session: Session | None) -> Session:
    if session is None:
        raise KeyRefused(block=layout.COUNTER_KEY)
    return session


_FILES: Mapping[int, Callable[[Session], Conversation[None]]] = {
    layout.VALUE_FILE: lambda session: commands.create_value_file(
        session,
        layout.VALUE_FILE,
        layout.VALUE_RIGHTS,
        least=layout.LEAST_VALUE,
        most=layout.MOST_VALUE,
    ),
    layout.RECORD_FILE: lambda session: commands.create_backup_file(
        session, layout.RECORD_FILE, layout.RECORD_RIGHTS, layout.FILE_BYTES
    ),
    layout.INFO_FILE: lambda session: commands.create_backup_file(
        session, layout.INFO_FILE, layout.INFO_RIGHTS, layout.FILE_BYTES
    ),
}

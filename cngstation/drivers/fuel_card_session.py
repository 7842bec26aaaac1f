"""Conversations with a fuel card: opened, looked at, proved, loaded, freed."""

import hmac
import os
from collections import OrderedDict
from dataclasses import replace

from cngstation.drivers.card_reader import CardReader
from cngstation.drivers.fuel_card_image import FuelCardImage, Proved
from cngstation.drivers.fuel_card_keys import FuelCardKeys, Key
from cngstation.drivers.purse_card import CardNotAsRead, WriteNotConfirmed
from cngstation.errors import DeviceReported, RemoteProtocolError
from cngstation.moments import Clock, local_time
from cngstation.protocols.fuel_card import answers, commands, files
from cngstation.protocols.fuel_card.answers import (
    BeganLoad,
    BeganUnlock,
    Kind,
    LockProof,
    LockState,
)
from cngstation.protocols.fuel_card.commands import Answer, Command
from cngstation.protocols.fuel_card.files import Application
from cngstation.protocols.fuel_card.status import FuelCardReported

# What a card says to whom its application is unknown.
_UNKNOWN = frozenset({0x6A81, 0x6A82, 0x6A86, 0x6D00, 0x6E00, 0x6700, 0x6999})
# What it says of a file that it lacks, that is shorter, or that is not for everybody.
_MADE_OTHERWISE = frozenset({0x6282, 0x6700, 0x6981, 0x6982, 0x6A82, 0x6B00})
_KEYS = {Kind.LOAD: Key.LOAD, Kind.UNLOAD: Key.UNLOAD, Kind.UNLOCK: Key.UNLOCK}
# Cards whose password was refused: a third wrong one would block them.
_KEPT_REFUSALS = 64


class PasswordNeeded(DeviceReported):
    """The card moves no money without a password that the counter does not have."""

    code = "fuel_card.password_needed"
    text = (
        "The holder of this card has chosen a password of their own. The counter "
        "cannot read its purse. Nothing was written. Let the card's password be set "
        "back to the one that it came with."
    )


class CardDoesNotProve(DeviceReported):
    """The card has our record and does not know our key."""

    code = "fuel_card.does_not_prove"
    text = (
        "This card looks like one of the station's and does not prove it: a copy, or "
        "a card of other keys. Nothing was written. Keep the card, call the manager."
    )


class FuelCardSession:
    """Says commands to the card on a reader, with the counter's keys."""

    def __init__(
        self, reader: CardReader, keys: FuelCardKeys, terminal: bytes, clock: Clock
    ) -> None:
        self._reader = reader
        self._keys = keys
        self._terminal = terminal
        self._clock = clock
        self._refused: OrderedDict[bytes, None] = OrderedDict()

    async def say(self, command: Command[Answer]) -> Answer:
        """Say a command to the card.

        Raises:
            FuelCardReported: the card did not do it.
            WriteNotConfirmed: the command changes the card, and what came back makes
                no sense.
            DeviceError: as `CardReader.transmit`.
        """
        answer = await self._reader.transmit(
            command.apdu(), changes_card=command.changes_card
        )
        try:
            return command.read_answer(answer)
        except RemoteProtocolError as error:
            if command.changes_card:
                raise WriteNotConfirmed(device="card") from error
            raise

    async def open(self, uid: bytes, *, selected: bool = False) -> bool:
        """Select the card and its application; tell whether it has it.

        Raises:
            CardGone: this card is not in the field.
        """
        if not selected:
            await self._reader.reselect(uid)
        try:
            await self.say(commands.Select())
        except FuelCardReported as reported:
            if reported.status in _UNKNOWN:
                return False
            raise
        return True

    async def ready(self, uid: bytes) -> None:
        """Select the card and its application anew, and give the password.

        Raises:
            CardGone: this card is not in the field.
            CardNotAsRead: it has no such application any more.
            PasswordNeeded: its holder has chosen another password.
        """
        if not await self.open(uid):
            raise CardNotAsRead(device="card")
        await self._give_password(uid)

    async def look(self, uid: bytes) -> FuelCardImage | None:
        """Read an open card; None when it was made or issued by somebody else.

        Raises:
            PasswordNeeded: it proves nothing without its holder's password.
            CardDoesNotProve: it has our record and another key.
        """
        content = {}
        try:
            for sfi, length in files.LENGTHS.items():
                content[sfi] = await self.say(commands.ReadFile(sfi, length))
            application = Application.read(content[files.APPLICATION])
        except RemoteProtocolError:
            return None
        except FuelCardReported as reported:
            if reported.status in _MADE_OTHERWISE:
                return None
            raise
        try:
            await self._give_password(uid, content[files.PASSWORD])
            lock, proved = await self.prove(application.number)
        except (FuelCardReported, PasswordNeeded, CardDoesNotProve):
            if files.Issue.read(content[files.LIMITS]) is None:
                return None
            raise
        return FuelCardImage(
            uid=uid,
            application=application,
            holder=content[files.HOLDER],
            limits=content[files.LIMITS],
            vehicle=content[files.VEHICLE],
            lock=lock,
            balance=proved.balance,
            on_line=proved.on_line,
            off_line=proved.off_line,
        )

    async def prove(self, number: bytes) -> tuple[LockProof, Proved]:
        """Let the card prove its figures to a random terminal, and change nothing.

        Raises:
            CardDoesNotProve: it does not know our key.
        """
        lock = await self.say(commands.GetLockProof())
        terminal = os.urandom(commands.TERMINAL_BYTES)
        if lock.is_grey:
            freed = await self._begin_unlock(number, terminal)
            return lock, Proved(freed.balance, freed.on_line, freed.off_line)
        off_line = lock.off_line + 1
        if lock.state != LockState.TAC_PENDING:
            off_line = (await self.say(commands.BeginLock(terminal))).off_line
        amount = int.from_bytes(os.urandom(2), "big")
        begun = await self._begin(commands.BeginLoad, number, amount, terminal)
        return lock, Proved(begun.balance, begun.on_line, off_line)

    async def load(self, number: bytes, fen: int) -> None:
        """Load money, none allowed; the on-line counter rises by one.

        Raises:
            CardDoesNotProve: it does not know our key; nothing was sent.
            FuelCardReported: the card did not do it.
            OutcomeUnknown: it may have been done.
        """
        begun = await self._begin(commands.BeginLoad, number, fen, self._terminal)
        order = await self._order(Kind.LOAD, number, begun, fen)
        await self.say(commands.Load(*order))

    async def unload(self, number: bytes, fen: int) -> None:
        """Take money off; the on-line counter rises by one. Raises as `load`."""
        begun = await self._begin(commands.BeginUnload, number, fen, self._terminal)
        order = await self._order(Kind.UNLOAD, number, begun, fen)
        await self.say(commands.Unload(*order))

    async def unlock(self, number: bytes, *, owed: int) -> None:
        """Debit what is owed and free a grey card; the on-line counter rises by one.

        Raises as `load`.
        """
        begun = await self._begin_unlock(number, self._terminal)
        order = await self._order(Kind.UNLOCK, number, begun, owed)
        await self.say(commands.Unlock(owed, *order))

    async def write_file(self, number: bytes, sfi: int, data: bytes) -> None:
        """Write a file whole under the maintenance key."""
        challenge = await self.say(commands.GetChallenge())
        bare = commands.UpdateFile(sfi, data)
        signed = bare.signed()
        code = await self._keys.maintenance_code(number, challenge, signed)
        await self.say(replace(bare, code=code))

    async def _give_password(self, uid: bytes, file: bytes = b"\0") -> None:
        if uid in self._refused or not files.has_default_pin(file):
            raise PasswordNeeded
        try:
            await self.say(commands.Verify())
        except FuelCardReported as reported:
            self._refused[uid] = None
            while len(self._refused) > _KEPT_REFUSALS:
                self._refused.popitem(last=False)
            raise PasswordNeeded from reported

    async def _begin(
        self,
        command: type[commands.BeginLoad | commands.BeginUnload],
        number: bytes,
        fen: int,
        terminal: bytes,
    ) -> BeganLoad:
        begun = await self.say(command(fen, terminal))
        is_load = command is commands.BeginLoad
        kind = Kind.LOAD if is_load else Kind.UNLOAD
        covers = answers.began_move_covers(begun.balance, fen, kind, terminal)
        await self._check(_KEYS[kind], number, begun, covers)
        return begun

    async def _begin_unlock(self, number: bytes, terminal: bytes) -> BeganUnlock:
        begun = await self.say(commands.BeginUnlock(terminal))
        covers = answers.began_unlock_covers(begun.balance, begun.off_line, terminal)
        await self._check(Key.UNLOCK, number, begun, covers)
        return begun

    async def _check(
        self, key: Key, number: bytes, begun: BeganLoad | BeganUnlock, covers: bytes
    ) -> None:
        expected = await self._keys.session_code(
            key, number, begun.random, begun.on_line, covers
        )
        if not hmac.compare_digest(begun.mac1, expected):
            raise CardDoesNotProve

    async def _order(
        self, kind: Kind, number: bytes, begun: BeganLoad | BeganUnlock, fen: int
    ) -> tuple[bytes, bytes]:
        """Return the moment of an order and its MAC2."""
        now = local_time(self._clock.now().wall_ms)
        moment = bytes.fromhex(now.strftime("%Y%m%d%H%M%S"))
        covers = answers.order_covers(fen, kind, self._terminal, moment)
        mac2 = await self._keys.session_code(
            _KEYS[kind], number, begun.random, begun.on_line, covers
        )
        return moment, mac2

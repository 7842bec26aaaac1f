"""Our purse on the fuel trade's CPU card: read with proof, moved by its own commands.

The card proves balance and on-line counter under a key that only a genuine one has:
a load, or on a grey card an unlock, is begun with a random terminal and amount and
never ended. Every write ends in the one command that moves the on-line counter, so a
lost answer is told by the counter at the next sight: a load, of nothing if need be;
an unload; or the on-line unlock of a grey card, which debits what is owed. Files are
written before it. Each command is carried out by the card whole or not at all.

How such cards count at an unlock and whether all take a load of nothing is UNVERIFIED.
"""

from dataclasses import replace

from cngstation.drivers.card_reader import CardReader
from cngstation.drivers.fuel_card_image import (
    MODES,
    FuelCardImage,
    Proved,
    comparable,
    limits_for,
)
from cngstation.drivers.fuel_card_keys import FuelCardKeys
from cngstation.drivers.fuel_card_session import FuelCardSession
from cngstation.drivers.purse_card import (
    CardNotAsRead,
    CardReading,
    WriteNotConfirmed,
)
from cngstation.errors import (
    DeviceError,
    LocalProtocolError,
    OutcomeUnknown,
    RemoteProtocolError,
)
from cngstation.moments import Clock
from cngstation.protocols.card_image.purse import (
    CardInfo,
    CardState,
    CounterExhausted,
    Purse,
)
from cngstation.protocols.fuel_card import commands, files
from cngstation.protocols.fuel_card.answers import LAST_COUNTER
from cngstation.protocols.fuel_card.files import Holder, Issue, Mark, Vehicle

# Room is left to read a worn card with proof, and to take its money off.
LAST_ON_LINE = LAST_COUNTER - 15
_FAILURES = (DeviceError, RemoteProtocolError)


class FuelPurseCard:
    """Reads and writes the purse of a fuel card; fits `PurseCard`."""

    def __init__(
        self, reader: CardReader, keys: FuelCardKeys, terminal: bytes, clock: Clock
    ) -> None:
        """Take the reader, the keys, and the counter's terminal number of 6 bytes."""
        self._session = FuelCardSession(reader, keys, terminal, clock)
        self._image: FuelCardImage | None = None

    async def read(self, uid: bytes, *, selected: bool = False) -> CardReading:
        """Read a card whole, with proof; select it anew unless it was found just now.

        Raises:
            CardGone: this card is not in the field.
            PasswordNeeded: its holder has chosen a password.
            CardDoesNotProve: it says it is ours and does not know our key.
        """
        self._image = None
        if not await self._session.open(uid, selected=selected):
            return CardReading(CardState.FOREIGN, uid)
        self._image = await self._session.look(uid)
        if self._image is None:
            return CardReading(CardState.FOREIGN, uid)
        return self._image.reading()

    async def write_purse(self, reading: CardReading, purse: Purse) -> None:
        """Write the next state of a purse over the one that was read.

        Raises:
            CardGone: it left before anything was sent; it is as it was.
            CardNotAsRead: the reading is old; nothing was sent.
            CounterExhausted: a counter is at its end; nothing was sent.
            FuelCardReported: the card did not do it, as with too small a balance.
            LocalProtocolError: it is no change that this card can carry.
            WriteNotConfirmed: it may or may not have been written.
        """
        if reading.purse is None:
            raise LocalProtocolError(why="a purse for a card that has none")
        before, after = comparable(reading.purse), comparable(purse)
        _require_counters(before, after)
        image = await self._as_read(reading)
        if image.on_line >= LAST_ON_LINE:
            raise CounterExhausted(card_no=before.card_no)
        wanted = self._files(image, after)
        await self._ready(image)
        is_begun = await self._write_files(image, wanted)
        try:
            await self._move(image, after.balance)
        except _FAILURES as error:
            if is_begun or isinstance(error, OutcomeUnknown):
                raise WriteNotConfirmed(device="card") from error
            raise

    async def write_info(self, uid: bytes, info: CardInfo) -> None:
        """Write who the card is of.

        Raises:
            CardGone: it left before anything was sent; it is as it was.
            WriteNotConfirmed: it may or may not have been written.
            LocalProtocolError: it has no purse, or the info is of another area.
        """
        image = await self._known(uid)
        issue, purse = image.issue, image.purse
        if issue is None or purse is None:
            raise LocalProtocolError(why="an info for a card that has no purse")
        _require_key(image, purse, info)
        issue = replace(
            issue,
            price_fen=info.price_fen,
            limit_per_fill_yuan=info.limit_per_fill_yuan,
        )
        vehicle = Vehicle(purse.cylinder_due, info.plate).onto(image.vehicle)
        limits = limits_for(image.limits, info, issue)
        await self._ready(image)
        await self._write_files(image, {files.LIMITS: limits, files.VEHICLE: vehicle})

    async def personalise(self, uid: bytes, purse: Purse, info: CardInfo) -> None:
        """Issue a blank card, or one torn in its issue: files first, the load last.

        Raises:
            CardGone: it left before anything was sent.
            CardNotAsRead: it is no card of ours any more; nothing was written.
            WriteNotConfirmed: lay it on the reader again; what it has decides.
            LocalProtocolError: the purse does not fit, or the card holds one already.
        """
        self._image = None
        image = await self._known(uid)
        _require_key(image, purse, info)
        if image.state is CardState.FOREIGN:
            raise CardNotAsRead(device="card")
        if image.state is CardState.OURS:
            raise LocalProtocolError(why="an issue over a card that holds a purse")
        if purse.payment_mode not in MODES or purse.wseq != 1 or purse.balance < 0:
            raise LocalProtocolError(why="a purse that a fuel card does not keep")
        await self._ready(image)
        try:
            await self._issue(image, purse, info)
        except WriteNotConfirmed:
            raise
        except _FAILURES as error:
            raise WriteNotConfirmed(device="card") from error

    async def wipe(self, reading: CardReading) -> None:
        """Bring a card of ours back to a new card: marked first, its money, its files.

        Raises:
            CardGone: it left before anything was sent; it is as it was.
            CardNotAsRead: the reading is old, or the card is grey; nothing was sent.
            WriteNotConfirmed: lay it on the reader again; what it has decides.
        """
        image = await self._as_read(reading)
        issue = image.issue
        if image.state is CardState.FOREIGN or image.lock.is_grey:
            raise CardNotAsRead(device="card")
        await self._ready(image)
        try:
            if issue is not None:
                marked = replace(issue, mark=Mark.BEING_WIPED).onto(image.limits)
                await self._write_files(image, {files.LIMITS: marked})
                image = replace(image, limits=marked)
            if image.balance:
                await self._move(image, 0)
            await self._write_files(
                image,
                {
                    files.HOLDER: files.cleared(image.holder),
                    files.VEHICLE: files.cleared(image.vehicle),
                    files.LIMITS: files.cleared(image.limits),
                },
            )
        except WriteNotConfirmed:
            raise
        except _FAILURES as error:
            raise WriteNotConfirmed(device="card") from error

    async def _known(self, uid: bytes) -> FuelCardImage:
        """Return the image of the last reading, or read the card."""
        if self._image is None or self._image.uid != uid:
            await self.read(uid)
        if self._image is None:
            raise CardNotAsRead(device="card")
        return self._image

    async def _as_read(self, reading: CardReading) -> FuelCardImage:
        image = await self._known(reading.uid)
        if image.reading() != reading:
            raise CardNotAsRead(device="card")
        return image

    def _files(self, image: FuelCardImage, purse: Purse) -> dict[int, bytes]:
        """Return the files that a purse changes; the counter moves after them."""
        issue, info = image.issue, image.info
        if issue is None or info is None:
            raise LocalProtocolError(why="a purse for a card that has none")
        issue = replace(issue, kind=purse.kind, payment_mode=purse.payment_mode)
        holder = Holder(files.PERSONAL_CARD, purse.price_level)
        return {
            files.LIMITS: limits_for(image.limits, info, issue),
            files.HOLDER: holder.onto(image.holder),
            files.VEHICLE: Vehicle(purse.cylinder_due, info.plate).onto(image.vehicle),
        }

    async def _write_files(
        self, image: FuelCardImage, wanted: dict[int, bytes]
    ) -> bool:
        """Write the files that differ, and read them back; tell whether any did."""
        present = {
            files.LIMITS: image.limits,
            files.HOLDER: image.holder,
            files.VEHICLE: image.vehicle,
        }
        changed = {s: data for s, data in wanted.items() if present[s] != data}
        number, is_begun = image.application.number, False
        for sfi, data in changed.items():
            try:
                await self._session.write_file(number, sfi, data)
                is_begun = True
                found = await self._session.say(commands.ReadFile(sfi, len(data)))
            except _FAILURES as error:
                if is_begun or isinstance(error, OutcomeUnknown):
                    raise WriteNotConfirmed(device="card") from error
                raise
            if found != data:
                raise WriteNotConfirmed(device="card")
        return is_begun

    async def _ready(self, image: FuelCardImage) -> None:
        """Open the card for writing; it must prove the figures that were read."""
        self._image = None
        await self._session.ready(image.uid)
        if (await self._session.prove(image.application.number)) != (
            image.lock,
            image.proved,
        ):
            raise CardNotAsRead(device="card")

    async def _move(self, image: FuelCardImage, balance: int) -> FuelCardImage:
        """Move balance and on-line counter, let the card prove it, return it so.

        Raises:
            FuelCardReported: the card did not do it.
            OutcomeUnknown: it may have been done.
        """
        session, number = self._session, image.application.number
        change = balance - image.balance
        if image.lock.is_grey:
            await session.unlock(number, owed=-change)
        elif change >= 0:
            await session.load(number, change)
        else:
            await session.unload(number, -change)
        try:
            lock, proved = await session.prove(number)
        except _FAILURES as error:
            raise WriteNotConfirmed(device="card") from error
        expected = Proved(balance, image.on_line + 1, image.off_line)
        if lock.is_grey or proved != expected:
            raise WriteNotConfirmed(device="card")
        return replace(image, lock=lock, balance=balance, on_line=proved.on_line)

    async def _issue(self, image: FuelCardImage, purse: Purse, info: CardInfo) -> None:
        issue = Issue(
            mark=Mark.ISSUED,
            kind=purse.kind,
            payment_mode=purse.payment_mode,
            price_fen=info.price_fen,
            limit_per_fill_yuan=info.limit_per_fill_yuan,
            first_on_line=image.on_line,
            first_off_line=image.off_line,
        )
        holder = Holder(files.PERSONAL_CARD, purse.price_level)
        vehicle = Vehicle(purse.cylinder_due, info.plate)
        await self._write_files(
            image,
            {
                files.LIMITS: limits_for(image.limits, info, issue),
                files.HOLDER: holder.onto(image.holder),
                files.VEHICLE: vehicle.onto(image.vehicle),
            },
        )
        await self._move(image, purse.balance)


def _require_counters(before: Purse, after: Purse) -> None:
    """Refuse a change that no counter makes, before anything is sent."""
    if (after.wseq, after.pseq) != (before.wseq + 1, before.pseq):
        raise LocalProtocolError(why="a write that does not move the counter by one")
    if after.card_no != before.card_no or after.payment_mode not in MODES:
        raise LocalProtocolError(why="a purse that a fuel card does not keep")
    if after.balance < 0 or after.grey is not None:
        raise LocalProtocolError(why="a purse below zero, or one that stays grey")
    if before.grey is not None and after.balance > before.balance:
        raise LocalProtocolError(why="a load of a grey card")


def _require_key(image: FuelCardImage, purse: Purse, info: CardInfo) -> None:
    if image.key != info.area_no + purse.card_no:
        raise LocalProtocolError(why="another number than the card was made with")

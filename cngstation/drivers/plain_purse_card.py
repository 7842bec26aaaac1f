"""A card in a foreign plain layout: read, and given another balance; nothing else.

It has one copy and no counters. A write is one block; torn in it the seal does not
fit, and the card is read as damaged, never as richer.
"""

from dataclasses import dataclass

from cngstation.drivers.card_reader import CardGone, CardReader, CardSaidNo, KeyRefused
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
from cngstation.protocols.card_image.plain import (
    PlainLayout,
    PlainPurse,
    decode_plain,
    with_balance,
)
from cngstation.protocols.card_image.purse import CardInfo, CardState, Purse

_BLOCKS = 3
_BLOCK_BYTES = 16


class OnlyTopUps(DeviceError):
    """A card in a foreign layout cannot be issued, edited or wiped here."""

    code = "card.only_top_ups"
    text = (
        "This card has the layout of another maker: here it can be read and topped up, "
        "nothing else. Nothing was written. Take one of the station's own cards."
    )


@dataclass(frozen=True, slots=True)
class PlainCards:
    """What a station knows of such cards; all of them share their two keys.

    `kind`, `payment_mode` and `area_no` are those of every such card.
    """

    layout: PlainLayout
    key_a: bytes
    key_b: bytes
    area_no: str
    kind: int
    payment_mode: int


class PlainPurseCard:
    """Reads and tops up cards of a plain layout; fits `PurseCard`."""

    def __init__(self, reader: CardReader, cards: PlainCards) -> None:
        self._reader = reader
        self._cards = cards

    async def read(self, uid: bytes, *, selected: bool = False) -> CardReading:
        """Read a card; one that does not open, or holds nothing, is foreign.

        Raises:
            CardGone: this card is not in the field.
        """
        if not selected:
            await self._reader.reselect(uid)
        try:
            data = await self._data(self._cards.key_a, "A")
        except (KeyRefused, CardSaidNo):
            await self._reader.reselect(uid)
            return CardReading(CardState.FOREIGN, uid)
        if not any(data):
            return CardReading(CardState.FOREIGN, uid)
        plain = decode_plain(data, self._cards.layout)
        if plain is None:
            return CardReading(CardState.BOTH_BAD, uid, whole=True)
        return CardReading(
            CardState.OURS,
            uid,
            self._purse(plain),
            CardInfo(self._cards.area_no, 0, "", 0, 0),
            0,
            whole=True,
            standing=data,
        )

    async def write_purse(self, reading: CardReading, purse: Purse) -> None:
        """Give a card just read another balance, and read it back.

        Raises:
            CardGone: it left before anything was sent; it is as it was.
            CardNotAsRead: it is not as it was read; nothing was sent.
            LocalProtocolError: the balance does not fit, or there is no purse.
            WriteNotConfirmed: it may or may not have been written.
        """
        if reading.purse is None:
            raise LocalProtocolError(why="a balance for a card that has none")
        layout = self._cards.layout
        await self._reader.reselect(reading.uid)
        data = await self._data(self._cards.key_b, "B")
        if data != reading.standing:
            raise CardNotAsRead(device="card")
        image = with_balance(data, layout, purse.balance)
        block = layout.written_block
        begin = block % 4 * _BLOCK_BYTES
        try:
            await self._reader.write_block(block, image[begin : begin + _BLOCK_BYTES])
            found = await self._blocks()
        except CardGone as error:
            raise WriteNotConfirmed(device="card") from error
        except (DeviceError, RemoteProtocolError, OutcomeUnknown) as error:
            raise WriteNotConfirmed(device="card") from error
        if found != image:
            raise WriteNotConfirmed(device="card")

    async def write_info(self, uid: bytes, info: CardInfo) -> None:
        """Refuse: such a card has no info.

        Raises:
            OnlyTopUps: always; nothing was sent.
        """
        raise OnlyTopUps(device="card")

    async def personalise(self, uid: bytes, purse: Purse, info: CardInfo) -> None:
        """Refuse: such cards are issued elsewhere.

        Raises:
            OnlyTopUps: always; nothing was sent.
        """
        raise OnlyTopUps(device="card")

    async def wipe(self, reading: CardReading) -> None:
        """Refuse: such a card is somebody else's to wipe.

        Raises:
            OnlyTopUps: always; nothing was sent.
        """
        raise OnlyTopUps(device="card")

    async def _data(self, key: bytes, kind: str) -> bytes:
        first = 4 * self._cards.layout.sector
        await self._reader.authenticate(first, key, "A" if kind == "A" else "B")
        return await self._blocks()

    async def _blocks(self) -> bytes:
        first = 4 * self._cards.layout.sector
        return b"".join(
            [await self._reader.read_block(first + n) for n in range(_BLOCKS)]
        )

    def _purse(self, plain: PlainPurse) -> Purse:
        return Purse(
            kind=self._cards.kind,
            payment_mode=self._cards.payment_mode,
            price_level=0,
            card_no=plain.card_no,
            cylinder_due=None,
            balance=plain.balance,
            recharged_total=0,
            consumed_total=plain.consumed,
            grey=None,
            gen=0,
            wseq=0,
            pseq=0,
            counted=False,
        )

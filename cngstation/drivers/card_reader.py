"""What every reader of MIFARE cards offers, whatever stands behind it."""

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from cngstation.errors import DeviceError, LocalProtocolError

KeyKind = Literal["A", "B"]


class CardGone(DeviceError):
    """The card does not answer any more; the command was not carried out."""

    code = "card.gone"
    text = (
        "The card has left the reader. This was not written to it. "
        "Lay the same card on the reader again."
    )


class KeyRefused(DeviceError):
    """The card refused a key; it must be selected again before anything else."""

    code = "card.key_refused"
    text = (
        "The card refused the key of block {block}: it is not one of this station's "
        "or its sector is damaged. Nothing was written."
    )


class CardSaidNo(DeviceError):
    """The card's access conditions forbid this; it must be selected again."""

    code = "card.said_no"
    text = (
        "The card does not allow access to its block {block}: its sector is damaged "
        "or was set up by somebody else. Nothing was written."
    )


class ReaderMakesNoSense(DeviceError):
    """The reader's answer breaks its protocol; nothing on a card was changed."""

    code = "reader.makes_no_sense"
    text = (
        "The card reader answered with something that makes no sense: {why}. Nothing "
        "was written. Try again; if it stays so, replace the reader."
    )


@dataclass(frozen=True, slots=True)
class ReaderHealth:
    """How the reader is, for the status line and the doctor."""

    online: bool
    firmware: str
    last_fault: str


@dataclass(frozen=True, slots=True)
class CardTraits:
    """How the selected card can be spoken to, and what it says of its kind.

    `historical` are the historical bytes of its ATS or ATR: ISO/IEC 7816-4.
    """

    has_sectors: bool
    takes_apdus: bool
    historical: bytes = b""


class CardReader(Protocol):
    """A reader with at most one card; calls are made one after the other.

    All raise DeviceUnavailable when the reader does not answer, DeviceReported for
    an error of the reader's own, ReaderMakesNoSense for an answer without sense.
    """

    NAME: ClassVar[str]

    @property
    def health(self) -> ReaderHealth:
        """How the reader is now."""

    async def find_card(self) -> bytes | None:
        """Select a card in the field and return its UID, or None; never blocks."""

    async def reselect(self, uid: bytes) -> None:
        """Select this very card again, as after a refused key.

        Raises:
            CardGone: it is not in the field.
        """

    @property
    def traits(self) -> CardTraits:
        """How the selected card can be spoken to.

        Raises:
            CardGone: no card is selected.
        """

    async def transmit(self, apdu: bytes, *, changes_card: bool = True) -> bytes:
        """Send a command APDU to the selected card; return data and SW1 SW2.

        It is sent once, whatever happens. After any error the card must be selected
        again: where its session stands is not known.

        Raises:
            CardGone: no card was selected; nothing was sent. Or no card answers,
                and the command changes nothing.
            OutcomeUnknown: it changes the card, was sent and not answered. Every
                other error says that it did not change the card.
        """

    async def authenticate(self, block: int, key: bytes, key_kind: KeyKind) -> None:
        """Open the sector of a block.

        Raises:
            KeyRefused: the card has another key; reselect it.
            CardGone: no card answers.
        """

    async def read_block(self, block: int) -> bytes:
        """Return the 16 bytes of a block of the open sector.

        Raises:
            CardSaidNo: its access conditions forbid it; reselect it.
            CardGone: no card answers.
        """

    async def write_block(self, block: int, data: bytes) -> None:
        """Store 16 bytes in a block of the open sector.

        Raises:
            OutcomeUnknown: it was sent and not confirmed. Every other error says
                that the block is as it was.
            CardGone: no card was selected; nothing was sent.
        """

    async def release(self) -> None:
        """Let go of the card."""

    async def close(self) -> None:
        """Close the port."""


class SectorsOnly:
    """What a reader that knows MIFARE Classic alone says of its cards."""

    @property
    def traits(self) -> CardTraits:
        """Every card it finds is taken for one with sectors."""
        return CardTraits(has_sectors=True, takes_apdus=False)

    async def transmit(self, apdu: bytes, *, changes_card: bool = True) -> bytes:
        """Carry no APDU.

        Raises:
            LocalProtocolError: always; `traits` says so before.
        """
        why = f"an APDU of {len(apdu)} bytes to a reader of sectors only"
        raise LocalProtocolError(why=why)

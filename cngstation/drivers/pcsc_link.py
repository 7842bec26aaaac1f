"""The operating system's PC/SC service: the one module that imports pyscard.

Every call blocks. One object is one reader, with at most one card connected.
"""

from smartcard.scard import (
    SCARD_E_INVALID_HANDLE,
    SCARD_E_INVALID_PARAMETER,
    SCARD_E_NO_READERS_AVAILABLE,
    SCARD_E_NO_SMARTCARD,
    SCARD_E_NOT_TRANSACTED,
    SCARD_E_SHARING_VIOLATION,
    SCARD_E_UNKNOWN_READER,
    SCARD_LEAVE_CARD,
    SCARD_PROTOCOL_T0,
    SCARD_PROTOCOL_T1,
    SCARD_RESET_CARD,
    SCARD_S_SUCCESS,
    SCARD_SCOPE_SYSTEM,
    SCARD_SHARE_EXCLUSIVE,
    SCARD_W_REMOVED_CARD,
    SCARD_W_RESET_CARD,
    SCARD_W_UNPOWERED_CARD,
    SCARD_W_UNRESPONSIVE_CARD,
    SCardConnect,
    SCardDisconnect,
    SCardEstablishContext,
    SCardGetErrorMessage,
    SCardListReaders,
    SCardReconnect,
    SCardReleaseContext,
    SCardStatus,
    SCardTransmit,
)

from cngstation.drivers.pcsc_reader import PcscFailed, Trouble
from cngstation.hygiene import clean

_PROTOCOLS = SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1
_TROUBLES = {
    SCARD_E_NO_SMARTCARD: Trouble.NO_CARD,
    SCARD_W_REMOVED_CARD: Trouble.NO_CARD,
    SCARD_W_RESET_CARD: Trouble.RESET,
    SCARD_W_UNPOWERED_CARD: Trouble.MUTE,
    SCARD_W_UNRESPONSIVE_CARD: Trouble.MUTE,
    SCARD_E_SHARING_VIOLATION: Trouble.SHARED,
    SCARD_E_NOT_TRANSACTED: Trouble.NOT_TRANSACTED,
    SCARD_E_UNKNOWN_READER: Trouble.NO_READER,
    SCARD_E_NO_READERS_AVAILABLE: Trouble.NO_READER,
    SCARD_E_INVALID_HANDLE: Trouble.NOT_SENT,
    SCARD_E_INVALID_PARAMETER: Trouble.NOT_SENT,
}


class PcscLink:
    """A reader by its name in the service; fits `Link` of the reader's driver."""

    def __init__(self, reader: str) -> None:
        self._reader = reader
        self._context: int | None = None
        self._card: int | None = None
        self._protocol = SCARD_PROTOCOL_T1

    def open(self) -> None:
        """Find service and reader.

        Raises:
            PcscFailed: one of them is not there.
        """
        status, context = SCardEstablishContext(SCARD_SCOPE_SYSTEM)
        _check(status)
        self._context = context
        status, readers = SCardListReaders(context, [])
        _check(status)
        if self._reader not in readers:
            found = clean(", ".join(readers)) or "none"
            why = f"the service has no reader {self._reader} (it has: {found})"
            raise PcscFailed(Trouble.NO_READER, why)

    def connect(self) -> bytes | None:
        """Give power to the card; return its ATR, or None without a card.

        Raises:
            PcscFailed: there is a card or a reader in trouble.
        """
        self.leave()
        status, card, protocol = SCardConnect(
            self._context, self._reader, SCARD_SHARE_EXCLUSIVE, _PROTOCOLS
        )
        if _TROUBLES.get(status) is Trouble.NO_CARD:
            return None
        _check(status)
        self._card, self._protocol = card, protocol
        return self._atr()

    def is_present(self) -> bool:
        """Tell whether the connected card has been there all the time.

        Raises:
            PcscFailed: the service or the reader is in trouble.
        """
        if self._card is None:
            return False
        status = SCardStatus(self._card)[0]
        if _TROUBLES.get(status) in {Trouble.NO_CARD, Trouble.RESET, Trouble.MUTE}:
            return False
        _check(status)
        return True

    def reset(self) -> bytes | None:
        """Take the card's power and give it back; return its ATR, None without one.

        Raises:
            PcscFailed: the service, the reader or the card is in trouble.
        """
        if self._card is None:
            return self.connect()
        status, protocol = SCardReconnect(
            self._card, SCARD_SHARE_EXCLUSIVE, _PROTOCOLS, SCARD_RESET_CARD
        )
        if _TROUBLES.get(status) is Trouble.NO_CARD:
            return None
        _check(status)
        self._protocol = protocol
        return self._atr()

    @property
    def speaks_t0(self) -> bool:
        """Whether the card speaks by T=0."""
        return bool(self._protocol == SCARD_PROTOCOL_T0)

    def transmit(self, apdu: bytes) -> bytes:
        """Send a command to the connected card and return the answer, empty for none.

        Raises:
            PcscFailed: with whether it was sent.
        """
        if self._card is None:
            raise PcscFailed(Trouble.NO_CARD, "no card is connected")
        status, answer = SCardTransmit(self._card, self._protocol, list(apdu))
        _check(status)
        return bytes(answer)

    def leave(self) -> None:
        """Let go of the card."""
        card, self._card = self._card, None
        if card is not None:
            SCardDisconnect(card, SCARD_LEAVE_CARD)

    def close(self) -> None:
        """Let go of everything."""
        self.leave()
        context, self._context = self._context, None
        if context is not None:
            SCardReleaseContext(context)

    def _atr(self) -> bytes:
        status, _, _, _, atr = SCardStatus(self._card)
        _check(status)
        return bytes(atr)


def _check(status: int) -> None:
    if status != SCARD_S_SUCCESS:
        words = f"{SCardGetErrorMessage(status)} ({status & 0xFFFFFFFF:08X}h)"
        raise PcscFailed(_TROUBLES.get(status, Trouble.SERVICE), clean(words))

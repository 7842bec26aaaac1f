"""What lies in the slot of a virtual PC/SC reader: a CPU card or a MIFARE Classic."""

from pathlib import Path
from typing import Protocol

from cngstation.simulators.fuel_card import FuelCard
from cngstation.simulators.fuel_card_in_field import LASTING
from cngstation.simulators.fuel_card_memory import HeldFuelCard, card_file
from cngstation.simulators.mifare_classic import (
    AuthenticationFailed,
    CardRefused,
    CardSilent,
    MifareClassic,
)
from cngstation.simulators.virtual_card import CardInField, card_path

_DONE, _FAILED, _UNKNOWN = b"\x90\x00", b"\x63\x00", b"\x6a\x81"
_MORE, _GET_RESPONSE = b"\x61", b"\x00\xc0\x00\x00"
# PC/SC part 3: a storage card is MIFARE 1K by its number 0001.
_STORAGE = bytes.fromhex("804F0CA000000306030001" + "00000000")


class CardInSlot(Protocol):
    """A card under power."""

    uid: bytes
    atr: bytes

    def reset(self) -> None:
        """Take the power away and give it back."""

    def perform(self, apdu: bytes) -> bytes:
        """Answer an APDU."""

    def changes(self, apdu: bytes) -> bool:
        """Tell whether a command may change what the card keeps."""

    def leave(self) -> None:
        """Take the card out."""


def card_in_slot(folder: Path, uid: bytes) -> CardInSlot:
    """Put the card with this number into the slot.

    Raises:
        CardElsewhere: another device holds it.
        FileNotFoundError: there is no such card.
    """
    if card_file(folder, uid).exists():
        return FuelCardInSlot(HeldFuelCard(card_file(folder, uid)))
    return StorageCardInSlot(CardInField(card_path(folder, uid)))


def contactless_atr(historical: bytes) -> bytes:
    """Return the ATR that a reader makes for a contactless card: PC/SC part 3."""
    body = bytes([0x80 | len(historical), 0x80, 0x01]) + historical
    check = 0
    for byte in body:
        check ^= byte
    return b"\x3b" + body + bytes([check])


class FuelCardInSlot:
    """A fuel card: contactless by T=1 with everything in one answer, else by T=0.

    By T=0 a command with data gets 61 and the length, and its data on request.
    """

    def __init__(self, held: HeldFuelCard) -> None:
        self._held = held
        self._card = FuelCard(held.memory)
        self._waiting = b""
        self.uid = bytes.fromhex(held.memory.uid)
        contacts = b"\x3b\x64\x00\x00CNG1"
        self.atr = contactless_atr(b"CNG1") if held.memory.contactless else contacts

    def reset(self) -> None:
        """Take the power away and give it back."""
        self._waiting = b""
        self._card.reset()

    def perform(self, apdu: bytes) -> bytes:
        """Answer an APDU; what it changed is kept before the answer goes out."""
        waiting, self._waiting = self._waiting, b""
        if not self._held.memory.contactless:
            if apdu[:4] == _GET_RESPONSE:
                fits = waiting and apdu[4:] == bytes([len(waiting)])
                return waiting + _DONE if fits else b"\x69\x85"
            if len(apdu) > 5 and len(apdu) != 5 + apdu[4]:
                return b"\x67\x00"  # T=0 has no room for an expected length
        answer = self._card.perform(apdu)
        self._held.keep()
        by_parts = len(apdu) > 5 and len(answer) > 2
        if by_parts and not self._held.memory.contactless:
            self._waiting = answer[:-2]
            return _MORE + bytes([len(self._waiting)])
        return answer

    def changes(self, apdu: bytes) -> bool:
        """Tell whether a command may change what the card keeps."""
        return apdu.startswith(LASTING)

    def leave(self) -> None:
        """Take the card out."""
        self._held.leave()


class StorageCardInSlot:
    """A MIFARE Classic behind a reader that speaks for it: PC/SC part 3, 3.2.2.

    FF CA uid; FF 82 key into the reader; FF 86 authenticate; FF B0 read; FF D6 write.
    """

    def __init__(self, held: CardInField) -> None:
        self._held = held
        self._card = MifareClassic(held)
        self._key = b""
        self.uid = held.uid
        self.atr = contactless_atr(_STORAGE)

    def reset(self) -> None:
        """Take the power away and give it back."""
        self._card.select()

    def perform(self, apdu: bytes) -> bytes:
        """Answer an APDU."""
        try:
            return self._perform(apdu)
        except (AuthenticationFailed, CardRefused, CardSilent):
            self._card.select()
            return _FAILED

    def _perform(self, apdu: bytes) -> bytes:
        head, data = apdu[:4], apdu[5:]
        if head == b"\xff\xca\0\0":
            return self.uid + _DONE
        if head == b"\xff\x82\0\0" and len(data) == 6:
            self._key = data
            return _DONE
        if head == b"\xff\x86\0\0" and len(data) == 5:
            _, _, block, kind, _ = data
            self._card.perform(bytes([kind, block]) + self._key + self.uid)
            return _DONE
        if head[:3] == b"\xff\xb0\0":
            return self._card.perform(b"\x30" + head[3:]) + _DONE
        if head[:3] == b"\xff\xd6\0" and len(data) == 16:
            self._card.perform(b"\xa0" + head[3:] + data)
            return _DONE
        return _UNKNOWN

    def changes(self, apdu: bytes) -> bool:
        """Tell whether a command may change what the card keeps."""
        return apdu.startswith(b"\xff\xd6")

    def leave(self) -> None:
        """Take the card out."""
        self._held.leave()


__all__ = ["CardInSlot", "card_in_slot", "contactless_atr"]

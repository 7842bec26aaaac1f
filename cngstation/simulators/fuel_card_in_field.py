"""A fuel card in the field of an antenna: ISO/IEC 14443-4 around its APDUs."""

from typing import Final

from cngstation.simulators.fuel_card import FuelCard
from cngstation.simulators.fuel_card_memory import HeldFuelCard
from cngstation.simulators.mifare_classic import CardSilent

LASTING: Final = (b"\x04\xd6", b"\x80\x52", b"\x80\x54", b"\xe0\x7c", b"\xe0\x7e")


class FuelCardInField:
    """A card that answers while it is selected; what it changed is kept at once."""

    ATQA: Final = bytes.fromhex("0004")
    SAK: Final = bytes.fromhex("20")
    ATS: Final = bytes.fromhex("0978807002") + b"CNG1"
    sector: int | None = None

    def __init__(self, held: HeldFuelCard) -> None:
        self._held = held
        self._card = FuelCard(held.memory)
        self._active = False
        self.uid = bytes.fromhex(held.memory.uid)

    def select(self) -> None:
        """Wake the card and select it; all before that is forgotten."""
        self._card.reset()
        self._active = True

    def halt(self) -> None:
        """Stop answering until selected again."""
        self._active = False

    def changes(self, command: bytes) -> bool:
        """Tell whether a command changes what the card keeps without power."""
        return command.startswith(LASTING)

    def named(self, command: bytes) -> dict[str, str | int]:
        """Name a command in what hands are shown."""
        return {"command": command[:2].hex().upper()}

    def spoil(self, command: bytes, garbage: bytes) -> None:
        """Leave no half of a write: this card writes all or nothing."""

    def perform(self, command: bytes) -> bytes:
        """Carry out one APDU; return data and status.

        Raises:
            CardSilent: the card says nothing.
        """
        if not self._active:
            raise CardSilent
        answer = self._card.perform(command)
        self._held.keep()
        return answer

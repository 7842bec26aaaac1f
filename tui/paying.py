"""How an act is paid: one key chooses; a number is typed only where it is wanted."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cngstation.language import _
from tui.texts import sentence
from tui.words import word

if TYPE_CHECKING:
    from cngstation.rpc.contract.registers import TenderOffer
    from tui.widgets.key_line import Keys

CASH = "cash"
KEYS = {
    "c": CASH,
    "w": "wechat",
    "a": "alipay",
    "b": "bank_card",
    "t": "transfer",
    "k": "cheque",
    "g": "company",
}
_LONGEST = 40


class Paying:
    """The tender of one act; cash until another one is chosen."""

    def __init__(self) -> None:
        self._offered: tuple[TenderOffer, ...] = ()
        self.tender = CASH
        self.number = ""

    def offer(self, offered: Iterable["TenderOffer"]) -> None:
        """Take what the station offers for this act, beginning with cash."""
        self._offered = tuple(offered)
        self.tender, self.number = CASH, ""

    @property
    def wants_number(self) -> bool:
        """Whether the tender is only taken with a number."""
        return any(o.wants_reference for o in self._offered if o.tender == self.tender)

    def press(self, character: str) -> bool:
        """Take a key: a sign of the number, or the tender that it stands for."""
        if self.wants_number:
            fits = len(self.number) < _LONGEST and len(character) == 1
            taken = fits and character.isascii() and character.isalnum()
            self.number += character if taken else ""
            return taken
        offer = self._offer_of(character)
        if offer is None or offer.refused:
            return False
        self.tender, self.number = offer.tender, ""
        return True

    def why_not(self, character: str) -> str:
        """Say why the tender that a key stands for is not taken; empty otherwise."""
        offer = None if self.wants_number else self._offer_of(character)
        return sentence(offer.refused, offer.facts) if offer else ""

    def _offer_of(self, character: str) -> "TenderOffer | None":
        tender = KEYS.get(character)
        return next((o for o in self._offered if o.tender == tender), None)

    def erase(self) -> bool:
        """Take the last sign of the number back."""
        erased, self.number = bool(self.number), self.number[:-1]
        return erased

    def back(self) -> bool:
        """Go back to cash; tell whether there was anything to go back from."""
        otherwise = self.tender != CASH
        self.tender, self.number = CASH, ""
        return otherwise

    def offered_keys(self) -> "Keys":
        """Name the keys that choose another tender, or the number that is wanted."""
        if self.wants_number:
            return [("0-9 A-Z", _("number of the payment"))]
        by_tender = {tender: key for key, tender in KEYS.items()}
        return [
            (by_tender[offer.tender], word(offer.tender))
            for offer in self._offered
            if offer.tender in by_tender
            and offer.tender != self.tender
            and not offer.refused
        ]

    def text(self) -> str:
        """Say how it is paid, with the number as far as it was typed."""
        if not self.wants_number:
            return word(self.tender)
        return f"{word(self.tender)} [ {self.number} ]"

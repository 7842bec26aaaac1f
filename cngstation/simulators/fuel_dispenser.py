"""A dispenser's side of the fuel card: locks it, debits it, and what it keeps of it.

The keys are those of its security module. The terminal's number is 12 digits.
"""

import os
from dataclasses import dataclass

from cngstation.simulators import fuel_card_codes as codes
from cngstation.simulators.fuel_card import AID, FuelCard


class NotAtThisCard(Exception):
    """The card does not allow it now; the text has its status."""


@dataclass(frozen=True, slots=True)
class LockRecord:
    """What a dispenser must keep until the fill is debited."""

    number: str
    off_line: bytes
    count: bytes
    session: bytes
    balance: int


class FuelDispenser:
    """One terminal with its own count of transactions."""

    def __init__(
        self, terminal: str, purchase_master: bytes, tac_master: bytes
    ) -> None:
        self._terminal = bytes.fromhex(terminal)
        self._purchase_master = purchase_master
        self._tac_master = tac_master
        self._count = 0

    def lock(self, card: FuelCard, moment: bytes) -> LockRecord:
        """Lock a card before the valve opens.

        Raises:
            NotAtThisCard: it is grey already, or owes a TAC.
        """
        card.reset()
        _say(card, b"\x00\xa4\x04\x00" + bytes([len(AID)]) + AID)
        application = _say(card, bytes.fromhex("00B095001E"))
        number = application[12:20]
        _say(card, bytes.fromhex("0020000003999999"))
        begun = _say(card, b"\xe0\x7a\x08\x01\x07\x01" + self._terminal)
        balance, off_line, random = begun[:4], begun[4:6], begun[11:15]
        self._count += 1
        count, own_random = self._count.to_bytes(4, "big"), os.urandom(4)
        key = codes.own_key(self._purchase_master, number)
        session = codes.lock_session_of(key, random, off_line, count, own_random)
        mac1 = codes.code_of(
            session, bytes([codes.GREY_LOCK]) + self._terminal + moment
        )
        order = count + own_random + moment + mac1
        answer = _say(card, b"\xe0\x7c\x08\x00\x13" + order + b"\x08")
        if answer[4:] != codes.code_of(session, off_line + count):
            raise NotAtThisCard("the card does not know the key")
        return LockRecord(
            number.hex(), off_line, count, session, int.from_bytes(balance, "big")
        )

    def debit(
        self, card: FuelCard, record: LockRecord, amount: int, moment: bytes
    ) -> None:
        """Debit a card that this terminal locked, and fetch its TAC.

        Raises:
            NotAtThisCard: it is not grey, was locked elsewhere, or has too little.
        """
        card.reset()
        _say(card, b"\x00\xa4\x04\x00" + bytes([len(AID)]) + AID)
        sum_of = amount.to_bytes(4, "big")
        gmac = codes.code_of(record.session, sum_of + record.off_line)
        place = record.off_line + self._terminal + record.count
        order = sum_of + place + moment + gmac
        tac = _say(card, b"\xe0\x7e\x08\x01\x1b" + order + b"\x04")
        key = codes.own_key(self._tac_master, bytes.fromhex(record.number))
        left = (record.balance - amount).to_bytes(4, "big")
        told = left + record.off_line + sum_of + bytes([codes.FILL_DEBIT])
        if tac != codes.tac_of(key, told + self._terminal + moment):
            raise NotAtThisCard("the TAC does not fit")
        _say(card, bytes.fromhex("E0CA010000"))


def _say(card: FuelCard, apdu: bytes) -> bytes:
    answer = card.perform(apdu)
    if answer[-2:] != b"\x90\x00":
        raise NotAtThisCard(f"{apdu[:4].hex()}: {answer[-2:].hex()}")
    return answer[:-2]

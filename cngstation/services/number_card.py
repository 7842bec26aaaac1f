"""Numbers a card at its issue: by the number that it brings, or by the next of ours."""

from dataclasses import replace

from cngstation.domain import numbers
from cngstation.domain.payment import MODE_CODES, PaymentMode
from cngstation.errors import Refusal
from cngstation.services.card_on_reader import CardReading
from cngstation.services.station_rules import StationRules
from cngstation.storage import cards
from cngstation.storage.database import Transaction

# In the plan of an issue whose card was numbered by its maker.
BY_MAKER = {"numbered_by": "maker"}


class ModeNotOnCard(Refusal):
    """The chip keeps purses of other payment modes only."""

    code = "refusal.mode_not_on_card"
    text = (
        "A card of this make cannot be paid in this way: its purse keeps money that "
        "was paid before. Nothing was written and no money was taken. Choose that way "
        "of paying, or another make of card."
    )


class NumberInRegister(Refusal):
    """The number that a card brings with it is in the register."""

    code = "refusal.number_in_register"
    text = (
        "This card has the number {card_no} from its maker, and the register has that "
        "number already. Nothing was written and no money was taken. Take a new card."
    )


def require_mode(reading: CardReading, mode: PaymentMode) -> None:
    """Refuse a payment mode that the card's purse cannot keep.

    Raises:
        ModeNotOnCard: nothing has happened.
    """
    if reading.modes is not None and MODE_CODES[mode] not in reading.modes:
        raise ModeNotOnCard


def number_of(tx: Transaction, reading: CardReading, rules: StationRules) -> str:
    """Return the key of a card that is issued: 4 digits of the area, 8 of the card.

    Raises:
        NumberInRegister: the card brings a number that is in use.
    """
    if not reading.own_key:
        return _next_key(tx, rules)
    if cards.find(tx.connection, reading.own_key) is not None:
        raise NumberInRegister(card_no=reading.own_key[4:])
    return reading.own_key


def _next_key(tx: Transaction, rules: StationRules) -> str:
    """Take the next number of this issue point that no maker has given."""
    while True:
        serial = tx.tip.card_serial + 1
        tx.tip = replace(tx.tip, card_serial=serial)
        number = numbers.card_no(rules.issue_point_no, serial)
        key = numbers.card_key(rules.area_no, number)
        if cards.find(tx.connection, key) is None:
            return key

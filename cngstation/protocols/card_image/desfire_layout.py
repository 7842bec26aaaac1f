"""Our layout of a DESFire card: one application with three AES keys and three files.

    key 0  sets the application up       key 1  the counter's     key 2  a dispenser's
    file 1  value    what is on the card; a dispenser can take from it, never add to it
    file 2  backup   48 bytes: a slot as in `purse`, its balance the value of file 1
    file 3  backup   48 bytes: the info as in `purse`; a dispenser only reads it

Files 1 and 2 change in one transaction: they agree at every moment, or the card is not
as we left it. On credit cards the value is the balance below zero, so that a fill is a
debit there too. A record of zeros was never written: the card was torn in its issue. A
sealed record that says nothing is a card that was wiped and can be issued.
"""

from cngstation.protocols.card_image.diversification import CardKeys
from cngstation.protocols.card_image.purse import LAST_BALANCE, SLOT_BYTES, Purse
from cngstation.protocols.desfire.commands import Rights

APPLICATION = b"CNG"
MASTER_KEY, COUNTER_KEY, DISPENSER_KEY = 0, 1, 2
OTHER_KEYS = (COUNTER_KEY, DISPENSER_KEY)
KEYS = 3
# Version of a key that is ours; a new application's keys have version 0.
OUR_KEYS = 1
# Keys and files are changed with key 0 only, files are listed without a key.
SETTINGS = 0x0B
VALUE_FILE, RECORD_FILE, INFO_FILE = 1, 2, 3
FILE_BYTES = SLOT_BYTES
MOST_VALUE = LAST_BALANCE
LEAST_VALUE = -LAST_BALANCE
_NOBODY = 15
VALUE_RIGHTS = Rights(
    read=DISPENSER_KEY, write=_NOBODY, both=COUNTER_KEY, change=MASTER_KEY
)
RECORD_RIGHTS = Rights(
    read=DISPENSER_KEY, write=DISPENSER_KEY, both=COUNTER_KEY, change=MASTER_KEY
)
INFO_RIGHTS = Rights(
    read=DISPENSER_KEY, write=_NOBODY, both=COUNTER_KEY, change=MASTER_KEY
)
_CREDIT_MODES = frozenset({2, 3})
_NOTHING = bytes(FILE_BYTES - 8)


def value_of(purse: Purse) -> int:
    """Return what the value file holds beside a purse."""
    is_credit = purse.payment_mode in _CREDIT_MODES
    return -purse.balance if is_credit else purse.balance


def nothing(keys: CardKeys) -> bytes:
    """Return the record of a card that was wiped."""
    return _NOTHING + keys.mac(_NOTHING)

"""The Sinopec code tables: kinds of records, states of a nozzle, kinds of downloads.

Source: public terminal programs of two makers; UNVERIFIED against a real dispenser.
"""

from cngstation.protocols.dispenser.canonical import TransactionType
from cngstation.protocols.dispenser.forecourt import DownloadKind

# Low four bits of T_TYPE.
KIND_BITS = 0x0F
NORMAL, GREY, ERROR_CARD, MAKE_UP_DEBIT, GREY_CLEARED = 0, 1, 2, 3, 4
LOG_ON, LOG_OFF, NO_CARD, PRICE_RECEIVED, CARD_ERROR = 5, 6, 7, 8, 9
ONLINE_TROUBLE, SELF_SERVICE, HOST_AUTHORISED, CANCELLED, OVER_FUEL = range(0x0B, 0x10)
# High bits of T_TYPE.
OF_ERROR_CARD, BY_LOCAL_LIST, OFF_LINE, TAC_READ = 0x80, 0x40, 0x20, 0x10

# Kinds that sell gas or take money. A kind that is missing here posts nothing, unless
# its record says that gas has moved.
SALES = {
    NORMAL: TransactionType.NORMAL,
    GREY: TransactionType.GREY,
    ERROR_CARD: TransactionType.UNKNOWN,
    MAKE_UP_DEBIT: TransactionType.MAKE_UP_DEBIT,
    NO_CARD: TransactionType.NO_CARD,
    ONLINE_TROUBLE: TransactionType.UNKNOWN,
    SELF_SERVICE: TransactionType.NO_CARD,
    HOST_AUTHORISED: TransactionType.NORMAL,
    OVER_FUEL: TransactionType.UNKNOWN,
}
SHIFTS = frozenset({LOG_ON, LOG_OFF})
# Repeats the figures of the fill whose card it cleared; nothing moves by it.
NEVER_A_SALE = frozenset({GREY_CLEARED})
EVENT_NAMES = {
    GREY_CLEARED: "grey_cleared",
    PRICE_RECEIVED: "price_received",
    CARD_ERROR: "card_error",
    CANCELLED: "authorisation_cancelled",
}
OTHER_EVENT, TEXT_EVENT = "other", "text"

# Bit 0 of UNIT: amounts are loyalty points, not money.
POINTS = 0x01

CARD_INSERTED, FUELLING = 1, 2

DOWNLOADS = {
    0: DownloadKind.BASE,
    1: DownloadKind.ADDED,
    2: DownloadKind.DELETED,
    3: DownloadKind.WHITE,
    4: DownloadKind.PRICES,
    5: DownloadKind.STATION,
}

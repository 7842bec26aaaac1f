"""What the card-reader service offers: cards, customers, receipts, the books.

Acts on cards carry an `intent_id` that the screen makes before the first try and
keeps on every retry; `act.find` tells where an act stands after a lost connection.

Each area is a module of its own with tuples of its methods and events; a new one is
imported here and is a line in each of the two tables below.
"""

from cngstation.rpc.contract import (
    acts,
    audit,
    card_acts,
    cards,
    companies,
    diagnosis,
    invoices,
    limits,
    marks,
    openings,
    operators,
    parameters,
    prices,
    reader,
    receipts,
    registers,
    rows,
    staff_cards,
    till,
    vendor,
)
from cngstation.rpc.contract.acts import *
from cngstation.rpc.contract.cards import *
from cngstation.rpc.contract.companies import *
from cngstation.rpc.contract.diagnosis import *
from cngstation.rpc.contract.figures import (
    DeviceHealth,
    OpenRows,
    OpenRowsNow,
    StationInfo,
)
from cngstation.rpc.contract.invoices import *
from cngstation.rpc.contract.limits import *
from cngstation.rpc.contract.openings import *
from cngstation.rpc.contract.operators import *
from cngstation.rpc.contract.parameters import *
from cngstation.rpc.contract.prices import *
from cngstation.rpc.contract.receipts import *
from cngstation.rpc.contract.registers import *
from cngstation.rpc.contract.rows import *
from cngstation.rpc.contract.staff_cards import *
from cngstation.rpc.contract.till import *
from cngstation.rpc.method import Contract, Event, Message, Version


class CounterBoard(Message):
    """Everything that the counter's screen shows at once."""

    station: StationInfo
    reader: DeviceHealth
    printer: DeviceHealth
    card: cards.CardView | None
    open_rows: OpenRows
    books: receipts.BooksVerdict | None
    disk: DeviceHealth | None = None


READER_CHANGED = Event("reader.changed", DeviceHealth, replaceable=True)
PRINTER_CHANGED = Event("printer.changed", DeviceHealth, replaceable=True)
DISK_CHANGED = Event("disk.changed", DeviceHealth, replaceable=True)
OPEN_ROWS_CHANGED = Event("open_rows.changed", OpenRowsNow, replaceable=True)

COUNTER = Contract(
    version=Version(1, 8),
    oldest=Version(1, 0),
    snapshot=CounterBoard,
    methods=(
        *registers.REGISTER_METHODS,
        *cards.CARD_METHODS,
        *acts.ACT_METHODS,
        *card_acts.CARD_ACT_METHODS,
        *marks.MARK_METHODS,
        *openings.OPENING_METHODS,
        *rows.ROW_METHODS,
        *prices.PRICE_METHODS,
        *diagnosis.DIAGNOSIS_METHODS,
        *receipts.RECEIPT_METHODS,
        *till.TILL_METHODS,
        *companies.COMPANY_METHODS,
        *limits.LIMIT_METHODS,
        *invoices.INVOICE_METHODS,
        *operators.OPERATOR_METHODS,
        *staff_cards.STAFF_CARD_METHODS,
        *parameters.PARAMETER_METHODS,
        *vendor.VENDOR_METHODS,
        *audit.AUDIT_METHODS,
        *reader.READER_METHODS,
    ),
    events=(
        READER_CHANGED,
        PRINTER_CHANGED,
        DISK_CHANGED,
        OPEN_ROWS_CHANGED,
        *cards.CARD_EVENTS,
        *acts.ACT_EVENTS,
        *receipts.RECEIPT_EVENTS,
    ),
)

"""Figures that several parts of the contract use.

Money ends in `_fen` or `_e4`, quantity in `_milli`; a purse figure (`_purse`) is fen
on money cards and 1/100 unit on quantity cards. Words that are keys of the screen's
catalogue (states, kinds, modes) are short English words; sentences travel as their
English text with `facts` to fill in.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from cngstation.rpc.method import Line, Message, Text

MOST_ROWS = 200
Word = Line
# Makes part of the names of accounts and entries: it can be taken for no other part.
IntentId = Annotated[str, Field(pattern=r"^[0-9A-Z-]{8,26}$", max_length=26)]
# Ten million yuan, or as many units: what it costs at any price is within a ledger.
MOST_ASKED = 10**9
Asked = Annotated[int, Field(ge=0, le=MOST_ASKED)]
# A card has two bytes for its price in fen: a dearer one could be sold, not written.
MOST_PRICE_E4 = 65_535 * 100


class Fact(Message):
    """One named fact of a sentence."""

    name: Word
    value: Text


Facts = Annotated[tuple[Fact, ...], Field(max_length=16)]


class DeviceState(StrEnum):
    """How a device or a line is, as the status line shows it."""

    ONLINE = "online"
    TROUBLE = "trouble"
    OFFLINE = "offline"
    ABSENT = "absent"  # not configured


class DeviceHealth(Message):
    """A device's state and, where it is not well, the sentence that says why."""

    state: DeviceState
    text: Text
    facts: Facts


class StationInfo(Message):
    """Which station this is, for the screen's first line."""

    station_no: Word
    name: Text
    company_name: Text
    area_no: Word
    area_short_name: Word
    till: Word
    business_day: Word
    currency_unit: Word
    gas_unit: Word


class OpenRow(Message):
    """Something that needs a person: what it is and the act that cures it."""

    row_id: Word
    kind: Word
    subject: Text
    text: Text
    cure: Text
    facts: Facts
    at_ms: int
    intent_id: Word
    people: int = 0  # who close it by saying why; 0: it closes by itself


OpenRows = Annotated[tuple[OpenRow, ...], Field(max_length=MOST_ROWS)]


class OpenRowsNow(Message):
    """All open rows as they are now."""

    rows: OpenRows


class SaleRow(Message):
    """A booked fill."""

    seq: int
    at_ms: int
    dispenser_no: int
    nozzle_no: int
    device_seq: int
    card_no: Word
    plate: Word
    payment_mode: Word
    unit: Word
    quantity_milli: int
    price_e4: int
    amount_e4: int
    balance_after_purse: int
    transaction_type: Word
    returned_milli: int = 0


SaleRows = Annotated[tuple[SaleRow, ...], Field(max_length=MOST_ROWS)]

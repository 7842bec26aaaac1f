"""Prices by level and unit: set now by two people, planned by one, and taken back."""

from typing import Annotated

from pydantic import Field

from cngstation.rpc.contract.figures import MOST_PRICE_E4, Word
from cngstation.rpc.contract.marks import Approval
from cngstation.rpc.contract.registers import Choices
from cngstation.rpc.method import LOGGED_IN, Message, Method, Text
from cngstation.rpc.session import Nothing

MOST_PRICE_ROWS = 200


class PricePlan(Message):
    """A price for a level from a moment on; `from_ms` 0 is now, `unit` "" the cards'.

    It takes a reason; now, or sooner than `PriceBoard.ahead_ms`, a second person too.
    `accept_levels` says that whoever sets it has read which dispensers do not know the
    levels of cards in use.
    """

    level: Annotated[int, Field(ge=0, le=19)]
    price_e4: Annotated[int, Field(gt=0, le=MOST_PRICE_E4)]
    from_ms: Annotated[int, Field(ge=0)] = 0
    unit: Word = ""
    reason: Text = ""
    approval: Approval | None = None
    accept_levels: bool = False


class PriceRow(Message):
    """A price of a level: planned, in_force, past or cancelled.

    `by` is who planned it, and for a cancelled one who took it back, with `reason`.
    """

    price_id: Word
    unit: Word
    level: int
    price_e4: int
    from_ms: int
    state: Word
    by: Word
    reason: Text


class PriceBoard(Message):
    """Prices that are planned and in force, then the last past ones, newest first."""

    units: Annotated[tuple[Word, ...], Field(max_length=5)]
    levels: Annotated[tuple[int, ...], Field(max_length=20)]
    ahead_ms: int
    rows: Annotated[tuple[PriceRow, ...], Field(max_length=MOST_PRICE_ROWS)]


class PriceCancel(Message):
    """Which planned price is taken back, and why.

    Sooner than `PriceBoard.ahead_ms` before its time it takes a second person.
    """

    price_id: Word
    reason: Text
    approval: Approval | None = None


PRICE_PLAN = Method("price.plan", PricePlan, Choices, "price.plan", changes=True)
PRICE_LIST = Method("price.list", Nothing, PriceBoard, LOGGED_IN, changes=False)
PRICE_CANCEL = Method(
    "price.cancel", PriceCancel, PriceBoard, "price.plan", changes=True
)
PRICE_METHODS = (PRICE_PLAN, PRICE_LIST, PRICE_CANCEL)

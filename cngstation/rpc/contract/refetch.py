"""Records fetched again by hand (补采), from the dispensers that keep them."""

from typing import Annotated

from pydantic import Field

from cngstation.rpc.contract.figures import Facts, Word
from cngstation.rpc.method import LOGGED_IN, Message, Method, Text
from cngstation.rpc.session import Nothing

MOST_ABSENT = 64
MOST_NUMBER = 2**32 - 1
SeqNo = Annotated[int, Field(ge=0, le=MOST_NUMBER)]
Day = Annotated[str, Field(pattern=r"^(\d{4}-\d{2}-\d{2})?$", max_length=10)]


class RefetchOrder(Message):
    """Which records: of a nozzle, or of each nozzle of a dispenser; 0 is none.

    By their numbers, or by the business day, empty for none: then it is the numbers
    between the booked fills before and behind that day.
    """

    nozzle_no: Annotated[int, Field(ge=0, le=999)]
    dispenser_no: Annotated[int, Field(ge=0, le=9_999)] = 0
    first: SeqNo = 0
    last: SeqNo = 0
    day: Day = ""


class AbsentNumbers(Message):
    """Numbers of a nozzle that its dispenser does not have."""

    nozzle_no: int
    first: int
    last: int


class RefetchState(Message):
    """How far it is: idle, running, done or cut_off, where `text` says why.

    `empty` are numbers that moved no gas, `absent` the first stretches of those that
    are not there.
    """

    state: Word
    total: int
    asked: int
    booked: int
    known: int
    empty: int
    not_there: int
    absent: Annotated[tuple[AbsentNumbers, ...], Field(max_length=MOST_ABSENT)]
    text: Text = ""
    facts: Facts = ()


RECORD_REFETCH = Method(
    "record.refetch", RefetchOrder, RefetchState, "record.refetch", changes=True
)
RECORD_REFETCH_STATE = Method(
    "record.refetch_state", Nothing, RefetchState, LOGGED_IN, changes=False
)
REFETCH_METHODS = (RECORD_REFETCH, RECORD_REFETCH_STATE)

"""Limits of what cards and companies may fill."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from cngstation.rpc.contract.figures import Asked, Word
from cngstation.rpc.method import LOGGED_IN, Message, Method


class LimitHolder(StrEnum):
    """Whose limits they are."""

    CARD = "card"
    COMPANY = "company"


class LimitsQuery(Message):
    """A card by its key, or a company by its number."""

    holder: LimitHolder
    key: Word


class WindowLimit(Message):
    """A bound in money and gas; zero is none."""

    fen: Asked = 0
    hundredths: Asked = 0


class Limits(Message):
    """The limits of a card or a company. Weekdays are bits, Monday the lowest.

    Hours are minutes of the local day; from later than until runs over midnight.
    """

    holder: LimitHolder
    key: Word
    fill: WindowLimit
    day: WindowLimit
    week: WindowLimit
    month: WindowLimit
    weekdays: Annotated[int, Field(ge=0, le=127)] = 127
    from_minute: Annotated[int, Field(ge=0, le=1440)] = 0
    until_minute: Annotated[int, Field(ge=0, le=1440)] = 1440


LIMITS_SHOW = Method("limits.show", LimitsQuery, Limits, LOGGED_IN, changes=False)
LIMITS_SET = Method("limits.set", Limits, Limits, "limits.write", changes=True)

LIMIT_METHODS = (
    LIMITS_SHOW,
    LIMITS_SET,
)

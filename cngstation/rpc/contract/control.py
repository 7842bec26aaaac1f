"""Orders to nozzles: lock and unlock, authorise, stop one or all, off duty."""

from typing import Annotated

from pydantic import Field

from cngstation.rpc.contract.figures import Facts, IntentId, Word
from cngstation.rpc.method import LOGGED_IN, Message, Method, Text
from cngstation.rpc.session import Nothing

MOST_NOZZLES = 64
Preset = Annotated[int, Field(ge=0, le=99_999_999)]


class NozzleOrder(Message):
    """One order to one nozzle; presets are for authorise alone, at most one of them.

    `order_id` is chosen by the screen: the same one asked again is answered with what
    became of it, and nothing is sent twice.
    """

    order_id: IntentId
    nozzle_no: int
    preset_quantity_milli: Preset = 0
    preset_amount_e4: Preset = 0


class OrderReply(Message):
    """What became of an order: done, refused or unknown, in a sentence."""

    nozzle_no: int
    outcome: Word
    wants_a_person: bool
    text: Text
    facts: Facts


class StopAll(Message):
    """Stop every nozzle."""

    order_id: IntentId


class StopReplies(Message):
    """What became of each nozzle, the ones that need a person first."""

    replies: Annotated[tuple[OrderReply, ...], Field(max_length=MOST_NOZZLES)]


class NozzleAbilities(Message):
    """Which orders a nozzle's protocol can carry."""

    nozzle_no: int
    orders: Annotated[tuple[Word, ...], Field(max_length=8)]


class Abilities(Message):
    """The abilities of every nozzle."""

    nozzles: Annotated[tuple[NozzleAbilities, ...], Field(max_length=MOST_NOZZLES)]


def _order(name: str, right: str) -> Method[NozzleOrder, OrderReply]:
    return Method(f"nozzle.{name}", NozzleOrder, OrderReply, right, changes=True)


NOZZLE_LOCK = _order("lock", "nozzle.lock")
NOZZLE_UNLOCK = _order("unlock", "nozzle.unlock")
NOZZLE_AUTHORISE = _order("authorise", "nozzle.authorise")
NOZZLE_STOP = _order("stop", "nozzle.stop")
NOZZLE_END_SHIFT = _order("end_shift", "nozzle.end_shift")
NOZZLE_STOP_ALL = Method(
    "nozzle.stop_all", StopAll, StopReplies, "nozzle.stop", changes=True
)
NOZZLE_ABILITIES = Method(
    "nozzle.abilities", Nothing, Abilities, LOGGED_IN, changes=False
)

CONTROL_METHODS = (
    NOZZLE_LOCK,
    NOZZLE_UNLOCK,
    NOZZLE_AUTHORISE,
    NOZZLE_STOP,
    NOZZLE_END_SHIFT,
    NOZZLE_STOP_ALL,
    NOZZLE_ABILITIES,
)

"""Carries out an act that moves money: one id, and never an unanswered question.

Whatever ends without a certain answer is asked again by its id until it is known.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from ulid import ULID

from cngstation.errors import MoneyMoved, NotLoggedIn, StationError
from cngstation.rpc.contract.counter import (
    ACT_FIND,
    ActReply,
    ActRequest,
    ActState,
)
from cngstation.rpc.method import Message, Method

if TYPE_CHECKING:
    from tui.link import Link

Request = TypeVar("Request", bound=Message)

ACT_TIMEOUT_S = 30  # a card write with a read back takes two; a slow disk some more
ASK_AGAIN_S = 0.5
# The daemon may still be at work on it when the new connection asks.
_UNKNOWN_ENOUGH = 4
_PENDING_ENOUGH = 10


class NeverAccepted(StationError):
    """The daemon has no trace of an act: nothing happened."""

    code = "tui.never_accepted"
    text = (
        "The request did not reach the station's books. Nothing was done and no money "
        "moved. Press Enter to try again."
    )


class OutcomeNotLearned(StationError):
    """The screen could not learn how an act ended."""

    code = "tui.outcome_not_learned"
    text = (
        "It is not known yet whether this was done: {why} Do not take or give money "
        "for it; look at the card and at the open rows first."
    )
    money = MoneyMoved.UNKNOWN


class StillAsking(StationError):
    """The answer was lost on its way; the screen asks for it by itself."""

    code = "tui.still_asking"
    text = (
        "{part} was lost during this act. What became of the act is being asked: leave "
        "the card on the reader, and take or give no money until it is said here."
    )
    money = MoneyMoved.UNKNOWN


def new_id() -> str:
    """Make the id of an act that was confirmed."""
    return str(ULID())


async def carry_out(
    link: "Link",
    method: Method[Request, ActReply],
    request: Request,
    intent_id: str,
    *,
    still_asking: Callable[[StationError], None],
) -> ActReply:
    """Do an act and return how it stands.

    Raises:
        NeverAccepted: it can be tried again under the same id.
        OutcomeNotLearned: the session ended before the answer was known.
        StationError: a refusal; nothing has happened.
    """
    try:
        return await link.call(method, request, timeout_s=ACT_TIMEOUT_S)
    except StationError as error:
        if error.money is not MoneyMoved.UNKNOWN:
            raise
        still_asking(_lost(error))
        return await _ask(link, intent_id, still_asking)


def _lost(error: StationError) -> StillAsking:
    return StillAsking(part=error.facts.get("part", "counter"))


async def _ask(
    link: "Link", intent_id: str, still_asking: Callable[[StationError], None]
) -> ActReply:
    request = ActRequest(intent_id=intent_id)
    unknown = pending = 0
    while True:
        try:
            reply = await link.call(ACT_FIND, request)
        except NotLoggedIn as error:
            raise OutcomeNotLearned(why=error.text) from error
        except StationError as error:
            still_asking(_lost(error))
        else:
            unknown += reply.state is ActState.UNKNOWN
            pending += reply.state is ActState.PENDING
            if unknown >= _UNKNOWN_ENOUGH:
                raise NeverAccepted
            settled = reply.state not in {ActState.UNKNOWN, ActState.PENDING}
            if settled or pending >= _PENDING_ENOUGH:
                return reply
        await asyncio.sleep(ASK_AGAIN_S)

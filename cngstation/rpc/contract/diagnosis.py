"""Why the card on the reader will not fill: causes, each with the act that cures it."""

from typing import Annotated

from pydantic import Field

from cngstation.rpc.contract.figures import Facts, Word
from cngstation.rpc.method import Message, Method, Text
from cngstation.rpc.session import Nothing

MOST_CAUSES = 16


class WhyNot(Message):
    """One cause: what is the matter, what cures it, and the act by its name.

    `act` is empty where nothing at this counter helps.
    """

    cause: Word
    text: Text
    cure: Text
    act: Word
    facts: Facts


class Diagnosis(Message):
    """Every cause that is true of the card, the gravest first; none: it can fill."""

    uid: Word
    card_no: Word
    causes: Annotated[tuple[WhyNot, ...], Field(max_length=MOST_CAUSES)]


CARD_WHY = Method("card.why", Nothing, Diagnosis, "card.read", changes=False)

DIAGNOSIS_METHODS = (CARD_WHY,)

"""Kinds of cards as data: the byte on the card, and what each kind is for."""

from dataclasses import dataclass

from cngstation.errors import Refusal


@dataclass(frozen=True, slots=True)
class CardKind:
    """A kind of card; `code` is its byte in the card's image."""

    name: str
    code: int
    for_customers: bool


KINDS = (
    CardKind("taxi", 1, for_customers=True),  # 出租卡
    CardKind("unit", 2, for_customers=True),  # 单位卡
    CardKind("personal", 3, for_customers=True),  # 个人卡
    CardKind("crew", 4, for_customers=False),  # 班组卡
)
BY_NAME = {kind.name: kind for kind in KINDS}
BY_CODE = {kind.code: kind for kind in KINDS}
CREW = BY_NAME["crew"]
CREW_REWRITE = "crew_rewrite"  # 改卡


class CrewCard(Refusal):
    """A crew card was laid down for what is a customer's."""

    code = "refusal.crew_card"
    text = (
        "Card {card_no} is a crew card: no money and no gas is ever on it. Nothing was "
        "written and no money moved. Take the customer's card."
    )


class NotCrewCard(Refusal):
    """A customer's card was laid down for what is a crew card's."""

    code = "refusal.not_crew_card"
    text = (
        "Card {card_no} is a customer's card, not a crew card. Nothing was written. "
        "Lay the crew card on the reader."
    )

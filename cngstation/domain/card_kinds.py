"""Kinds of cards as data: the byte on the card, and what each kind is for."""

from dataclasses import dataclass


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

"""Why a card will not fill, as a pure function: one fact at a time, and their order."""

from dataclasses import replace
from typing import Any

import pytest

from cngstation.domain.card_life import CardState
from cngstation.domain.causes import WORDS, Cause
from cngstation.domain.continuity import Break
from cngstation.domain.diagnosis import causes_of
from cngstation.domain.evidence import Verdict
from cngstation.domain.known_card import (
    Grey,
    Known,
    Lies,
    OpenAct,
    Reading,
    Registered,
    Station,
)
from cngstation.domain.payment import PaymentMode

READING = Reading(
    card_no="01000001",
    area_no="0028",
    payment_mode=PaymentMode.PREPAID_MONEY,
    balance=10_000,
    price_fen=400,
    cylinder_due="2028-01-31",
    cylinder_days=400,
    whole=True,
    counters_left=True,
    limit_per_fill_yuan=0,
    limit_per_day_yuan=0,
)
REGISTERED = Registered(
    card_no="01000001",
    state=CardState.NORMAL,
    payment_mode=PaymentMode.PREPAID_MONEY,
    unit="CNY",
    cylinder_due="2028-01-31",
    cylinder_days=400,
    broken=None,
)
SOUND = Known(
    lies=Lies.OURS,
    station=Station("00000001", "0028", "01", ("m3",), 4_0000),
    uid="DEADBEEF",
    chip_card="01000001",
    chip_is_known=True,
    reading=READING,
    registered=REGISTERED,
)


def known(**changes: Any) -> Known:
    """Return a sound card with some facts changed, wherever they stand."""
    parts: dict[str, Any] = {
        "reading": READING,
        "registered": REGISTERED,
        "station": SOUND.station,
    }
    rest = dict(changes)
    for name, part in parts.items():
        own = {key: fact for key, fact in changes.items() if hasattr(part, key)}
        parts[name] = replace(part, **own)
        rest = {key: fact for key, fact in rest.items() if key not in own}
    return replace(SOUND, **parts, **rest)


def first(card: Known) -> Cause | None:
    """Return the cause of the first line."""
    found = causes_of(card)
    return found[0].cause if found else None


GAS = {"payment_mode": PaymentMode.PREPAID_QUANTITY}
CREDIT = {"payment_mode": PaymentMode.CREDIT_MONEY, "balance": 0}
ONE_FACT: dict[str, tuple[dict[str, Any], Cause | None]] = {
    "sound": ({}, None),
    "overdue by a day": ({"cylinder_days": -1}, Cause.CYLINDER_OVERDUE),
    "due today": ({"cylinder_days": 0}, None),
    "worn": ({"counters_left": False}, Cause.WORN_OUT),
    "credit up": (
        {**CREDIT, "owed_e4": 5, "credit_limit_e4": 5},
        Cause.CREDIT_LIMIT,
    ),
    "credit left": ({**CREDIT, "owed_e4": 4, "credit_limit_e4": 5}, None),
    "credit without limit": ({**CREDIT, "owed_e4": 10**9}, None),
    "day's limit just reached": (
        {"limit_per_day_yuan": 9, "filled_today_e4": 9_0000},
        Cause.DAY_LIMIT,
    ),
    "day's limit not reached": (
        {"limit_per_day_yuan": 9, "filled_today_e4": 8_9999},
        None,
    ),
    "fill limit of a unit": ({"limit_per_fill_yuan": 4}, None),
    "fill limit below": ({"limit_per_fill_yuan": 3}, Cause.FILL_LIMIT),
    "a unit's money": ({"balance": 400}, None),
    "less": ({"balance": 399}, Cause.TOO_LOW),
    "nothing": ({"balance": 0}, Cause.EMPTY),
    "below nothing": ({"balance": -1}, Cause.EMPTY),
    "a unit of gas": ({**GAS, "unit": "m3", "balance": 100}, None),
    "less than a unit": ({**GAS, "unit": "m3", "balance": 99}, Cause.TOO_LOW),
    "gas in another unit": ({**GAS, "unit": "kg"}, Cause.OTHER_UNIT),
    "no nozzles": ({**GAS, "unit": "kg", "gas_units": ()}, None),
    "no price": ({"price_e4": None}, Cause.NO_PRICE),
    "old price": ({"price_fen": 399}, Cause.PRICE_OLD),
    "old plate": (
        {"plate": "川B54321", "is_of_plate": False},
        Cause.PLATE_OLD,
    ),
    "old limits": ({"limits_yuan": (0, 500)}, Cause.LIMITS_OLD),
    "same limits": (
        {"limit_per_day_yuan": 500, "limits_yuan": (0, 500)},
        None,
    ),
    "old limits of a card that is not written": (
        {"limits_yuan": (0, 500), "can_be_written": False},
        None,
    ),
    "a day's limit that was raised": (
        {"limit_per_day_yuan": 9, "filled_today_e4": 9_0000, "limits_yuan": (0, 500)},
        Cause.LIMITS_OLD,
    ),
    "a day's limit that holds": (
        {"limit_per_day_yuan": 9, "filled_today_e4": 9_0000, "limits_yuan": (0, 9)},
        Cause.DAY_LIMIT,
    ),
    "a fill limit that was raised": (
        {"limit_per_fill_yuan": 3, "limits_yuan": (300, 0)},
        Cause.LIMITS_OLD,
    ),
    "crew card": ({"stopped": "crew", "balance": 0}, Cause.CREW_CARD),
    "stopped by a limit": ({"stopped": "hours"}, Cause.STOPPED),
    "dispensers' list": ({"refused_at": (2, 3)}, Cause.REFUSED_AT),
}


@pytest.mark.parametrize(("facts", "cause"), ONE_FACT.values(), ids=ONE_FACT)
def test_one_fact_is_one_cause(facts: dict[str, Any], cause: Cause | None) -> None:
    """Each limit stands exactly where the rule says."""
    assert first(known(**facts)) is cause


ORDER: dict[str, tuple[dict[str, Any], Cause]] = {
    "a copy of a lost card": (
        {"broken": Break.OTHER_CHIP, "state": CardState.LOST},
        Cause.OTHER_CHIP,
    ),
    "a half read card looks old": (
        {"broken": Break.OLDER_IMAGE, "whole": False},
        Cause.HALF_READ,
    ),
    "an old image of a lost card": (
        {"broken": Break.OLDER_IMAGE, "state": CardState.LOST},
        Cause.OLDER_IMAGE,
    ),
    "a lost card that is empty": (
        {"state": CardState.LOST, "balance": 0},
        Cause.LOST,
    ),
    "grey before the open act": (
        {
            "grey": Grey("00000001", 1, 7, 1, 9_0000),
            "act": OpenAct("top_up", Verdict.GREY_SINCE),
        },
        Cause.GREY,
    ),
    "an open act explains its counter": (
        {
            "broken": Break.UNKNOWN_COUNTER,
            "act": OpenAct("top_up", Verdict.APPLIED),
        },
        Cause.OPEN_ACT,
    ),
    "overdue and empty": ({"cylinder_days": -1, "balance": 0}, Cause.CYLINDER_OVERDUE),
}


@pytest.mark.parametrize(("facts", "cause"), ORDER.values(), ids=ORDER)
def test_the_gravest_comes_first(facts: dict[str, Any], cause: Cause) -> None:
    """What makes the others beside the point is said before them."""
    assert first(known(**facts)) is cause


def test_nothing_is_read_from_a_card_that_is_not_believed() -> None:
    """After a copy no balance and no date is spoken of; after a loss they are."""
    bad = {"cylinder_days": -1, "balance": 0}
    copied = causes_of(known(broken=Break.OTHER_CHIP, **bad))
    assert [found.cause for found in copied] == [Cause.OTHER_CHIP]
    lost = causes_of(known(state=CardState.LOST, **bad))
    assert [found.cause for found in lost] == [
        Cause.LOST,
        Cause.CYLINDER_OVERDUE,
        Cause.EMPTY,
    ]


def test_every_cause_has_its_words() -> None:
    """No cause without sentence and cure."""
    assert set(WORDS) == set(Cause)
    assert all(words.text and words.cure for words in WORDS.values())

"""What a card proves about an act that was cut off: the table of cases."""

from dataclasses import replace

import pytest

from cngstation.domain.evidence import (
    Before,
    Evidence,
    Verdict,
    judge,
    same_card_state,
)

# 100 before, 150 after; the counter wrote 4 times, the dispenser 7 times.
BEFORE = Before("DEADBEEF", 100, 4, 7)
AFTER = 150
SEEN = Evidence("DEADBEEF", "510100000001", 100, 4, 7)

CASES = {
    "as it was": ({}, Verdict.NOT_APPLIED),
    "written": ({"balance": 150, "wseq": 5}, Verdict.APPLIED),
    "written, then filled back to the balance before": (
        {"balance": 100, "wseq": 5, "pseq": 8},
        Verdict.APPLIED,
    ),
    "written, with another amount": ({"balance": 149, "wseq": 5}, Verdict.HOLD),
    "not written, filled since": ({"balance": 60, "pseq": 8}, Verdict.NOT_APPLIED),
    "not written, balance changed by nobody": ({"balance": 150}, Verdict.HOLD),
    "written twice": ({"balance": 200, "wseq": 6}, Verdict.HOLD),
    "an older image": ({"wseq": 3}, Verdict.HOLD),
    "fills undone": ({"pseq": 6}, Verdict.HOLD),
    "fills undone after the write": (
        {"balance": 150, "wseq": 5, "pseq": 6},
        Verdict.HOLD,
    ),
    "another chip": ({"uid": "CAFE0001", "balance": 150, "wseq": 5}, Verdict.HOLD),
    "grey since": ({"pseq": 8, "grey": "1/2/3"}, Verdict.GREY_SINCE),
    "grey since, counter unmoved": ({"grey": "1/2/3"}, Verdict.GREY_SINCE),
    "written, and grey since": (
        {"balance": 150, "wseq": 5, "pseq": 8, "grey": "1/2/3"},
        Verdict.APPLIED,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_verdict_for_each_case(name: str) -> None:
    """The counters decide; the balance alone proves nothing."""
    changes, verdict = CASES[name]
    seen = replace(SEEN, **changes)  # type: ignore[arg-type]
    assert judge(BEFORE, seen, after_balance=AFTER) is verdict


def test_a_card_that_cannot_be_read_is_its_own_verdict() -> None:
    """Nothing is concluded from silence."""
    assert judge(BEFORE, None, after_balance=AFTER) is Verdict.UNREADABLE


@pytest.mark.parametrize(
    "changes",
    [{"uid": "X"}, {"balance": 1}, {"wseq": 5}, {"pseq": 8}, {"grey": "1/2/3"}],
)
def test_any_difference_is_another_state(changes: dict[str, object]) -> None:
    """Before a write the card must be exactly as the act found it."""
    assert same_card_state(BEFORE, SEEN)
    assert not same_card_state(BEFORE, replace(SEEN, **changes))  # type: ignore[arg-type]


UNCOUNTED: dict[str, tuple[dict[str, object], Verdict]] = {
    "after": ({"balance": 15_000}, Verdict.APPLIED),
    "before": ({"balance": 10_000}, Verdict.NOT_APPLIED),
    "neither": ({"balance": 12_000}, Verdict.UNREADABLE),
    "before, but used since": (
        {"balance": 10_000, "consumed": 5_700},
        Verdict.NO_FENCE,
    ),
    "after, but used since": ({"balance": 15_000, "consumed": 701}, Verdict.NO_FENCE),
    "a total that fell": ({"balance": 10_000, "consumed": 699}, Verdict.HOLD),
    "another chip": ({"balance": 15_000, "uid": "00000000"}, Verdict.HOLD),
    "a card with counters": ({"balance": 15_000, "consumed": None}, Verdict.HOLD),
}


@pytest.mark.parametrize(("seen", "verdict"), UNCOUNTED.values(), ids=UNCOUNTED)
def test_a_card_without_counters_is_judged_behind_its_total(
    seen: dict[str, object], verdict: Verdict
) -> None:
    """After: done; before: again; neither: waste; used since: nothing is decided."""
    given: dict[str, object] = {
        "uid": "DEADBEEF", "card_key": "K", "balance": 0, "wseq": 4, "pseq": 2,
        "consumed": 700,
    }  # fmt: skip
    before = Before("DEADBEEF", 10_000, 4, 2, "", 700)
    found = judge(before, Evidence(**{**given, **seen}), after_balance=15_000)  # type: ignore[arg-type]
    assert found is verdict


def test_equal_amounts_decide_nothing_without_counters() -> None:
    """Before and after are the same figure."""
    before = Before("DEADBEEF", 10_000, 4, 2, "", 700)
    seen = Evidence("DEADBEEF", "K", 10_000, 4, 2, "", 700)
    assert judge(before, seen, after_balance=10_000) is Verdict.NO_FENCE


def test_a_card_with_counters_is_no_evidence_for_an_act_without() -> None:
    """And the reverse: the kinds of evidence are not mixed."""
    before = Before("DEADBEEF", 10_000, 4, 2)
    seen = Evidence("DEADBEEF", "K", 15_000, 5, 2, "", 700)
    assert judge(before, seen, after_balance=15_000) is Verdict.HOLD

"""What is said of an act: every kind in every state, with all that a sentence names."""

import pytest

from cngstation.domain.tenders import Tender
from cngstation.services.act_result import ActResult
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.tell_act import act_reply
from cngstation.storage.journal import IntentState


def result(kind: str, state: IntentState, cash_e4: int = 100_000) -> ActResult:
    """Return how an act of this kind stands."""
    return ActResult(
        intent_id="ACT1",
        state=state,
        kind=kind,
        card_key="510101000231",
        before_balance=1_000,
        after_balance=2_000,
        cash_e4=cash_e4,
        receipt_no=7,
        tender=Tender.CASH,
    )


@pytest.mark.parametrize("state", list(IntentState))
@pytest.mark.parametrize("kind", sorted(every_kind()))
def test_every_kind_has_a_sentence_in_every_state(
    kind: str, state: IntentState
) -> None:
    """A kind that is added without one would fail at the counter, after the write."""
    reply = act_reply(result(kind, state), "ACT1")
    said = reply.text.format(**{fact.name: fact.value for fact in reply.facts})
    assert "01000231" in said


def test_an_act_that_nobody_accepted_says_so() -> None:
    """Its id is the one that was asked for."""
    reply = act_reply(None, "ACT9")
    assert reply.intent_id == "ACT9"
    assert "never accepted" in reply.text


def test_what_was_undone_says_where_its_money_is() -> None:
    """Without money nothing is given back."""
    undone = act_reply(result("top_up", IntentState.VOID), "ACT1")
    assert "give {cash} yuan" in undone.text
    unpaid = act_reply(result("edit", IntentState.VOID, cash_e4=0), "ACT1")
    assert "No money moved" in unpaid.text

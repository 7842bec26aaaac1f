"""Taking back is offered only where the station allows it."""

from dataclasses import replace

from cngstation.rpc.contract.card_acts import TopUpsRequest
from cngstation.services.answer_card_acts import CardActAnswers
from cngstation.services.reverse_top_up import NegativeOff
from tests.simulation.card_cases import Case
from tests.simulation.money_world import CALL, World


def test_a_station_without_negative_top_ups_says_so_before_anything_is_typed(
    world: World,
) -> None:
    """Asked for the top-ups that could be taken back, it names none."""
    case = Case(world)
    answers = world.answers.card_acts
    request = TopUpsRequest(card_key=case.key)
    assert not isinstance(world.run(answers.top_ups(request, CALL)), NegativeOff)
    off = replace(answers._parts.rules, negative_top_up=False)
    parts = replace(answers._parts, rules=off)
    refused = world.run(CardActAnswers(parts).top_ups(request, CALL))
    assert isinstance(refused, NegativeOff)

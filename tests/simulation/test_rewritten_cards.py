"""Limits and crew cards written again on a DESFire and a fuel card, cut off anywhere.

What is written is in the card's files and not in its purse: after every cut the card
has all of it or none, and the act knows which.
"""

from typing import Any

import pytest

from cngstation.domain.payment import PaymentMode
from cngstation.errors import StationError
from cngstation.protocols.card_image.purse import CardInfo
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.counter import ActReply, ActState
from cngstation.rpc.contract.marks import MarkOrder
from cngstation.rpc.session import Nothing
from cngstation.storage.limits import Holder
from tests.plain_cards import KEY as PLAIN_KEY
from tests.plain_cards import PlainWorld, plain_chip
from tests.simulation.card_cases import Case, bound
from tests.simulation.money_cards import Chip, PowerCut
from tests.simulation.money_world import CALL, World
from tests.simulation.test_desfire_crash_points import DesfireWorld
from tests.simulation.test_desfire_crash_points import Fault as DesfireFault
from tests.simulation.test_desfire_crash_points import TheCard as Desfire
from tests.simulation.test_fuel_card_crash_points import Fault as FuelFault
from tests.simulation.test_fuel_card_crash_points import FuelWorld
from tests.simulation.test_fuel_card_crash_points import TheCard as Fuel

ACT = "ACT-REWRITE"
EVERY_NTH = 7  # frames or commands; an act has some forty
WORLDS: dict[str, tuple[Any, Any, Any]] = {
    "desfire": (DesfireWorld, Desfire(), DesfireFault),
    "fuel": (FuelWorld, Fuel(), FuelFault),
}
FAULTS = [(name, fault) for name, (_, _, faults) in WORLDS.items() for fault in faults]


@pytest.mark.parametrize(("technology", "fault"), FAULTS)
@pytest.mark.parametrize("kind", ["rewrite_limits", "crew_rewrite"])
def test_a_rewriting_cut_off_is_ended_by_the_next_tap(
    kind: str, technology: str, fault: Any
) -> None:
    """It is written once and whole, or it never was; no money is in it."""
    at = 0
    while _ends_well(kind, technology, fault, at):
        at += EVERY_NTH
    assert at > 20


def _ends_well(kind: str, technology: str, fault: Any, at: int) -> bool:
    make, chip, _ = WORLDS[technology]
    world = make()
    try:
        key, given = _prepared(world, chip, kind)
        first = world.reading(chip)
        held = (first.purse.balance, first.purse.wseq)
        world.act(
            kind,
            key,
            chip,
            act=ACT,
            arm=lambda: world.field.arm(fault, at),
            **given,
        )
        struck = world.field.fault is None
        world.field.fault = None
        world.require_proved()
        for _ in range(2):
            shown = world.present(chip)
            assert not isinstance(shown, StationError | PowerCut), shown
        end = world.find(ACT)
        assert end.state in {ActState.DONE, ActState.UNKNOWN}, end
        if end.state is ActState.UNKNOWN:
            assert world.reading(chip).info == first.info
            again = world.act(kind, key, chip, **given)
            assert isinstance(again, ActReply), again
            assert again.state is ActState.DONE
        last = world.reading(chip)
        assert last.whole
        assert (last.purse.balance, last.purse.wseq) == (held[0], held[1] + 1)
        assert last.info == _wanted(kind, first.info)
        assert kind != "crew_rewrite" or _holder(world, key) == "李工"
        world.require_proved()
        return struck
    finally:
        world.close()


def _prepared(world: Any, chip: Any, kind: str) -> tuple[str, dict[str, Any]]:
    if kind == "crew_rewrite":
        world.reader.put(chip)
        request = counter.CrewIssue(intent_id="ACT-ISSUE", holder="张工", remark="")
        issued = world.must(world.answers.cards.crew_issue(request, CALL))
        assert issued.state is ActState.DONE
        return issued.card_key, {"fields": {"holder": "李工"}}
    issued = world.issue(chip, PaymentMode.PREPAID_MONEY, 10_000)
    assert issued.state is ActState.DONE
    bound(world, Holder.CARD, issued.card_key, 200, 900)
    return issued.card_key, {}


def _wanted(kind: str, info: CardInfo) -> CardInfo:
    limits = (200, 900) if kind == "rewrite_limits" else (0, 0)
    return CardInfo(info.area_no, info.price_fen, info.plate, *limits)


def _holder(world: Any, key: str) -> str:
    return str(world.value("SELECT holder FROM card", key))


# What is old on a card is said at its tap, with the act that writes it.


def _told(world: World, chip: Chip) -> tuple[list[str], str, list[tuple[str, str]]]:
    shown = world.present(chip)
    assert not isinstance(shown, StationError | PowerCut), shown
    why = world.must(world.answers.diagnosis.why(Nothing(), CALL))
    causes = [(cause.cause, cause.act) for cause in why.causes]
    return (
        [text.split(" on the card")[0] for text in shown[1].warnings],
        (shown[1].cure),
        causes,
    )


def test_the_second_card_of_a_vehicle_learns_its_new_plate(world: World) -> None:
    """One card is edited; the other says so at its tap and is written by one act."""
    first, second = Case(world), Case(world, uid="04a1b2c4")
    assert _told(world, second.chip) == ([], "", [])
    first.done("edit", fields={"plate": "川B54321"})
    assert _told(world, first.chip) == ([], "", [])
    warned, cure, causes = _told(world, second.chip)
    assert (warned, cure) == (["The plate"], "edit")
    assert causes == [("plate_old", "edit_card")]
    info = world.reading(second.chip).info
    assert info is not None
    assert info.plate == "川A12345"
    second.done(cure)
    info = world.reading(second.chip).info
    assert info is not None
    assert info.plate == "川B54321"
    assert _told(world, second.chip) == ([], "", [])
    world.require_proved()


def test_limits_that_changed_are_said_and_written_by_one_act(world: World) -> None:
    """The tighter of card and company; taken away again they are said again."""
    case = Case(world)
    bound(world, Holder.COMPANY, "0001", 500, 0)
    bound(world, Holder.CARD, case.key, 200, 900)
    said = (["The limits"], "rewrite_limits", [("limits_old", "rewrite_limits")])
    assert _told(world, case.chip) == said
    case.done("rewrite_limits")
    assert _told(world, case.chip) == ([], "", [])
    info = world.reading(case.chip).info
    assert info is not None
    assert (info.limit_per_fill_yuan, info.limit_per_day_yuan) == (200, 900)
    bound(world, Holder.CARD, case.key, 0, 0)
    assert _told(world, case.chip) == said
    case.done("rewrite_limits")
    info = world.reading(case.chip).info
    assert info is not None
    assert (info.limit_per_fill_yuan, info.limit_per_day_yuan) == (500, 0)


def test_nothing_is_offered_for_a_card_that_is_not_in_use(world: World) -> None:
    """A black card is warned of, and not written."""
    case = Case(world)
    bound(world, Holder.CARD, case.key, 200, 900)
    order = MarkOrder(card_key=case.key, reason="because", approval=None)
    world.must(world.answers.marks.marking("blacklist")(order, CALL))
    warned, cure, _ = _told(world, case.chip)
    assert (warned, cure) == (["The limits"], "")


def test_nothing_is_offered_for_a_card_that_is_never_written() -> None:
    """A card without counters carries neither plate nor limits of ours."""
    world = PlainWorld()
    try:
        world.register()
        bound(world, Holder.COMPANY, "0001", 500, 0)
        chip = plain_chip(5_000)
        shown = world.present(chip)
        assert not isinstance(shown, StationError | PowerCut), shown
        assert (shown[1].warnings, shown[1].cure) == ((), "")
        told = world.act("rewrite_limits", PLAIN_KEY, chip)
        assert isinstance(told, StationError)
        assert told.code == "refusal.no_counters"
    finally:
        world.close()

"""No path reaches a dangerous effect with one identity: every one is walked here."""

import ast
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

import cngstation
from cngstation.domain.rights import ROLES
from cngstation.domain.two_people import ACTS, Approval, Pair, often_together
from cngstation.errors import StationError
from cngstation.rpc.contract.counter import COUNTER
from cngstation.rpc.contract.forecourt import FORECOURT
from cngstation.rpc.contract.marks import MarkOrder
from cngstation.rpc.method import LOGGED_IN, OWN_LOGIN
from cngstation.services.approve import Approval as Given
from cngstation.services.approve import (
    Approvals,
    ApprovedOtherwise,
    Paper,
    SecondPersonMissing,
    SecondPersonNew,
    Wish,
    record,
)
from cngstation.services.list_numbers import NumberLists
from cngstation.services.print_receipts import PaperSettings, slips
from cngstation.storage import (
    approvals,
    cards,
    downloads,
    operators,
    receipts,
)
from cngstation.storage.audit import Actor
from tests.simulation.money_world import CALL, World
from tests.simulation.two_people_paths import (
    FIRST,
    PATHS,
    Second,
    a_card,
    gate_of,
    mark,
)
from tests.simulation.world_parts import PASSWORD, PASSWORDS

BY_BOTH = Given("name02", SecretStr(PASSWORD), own_password=SecretStr(PASSWORD))
# The door of each act: a method that carries a second person, or a command.
DOORS = {
    "card.reverse_top_up": "card.reverse_top_up",
    "card.settle_grey_by_hand": "card.settle_grey_by_hand",
    "card.replace": "card.replace",
    "card.unblacklist": "card.unblacklist",
    "lists.number": "lists.number",
    "fill.mark": "fill.mark",
    "row.explain": "row.explain",
    "card_key.confirm": "row.explain",
    "enrolment.key": "enrolment.request",
    "enrolment.trust": "enrolment.accept",
    "opening.accept": "opening.accept",
    "register.import": "command import customers",
    "station.initialise": "command initialise",
    "personal.reseal": "command reseal",
    "price.override": "price.plan",
    "price.cancel_late": "price.cancel",
    "lists.file": "lists.file",
}


def _change(number: str, **values: Any) -> Callable[[World], None]:
    def do(world: World) -> None:
        world.must(
            world.database.write(
                lambda tx: operators.change(tx, number, reason="moved", **values)
            )
        )

    return do


def _blocked(world: World) -> None:
    world.must(
        world.database.write(lambda tx: operators.set_tries(tx, "02", 9, 10**15))
    )


def _another_password(world: World) -> None:
    """What is typed for the first person is the second's now."""
    stored = world.must(PASSWORDS.hash("the first one's own"))
    world.must(
        world.database.write(
            lambda tx: operators.set_password(tx, "01", stored, must_change=False)
        )
    )


def _nothing(_world: World) -> None:
    """Everybody is as they were."""


# Who is named, what was done with them before, and the codes of the refusal.
ALONE: dict[str, tuple[Second, Callable[[World], None], set[str]]] = {
    "nobody": (
        Second(""),
        _nothing,
        {
            "refusal.second_person_missing",
            "refusal.balance_unproved",
            "x.missing",
        },
    ),
    "the same person": (Second("01"), _nothing, {"refusal.same_person"}),
    "without the right": (Second("03"), _nothing, {"refusal.right"}),
    "retired": (
        Second(),
        _change("02", state="retired"),
        {"refusal.operator_state"},
    ),
    "waiting after wrong passwords": (Second(), _blocked, {"refusal.login_wait"}),
    "with a first password": (
        Second(),
        _change("02", must_change=1),
        {"refusal.second_person_new"},
    ),
    "a wrong password": (
        Second(password="not this one"),
        _nothing,
        {"refusal.login"},
    ),
    "the first password not given": (
        Second(own=None),
        _nothing,
        {"refusal.own_password_missing"},
    ),
    "the second's password for both": (
        Second(),
        _another_password,
        {"refusal.own_password"},
    ),
    "a first person without the right": (
        Second(),
        _change("01", role="general"),
        {"refusal.right"},
    ),
    "a first person who retired": (
        Second(),
        _change("01", state="retired"),
        {"refusal.operator_state"},
    ),
}


def _done_by_two(world: World) -> int:
    return len(approvals.between(world.view, 0, 10**15))


@pytest.mark.parametrize("who", sorted(ALONE))
@pytest.mark.parametrize("path", sorted(PATHS))
def test_one_identity_reaches_nothing(world: World, path: str, who: str) -> None:
    """Refused by name; the money, the lists and the rows are as they were."""
    second, before, codes = ALONE[who]
    walk = PATHS[path][1](world, second)
    next(walk)
    counts = _effects(world)
    done = _done_by_two(world)
    before(world)
    told = next(walk)
    assert isinstance(told, StationError), told
    assert told.code in codes
    if (path, told.code) not in _OF_COMMANDS:
        (row,) = _refused(world)
        tried = "01" if who == "the same person" else second.number or "nobody"
        assert row == ("01", "till", f"{PATHS[path][0]}: {tried}, {told.code}")
    assert _effects(world) == counts
    assert _done_by_two(world) == done
    world.require_proved()


# What a command writes down, around what is walked here; see its own tests.
_OF_COMMANDS = {
    ("sheet with balances", "x.missing"),
    ("sheet with balances", "refusal.operator_state"),
    ("another key", "refusal.operator_state"),
}


def _refused(world: World) -> list[tuple[str, str, str]]:
    told = world.view.execute(
        "SELECT operator_no, terminal, subject FROM audit"
        " WHERE act='approval.refused' AND outcome='refused'"
    )
    return [(str(no), str(where), str(what)) for no, where, what in told]


def _effects(world: World) -> dict[str, int]:
    """Count what an act would leave: money, acts, states, lists, closed rows."""
    tables = (
        "posting",
        "intent",
        "card_mark",
        "finding_closed",
        "opening_balance",
        "opening_verdict",
        "card",
        "receipt",
        "price",
        "price_cancelled",
        "enrolment",
        "enrolment_request",
        "card_key",
    )
    found = {
        table: world.view.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in tables
    }
    black = "SELECT count(*) FROM list_number WHERE list='black'"
    return found | {"black": world.view.execute(black).fetchone()[0]}


@pytest.mark.parametrize("path", sorted(PATHS))
def test_who_retires_between_check_and_commit_approves_nothing(
    world: World, path: str
) -> None:
    """What was checked is asked again in the transaction."""
    walk = PATHS[path][1](world, Second())
    next(walk)
    counts = _effects(world)

    async def retired() -> None:
        await world.database.write(
            lambda tx: operators.change(tx, "02", reason="left", state="retired")
        )

    world.database.meanwhile = retired
    told = next(walk)
    assert isinstance(told, StationError), told
    assert told.code == "refusal.operator_state"
    assert _effects(world) == counts
    world.require_proved()


@pytest.mark.parametrize("path", sorted(PATHS))
def test_two_people_reach_it_and_both_are_named(world: World, path: str) -> None:
    """The list of what two people did has both, the reason and the slip."""
    act, walks = PATHS[path]
    walk = walks(world, Second())
    next(walk)
    before = {one.seq for one in approvals.between(world.view, 0, 10**15)}
    told = next(walk)
    assert not isinstance(told, StationError), told
    made = approvals.between(world.view, 0, 10**15)
    (one,) = [one for one in made if one.seq not in before]
    assert (one.act, one.first_no, one.second_no) == (act, "01", "02")
    assert one.reason.startswith("because")
    slip = receipts.find(world.view, one.slip_no)
    assert slip is not None
    assert slip.kind == "two_people"
    (paper,) = slips(slip, PaperSettings("公司", "站", "1", 32, two_copies=True))
    told_rows = [getattr(row, "value", "") for row in paper.rows]
    assert {"01 01", "02 02", one.reason} <= set(told_rows)
    assert len([text for text in paper.footer if "____" in text]) == 2
    world.require_proved()


def test_every_act_has_a_door_and_every_door_an_act() -> None:
    """Methods that carry a second person, and the table, are the same."""
    methods = (*COUNTER.methods, *FORECOURT.methods)
    carrying = {m.name for m in methods if "approval" in m.request.model_fields}
    # Acts on cards share one message; those that never take two refuse nobody by it.
    alone = {"card.activate", "card.blacklist", "card.report_loss", "card.suspend"}
    alone |= {"card.withdraw_loss", "card.cancel", "card.wipe", "card.edit"}
    alone |= {"card.settle_grey", "card.clear_credit", "card.cylinder_date"}
    alone |= {"card.rewrite_price", "card.rewrite_limits", "card.crew_rewrite"}
    assert carrying - alone == {d for d in DOORS.values() if "command" not in d}
    walked = {act for act, _ in PATHS.values()}
    walked |= {"fill.mark", "station.initialise"}  # in their own tests
    assert DOORS.keys() == ACTS.keys() == walked
    rights = {act.right for act in ACTS.values()}
    for method in methods:
        if method.right in rights:
            assert "approval" in method.request.model_fields, method.name


def test_the_counter_answers_every_method(world: World) -> None:
    """None is left without a handler: the daemon would not start."""
    world.answers.handlers().check(COUNTER)


def test_every_right_of_an_act_is_in_the_table_of_rights() -> None:
    """No method asks for a right that nobody has, none of two people is a junior's."""
    every = frozenset().union(*ROLES.values())
    everybodys = {"", LOGGED_IN, OWN_LOGIN}
    asked = {m.right or "" for m in COUNTER.methods} - everybodys
    assert asked <= every
    assert {act.right for act in ACTS.values()} <= every
    for act in ACTS.values():
        if act.act == "fill.mark":  # a middle operator's, and of another such
            continue
        assert act.right not in ROLES["general"] | ROLES["junior"] | ROLES["middle"]


def test_who_asks_for_a_second_person_also_writes_him_down() -> None:
    """In every module that asks, `record` stands too, so that the digest has it."""
    root = Path(cngstation.__file__).parent
    asking, writing = set(), set()
    for path in (*(root / "services").glob("*.py"), *(root / "cli").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called.endswith(".approve"):
                    asking.add(path.stem)
                if called in {"record", "approve.record"}:
                    writing.add(path.stem)
    assert len(asking) >= 6
    # Whoever answers or commands asks, and the service that is told writes.
    told = {"import_customers", "answer_shifts", "initialise", "reseal"}
    told |= {"enrolment_desk"}
    assert asking - told <= writing
    assert {
        "keep_sealed",
        "import_customers",
        "confirm_marks",
        "initialise_station",
    } <= writing


def test_what_another_did_first_is_written_down_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Approved, and then refused by the transaction; or another came in between."""
    _, key = a_card(world)
    mark(world, "blacklist", key)
    mark(world, "unblacklist", key, Second())
    told = mark(world, "unblacklist", key, Second())
    assert isinstance(told, StationError)
    assert _refused(world) == [("01", "till", f"card.unblacklist: 02, {told.code}")]
    lists = NumberLists(world.database, Approvals(gate_of(world)), "0316")
    looks = iter([False, True])
    monkeypatch.setattr(downloads, "is_listed", lambda *_: next(looks))
    put = lists.put("12345678", "", reason="because", actor=FIRST, approval=None)
    assert isinstance(world.run(put), SecondPersonMissing)
    (*_, (_, _, last)) = _refused(world)
    assert last == f"lists.number: nobody, {SecondPersonMissing.code}"


OTHERWISE = {
    "another act": (Wish("row.explain", "a"), FIRST),
    "another subject": (Wish("card.unblacklist", "b"), FIRST),
    "another first person": (Wish("card.unblacklist", "a"), Actor("03", "till")),
}


@pytest.mark.parametrize("how", sorted(OTHERWISE))
def test_an_approval_is_good_for_one_act_of_one_person(world: World, how: str) -> None:
    """It is bound to act, subject and first person; nothing is written otherwise."""
    wish, first = OTHERWISE[how]
    given = BY_BOTH
    gate = Approvals(gate_of(world))
    approved = world.must(
        gate.approve(given, Wish("card.unblacklist", "a"), FIRST, "because")
    )
    told = world.run(world.database.write(lambda tx: record(tx, approved, wish, first)))
    assert isinstance(told, ApprovedOtherwise)
    assert approvals.between(world.view, 0, 10**15) == ()
    fits = Wish("card.unblacklist", "a")
    world.must(world.database.write(lambda tx: record(tx, approved, fits, FIRST)))
    assert len(approvals.between(world.view, 0, 10**15)) == 1


def test_an_act_that_is_not_in_the_table_cannot_be_approved(world: World) -> None:
    """What the digest would not know is not done."""
    given = BY_BOTH
    with pytest.raises(KeyError):
        world.run(
            Approvals(gate_of(world)).approve(
                given, Wish("books.burn", "a"), FIRST, "because"
            )
        )


def test_a_second_till_of_the_same_person_is_the_same_person(world: World) -> None:
    """Another session and another terminal make no other person."""
    _, key = a_card(world)
    mark(world, "blacklist", key)
    assert CALL.session is not None
    elsewhere = replace(CALL.session, terminal="office", session_id="other")
    call = replace(CALL, session=elsewhere)
    order = MarkOrder(card_key=key, reason="because", approval=Second("01").given)
    told = world.run(world.answers.marks.marking("unblacklist")(order, call))
    assert isinstance(told, StationError)
    assert told.code == "refusal.same_person"


def test_the_slip_is_printed_where_there_is_a_printer(world: World) -> None:
    """It is wanted once, and a further print is a copy."""
    given = BY_BOTH
    gate = Approvals(gate_of(world), Paper(prints_wanted=1))
    wish = Wish("card.unblacklist", "a")
    approved = world.must(gate.approve(given, wish, FIRST, "because"))
    world.must(world.database.write(lambda tx: record(tx, approved, wish, FIRST)))
    (one,) = approvals.between(world.view, 0, 10**15)
    slip = receipts.find(world.view, one.slip_no)
    assert slip is not None
    assert slip.wanted == 1


def test_who_stands_behind_one_person_too_often_is_named() -> None:
    """More than so many on a day; others are not."""

    def approval(seq: int, second: str) -> Approval:
        return Approval(seq, seq, "row.explain", "a", "b", "01", second, "t", 0)

    many = [approval(n, "02") for n in range(6)] + [approval(9, "04")]
    assert often_together(many) == (Pair("01", "02", 6),)
    assert often_together(many[1:]) == ()


def test_a_new_operator_is_told_to_change_the_password() -> None:
    """The sentence says whose password it is and what to do."""
    said = SecondPersonNew(operator="07").sentence()
    assert said.count("07") == 2


def test_cards_of_the_world_stay_usable(world: World) -> None:
    """A refused act leaves the card as it was: it can be marked with two people."""
    _, key = a_card(world)
    mark(world, "blacklist", key)
    assert isinstance(mark(world, "unblacklist", key, Second("")), StationError)
    marked = mark(world, "unblacklist", key, Second())
    assert not isinstance(marked, StationError)
    card = cards.find(world.view, key)
    assert card is not None
    assert str(card.state) == "normal"


def test_only_a_command_takes_the_first_person_as_asked() -> None:
    """Behind a socket the first person's own password is always checked."""
    root = Path(cngstation.__file__).parents[1]
    for folder in ("cngstation", "daemons", "tui"):
        for path in (root / folder).rglob("*.py"):
            given = "first_is_asked=True" in path.read_text("utf-8")
            assert not given or path.parent.name == "cli", path

"""Roles made function by function, outlets, and the right of every method."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cngstation.domain import rights
from cngstation.errors import StationError
from cngstation.protocols.ndjson import LONGEST_LINE
from cngstation.rpc.contract.counter import COUNTER
from cngstation.rpc.contract.forecourt import FORECOURT
from cngstation.rpc.contract.operators import (
    OPERATORS_A_PAGE,
)
from cngstation.rpc.contract.uplink import UPLINK
from cngstation.rpc.method import LOGGED_IN, OWN_LOGIN, Contract
from cngstation.rpc.wire import result_line
from cngstation.services.approve import (
    ReasonMissing,
)
from cngstation.services.check_rights import OtherOutlet
from cngstation.services.edit_registers import NoFieldChanged
from cngstation.services.keep_operators import OperatorDraft
from cngstation.services.keep_outlets import (
    MOST_OUTLETS,
    OutletInUse,
    TooManyOutlets,
)
from cngstation.services.keep_roles import (
    MOST_ROLES,
    ReadyMade,
    RoleDraft,
    RoleInUse,
    TooManyRoles,
    UnknownRight,
)
from cngstation.services.operator_guards import (
    BeyondOwnRights,
    OwnRole,
    UnknownOutlet,
    UnknownRole,
)
from cngstation.services.register_customers import (
    AlreadyRegistered,
    FieldEmpty,
    FieldWrong,
)
from cngstation.services.show_operators import operator_rows, outlet_rows, role_rows
from cngstation.services.verify_books import verify_file
from cngstation.storage import roles
from cngstation.storage.roles import Outlet
from tests.small_station import hire
from tests.unit.services.office import (
    CHIEF,
    ELSEWHERE,
    WRITER,
    Office,
    an_office,
)

CONTRACTS: tuple[Contract[Any], ...] = (COUNTER, FORECOURT, UPLINK)
METHODS = [method for contract in CONTRACTS for method in contract.methods]
NIGHT = RoleDraft("夜班", ("card.read", "card.top_up"), note="只充值")
PROGRAM = Path(__file__).parents[3] / "cngstation"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """Return the station of three."""
    async with an_office(tmp_path / "s.db") as made:
        yield made


# The table of rights.


def test_every_right_of_every_method_has_a_name_in_one_group() -> None:
    """A method whose right is in no group could be given to nobody."""
    counted = Counter(right.name for right in rights.RIGHTS)
    wanted = {method.right for method in METHODS} - {None, LOGGED_IN, OWN_LOGIN}
    assert {name: counted[str(name)] for name in wanted} == dict.fromkeys(wanted, 1)
    assert {right.group for right in rights.RIGHTS} == set(rights.GROUPS)
    titles = [right.title for right in rights.RIGHTS]
    assert len(set(titles)) == len(titles)
    assert counted.keys() >= rights.OF_OUTLET


def test_no_right_is_asked_for_nowhere() -> None:
    """What no method asks for is asked for within an act or a command, by its name."""
    within = {right.name for right in rights.RIGHTS} - {m.right for m in METHODS}
    table = Path(rights.__file__)
    written = [p.read_text("utf-8") for p in PROGRAM.rglob("*.py") if p != table]
    unused = {name for name in within if not any(f'"{name}"' in t for t in written)}
    by_constant = {rights.EVERY_OUTLET}
    assert unused - {"audit.read"} == by_constant


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_what_moves_money_through_a_till_is_of_its_outlet(method: Any) -> None:
    """Acts on a card and what is counted or brought need a right of the outlet."""
    asked = {"intent_id", "cash_fen", "float_fen", "amount_fen", "counts"}
    at_till = method.changes and asked & method.request.model_fields.keys()
    assert not at_till or method.right in rights.OF_OUTLET


# Roles.


async def test_a_role_is_made_function_by_function(office: Office) -> None:
    """It has a number and a note, and is what an operator may do."""
    made = await office.people.roles.write(NIGHT, "", CHIEF)
    assert made.role_no == "R5"
    hired = await office.desk.add(OperatorDraft("wangfang", "王芳", "R5"), CHIEF)
    assert (await office.of(hired.operator_no)).role == "R5"
    shown = await office.db.read(lambda c: role_rows(c, CHIEF))
    row = next(row for row in shown.rows if row.role_no == "R5")
    assert (row.operators, row.note, row.rights) == (1, "只充值", NIGHT.rights)
    assert [row.role_no for row in shown.rows[:5]] == list(rights.ROLES)
    assert len(shown.rights) == len(rights.RIGHTS)
    wanted = replace(NIGHT, role_no="R5", rights=("card.read", "card.issue"))
    await office.people.roles.write(wanted, "no top-ups at night", CHIEF)
    assert await office.acts("role.%") == [
        ("role.add", "1", "R5", "", "夜班: card.read card.top_up"),
        ("role.edit", "1", "R5", "夜班: card.top_up", "夜班: card.issue"),
    ]
    assert verify_file(office.path).proved


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"name": " "}, FieldEmpty),
        ({"name": "柜长"}, AlreadyRegistered),
        ({"rights": ("card.read", "vendor.all")}, UnknownRight),
        ({"outlet_no": "1009"}, UnknownOutlet),
        ({"role_no": "junior"}, ReadyMade),
        ({"role_no": "R9"}, UnknownRole),
        ({"role_no": "R3"}, UnknownRole),
    ],
)
async def test_roles_that_are_not_written(
    office: Office, changes: dict[str, Any], refusal: type[StationError]
) -> None:
    """Ready-made ones stay as they are; others are checked."""
    with pytest.raises(refusal):
        await office.people.roles.write(replace(NIGHT, **changes), "why", CHIEF)
    assert await office.acts("role.%") == []


async def test_nobody_makes_a_role_that_can_more(office: Office) -> None:
    """Neither a new one, nor by taking over one that has more; nor the own one."""
    desk = office.people.roles
    with pytest.raises(BeyondOwnRights, match="Cancel a card"):
        await desk.write(replace(NIGHT, rights=("card.cancel",)), "", WRITER)
    for role_no, refusal in (("R4", BeyondOwnRights), ("R1", OwnRole)):
        with pytest.raises(refusal):
            await desk.write(replace(NIGHT, role_no=role_no), "why", WRITER)
        with pytest.raises(refusal):
            await desk.retire(role_no, "why", WRITER)
    with pytest.raises(OtherOutlet):  # one of every outlet, by somebody of one
        await desk.write(NIGHT, "", WRITER)
    mine = replace(NIGHT, outlet_no="1001")
    made = await desk.write(mine, "", WRITER)
    with pytest.raises(OtherOutlet):
        await desk.write(replace(mine, role_no=made.role_no), "why", ELSEWHERE)
    with pytest.raises(OtherOutlet):
        await desk.retire(made.role_no, "why", ELSEWHERE)


async def test_a_role_in_use_stays(office: Office) -> None:
    """It is retired when nobody has it; its name is free then, its number not."""
    desk = office.people.roles
    with pytest.raises(RoleInUse, match="1 operators"):
        await desk.retire("R1", "why", CHIEF)
    shown = await office.db.read(lambda c: role_rows(c, CHIEF))
    as_it_is = next(row for row in shown.rows if row.role_no == "R2")
    moved = RoleDraft("二店柜长", as_it_is.rights, "R2", outlet_no="1001")
    with pytest.raises(RoleInUse):
        await desk.write(moved, "why", CHIEF)
    with pytest.raises(NoFieldChanged):
        await desk.write(replace(moved, outlet_no="1002"), "why", CHIEF)
    with pytest.raises(ReasonMissing):
        await desk.write(replace(moved, note="x"), "", CHIEF)
    await office.desk.retire("3", "left", CHIEF)
    await desk.retire("R2", "why", CHIEF)
    made = await desk.write(replace(NIGHT, name="二店柜长"), "", CHIEF)
    assert made.role_no == "R5"
    assert await office.db.read(lambda c: roles.rights_of(c, "R2")) == frozenset()


async def test_there_is_room_for_so_many_roles(office: Office) -> None:
    """A list of them is one answer of the socket."""
    every = tuple(rights.BY_NAME)
    for number in range(MOST_ROLES - 3):
        draft = replace(NIGHT, name=f"{'夜' * 18}{number:02}", note="夜" * 100)
        await office.people.roles.write(replace(draft, rights=every), "", CHIEF)
    with pytest.raises(TooManyRoles):
        await office.people.roles.write(NIGHT, "", CHIEF)
    shown = await office.db.read(lambda c: role_rows(c, CHIEF))
    assert len(result_line(1, shown)) < LONGEST_LINE


async def test_operators_come_in_pages_that_fit_a_line(office: Office) -> None:
    """None is left out, those who have left stand last, and the longest names fit."""
    names = {"full_name": "夜" * 40, "role": "R1"}
    for number in range(1001, 1110):
        login = {"login_name": f"{number}".rjust(20, "x")}
        await office.db.write(
            lambda tx, n=str(number), login=login: hire(
                tx, operator_no=n, **login, **names
            )  # type: ignore[misc]
        )
    await office.desk.retire("1050", "left", CHIEF)
    found: list[str] = []
    for skip in (0, OPERATORS_A_PAGE):
        page = await office.db.read(
            lambda c, skip=skip: operator_rows(  # type: ignore[misc]
                c, CHIEF, office.clock.now(), lambda _: "1" * 20, skip=skip
            )
        )
        assert len(result_line(1, page)) < LONGEST_LINE
        found += [row.operator_no for row in page.rows]
    assert len(set(found)) == len(found) == 3 + 109
    assert found[-1] == "1050"


# Outlets.


async def test_an_outlet_has_a_number_above_1001(office: Office) -> None:
    """The default outlet is there; others are registered, renamed, retired."""
    desk = office.people.outlets
    for number in ("1000", "0999", "12345", "x", ""):
        with pytest.raises(FieldWrong):
            await desk.write(Outlet(number, "新"), "", CHIEF)
    with pytest.raises(FieldEmpty):
        await desk.write(Outlet("1003", " "), "", CHIEF)
    with pytest.raises(AlreadyRegistered):
        await desk.write(Outlet("1003", "城西网点"), "", CHIEF)
    await desk.write(Outlet("1003", "城东网点"), "", CHIEF)
    with pytest.raises(ReasonMissing):
        await desk.write(Outlet("1003", "城东"), "", CHIEF)
    await desk.write(Outlet("1003", "城东"), "shorter", CHIEF)
    await desk.write(Outlet("1001", "总店"), "its name", CHIEF)
    with pytest.raises(NoFieldChanged):
        await desk.write(Outlet("1001", "总店"), "its name", CHIEF)
    with pytest.raises(OutletInUse):
        await desk.write(Outlet("1001", "总店", 1), "closed", CHIEF)
    with pytest.raises(OutletInUse):
        await desk.write(Outlet("1002", "城西网点", 1), "closed", CHIEF)
    with pytest.raises(OtherOutlet):
        await desk.write(Outlet("1002", "mine"), "why", WRITER)
    await desk.write(Outlet("1003", "城东", 1), "closed", CHIEF)
    with pytest.raises(UnknownOutlet):
        await office.desk.add(OperatorDraft("wf", "王", "junior", "1003"), CHIEF)
    shown = await office.db.read(lambda c: outlet_rows(c, "1001"))
    assert [(r.outlet_no, r.retired, r.operators, r.has_till) for r in shown.rows] == [
        ("1001", False, 2, True), ("1002", False, 1, False), ("1003", True, 0, False),
    ]  # fmt: skip
    assert verify_file(office.path).proved


async def test_there_is_room_for_so_many_outlets(office: Office) -> None:
    """A list of them is one answer of the socket."""
    desk = office.people.outlets
    for number in range(MOST_OUTLETS - 2):
        name = f"{'城' * 17}{number:03}"
        await desk.write(Outlet(str(2000 + number), name), "", CHIEF)
    with pytest.raises(TooManyOutlets):
        await desk.write(Outlet("3000", "新"), "", CHIEF)
    shown = await office.db.read(lambda c: outlet_rows(c, "1001"))
    assert len(result_line(1, shown)) < LONGEST_LINE


async def test_each_outlet_sees_its_own(office: Office) -> None:
    """Operators and roles of other outlets are seen by who works for all."""

    async def seen(actor: Any) -> tuple[list[str], set[str]]:
        masked = office.desk.phone_masked
        people = await office.db.read(
            lambda c: operator_rows(c, actor, office.clock.now(), masked)
        )
        shown = await office.db.read(lambda c: role_rows(c, actor))
        own = {row.role_no for row in shown.rows if not row.ready_made}
        return [row.operator_no for row in people.rows], own

    assert await seen(CHIEF) == (["1", "2", "3"], {"R1", "R2", "R4"})
    assert await seen(WRITER) == (["1", "2"], {"R1", "R4"})
    assert await seen(ELSEWHERE) == (["3"], {"R1", "R2", "R4"})

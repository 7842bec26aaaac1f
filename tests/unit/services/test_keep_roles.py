"""Roles made function by function, outlets, own passwords, and every method's right."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from cngstation.domain import rights
from cngstation.errors import NotLoggedIn, StationError
from cngstation.protocols.ndjson import LONGEST_LINE
from cngstation.rpc.contract.counter import COUNTER
from cngstation.rpc.contract.forecourt import FORECOURT
from cngstation.rpc.contract.operators import (
    OPERATOR_CHANGE_PASSWORD,
    OPERATORS_A_PAGE,
)
from cngstation.rpc.contract.uplink import UPLINK
from cngstation.rpc.dialogue import Dialogue, Handlers, Service
from cngstation.rpc.method import LOGGED_IN, OWN_LOGIN, Contract
from cngstation.rpc.wire import result_line
from cngstation.services.approve import (
    Approval,
    Approvals,
    ReasonMissing,
    SecondPersonNew,
    Wish,
    still_approved,
)
from cngstation.services.change_password import (
    NewPassword,
    PasswordNotNew,
    PasswordsDiffer,
)
from cngstation.services.check_rights import OtherOutlet, PasswordMustChange
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
from cngstation.services.log_in import LoginMustWait, LoginRefused
from cngstation.services.operator_guards import (
    BeyondOwnRights,
    OwnRole,
    UnknownOutlet,
    UnknownRole,
)
from cngstation.services.passwords import PasswordWeak
from cngstation.services.register_customers import (
    AlreadyRegistered,
    FieldEmpty,
    FieldWrong,
)
from cngstation.services.show_operators import operator_rows, outlet_rows, role_rows
from cngstation.services.verify_books import verify_file
from cngstation.storage import operators, roles
from cngstation.storage.roles import Outlet, Role
from tests.small_station import hire
from tests.unit.services.gate_door import CHANGE
from tests.unit.services.office import (
    CHIEF,
    ELSEWHERE,
    OWN,
    PEER,
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


# Own passwords.


def typed(old: str, new: str, again: str = "") -> NewPassword:
    """Return what somebody types."""
    return NewPassword(SecretStr(old), SecretStr(new), SecretStr(again or new))


async def test_a_one_time_password_is_changed_and_then_all_is_open(
    office: Office,
) -> None:
    """The session goes on; others of the same operator end."""
    hired = await office.desk.add(OperatorDraft("wangfang", "王芳", "junior"), CHIEF)
    given = hired.password.get_secret_value()
    session = await office.login(hired.password)
    elsewhere = await office.login(hired.password)
    await office.people.own_passwords.change(session, typed(given, OWN))
    await office.gate.allowed(session, "card.top_up", CHANGE)
    with pytest.raises(NotLoggedIn):
        await office.gate.allowed(elsewhere, LOGGED_IN, CHANGE)
    with pytest.raises(LoginRefused):
        await office.login(hired.password)
    again = await office.login(SecretStr(OWN))
    assert not again.must_change_password
    assert (await office.acts())[-1][:3] == ("operator.change_password", "1001", "1001")
    for path in office.path.parent.iterdir():
        assert OWN.encode() not in path.read_bytes()
    assert verify_file(office.path).proved


async def test_passwords_that_are_not_taken(office: Office) -> None:
    """Typed twice, not too weak, not the old one; a wrong old one is counted."""
    session = await office.own("2")
    change = office.people.own_passwords.change
    with pytest.raises(PasswordsDiffer):
        await change(session, typed(OWN, "new-secret", "new-sekret"))
    with pytest.raises(PasswordNotNew):
        await change(session, typed(OWN, OWN))
    with pytest.raises(PasswordWeak):
        await change(session, typed(OWN, "short"))
    for _ in range(2):
        with pytest.raises(LoginRefused):
            await change(session, typed("wrong", "new-secret"))
    with pytest.raises(LoginMustWait):
        await change(session, typed("wrong", "new-secret"))
    with pytest.raises(LoginMustWait):
        await change(session, typed(OWN, "new-secret"))
    office.clock.forward(30_000)
    await change(session, typed(OWN, "new-secret"))


async def test_who_is_locked_while_typing_changes_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row decides in the transaction, not what was found before the hash."""
    session = await office.own("2")
    before = (await office.of("2")).password_hash
    real = office.passwords.hash

    async def slow(password: str) -> str:
        await office.desk.lock("2", "gone", CHIEF)
        return await real(password)

    monkeypatch.setattr(office.passwords, "hash", slow)
    with pytest.raises(StationError):
        await office.people.own_passwords.change(session, typed(OWN, "new-secret"))
    assert (await office.of("2")).password_hash == before


class Quiet:
    """A subscription that nobody reads."""

    def begin(self) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.snapshot.__name__)
async def test_every_method_is_closed_until_the_password_is_changed(
    office: Office, contract: Contract[Any]
) -> None:
    """Over a connection: all is refused but what belongs to the session itself."""
    hired = await office.desk.add(
        OperatorDraft("wangfang", "王芳", rights.ADMINISTRATOR), CHIEF
    )

    async def unused(*_: object) -> Any:
        raise AssertionError("something was asked for")

    handlers = Handlers()
    for method in contract.methods:
        handlers.add(method, unused)
    service = Service(
        program="t", contract=contract, handlers=handlers, authority=office.gate,
        snapshot=unused, report=lambda where, error: None,
    )  # fmt: skip
    dialogue = Dialogue(service, PEER, 1, Quiet())

    async def ask(method: str, **params: Any) -> dict[str, Any]:
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer: dict[str, Any] = json.loads(
            await dialogue.answer(json.dumps(asked).encode())
        )
        return answer

    version = {"major": contract.version.major, "minor": contract.version.minor}
    await ask("hello", program="t", contract=version, oldest=version)
    password = hired.password.get_secret_value()
    said = await ask(
        "session.login", login_name="wangfang", password=password, terminal="t"
    )
    assert said["result"]["must_change_password"] is True
    for method in contract.methods:
        if method.right is None or method is OPERATOR_CHANGE_PASSWORD:
            continue
        assert method.right != OWN_LOGIN, method.name
        said = await ask(method.name)
        assert said["error"]["data"]["code"] == PasswordMustChange.code, method.name
    said = await ask("status.subscribe")
    assert said["error"]["data"]["code"] == PasswordMustChange.code
    assert "result" in await ask("session.lock")
    assert "result" in await ask("session.unlock", password=password)
    assert "result" in await ask("session.logout")


WISH = Wish("card.settle_grey_by_hand", "7")


async def test_a_one_time_password_stands_behind_no_act(office: Office) -> None:
    """As the second person neither before the act nor in its transaction."""
    approvals, given = Approvals(office.gate), Approval("op1", SecretStr(OWN))
    await office.own("1")
    await office.db.write(lambda tx: hire(tx, operator_no="4", role="administrator"))
    actor = replace(CHIEF, operator_no="4")
    approved = await approvals.approve(given, WISH, actor, "why not")
    stored = (await office.of("1")).password_hash
    await office.db.write(
        lambda tx: operators.set_password(tx, "1", stored, must_change=True)
    )
    with pytest.raises(SecondPersonNew):
        await approvals.approve(given, WISH, actor, "why not")
    with pytest.raises(PasswordMustChange):
        await office.db.write(lambda tx: still_approved(tx, approved, WISH, actor))


async def test_a_second_person_is_of_the_same_outlet(office: Office) -> None:
    """Who may not touch this till does not stand behind what is done with it."""
    held = "card.read card.settle_grey_by_hand"
    for role_no, outlet_no in (("R1", ""), ("R2", "1002")):
        role = Role(role_no, role_no, held, outlet_no)
        await office.db.write(
            lambda tx, role=role: roles.put_role(tx, role, reason="", actor=CHIEF)  # type: ignore[misc]
        )
    await office.own("3")
    approvals, given = Approvals(office.gate), Approval("op3", SecretStr(OWN))
    approved = await approvals.approve(given, WISH, WRITER, "why not")
    with pytest.raises(OtherOutlet):
        await office.db.write(lambda tx: still_approved(tx, approved, WISH, WRITER))

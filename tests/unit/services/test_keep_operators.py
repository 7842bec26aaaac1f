"""Operators hired, changed, locked and let go; what nobody may do to another."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from cngstation.domain.rights import ADMINISTRATOR
from cngstation.errors import NotLoggedIn, StationError
from cngstation.rpc.method import LOGGED_IN, OWN_LOGIN
from cngstation.rpc.session import Login
from cngstation.services.approve import ReasonMissing
from cngstation.services.change_password import NewPassword
from cngstation.services.check_rights import (
    OtherOutlet,
    PasswordMustChange,
    RightMissing,
)
from cngstation.services.edit_registers import NoFieldChanged
from cngstation.services.keep_operators import (
    OperatorDesk,
    OperatorDraft,
    StateAlready,
    StationHasAdministrator,
    add_first_administrator,
)
from cngstation.services.log_in import Gate, OperatorRetired
from cngstation.services.one_time import OneTimeOver
from cngstation.services.operator_guards import (
    BeyondOwnRights,
    LastAdministrator,
    OwnRole,
    UnknownOperator,
    UnknownOutlet,
    UnknownRole,
)
from cngstation.services.passwords import Passwords
from cngstation.services.register_customers import (
    AlreadyRegistered,
    FieldEmpty,
    FieldWrong,
)
from cngstation.services.station_rules import GateRules
from cngstation.services.verify_books import verify_file
from cngstation.storage import operators, roles
from cngstation.storage.audit import Actor
from cngstation.storage.roles import Role
from tests.small_station import hire, opened
from tests.unit.services.gate_door import CHANGE
from tests.unit.services.office import CHIEF, OWN, PEER, WRITER, Office, an_office

DAY_MS = 24 * 3_600_000
DRAFT = OperatorDraft("wangfang", "王芳", "junior", phone="139 0000 1234")


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """Return the station of three."""
    async with an_office(tmp_path / "s.db") as made:
        yield made


async def test_a_hired_operator_has_a_number_and_a_password_for_one_login(
    office: Office,
) -> None:
    """The station gives the number; only changing the password is allowed then."""
    hired = await office.desk.add(DRAFT, CHIEF)
    assert hired.operator_no == "1001"
    session = await office.login(hired.password)
    assert session.must_change_password
    for right in (LOGGED_IN, "card.read", "card.top_up"):
        with pytest.raises(PasswordMustChange):
            await office.gate.allowed(session, right, CHANGE)
    await office.gate.allowed(session, OWN_LOGIN, CHANGE)
    await office.gate.lock(session)
    await office.gate.unlock(session, hired.password)
    row = await office.of("1001")
    assert office.desk.phone_masked(row) == "139******1234"
    assert (await office.acts())[-1] == (
        "operator.add", "1", "1001", "", "wangfang junior 1001",
    )  # fmt: skip
    again = await office.desk.add(replace(DRAFT, login_name="li.lei"), CHIEF)
    assert again.operator_no == "1002"
    assert again.password != hired.password


async def test_no_secret_is_in_the_file(office: Office) -> None:
    """Neither a one-time password nor a phone number can be read from the file."""
    hired = await office.desk.add(DRAFT, CHIEF)
    reset = await office.desk.reset_password("1001", "forgotten", CHIEF)
    secrets = [
        hired.password.get_secret_value().encode(),
        reset.password.get_secret_value().encode(),
        b"139 0000 1234",
        b"13900001234",
    ]
    for path in office.path.parent.iterdir():
        data = path.read_bytes()
        assert not any(secret in data for secret in secrets)
    assert hired.password.get_secret_value() not in repr(hired)
    assert "139" not in repr(DRAFT)
    assert "sealed" not in repr(await office.of("1001"))
    assert verify_file(office.path).proved


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"login_name": " "}, FieldEmpty),
        ({"login_name": "王芳"}, FieldWrong),
        ({"login_name": "a"}, FieldWrong),
        ({"login_name": "a' OR 1=1"}, FieldWrong),
        ({"login_name": "OP1"}, AlreadyRegistered),  # op1 in another letter case
        ({"full_name": " "}, FieldEmpty),
        ({"phone": "call me"}, FieldWrong),
        ({"sex": "x"}, FieldWrong),
        ({"role": "R9"}, UnknownRole),
        ({"role": "R3"}, UnknownRole),
        ({"role": "vendor"}, UnknownRole),
        ({"role": "R2"}, OtherOutlet),
        ({"outlet_no": "1009"}, UnknownOutlet),
    ],
)
async def test_who_cannot_be_hired(
    office: Office, changes: dict[str, Any], refusal: type[StationError]
) -> None:
    """Names are checked, roles and outlets are those of the list; nobody is hired."""
    with pytest.raises(refusal):
        await office.desk.add(replace(DRAFT, **changes), CHIEF)
    assert len(await office.db.read(operators.every)) == 3


Ask = Callable[[OperatorDesk, str, Actor], Any]
_HIRE_LIKE = OperatorDraft("op1", "Wang", "junior")
ASKS: dict[str, Ask] = {
    "edit": lambda desk, whom, actor: desk.edit(
        whom, replace(_HIRE_LIKE, login_name=f"op{whom}"), "why", actor
    ),
    "lock": lambda desk, whom, actor: desk.lock(whom, "why", actor),
    "unlock": lambda desk, whom, actor: desk.unlock(whom, "why", actor),
    "retire": lambda desk, whom, actor: desk.retire(whom, "why", actor),
    "reset": lambda desk, whom, actor: desk.reset_password(whom, "why", actor),
}


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
async def test_nobody_decides_about_who_has_more(office: Office, ask: Ask) -> None:
    """Who could reset the administrator's password would be the administrator."""
    with pytest.raises(BeyondOwnRights):
        await ask(office.desk, "1", WRITER)


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
async def test_nobody_decides_about_another_outlet(office: Office, ask: Ask) -> None:
    """The same rights at another outlet; who works for every outlet may."""
    with pytest.raises(OtherOutlet):
        await ask(office.desk, "3", WRITER)
    await ask(office.desk, "3", CHIEF)


@pytest.mark.parametrize("name", ["edit", "lock", "retire", "reset"])
async def test_nobody_decides_about_themselves(office: Office, name: str) -> None:
    """The own role, outlet, state and password are not given by oneself."""
    with pytest.raises(OwnRole):
        await ASKS[name](office.desk, "1", CHIEF)
    moved = OperatorDraft("op1", "Wang", ADMINISTRATOR, outlet_no="1002")
    with pytest.raises(OwnRole):
        await office.desk.edit("1", moved, "why", CHIEF)


async def test_nobody_gives_what_they_do_not_have(office: Office) -> None:
    """Neither to somebody new nor to somebody there."""
    with pytest.raises(BeyondOwnRights):
        await office.desk.add(replace(DRAFT, role=ADMINISTRATOR), WRITER)
    with pytest.raises(BeyondOwnRights):
        await office.desk.add(replace(DRAFT, role="junior"), WRITER)
    with pytest.raises(OtherOutlet):
        await office.desk.add(replace(DRAFT, role="R1", outlet_no="1002"), WRITER)
    hired = await office.desk.add(replace(DRAFT, role="R1"), WRITER)
    with pytest.raises(BeyondOwnRights):
        await office.desk.edit(
            hired.operator_no, replace(DRAFT, role="senior"), "why", WRITER
        )
    with pytest.raises(OtherOutlet):
        await office.desk.edit(
            hired.operator_no,
            replace(DRAFT, role="R1", outlet_no="1002"),
            "why",
            WRITER,
        )


@pytest.mark.parametrize("name", ["edit", "lock", "retire"])
async def test_the_last_administrator_stays(office: Office, name: str) -> None:
    """Also against somebody with every right in a role of another name."""
    await office.db.write(lambda tx: hire(tx, operator_no="4", role="R4"))
    peer = Actor("4", "t")
    with pytest.raises(LastAdministrator):
        await ASKS[name](office.desk, "1", peer)
    await office.db.write(lambda tx: hire(tx, operator_no="5", role=ADMINISTRATOR))
    await office.desk.lock("5", "away", peer)
    with pytest.raises(LastAdministrator):
        await ASKS[name](office.desk, "1", peer)
    await office.desk.unlock("5", "back", peer)
    await ASKS[name](office.desk, "1", peer)


async def test_locking_ends_sessions_and_unlocking_forgets_wrong_tries(
    office: Office,
) -> None:
    """The next call is refused; a locked operator is told; unlocked, all is well."""
    hired = await office.desk.add(DRAFT, CHIEF)
    session = await office.login(hired.password)
    await office.desk.lock("1001", "on leave", CHIEF)
    with pytest.raises(NotLoggedIn):
        await office.gate.allowed(session, OWN_LOGIN, CHANGE)
    with pytest.raises(OperatorRetired):
        await office.login(hired.password)
    with pytest.raises(StateAlready):
        await office.desk.lock("1001", "on leave", CHIEF)
    await office.desk.unlock("1001", "back", CHIEF)
    with pytest.raises(NotLoggedIn):  # the old session stays ended
        await office.gate.allowed(session, OWN_LOGIN, CHANGE)
    wrong = SecretStr("wrong")
    for _ in range(3):
        with pytest.raises(StationError):
            await office.login(wrong)
    with pytest.raises(StationError, match="too many"):
        await office.login(hired.password)
    await office.desk.unlock("1001", "I know her", CHIEF)
    await office.login(hired.password)
    lines = [act[0] for act in await office.acts()][-3:]
    assert lines == ["operator.lock", "operator.unlock", "operator.unlock"]


async def test_a_reset_password_is_the_only_one(office: Office) -> None:
    """The old one is void, sessions end, and the new one must be changed."""
    hired = await office.desk.add(DRAFT, CHIEF)
    session = await office.login(hired.password)
    reset = await office.desk.reset_password("1001", "forgotten", CHIEF)
    with pytest.raises(NotLoggedIn):
        await office.gate.allowed(session, OWN_LOGIN, CHANGE)
    with pytest.raises(StationError):
        await office.login(hired.password)
    again = await office.login(reset.password)
    assert again.must_change_password


async def test_who_is_retired_stays_so(office: Office) -> None:
    """No change, no password, no second use of number or login name."""
    await office.desk.add(DRAFT, CHIEF)
    await office.desk.retire("1001", "left", CHIEF)
    for ask in ASKS.values():
        with pytest.raises(UnknownOperator):
            await ask(office.desk, "1001", CHIEF)
    with pytest.raises(AlreadyRegistered):
        await office.desk.add(DRAFT, CHIEF)
    other = await office.desk.add(replace(DRAFT, login_name="wf2"), CHIEF)
    assert other.operator_no == "1002"


async def test_another_role_counts_at_once(office: Office) -> None:
    """Sessions of the old role end; each field is a row with before and after."""
    hired = await office.desk.add(DRAFT, CHIEF)
    session = await office.login(hired.password)
    wanted = replace(DRAFT, role="middle", sex="female", phone="0")
    with pytest.raises(FieldWrong):
        await office.desk.edit("1001", wanted, "promoted", CHIEF)
    wanted = replace(wanted, phone="13900005678")
    await office.desk.edit("1001", wanted, "promoted", CHIEF)
    with pytest.raises(NotLoggedIn):
        await office.gate.allowed(session, OWN_LOGIN, CHANGE)
    assert (await office.acts())[-3:] == [
        ("operator.edit.role", "1", "1001", "junior", "middle"),
        ("operator.edit.sex", "1", "1001", "", "female"),
        ("operator.edit.phone", "1", "1001", "", ""),
    ]
    session = await office.login(hired.password)
    named = replace(wanted, full_name="王小芳", phone="")
    await office.desk.edit("1001", named, "married", CHIEF)
    await office.gate.allowed(session, OWN_LOGIN, CHANGE)  # a name ends no session
    assert office.desk.phone_masked(await office.of("1001")) == "139****5678"
    with pytest.raises(NoFieldChanged):
        await office.desk.edit("1001", named, "again", CHIEF)
    with pytest.raises(FieldWrong):
        await office.desk.edit("1001", replace(named, login_name="other"), "why", CHIEF)
    assert verify_file(office.path).proved


async def test_a_reason_is_asked_for(office: Office) -> None:
    """Every change says why."""
    for ask in (office.desk.lock, office.desk.unlock, office.desk.retire):
        with pytest.raises(ReasonMissing):
            await ask("2", " ", CHIEF)
    with pytest.raises(ReasonMissing):
        await office.desk.reset_password("2", "", CHIEF)
    with pytest.raises(ReasonMissing):
        await office.desk.edit("2", DRAFT, "", CHIEF)


async def test_who_was_locked_meanwhile_decides_nothing(office: Office) -> None:
    """Whoever acts is asked for in the transaction itself."""
    await office.desk.lock("2", "why", CHIEF)
    with pytest.raises(NotLoggedIn):
        await office.desk.add(replace(DRAFT, role="R1"), WRITER)
    with pytest.raises(NotLoggedIn):
        await office.desk.lock("3", "why", WRITER)


async def test_the_first_administrator_is_made_once(tmp_path: Path) -> None:
    """With a password for one login, and never beside other operators."""
    passwords = Passwords(memory_kib=8, passes=1)
    async with opened(tmp_path / "s.db") as db:
        first = await add_first_administrator(db, passwords, "boss", "站长")
        row = await db.read(lambda c: operators.find(c, first.operator_no))
        assert row is not None
        assert (row.role, row.must_change, row.operator_no) == (
            ADMINISTRATOR, 1, "1001",
        )  # fmt: skip
        with pytest.raises(StationHasAdministrator):
            await add_first_administrator(db, passwords, "boss2", "站长")
    assert verify_file(tmp_path / "s.db").proved


async def test_rights_of_an_own_role_count_at_the_next_call(office: Office) -> None:
    """Read from the file at each act: more at once, less at once, none when retired."""
    session = await office.own("2")
    with pytest.raises(RightMissing, match="Issue a card"):
        await office.gate.allowed(session, "card.issue", CHANGE)
    for rights, retired, may in (
        ("card.issue card.read", 0, True),
        ("card.read", 0, False),
        ("card.issue no.such_right", 0, True),
        ("card.issue", 1, False),
    ):
        role = Role("R1", "柜长", rights, retired=retired)
        await office.db.write(
            lambda tx, role=role: roles.put_role(tx, role, reason="", actor=CHIEF)  # type: ignore[misc]
        )
        with pytest.raises(RightMissing):
            await office.gate.allowed(session, "no.such_right", CHANGE)
        if may:
            await office.gate.allowed(session, "card.issue", CHANGE)
        else:
            with pytest.raises(RightMissing):
                await office.gate.allowed(session, "card.issue", CHANGE)


async def test_a_till_belongs_to_an_outlet(office: Office) -> None:
    """Operators of another outlet move none of its money, unless they are for all."""
    till = Gate(
        office.db, office.passwords, office.clock,
        GateRules(3, 12, 15), outlet_no="1002",
    )  # fmt: skip
    second, third, chief = [await office.of(number) for number in "231"]
    with pytest.raises(OtherOutlet):
        await till.require_right(second, "card.top_up")
    await till.require_right(second, "card.read")
    await till.require_right(third, "card.top_up")
    await till.require_right(chief, "card.top_up")
    await office.gate.require_right(second, "card.top_up")  # no till, no outlet


async def test_nobody_changes_the_own_full_name(office: Office) -> None:
    """It stands on slips: another administrator does, with before and after."""
    await office.own("1")
    me = await office.of("1")
    draft = replace(DRAFT, login_name="op1", role=ADMINISTRATOR, phone="")
    draft = replace(draft, full_name="另一个人")
    with pytest.raises(OwnRole):
        await office.desk.edit("1", draft, "no reason", CHIEF)
    assert (await office.of("1")).full_name == me.full_name
    other = replace(draft, full_name=me.full_name, sex="male")
    await office.desk.edit("1", other, "wrong until now", CHIEF)
    hired = await office.desk.add(replace(DRAFT, role=ADMINISTRATOR), CHIEF)
    by = Actor(hired.operator_no, "t")
    await office.desk.edit("1", replace(draft, sex="male"), "married", by)
    assert (await office.acts("operator.edit.full_name"))[-1][1:] == (
        hired.operator_no, "1", me.full_name, "另一个人",
    )  # fmt: skip


@pytest.mark.parametrize("back_ms", [0, 30 * DAY_MS])
async def test_a_given_password_ends_after_a_day(office: Office, back_ms: int) -> None:
    """By either clock; it says so, another one is given, and the own one stays good."""
    hired = await office.desk.add(DRAFT, CHIEF)
    office.clock.forward(DAY_MS - 1)
    await office.login(hired.password)
    office.clock.forward(1)
    office.clock.wall_ms -= back_ms
    with pytest.raises(OneTimeOver) as over:
        await office.login(hired.password)
    assert "24 hours" in over.value.sentence()
    acts = "SELECT outcome FROM audit WHERE act='session.login' ORDER BY seq DESC"
    last = await office.db.read(lambda c: c.execute(acts).fetchone())
    assert last == ("refused",)
    again = await office.desk.reset_password(hired.operator_no, "too late", CHIEF)
    session = await office.login(again.password)
    typed = NewPassword(again.password, SecretStr(OWN), SecretStr(OWN))
    await office.people.own_passwords.change(session, typed)
    office.clock.forward(400 * DAY_MS)
    await office.login(SecretStr(OWN))


async def test_a_clock_that_was_set_forward_ends_it_too(office: Office) -> None:
    """The paper with the password is a day old by somebody's clock."""
    hired = await office.desk.add(DRAFT, CHIEF)
    office.clock.wall_ms += DAY_MS
    with pytest.raises(OneTimeOver):
        await office.login(hired.password)


async def test_the_first_administrators_password_does_not_end(tmp_path: Path) -> None:
    """Nobody could give another: the station would be closed to all."""
    async with an_office(tmp_path / "s.db") as office:
        path = tmp_path / "new.db"
        async with opened(path, office.clock) as db:
            first = await add_first_administrator(db, office.passwords, "chief", "长")
            office.clock.forward(400 * DAY_MS)
            gate = Gate(db, office.passwords, office.clock, GateRules(3, 12, 15))
            asked = Login(login_name="chief", password=first.password, terminal="t")
            assert (await gate.login(asked, PEER)).must_change_password

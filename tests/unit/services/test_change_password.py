"""Own passwords, and what a password that was given for one login opens: nothing."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from cngstation.domain import rights
from cngstation.errors import NotLoggedIn, StationError
from cngstation.rpc.contract.counter import COUNTER
from cngstation.rpc.contract.forecourt import FORECOURT
from cngstation.rpc.contract.operators import (
    OPERATOR_CHANGE_PASSWORD,
)
from cngstation.rpc.contract.uplink import UPLINK
from cngstation.rpc.dialogue import Dialogue, Handlers, Service
from cngstation.rpc.method import LOGGED_IN, OWN_LOGIN, Contract
from cngstation.services.approve import (
    Approval,
    Approvals,
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
from cngstation.services.guess_password import PasswordGuessable
from cngstation.services.keep_operators import OperatorDraft
from cngstation.services.log_in import LoginMustWait, LoginRefused, confirm
from cngstation.services.passwords import PasswordWeak
from cngstation.services.verify_books import verify_file
from cngstation.storage import operators, roles
from cngstation.storage.roles import Role
from tests.small_station import hire
from tests.unit.services.gate_door import CHANGE
from tests.unit.services.office import (
    CHIEF,
    OWN,
    PEER,
    WRITER,
    Office,
    an_office,
)

CONTRACTS: tuple[Contract[Any], ...] = (COUNTER, FORECOURT, UPLINK)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """Return the station of three."""
    async with an_office(tmp_path / "s.db") as made:
        yield made


# Common, runs on keys, dates, repeats, the own names and numbers, the station's.
GUESSED = (
    "12345678", "password1", "qwertyuiop", "1qaz2wsx", "asdfghjk", "88888888a",
    "20260101", "01010101", "woaini1314", "5201314a", "qq1234567", "Wang Fang1",
    "wangfang88", "op2op2op2", "03160002", "a03160002", "shudugas1",
)  # fmt: skip


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
    for guessed in GUESSED:
        with pytest.raises(PasswordGuessable):
            await change(session, typed(OWN, guessed))
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
    assert "result" in await ask("session.touch")
    assert "result" in await ask("session.lock")
    assert "result" in await ask("session.unlock", password=password)
    assert "result" in await ask("session.logout")


WISH = Wish("card.settle_grey_by_hand", "7")


async def test_a_one_time_password_stands_behind_no_act(office: Office) -> None:
    """As the second person neither before the act nor in its transaction."""
    approvals = Approvals(office.gate, first_is_asked=True)
    given = Approval("op1", SecretStr(OWN))
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
    approvals = Approvals(office.gate, first_is_asked=True)
    given = Approval("op3", SecretStr(OWN))
    approved = await approvals.approve(given, WISH, WRITER, "why not")
    with pytest.raises(OtherOutlet):
        await office.db.write(lambda tx: still_approved(tx, approved, WISH, WRITER))


async def test_a_one_time_password_answers_for_no_command(office: Office) -> None:
    """Who is asked for outside a session is refused by the row as well."""
    hired = await office.desk.add(OperatorDraft("wangfang", "王芳", "junior"), CHIEF)
    known = await office.gate.identify("wangfang", hired.password, "t")
    with pytest.raises(PasswordMustChange):
        await office.db.write(lambda tx: confirm(tx, known))

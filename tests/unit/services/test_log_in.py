"""Logins: who comes in, how long a wrong one waits, and what ends a session."""

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from argon2 import extract_parameters
from argon2.exceptions import VerifyMismatchError
from pydantic import SecretStr

from cngstation.errors import NotLoggedIn
from cngstation.rpc.authority import Session
from cngstation.rpc.contract.uplink import UPLINK
from cngstation.rpc.dialogue import Dialogue, Handlers, Service
from cngstation.rpc.method import LOGGED_IN
from cngstation.services.check_rights import RightMissing
from cngstation.services.keep_operators import add_operator
from cngstation.services.log_in import (
    LoginMustWait,
    LoginRefused,
    OperatorRetired,
    Passwords,
    ScreenLocked,
)
from cngstation.services.passwords import PasswordWeak
from cngstation.storage import operators
from tests.small_station import CASHIER, somebody
from tests.unit.services.gate_door import (
    CHANGE,
    OTHER_USER,
    PEER,
    READ,
    RIGHT,
    WRONG,
    Door,
    a_gate,
)


async def test_the_right_password_begins_a_session(door: Door) -> None:
    """The session has the operator's name, terminal and rights, and is audited."""
    session = await door.login()
    await door.gate.allowed(session, "card.top_up", READ)
    assert session.operator == "Wang Fang"
    assert session.terminal == "till-1"
    assert "card.top_up" in session.rights
    assert session.expires_at_ms == door.clock.wall_ms + 12 * 3_600_000
    assert RIGHT not in repr(session)
    assert session.token.get_secret_value() not in repr(session)
    assert (await door.acts())[-1] == ("session.login", "done", "01")


async def test_the_file_holds_no_secret(door: Door, tmp_path: Path) -> None:
    """Neither the password nor the token can be read from the database."""
    session = await door.login()
    token = session.token.get_secret_value().encode()
    for path in tmp_path.iterdir():
        data = path.read_bytes()
        assert RIGHT.encode() not in data
        assert token not in data


async def test_setting_the_wall_clock_changes_no_wait(door: Door) -> None:
    """Waits and sessions count on the monotonic clock alone."""
    session = await door.login()
    await door.wrong(3)
    for shift in (-86_400_000, 3 * 86_400_000):
        door.clock.wall_ms += shift
        with pytest.raises(LoginMustWait, match="30 seconds"):
            await door.login()
        await door.gate.allowed(session, LOGGED_IN, READ)
    door.clock.mono_ms += 30_000
    await door.login()


async def test_letter_case_of_a_name_counts(door: Door) -> None:
    """OP01 is not op01."""
    with pytest.raises(LoginRefused):
        await door.login(name="OP01")


async def test_a_retired_operator_is_told_only_with_the_right_password(
    door: Door,
) -> None:
    """The state is no secret for its owner; a session of his ends at once."""
    session = await door.login()
    sql = "UPDATE operator SET state='retired'"
    await door.db.write(lambda tx: tx.connection.execute(sql))
    with pytest.raises(OperatorRetired):
        await door.login()
    assert (await door.acts())[-1] == ("session.login", "refused", "01")
    with pytest.raises(LoginRefused):
        await door.login(WRONG)
    with pytest.raises(NotLoggedIn):
        await door.gate.allowed(session, LOGGED_IN, READ)
    with pytest.raises(NotLoggedIn):
        await door.gate.resume(session.token, PEER)
    with pytest.raises(NotLoggedIn):
        await door.gate.unlock(session, SecretStr(RIGHT))


async def test_a_password_changed_meanwhile_is_not_accepted(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old password does not come in by having been asked a moment earlier."""
    real = Passwords.fits

    async def slow(self: Passwords, stored: str | None, password: str) -> bool:
        fits = await real(self, stored, password)
        new = await self.hash("anders-88")
        await door.db.write(lambda tx: operators.set_password(tx, "01", new))
        return fits

    monkeypatch.setattr(Passwords, "fits", slow)
    with pytest.raises(LoginRefused):
        await door.login()


async def test_a_token_is_good_for_its_linux_user_alone(door: Door) -> None:
    """The same token from another uid, or another token, finds no session."""
    session = await door.login()
    found = await door.gate.resume(session.token, PEER)
    assert found.session_id == session.session_id
    with pytest.raises(NotLoggedIn):
        await door.gate.resume(session.token, OTHER_USER)
    with pytest.raises(NotLoggedIn):
        await door.gate.resume(SecretStr("made-up"), PEER)


async def test_rights_are_looked_up_at_every_call(door: Door) -> None:
    """A role that changes counts at the next call; an unknown right is refused."""
    session = await door.login()
    with pytest.raises(RightMissing):
        await door.gate.allowed(session, "card.cancel", READ)
    with pytest.raises(RightMissing):
        await door.gate.allowed(session, "no.such_right", READ)
    sql = "UPDATE operator SET role='general'"
    await door.db.write(lambda tx: tx.connection.execute(sql))
    with pytest.raises(RightMissing):
        await door.gate.allowed(session, "card.top_up", READ)
    await door.gate.allowed(session, LOGGED_IN, READ)


async def test_a_locked_screen_does_nothing_until_the_password(door: Door) -> None:
    """Lock and unlock are audited; wrong tries at the lock are counted too."""
    session = await door.login()
    await door.gate.lock(session)
    with pytest.raises(ScreenLocked):
        await door.gate.allowed(session, LOGGED_IN, READ)
    with pytest.raises(LoginRefused):
        await door.gate.unlock(session, SecretStr(WRONG))
    await door.gate.unlock(session, SecretStr(RIGHT))
    await door.gate.allowed(session, LOGGED_IN, READ)
    acts = [act[:2] for act in await door.acts()][-3:]
    assert acts == [
        ("session.lock", "done"),
        ("session.login", "refused"),
        ("session.unlock", "done"),
    ]
    assert await door.wrong(2) == ["refusal.login"] * 2  # the unlock forgot the first


async def test_logout_ends_a_session_everywhere_and_for_good(door: Door) -> None:
    """Other connections with the token lose it; neither lock nor unlock revive it."""
    session = await door.login()
    elsewhere = await door.gate.resume(session.token, PEER)
    await door.gate.logout(session)
    with pytest.raises(NotLoggedIn):
        await door.gate.allowed(elsewhere, LOGGED_IN, READ)
    with pytest.raises(NotLoggedIn):
        await door.gate.lock(elsewhere)
    with pytest.raises(NotLoggedIn):
        await door.gate.unlock(elsewhere, SecretStr(RIGHT))
    with pytest.raises(NotLoggedIn):
        await door.gate.resume(session.token, PEER)
    await door.gate.logout(elsewhere)  # a second one is no failure and no new row
    acts = [act[0] for act in await door.acts()]
    assert acts.count("session.logout") == 1


async def test_a_session_ends_after_its_hours_and_with_the_boot(door: Door) -> None:
    """Twelve hours on the monotonic clock, and never beyond a reboot."""
    session = await door.login()
    for _ in range(12 * 6 - 1):
        door.clock.forward(600_000)
        await door.gate.allowed(session, LOGGED_IN, CHANGE)
    door.clock.forward(599_999)
    await door.gate.allowed(session, LOGGED_IN, CHANGE)
    door.clock.forward(1)
    with pytest.raises(NotLoggedIn):
        await door.gate.allowed(session, LOGGED_IN, READ)
    second = await door.login()
    door.clock.boot_id = "boot-2"
    with pytest.raises(NotLoggedIn):
        await door.gate.allowed(second, LOGGED_IN, READ)


async def test_nobody_at_the_screen_locks_the_session(door: Door) -> None:
    """Reading, however often, keeps nobody at work; the lock is audited, once."""
    session = await door.login()
    for _ in range(15):
        door.clock.forward(59_000)
        await door.gate.allowed(session, LOGGED_IN, READ)
    door.clock.forward(15_000)
    other = a_gate(door.db, door.passwords, door.clock)
    resumed = await other.resume(session.token, PEER)
    asked = [door.gate.allowed(session, LOGGED_IN, READ)]
    asked += [other.allowed(resumed, LOGGED_IN, call) for call in (READ, CHANGE)]
    ended = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(end) for end in ended] == [ScreenLocked] * 3
    with pytest.raises(ScreenLocked):
        await door.gate.allowed(session, LOGGED_IN, CHANGE)
    locks = "SELECT operator_no, reason FROM audit WHERE act='session.lock'"
    assert await door.db.read(lambda c: c.execute(locks).fetchall()) == [
        ("01", "nobody at the screen")
    ]
    await door.gate.unlock(session, SecretStr(RIGHT))
    await door.gate.allowed(session, LOGGED_IN, READ)
    door.clock.forward(899_999)
    await door.gate.allowed(session, LOGGED_IN, READ)
    door.clock.forward(1)
    with pytest.raises(ScreenLocked):
        await door.gate.allowed(session, LOGGED_IN, READ)


async def test_hands_at_one_daemon_are_known_at_the_others(door: Door) -> None:
    """What was done at the forecourt keeps the counter open, half a minute aside."""
    session = await door.login()
    forecourt = a_gate(door.db, door.passwords, door.clock)
    there = await forecourt.resume(session.token, PEER)
    for _ in range(4):
        door.clock.forward(600_000)
        await forecourt.allowed(there, LOGGED_IN, CHANGE)
        await door.db.write(lambda tx: None)  # behind what was written beside it
        await door.gate.allowed(session, LOGGED_IN, READ)
    door.clock.forward(900_000)
    with pytest.raises(ScreenLocked):
        await door.gate.allowed(session, LOGGED_IN, READ)


async def test_a_session_of_another_kind_is_nobody(door: Door) -> None:
    """Only what this gate made counts as a session."""
    stranger = Session("x", "x", "x", (), 0, SecretStr("x"))
    for ask in (door.gate.allowed(stranger, LOGGED_IN, READ), door.gate.lock(stranger)):
        with pytest.raises(NotLoggedIn):
            await ask


@pytest.mark.parametrize("weak", ["", "short-7", "aaaaaaaaaaaa"])
async def test_a_weak_password_is_not_taken(door: Door, weak: str) -> None:
    """Too short or one character over and over; nobody is registered with it."""
    with pytest.raises(PasswordWeak):
        await add_operator(door.db, door.passwords, somebody("02"), weak, CASHIER)
    assert await door.db.read(lambda c: operators.find(c, "02")) is None


async def test_a_damaged_hash_fits_nothing(passwords: Passwords) -> None:
    """What is no hash in the row is a wrong password and no crash."""
    assert not await passwords.fits("", "")
    assert not await passwords.fits("garbage", "garbage")
    passwords._nobody = await passwords.hash(RIGHT)
    assert not await passwords.fits(None, RIGHT)


async def test_an_unknown_name_is_checked_at_the_cost_of_a_known_one() -> None:
    """What it is checked against is a hash of the same parameters and sizes."""
    passwords = Passwords(memory_kib=64, passes=2)
    stored = await passwords.hash(RIGHT)
    assert extract_parameters(passwords._nobody) == extract_parameters(stored)
    with pytest.raises(VerifyMismatchError):
        passwords._hasher.verify(passwords._nobody, RIGHT)
    assert Passwords(64, 2)._nobody != passwords._nobody


async def test_one_hash_at_a_time_even_when_callers_hang_up(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Callers that log in and hang up cannot pile up hashes of 64 MiB each."""
    at_once, most = 0, 0
    gate, guard = threading.Event(), threading.Lock()

    def slow(self: Passwords, stored: str, password: str) -> bool:
        nonlocal at_once, most
        with guard:
            at_once += 1
            most = max(most, at_once)
        gate.wait(0.2)
        with guard:
            at_once -= 1
        return False

    monkeypatch.setattr(Passwords, "_verify", slow)
    asked = [asyncio.create_task(passwords.fits("x", "y")) for _ in range(3)]
    await asyncio.sleep(0.02)
    for task in asked:
        task.cancel()
    last = asyncio.create_task(passwords.fits("x", "y"))
    await asyncio.sleep(0.02)
    gate.set()
    await last
    assert most == 1


class Quiet:
    """A subscription that nobody reads."""

    def begin(self) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""


def line(number: int, method: str, **params: Any) -> bytes:
    """Return a request."""

    asked = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    return json.dumps(asked).encode()


async def test_the_socket_lets_a_locked_screen_unlock(door: Door) -> None:
    """Over a connection: locked refuses all but the password, which opens it again."""

    async def board(_: object) -> object:
        raise AssertionError("the snapshot was made for a locked screen")

    reports: list[Exception] = []
    service = Service(
        program="test",
        contract=UPLINK,
        handlers=Handlers(),
        authority=door.gate,
        snapshot=board,
        report=lambda where, error: reports.append(error),
    )
    dialogue = Dialogue(service, PEER, 1, Quiet())
    version = {"major": UPLINK.version.major, "minor": UPLINK.version.minor}
    asked = [
        line(1, "hello", program="t", contract=version, oldest=version),
        line(2, "session.login", login_name="op01", password=RIGHT, terminal="t"),
        line(3, "session.lock"),
        line(4, "status.subscribe"),
        line(5, "session.unlock", password=WRONG),
        line(6, "status.subscribe"),
        line(7, "session.unlock", password=RIGHT),
    ]
    answers = [await dialogue.answer(each) for each in asked]
    refused = [b'"error"' in answer for answer in answers]
    assert refused == [False, False, False, True, True, True, False]
    assert b"refusal.screen_locked" in answers[3]
    assert b"refusal.screen_locked" in answers[5]
    await door.gate.allowed(dialogue.session, LOGGED_IN, READ)  # type: ignore[arg-type]
    assert reports == []

"""Wrong tries, the waits after them, and what is refused over and over."""

import asyncio

import pytest
from pydantic import SecretStr

from cngstation.rpc.authority import Call, Session
from cngstation.rpc.method import LOGGED_IN
from cngstation.services import lock_out
from cngstation.services.check_rights import RightMissing
from cngstation.services.count_refusals import Refused
from cngstation.services.log_in import (
    LoginMustWait,
    LoginRefused,
    Passwords,
    ScreenLocked,
)
from tests.small_station import CASHIER
from tests.unit.services.gate_door import (
    READ,
    RIGHT,
    WRONG,
    Door,
    a_gate,
)


async def test_three_wrong_tries_make_one_wait(door: Door) -> None:
    """The third wrong try waits; then even the right password is not looked at."""
    assert await door.wrong(3) == ["refusal.login"] * 2 + ["refusal.login_wait"]
    with pytest.raises(LoginMustWait, match="30 seconds"):
        await door.login()
    door.clock.forward(29_999)
    with pytest.raises(LoginMustWait, match="in 1 seconds"):
        await door.login()
    door.clock.forward(1)
    await door.login()
    assert [act[1] for act in await door.acts()] == ["done"] + ["refused"] * 3 + [
        "done"
    ]


async def test_the_wait_doubles_up_to_half_an_hour(door: Door) -> None:
    """30, 60, 120 seconds and so on, never more than 1800."""
    await door.wrong(2)
    waits = []
    for _ in range(9):
        with pytest.raises(LoginMustWait) as refused:
            await door.login(WRONG)
        waits.append(refused.value.facts["seconds"])
        door.clock.forward(int(waits[-1]) * 1000)
    assert waits == [30, 60, 120, 240, 480, 960, 1800, 1800, 1800]


async def test_a_right_password_forgets_the_wrong_ones(door: Door) -> None:
    """Tries are counted from the last success."""
    await door.wrong(2)
    await door.login()
    assert await door.wrong(2) == ["refusal.login"] * 2


async def test_a_wait_survives_a_restart(door: Door) -> None:
    """The wait is a row: a daemon that starts anew keeps it."""
    await door.wrong(3)
    anew = a_gate(door.db, door.passwords, door.clock)
    with pytest.raises(LoginMustWait):
        await Door(anew, door.clock, door.db, door.passwords).login()


async def test_a_reboot_shortens_no_wait(door: Door) -> None:
    """After a reboot the wait counts from its start, and the count of tries goes on."""
    await door.wrong(3)
    door.clock.forward(30_000)
    await door.wrong(1)
    door.clock.boot_id, door.clock.mono_ms = "boot-2", 1
    with pytest.raises(LoginMustWait, match="in 60 seconds"):
        await door.login()
    door.clock.forward(59_998)
    with pytest.raises(LoginMustWait, match="in 1 seconds"):
        await door.login()
    door.clock.forward(1)
    with pytest.raises(LoginMustWait, match="120 seconds"):
        await door.login(WRONG)


async def test_ten_wrong_tries_make_the_longest_wait(door: Door) -> None:
    """From the tenth try on it is half an hour, over a reboot too."""
    await door.wrong(3)
    for _ in range(7):
        door.clock.forward(1_800_000)
        assert await door.wrong(1) == ["refusal.login_wait"]
    door.clock.boot_id, door.clock.mono_ms = "boot-2", 0
    with pytest.raises(LoginMustWait, match="1800 seconds"):
        await door.login()


async def test_many_guesses_at_once_are_no_way_around_the_wait(door: Door) -> None:
    """A right guess among many in flight is refused once the tries are used up."""
    guesses = [door.login(WRONG) for _ in range(8)] + [door.login(RIGHT)]
    ended = await asyncio.gather(*guesses, return_exceptions=True)
    assert isinstance(ended[-1], LoginMustWait)
    assert not any(isinstance(end, Session) for end in ended)


async def test_a_guess_beside_others_does_not_tell_that_it_is_right(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who only asks whether name and password fit has to wait like everybody."""
    real = door.passwords.fits

    async def fits(stored: str | None, password: str) -> bool:
        monkeypatch.setattr(door.passwords, "fits", real)
        await door.wrong(3)
        return await real(stored, password)

    monkeypatch.setattr(door.passwords, "fits", fits)
    with pytest.raises(LoginMustWait):
        await door.gate.identify("op01", SecretStr(RIGHT), "till-1")


async def test_an_unknown_name_takes_the_same_way(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hash is checked for a name that nobody has, and the refusal is the same."""
    checked: list[bool] = []
    real = Passwords._verify

    def counted(self: Passwords, stored: str, password: str) -> bool:
        checked.append(stored.startswith("$argon2id$"))
        return real(self, stored, password)

    monkeypatch.setattr(Passwords, "_verify", counted)
    with pytest.raises(LoginRefused) as unknown:
        await door.login(name="nobody")
    with pytest.raises(LoginRefused) as known:
        await door.login(WRONG)
    assert checked == [True, True]
    assert str(unknown.value) == str(known.value)
    assert (await door.acts())[-2:] == [
        ("session.login", "refused", ""),
        ("session.login", "refused", "01"),
    ]


async def said_to(door: Door, name: str, tries: int) -> list[str]:
    """Return what wrong passwords with a name are told, and a reboot after them."""
    said = []
    for number in range(tries):
        if number == tries - 1:
            door.clock.boot_id, door.clock.mono_ms = f"boot after {name}", 7_000
        with pytest.raises((LoginRefused, LoginMustWait)) as refused:
            await door.login(WRONG, name=name)
        said.append(str(refused.value))
        if number > 2:
            door.clock.forward(10_000)
    return said


async def test_no_refusal_tells_which_names_there_are(door: Door) -> None:
    """Tries left, waits and what is left of them are the same for a name of nobody."""
    known = await said_to(door, "op01", 7)
    assert known == await said_to(door, "nobody", 7)
    assert len(set(known)) > 4


async def test_a_flood_of_unknown_names_grows_nothing(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest names are kept, and the audit has two rows and no name."""
    monkeypatch.setattr(lock_out, "MOST_UNKNOWN_NAMES", 5)
    for number in range(40):
        door.clock.forward(1)
        with pytest.raises(LoginRefused):
            await door.login(name=f"guessed-{number}")
    await door.gate.refusals.flush(all_of_them=True)
    kept = "SELECT count(*) FROM unknown_name"
    assert await door.db.read(lambda c: c.execute(kept).fetchone()) == (5,)
    told = "SELECT subject, reason, \"after\" FROM audit WHERE act='session.login'"
    assert await door.db.read(lambda c: c.execute(told).fetchall()) == [
        ("unknown name", "", ""),
        ("unknown name", "refused again", "39"),
    ]
    bodies = "SELECT count(*) FROM chain WHERE instr(body, 'guessed') > 0"
    assert await door.db.read(lambda c: c.execute(bodies).fetchone()) == (0,)


async def test_guessing_at_a_locked_screen_waits_as_well(door: Door) -> None:
    """Three wrong passwords at the lock make the same wait, also for many at once."""
    session = await door.login()
    await door.gate.lock(session)
    tries = [door.gate.unlock(session, SecretStr(WRONG)) for _ in range(3)]
    tries.append(door.gate.unlock(session, SecretStr(RIGHT)))
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(end) for end in ended] == [LoginRefused] * 2 + [LoginMustWait] * 2
    with pytest.raises(ScreenLocked):
        await door.gate.allowed(session, LOGGED_IN, READ)
    for password in (RIGHT, WRONG, WRONG):  # not even looked at, and not counted
        with pytest.raises(LoginMustWait, match="30 seconds"):
            await door.gate.unlock(session, SecretStr(password))


async def test_what_a_role_lacks_is_audited_and_a_flood_of_it_counted(
    door: Door,
) -> None:
    """Who asked for what from where; a thousand more within a minute are one row."""
    session = await door.login()
    for method in ("card.cancel", "card.cancel", "card.cancel", "card.blacklist"):
        call = Call(method, by_hand=True)
        with pytest.raises(RightMissing):
            await door.gate.allowed(session, method, call)
    door.clock.forward(60_000)
    with pytest.raises(RightMissing):
        await door.gate.allowed(session, "card.cancel", READ)
    await door.gate.refusals.flush()
    sql = (
        'SELECT act, subject, operator_no, terminal, "after" FROM audit'
        " WHERE outcome='refused' ORDER BY seq"
    )
    assert await door.db.read(lambda c: c.execute(sql).fetchall()) == [
        ("card.cancel", "card.cancel", "01", "till-1", ""),
        ("card.blacklist", "card.blacklist", "01", "till-1", ""),
        ("card.read", "card.cancel", "01", "till-1", ""),
        ("card.cancel", "card.cancel", "01", "till-1", "2"),
    ]


async def test_refusals_of_too_many_kinds_are_counted_together(door: Door) -> None:
    """What is kept of refused calls has an end, whatever is made up."""
    log = door.gate.refusals
    for number in range(1_000):
        await log.note(Refused(CASHIER, f"act.{number}", "x"))
    await log.flush(all_of_them=True)
    sql = "SELECT count(*) FROM audit WHERE outcome='refused'"
    (rows,) = await door.db.read(lambda c: c.execute(sql).fetchone())
    assert rows == 202
    last = 'SELECT act, terminal, "after" FROM audit ORDER BY seq DESC LIMIT 1'
    assert await door.db.read(lambda c: c.execute(last).fetchone()) == (
        "others", "others", "799",
    )  # fmt: skip

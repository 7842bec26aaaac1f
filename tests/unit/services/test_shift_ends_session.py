"""A session ends with the shift that its operator hands over."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from cngstation.errors import NotLoggedIn
from cngstation.rpc.method import LOGGED_IN
from cngstation.rpc.session import Login
from cngstation.services.hand_over_shift import SESSION_LEFT_MS
from cngstation.services.keep_operators import add_operator
from cngstation.services.log_in import StaffSession
from cngstation.services.passwords import Passwords
from cngstation.services.verify_books import verify_file
from tests.shift_world import ShiftWorld, shift_world
from tests.small_station import CASHIER, somebody
from tests.unit.services.gate_door import PEER, READ, a_gate
from tests.unit.services.test_hand_over_shift import a_busy_shift


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ShiftWorld]:
    """Return a forecourt; at the end the books are proved."""
    path = tmp_path / "s.db"
    async with shift_world(path) as made:
        yield made
    assert verify_file(path).first_bad is None


@pytest.mark.parametrize("forced", [False, True])
async def test_who_hands_a_shift_over_is_logged_out(
    world: ShiftWorld, forced: bool
) -> None:
    """Elsewhere at once, here when the outcome was seen; by force nobody."""
    passwords = Passwords(memory_kib=8, passes=1)
    for number in ("01", "02"):
        who = somebody(number)
        await add_operator(world.db, passwords, who, "korrekt-8", CASHIER)
    gate = a_gate(world.db, passwords, world.clock)

    async def login(number: str, terminal: str) -> StaffSession:
        secret = SecretStr("korrekt-8")
        asked = Login(login_name=f"op{number}", password=secret, terminal=terminal)
        return await gate.login(asked, PEER)

    here, elsewhere = await login("01", "till-1"), await login("01", "office")
    other = await login("02", "till-1")
    number = await a_busy_shift(world)
    await world.hand_over(
        number, cash=1_800, wechat=900, is_forced=forced, reason="away"
    )

    async def works(session: StaffSession) -> bool:
        try:
            await gate.allowed(session, LOGGED_IN, READ)
        except NotLoggedIn:
            return False
        return True

    assert [await works(s) for s in (here, elsewhere, other)] == [True, forced, True]
    world.clock.forward(SESSION_LEFT_MS)
    assert [await works(s) for s in (here, elsewhere, other)] == [forced, forced, True]

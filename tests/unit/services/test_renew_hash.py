"""A stored hash of weaker settings is renewed at a login, and nobody notices."""

from dataclasses import replace

import pytest
from argon2 import extract_parameters
from pydantic import SecretStr

from cngstation.services.log_in import LoginRefused, confirm
from cngstation.services.passwords import Passwords
from cngstation.services.verify_registers import first_difference
from cngstation.storage import audit, operators
from cngstation.storage.migrations import known_migrations
from cngstation.storage.operators import Operator
from cngstation.storage.sqlite import Connection
from tests.small_station import CASHIER
from tests.unit.services.gate_door import RIGHT, Door, a_gate


async def test_a_hash_of_weaker_settings_is_renewed_at_the_next_right_login(
    door: Door,
) -> None:
    """In the login's own write, once, and nothing else of the operator changes."""
    stronger = Passwords(memory_kib=16, passes=2)
    newer = replace(door, gate=a_gate(door.db, stronger, door.clock))

    async def row() -> tuple[Operator, int, audit.Given | None]:
        count = "SELECT count(*) FROM register_change WHERE register='operator'"

        def question(c: Connection) -> tuple[Operator, int, audit.Given | None]:
            found = operators.find(c, "01")
            assert found is not None
            given = audit.password_given(c, "01")
            return found, c.execute(count).fetchone()[0], given

        return await door.db.read(question)

    once = await door.passwords.hash(RIGHT)
    await door.db.write(
        lambda tx: operators.set_password(tx, "01", once, must_change=True)
    )
    await newer.wrong(1)
    first, facts, given = await row()
    assert first.password_hash == once
    assert (await newer.login()).must_change_password
    renewed, now, still = await row()
    assert renewed == replace(first, password_hash=renewed.password_hash, wrong_tries=0)
    assert (now, still) == (facts + 1, given)
    assert extract_parameters(renewed.password_hash).memory_cost == 16
    for gate in (newer, door):
        await gate.login()
        assert await row() == (renewed, now, given)
    version = len(known_migrations())
    assert await door.db.read(lambda c: first_difference(c, version)) is None


async def test_who_was_right_stays_so_when_the_hash_is_renewed_meanwhile(
    door: Door,
) -> None:
    """At a login and at an act of two; a password given anew is another one."""
    stronger = Passwords(memory_kib=16, passes=2)
    newer = replace(door, gate=a_gate(door.db, stronger, door.clock))
    right = SecretStr(RIGHT)
    checked = await door.gate.identify("op01", right, "t")
    begun = await newer.login()
    now = await door.db.write(lambda tx: confirm(tx, checked))
    assert now.password_hash != checked.password_hash
    await door.gate.lock(begun)
    await door.gate.unlock(begun, right)
    again = await stronger.hash(RIGHT)
    await door.db.write(lambda tx: operators.set_password(tx, "01", again))
    with pytest.raises(LoginRefused):
        await door.db.write(lambda tx: confirm(tx, now))


async def test_a_password_given_anew_is_not_taken_back_by_a_renewal(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was hashed while somebody else wrote a hash is not written over it."""
    stronger = Passwords(memory_kib=16, passes=2)
    newer = replace(door, gate=a_gate(door.db, stronger, door.clock))
    real, beside = Passwords.renewed, Passwords(memory_kib=16, passes=3)

    async def slow(self: Passwords, stored: str, password: str) -> str:
        made = await real(self, stored, password)
        other = await real(beside, stored, password)
        await door.db.write(lambda tx: operators.renew_hash(tx, "01", other, CASHIER))
        return made

    monkeypatch.setattr(Passwords, "renewed", slow)
    await newer.login()
    row = await door.db.read(lambda c: operators.find(c, "01"))
    assert row is not None
    assert extract_parameters(row.password_hash).time_cost == 3

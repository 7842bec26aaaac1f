"""A gate with one operator before it, and hands that try its lock."""

from dataclasses import dataclass

import pytest
from pydantic import SecretStr

from cngstation.rpc.authority import Call, Peer
from cngstation.rpc.session import Login
from cngstation.services.log_in import (
    Gate,
    LoginMustWait,
    LoginRefused,
    Passwords,
    StaffSession,
)
from cngstation.services.station_rules import GateRules
from cngstation.storage.database import Database
from tests.small_station import HandClock

RIGHT, WRONG = "korrekt-8", "falsch-88"
READ, CHANGE = Call("card.read", by_hand=False), Call("card.top_up", by_hand=True)
PEER = Peer(pid=1, uid=1000, gid=1000)
OTHER_USER = Peer(pid=2, uid=1001, gid=1000)


@dataclass
class Door:
    """A gate with its clock and file."""

    gate: Gate
    clock: HandClock
    db: Database
    passwords: Passwords

    async def login(
        self, password: str = RIGHT, name: str = "op01", peer: Peer = PEER
    ) -> StaffSession:
        """Try to log in."""
        asked = Login(login_name=name, password=SecretStr(password), terminal="till-1")
        return await self.gate.login(asked, peer)

    async def wrong(self, times: int) -> list[str]:
        """Give a wrong password so often; return the codes of the refusals."""
        codes = []
        for _ in range(times):
            with pytest.raises((LoginRefused, LoginMustWait)) as refused:
                await self.login(WRONG)
            codes.append(refused.value.code)
        return codes

    async def acts(self) -> list[tuple[str, str, str]]:
        """Return act, outcome and operator of the audit."""
        sql = "SELECT act, outcome, operator_no FROM audit ORDER BY seq"
        return await self.db.read(lambda c: c.execute(sql).fetchall())


def a_gate(db: Database, passwords: Passwords, clock: HandClock) -> Gate:
    """Return a gate as a daemon makes it at its start."""
    rules = GateRules(wrong_tries=3, session_hours=12, idle_minutes=15)
    return Gate(db, passwords, clock, rules, name_terminal=lambda _, told: told)

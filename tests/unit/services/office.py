"""A station with three operators, roles of its own and a second outlet."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from cngstation.domain.rights import ADMINISTRATOR, ROLES
from cngstation.domain.sealing import PersonalDataSeal
from cngstation.rpc.authority import Peer
from cngstation.rpc.session import Login
from cngstation.services.keep_operators import OperatorDesk
from cngstation.services.log_in import Gate, StaffSession
from cngstation.services.passwords import Passwords
from cngstation.services.people import People, people_of
from cngstation.services.station_rules import GateRules
from cngstation.storage import operators, roles
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.operators import Operator
from cngstation.storage.roles import Outlet, Role
from tests.small_station import HandClock, hire, opened

PEER = Peer(pid=1, uid=1000, gid=1000)
CHIEF, WRITER, ELSEWHERE = Actor("1", "t"), Actor("2", "t"), Actor("3", "t")
WRITERS_RIGHTS = "card.read card.top_up operator.read operator.write role.write"
OWN = "richtig-99"


@dataclass
class Office:
    """Three at the desk: an administrator, one with few rights, one elsewhere."""

    db: Database
    people: People
    gate: Gate
    clock: HandClock
    path: Path
    passwords: Passwords

    @property
    def desk(self) -> OperatorDesk:
        """Who keeps the operators."""
        return self.people.operators

    async def of(self, operator_no: str) -> Operator:
        """Return an operator's row."""
        found = await self.db.read(lambda c: operators.find(c, operator_no))
        assert found is not None
        return found

    async def login(self, password: SecretStr, name: str = "wangfang") -> StaffSession:
        """Log in."""
        return await self.gate.login(
            Login(login_name=name, password=password, terminal="t"), PEER
        )

    async def own(self, operator_no: str) -> StaffSession:
        """Log one of the three in, with a password of their own."""
        stored = await self.passwords.hash(OWN)
        await self.db.write(lambda tx: operators.set_password(tx, operator_no, stored))
        return await self.login(SecretStr(OWN), f"op{operator_no}")

    async def acts(self, like: str = "operator.%") -> list[tuple[str, ...]]:
        """Return the audit's acts with who, whom, before and after."""
        return await self.db.read(
            lambda c: c.execute(
                "SELECT act, operator_no, subject, before, after FROM audit"
                " WHERE act LIKE ? ORDER BY seq",
                (like,),
            ).fetchall()
        )


@asynccontextmanager
async def an_office(path: Path) -> AsyncIterator[Office]:
    """Open the station of three for a block."""
    clock, passwords = HandClock(), Passwords(memory_kib=8, passes=1)
    async with opened(path, clock) as db:
        await db.write(_furnish)
        gate = Gate(db, passwords, clock, GateRules(3, 12, 15))
        seal = PersonalDataSeal(b"k" * 32)
        people = people_of(
            db, passwords, gate, seal, "1001", known=("03160002", "Shudu Gas")
        )
        yield Office(db, people, gate, clock, path, passwords)


def _furnish(tx: Transaction) -> None:
    for role in (
        Role("R1", "柜长", WRITERS_RIGHTS),
        Role("R2", "二店柜长", WRITERS_RIGHTS, outlet_no="1002"),
        Role("R3", "离开的", "card.read", retired=1),
        Role("R4", "全部", " ".join(sorted(ROLES[ADMINISTRATOR]))),
    ):
        roles.put_role(tx, role, reason="", actor=CHIEF)
    roles.put_outlet(tx, Outlet("1002", "城西网点"))
    hire(tx, operator_no="1", role=ADMINISTRATOR)
    hire(tx, operator_no="2", role="R1")
    hire(tx, operator_no="3", role="R2", outlet_no="1002")

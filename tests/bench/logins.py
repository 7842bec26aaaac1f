"""A login against the bare hash of its password; a call's permission against its query.

Both in one process on a file of the product, in turn. The peer of the permission reads
the session's row on the same connection and looks the right up in a set.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

from pydantic import SecretStr

from cngstation.domain.rights import ROLES
from cngstation.moments import SystemClock
from cngstation.rpc.authority import Call, Peer
from cngstation.rpc.session import Login
from cngstation.services.keep_operators import add_operator
from cngstation.services.log_in import Gate
from cngstation.services.passwords import Passwords
from cngstation.services.station_rules import GateRules
from cngstation.storage.audit import STATION
from cngstation.storage.database import Database
from cngstation.storage.operators import Operator
from tests.bench.disk import folder_on_disk
from tests.bench.figure import Figure

LOGINS, CALLS, ROUNDS = 9, 300, 5
LOGIN_GOAL = 1.25
PASSWORD, RIGHT = "bench-password-8", "card.top_up"
_PEER, _CALL = Peer(pid=1, uid=0, gid=0), Call("card.top_up", by_hand=False)


def measure() -> list[Figure]:
    """Log in and ask, in turn with the peers."""
    with folder_on_disk() as folder:
        return asyncio.run(_measure(folder / "station.db"))


async def _measure(path: Path) -> list[Figure]:
    clock, passwords = SystemClock(), Passwords()
    database = await Database.open(path, clock)
    try:
        operator = Operator("1001", "bench", "Bench", "junior", "", 0, "active")
        await add_operator(database, passwords, operator, PASSWORD, STATION)
        gate = Gate(database, passwords, clock, GateRules(3, 12, 15))
        return [
            await _logins(gate, passwords),
            await _permissions(gate, database),
        ]
    finally:
        await database.close()


async def _logins(gate: Gate, passwords: Passwords) -> Figure:
    asked = Login(login_name="bench", password=SecretStr(PASSWORD), terminal="t")
    stored = await passwords.hash(PASSWORD)
    ours, bare = [], []
    for _ in range(LOGINS):
        ours.append(await _ms(lambda: gate.login(asked, _PEER)))
        began = time.perf_counter()
        assert passwords._verify(stored, PASSWORD)
        bare.append((time.perf_counter() - began) * 1e3)
    return Figure(
        "login to its bare hash", median(ours), median(bare), "ms", goal=LOGIN_GOAL
    )


async def _permissions(gate: Gate, database: Database) -> Figure:
    asked = Login(login_name="bench", password=SecretStr(PASSWORD), terminal="t")
    session = await gate.login(asked, _PEER)
    held = {"junior": ROLES["junior"]}
    query = "SELECT state FROM session WHERE token_hash=?"

    async def bare() -> None:
        row = await database.read(
            lambda c: c.execute(query, (session.token_hash,)).fetchone()
        )
        assert row[0] == "active"
        assert RIGHT in held["junior"]

    async def ours() -> None:
        await gate.allowed(session, RIGHT, _CALL)

    took: dict[str, list[float]] = {"ours": [], "bare": []}
    for _ in range(ROUNDS):
        for name, ask in (("ours", ours), ("bare", bare)):
            for _ in range(CALLS):
                took[name].append(await _ms(ask) * 1e3)
    return Figure(
        "permission to its bare query",
        median(took["ours"]),
        median(took["bare"]),
        "us",
    )


async def _ms(act: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await act()
    return (time.perf_counter() - began) * 1e3

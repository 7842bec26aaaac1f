"""Searching 100,000 vehicles, against LIKE over the same rows in the same run."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from cngstation.domain.sealing import PersonalDataSeal
from cngstation.rpc.authority import CallContext, Peer
from cngstation.rpc.contract.counter import Search
from cngstation.services.register_customers import (
    ID_COLUMN,
    PHONE_COLUMN,
    PHONE_TAIL_COLUMN,
    CustomerDesk,
    initials_of,
)
from cngstation.services.show_registers import Registers
from cngstation.storage.database import Database
from cngstation.storage.sqlite import Connection, connect
from tests.bench.disk import folder_on_disk
from tests.bench.figure import Figure, percentile
from tests.simulation.money_world import RULES
from tests.small_station import HandClock

VEHICLES, LIMIT, QUESTIONS = 100_000, 50, 300
LONGEST_MS = 50.0
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚"
_CALL = CallContext(None, Peer(1, 1000, 1000), 1)
_LIKE = (
    "SELECT * FROM vehicle WHERE plate LIKE ?1 OR fleet_no LIKE ?1 OR driver LIKE ?1"
    " OR owner LIKE ?1 OR initials LIKE ?1 ORDER BY plate LIMIT ?2"
)


def measure() -> list[Figure]:
    """Fill the register once, then ask both in turn."""
    with folder_on_disk() as folder:
        return asyncio.run(_measure(folder / "station.db"))


async def _measure(path: Path) -> list[Figure]:
    database = await Database.open(path, HandClock())
    seal = PersonalDataSeal(bytes(range(32)))
    try:
        choose = random.Random(1)
        phones = _fill(path, seal, choose)
        registers = Registers(
            database, CustomerDesk(database, seal), RULES, HandClock()
        )

        async def ours(text: str) -> None:
            await registers.search_vehicles(Search(text=text, limit=LIMIT), _CALL)

        async def like(text: str) -> None:
            await database.read(
                lambda connection: connection.execute(
                    _LIKE, (f"%{text}%", LIMIT)
                ).fetchall()
            )

        first = await _took(ours, "A")  # reads the register into memory
        texts = _questions(choose, phones)
        ours_s = [await _took(ours, text) for text in texts]
        like_s = [await _took(like, text) for text in texts]
    finally:
        await database.close()
    p95 = percentile(ours_s, 95) * 1e3
    facts = {
        "ms_p50": round(percentile(ours_s, 50) * 1e3, 2),
        "ms_max": round(max(ours_s) * 1e3, 2),
        "like_ms_p50": round(percentile(like_s, 50) * 1e3, 2),
        "first_ms": round(first * 1e3),
        "vehicles": VEHICLES,
        "questions": len(texts),
    }
    return [
        Figure("search p95 to 50 ms", p95, LONGEST_MS, "ms", limit=1, facts=facts),
        Figure(
            "search p95 to LIKE alone",
            p95,
            percentile(like_s, 95) * 1e3,
            "ms",
            goal=1,
        ),
    ]


async def _took(ask: Callable[[str], Awaitable[None]], text: str) -> float:
    began = time.perf_counter()
    await ask(text)
    return time.perf_counter() - began


def _questions(choose: random.Random, phones: list[str]) -> list[str]:
    makers: tuple[Callable[[], str], ...] = (
        lambda: f"{choose.randrange(10**5):05d}",
        lambda: f"{choose.randrange(10**3):03d}",
        lambda: choose.choice(phones)[-4:],
        lambda: choose.choice(_SURNAMES) + choose.choice(_GIVEN),
        lambda: initials_of(choose.choice(_SURNAMES) + choose.choice(_GIVEN) * 2),
        lambda: "qqq",
    )
    return [choose.choice(makers)() for _ in range(QUESTIONS)]


def _fill(path: Path, seal: PersonalDataSeal, choose: random.Random) -> list[str]:
    """Write generated vehicles; their facts in the chain are left out."""
    connection = connect(path)
    phones = [f"139{choose.randrange(10**8):08d}" for _ in range(VEHICLES)]
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            "INSERT INTO company (company_no, name, address, phone, initials)"
            " VALUES ('0001', '蜀都出租', '', '', 'sdcz')"
        )
        for number, phone in enumerate(phones):
            _insert(connection, seal, choose, number, phone)
        connection.execute("COMMIT")
    finally:
        connection.close()
    return phones


def _insert(
    connection: Connection,
    seal: PersonalDataSeal,
    choose: random.Random,
    number: int,
    phone: str,
) -> None:
    driver, owner = (choose.choice(_SURNAMES) + choose.choice(_GIVEN) for _ in "do")
    plate, id_no = f"川A{number:05d}", f"{number:017d}X"
    row = {
        "vehicle_id": number + 1,
        "plate": plate,
        "plate_overridden": 0,
        "fleet_no": f"{number:06d}" if number % 2 else None,
        "route_no": "",
        "fleet_name": "",
        "vehicle_type": "01",
        "company_no": "0001",
        "driver": driver,
        "owner": owner,
        "id_no_sealed": seal.seal(id_no, ID_COLUMN),
        "id_no_digest": seal.digest(id_no, ID_COLUMN),
        "phone_sealed": seal.seal(phone, PHONE_COLUMN),
        "phone_digest": seal.digest(phone, PHONE_COLUMN),
        "phone_tail_digest": seal.digest(phone[-4:], PHONE_TAIL_COLUMN),
        "cylinder_no": "",
        "cylinder_due": "2028-01-31",
        "initials": initials_of(f"{plate} {driver} {owner}"),
    }
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    connection.execute(
        f"INSERT INTO vehicle ({names}) VALUES ({marks})",
        tuple(row.values()),
    )

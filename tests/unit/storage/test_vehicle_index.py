"""Searching vehicles by parts: the lines in memory follow the register."""

import random
from pathlib import Path

import pytest

from cngstation.storage import customers, vehicle_index
from cngstation.storage.database import Database, Transaction
from cngstation.storage.vehicle_index import VehicleIndex
from tests.small_station import a_vehicle, opened

NAMES = ("王伟", "李雷", "韩梅梅", "欧阳娜", "a_b", "100%")


async def register(db: Database, plate: str, **facts: object) -> int:
    """Register a vehicle of the first company, which is made when it is needed."""

    def unit(tx: Transaction) -> int:
        if customers.find_company(tx.connection, "0001") is None:
            company = customers.Company("0001", "a", "", "", "")
            customers.add_company(tx, company)
        row = a_vehicle(plate, **{"fleet_no": None, "initials": "", **facts})
        return customers.add_vehicle(tx, row)

    return await db.write(unit)


async def plates(db: Database, index: VehicleIndex, text: str, limit: int = 9) -> str:
    """Return the plates that are found, in their order."""
    ids = await db.read(lambda c: index.find(c, text.split(), limit))
    found = [await db.read(lambda c, i=i: customers.find_vehicle(c, i)) for i in ids]  # type: ignore[misc]
    return " ".join(vehicle.plate for vehicle in found if vehicle)


async def test_a_vehicle_is_found_by_any_part(tmp_path: Path) -> None:
    """Plate, own number, driver, owner, initials; all words of a search must be met."""
    index = VehicleIndex()
    async with opened(tmp_path / "s.db") as db:
        assert await plates(db, index, "A") == ""
        assert await plates(db, index, "") == ""
        await register(db, "川A00002", fleet_no="77", driver="韩梅", initials="hm")
        await register(
            db, "川A00001", driver="李雷", owner="蜀都出租", initials="ll sd"
        )
        both = "川A00001 川A00002"
        assert await plates(db, index, "") == both
        assert await plates(db, index, "a0000") == both
        assert await plates(db, index, "", limit=1) == "川A00001"
        for text in ("梅", "HM", "hm", "77", "00002", "A 77 hm"):
            assert await plates(db, index, text) == "川A00002", text
        assert await plates(db, index, "sd 出租") == "川A00001"
        assert await plates(db, index, "sd hm") == ""
        assert await plates(db, index, "%") == ""


@pytest.mark.parametrize("most_newer", [0, 3, 1_000])
async def test_the_index_finds_what_a_look_at_every_row_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_newer: int
) -> None:
    """However rows are added and changed between searches, and by whom."""
    monkeypatch.setattr(vehicle_index, "_MOST_NEWER", most_newer)
    choose, index = random.Random(most_newer), VehicleIndex()
    lines: dict[str, str] = {}
    ids: dict[str, int] = {}
    async with opened(tmp_path / "s.db") as db:
        for _ in range(60):
            if not lines or choose.random() < 0.5:
                plate = f"川A{choose.randrange(10**5):05d}"
                if plate in lines:
                    continue
                ids[plate] = await register(db, plate, driver="", owner="")
            else:
                plate = choose.choice(sorted(lines))
            driver = choose.choice(NAMES)
            await db.write(
                lambda tx, v=ids[plate], d=driver: customers.change_vehicle(  # type: ignore[misc]
                    tx, v, reason="", driver=d
                )
            )
            lines[plate] = f"{plate} {driver}".upper()
            text = choose.choice([choose.choice(NAMES)[:1], str(choose.randrange(99))])
            wanted = [p for p in sorted(lines) if text.upper() in lines[p]][:9]
            assert await plates(db, index, text) == " ".join(wanted)


async def test_retired_vehicles_take_no_place_among_those_found(tmp_path: Path) -> None:
    """The limit counts those that are offered; the others come when asked for."""
    index = VehicleIndex()
    async with opened(tmp_path / "s.db") as db:
        for number in range(4):
            await register(db, f"川A0000{number}", retired=int(number < 2))
        for _ in range(2):  # as read at first, and as read again
            found = await db.read(lambda c: index.find(c, ["A"], 2))
            assert found == [3, 4]
            every = await db.read(lambda c: index.find(c, ["A"], 9, with_retired=True))
            assert every == [1, 2, 3, 4]
            await db.write(
                lambda tx: [
                    customers.change_vehicle(tx, v, reason="", route_no="1")
                    for v in (1, 3)
                ]
            )

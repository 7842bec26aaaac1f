"""A day with ID and phone numbers: none stands in clear in what is left of it."""

import asyncio
import json
import random
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from pydantic import SecretStr

from cngstation.cli.demo_station import LOGIN_NAME, SECOND_LOGIN, DemoStation
from cngstation.domain.numbers import check_digit
from cngstation.errors import StationError
from cngstation.rpc.client import RpcClient
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.counter import COUNTER, CounterBoard
from cngstation.rpc.contract.marks import CARD_BLACKLIST, CARD_SEARCH, MarkOrder
from cngstation.rpc.session import LOGIN, Login
from cngstation.services.import_customers import NAMES
from tests.e2e.live_station import (
    Daemon,
    Screen,
    cashier_of,
    counter_screen,
    daemons,
    issue_of,
    prepared_station,
    query,
    top_up_of,
)
from tests.simulated_devices import ROOT

WHY = "对方 {id_no} 来电 {phone} 询问"


class People:
    """Numbers made by a seed; each is remembered with its other ways to be written."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.made: set[str] = set()

    def id_no(self) -> str:
        """Return a well-formed ID number of nobody."""
        year, serial = self._random.randint(1950, 2005), self._random.randint(0, 999)
        body = f"990000{year}{self._random.randint(1, 12):02d}15{serial:03d}"
        return self._keep(body + check_digit(body))

    def phone(self) -> str:
        """Return a mobile number."""
        return self._keep(f"139{self._random.randint(10**7, 10**8 - 1)}")

    def _keep(self, number: str) -> str:
        self.made.add(number)
        return number

    def found_in(self, data: bytes) -> set[str]:
        """Return which numbers stand in some bytes, in whatever coding."""
        return {
            number
            for number in self.made
            for coding in ("utf-8", "utf-16-le", "utf-16-be")
            if number.encode(coding) in data or number.lower().encode(coding) in data
        }


def _draft(plate: str, id_no: str, phone: str, **changes: Any) -> counter.VehicleDraft:
    given: dict[str, Any] = {
        "plate": plate, "accept_plate": False, "id_no": id_no, "accept_id_no": False,
        "driver": "李雷", "phone": phone, "owner": "李雷", "vehicle_type": "01",
        "company_no": "0001", "cylinder_no": "Q1", "cylinder_due": "2039-12-31",
        "fleet_no": "", "route_no": "", "fleet_name": "",
    }  # fmt: skip
    return counter.VehicleDraft(**(given | changes))


async def _registers(desk: Screen[CounterBoard], people: People) -> None:
    """Register, edit, search by whole numbers, be refused, look at some."""
    call = desk.client.call
    company = counter.CompanyDraft(name="蜀都出租", address="", phone=people.phone())
    row = await call(counter.COMPANY_REGISTER, company)
    assert "****" in row.phone_masked
    edit = counter.CompanyEdit(
        company_no=row.company_no, name="新蜀都", address="", phone=people.phone(),
        retired=False, reason=WHY.format(id_no=people.id_no(), phone=people.phone()),
    )  # fmt: skip
    await call(counter.COMPANY_EDIT, edit)
    for number in range(4):
        id_no, phone = people.id_no(), people.phone()
        draft = _draft(f"川A5000{number}", id_no, phone, company_no=row.company_no)
        vehicle = await call(counter.VEHICLE_REGISTER, draft)
        for text in (id_no, phone):
            search = counter.Search(text=text, limit=5)
            (found,) = (await call(counter.VEHICLE_SEARCH, search)).rows
            assert found.id_no_masked == id_no[:6] + "*" * 8 + id_no[-4:]
            await call(CARD_SEARCH, search)
            await call(counter.EDIT_LIST, search)
        changed = draft.model_copy(
            update={"id_no": people.id_no(), "phone": people.phone()}
        )
        reason = WHY.format(id_no=id_no, phone=phone)
        await call(
            counter.VEHICLE_EDIT,
            counter.VehicleEdit(
                vehicle_id=vehicle.vehicle_id, draft=changed, retired=False,
                reason=reason,
            ),
        )  # fmt: skip
        for what, told in (("id_no", changed.id_no), ("phone", changed.phone)):
            order = counter.RevealOrder(
                register_name="vehicle", key=str(vehicle.vehicle_id), what=what,
                reason=reason,
            )  # fmt: skip
            shown = await call(counter.PERSONAL_REVEAL, order)
            assert shown.number.get_secret_value() == told


async def _refused(desk: Screen[CounterBoard], people: People) -> None:
    """Wrong and misplaced numbers, each refused by name."""
    wrong = people.id_no()
    wrong = wrong[:-1] + ("0" if wrong[-1] != "0" else "1")
    people.made.add(wrong)
    for draft in (
        _draft("川A60000", wrong, people.phone()),
        _draft("川A60000", people.id_no(), "call " + people.phone()),
        _draft("川A60000", people.id_no(), people.phone(), cylinder_due="soon"),
        _draft("川A60000", people.id_no(), people.phone(), company_no="9999"),
        _draft("川A50000", people.id_no(), people.phone()),
    ):
        with pytest.raises(StationError) as refused:
            await desk.client.call(counter.VEHICLE_REGISTER, draft)
        assert not people.found_in(refused.value.sentence().encode())
    order = MarkOrder(card_key=people.phone(), reason=people.id_no(), approval=None)
    with pytest.raises(StationError):
        await desk.client.call(CARD_BLACKLIST, order)


async def _garbled(station: DemoStation, people: People) -> None:
    """Messages that no screen sends, and a login with a number as its name."""
    socket = station.run_dir / "counter.sock"
    lines = (
        b"not json " + people.id_no().encode(),
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": people.phone()}).encode(),
        json.dumps(
            {"jsonrpc": "2.0", "id": 1, "method": "hello", "params": people.id_no()}
        ).encode(),
    )
    for line in lines:
        reader, writer = await asyncio.open_unix_connection(str(socket))
        writer.write(line + b"\n")
        answer = await reader.read(65_536)
        assert not people.found_in(answer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    client = RpcClient(socket, COUNTER)
    await client.connect()
    login = Login(
        login_name=people.id_no(), password=SecretStr("whatever it is"), terminal="t"
    )
    with pytest.raises(StationError):
        await client.call(LOGIN, login)
    await client.close()


async def _imported(station: DemoStation, sheet: Path, people: People) -> None:
    """Two rows are taken, one is refused; both operators give their passwords."""
    book = Workbook()
    page = book.active
    page.append(NAMES)
    for number, id_no in enumerate((people.id_no(), people.id_no(), "1")):
        values = {
            "公司名称": f"锦城{number}", "公司电话": people.phone(),
            "车牌号": f"川A7000{number}", "身份证号": id_no, "电话": people.phone(),
            "车型": "01", "气瓶检验日期": "2039-01-31", "卡号": f"0200000{number}",
            "卡类型": "个人卡", "消费方式": "预购金额", "余额": "12.50",
        }  # fmt: skip
        page.append([values.get(name, "") for name in NAMES])
    book.save(sheet)
    why = WHY.format(id_no=people.id_no(), phone=people.phone())
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cngstation.cli.main", "import", "customers", str(sheet),
        "--operator", LOGIN_NAME, "--second", SECOND_LOGIN, "--reason", why,
        "--config", str(station.config_file), cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await process.communicate(
        f"{station.password}\n{station.second_password}\n".encode()
    )
    assert process.returncode == 1, told.decode()
    assert b"Imported: 2 rows" in told
    assert not people.found_in(told)


def _keeps_no_dump(daemon: Daemon) -> bool:
    limits = Path(f"/proc/{daemon.process.pid}/limits").read_text("ascii")
    (core,) = [x for x in limits.splitlines() if x.startswith("Max core file size")]
    return core.split()[4:6] == ["0", "0"]


async def test_no_number_is_left_of_a_day(tmp_path: Path) -> None:
    """File, journal, queue to head office, logs, slips and command output: none."""
    people = People(1)
    folder = tmp_path / "station"
    folder.mkdir()
    async with prepared_station(folder) as station:
        async with daemons(station, "counter", "forecourt", "uplink") as started:
            async with counter_screen(station) as desk, cashier_of(station) as cashier:
                await _registers(desk, people)
                await _refused(desk, people)
                await _garbled(station, people)
                issue = issue_of(1)
                people.made.add(issue.id_no)
                assert await cashier.issue(issue)
                assert await cashier.top_up(top_up_of(1))
                await _imported(station, tmp_path / "old.xlsx", people)
            assert all(map(_keeps_no_dump, started))
            _require_none(station, people)  # with its write-ahead log
            for daemon in started:
                await daemon.terminate()
        _require_none(station, people)
        counts = query(
            station,
            "SELECT (SELECT count(*) FROM vehicle WHERE id_no_sealed > x'53') AS v,"
            " (SELECT count(*) FROM audit WHERE act GLOB 'personal.*') AS shown,"
            " (SELECT count(*) FROM receipt) AS slips,"
            " (SELECT count(*) FROM outbox) AS sent",
        )[0]
        assert (counts["v"], counts["shown"]) == (7, 8)
        assert counts["slips"] >= 2  # of the issue, and of the two who imported
        assert counts["sent"] > 50
    assert len(people.made) > 40


def _require_none(station: DemoStation, people: People) -> None:
    looked = 0
    for path in sorted(station.folder.rglob("*")):
        if path.is_file():
            looked += 1
            found = people.found_in(path.read_bytes())
            assert not found, (path.name, found)
    assert looked >= 5

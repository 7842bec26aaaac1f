"""A whole station in a temporary folder: simulated devices, real daemons, a database.

Every device is the far end of its protocol on a pty in a process of its own; every
daemon is the real program. A process that dies is started again, as systemd would.
"""

import asyncio
import contextlib
import json
import os
import secrets
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cngstation.cli.demo_child import Child, DidNotStart
from cngstation.cli.demo_leash import Leash
from cngstation.config import StationConfig, load_config
from cngstation.moments import SystemClock
from cngstation.services.keep_operators import add_operator
from cngstation.services.keep_till import open_till
from cngstation.services.log_in import ACTIVE, Passwords
from cngstation.services.station_rules import StationRules, rules_of
from cngstation.simulators.virtual_cards import card_uids, make_blank_card
from cngstation.storage import prices
from cngstation.storage.audit import STATION, Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.operators import Operator
from cngstation.units import Money, Price, Unit

STATION_NO = "03160001"
AREA_NO = "0316"
LOGIN_NAME = "demo"
SECOND_LOGIN = "demo2"  # stands behind an act that takes two people
PRICES_FEN = (398, 388, 378)
LINES = (("east", 9600, 1), ("west", 38400, 3))
GUNS_A_LINE = 4
GUNS_A_DISPENSER = 2
FLOAT = Money.from_fen(50_000)
BLANK_CARDS = 24  # MIFARE Classic, and one DESFire beside them
DESFIRE_PLACE = 3
DESFIRE_CARD = bytes.fromhex("045A3BFA142880")
UNIT_CODE = 0
LONGEST_SOCKET_PATH = 107  # bytes; unix(7), sun_path with its final zero

DAEMONS = {
    "counter": "daemons.card_reader",
    "forecourt": "daemons.dispenser_monitor",
    "uplink": "daemons.sync_uploader",
}


@dataclass(frozen=True, slots=True)
class DemoNozzle:
    """A nozzle as hands reach it: the line's control socket and the gun on it."""

    nozzle_no: int
    gun: int
    control: Path


class DemoStation:
    """The folder, the processes in it, and where everything is."""

    def __init__(self, folder: Path, password: str) -> None:
        self.folder = folder
        self.password = password
        self.second_password = secrets.token_hex(4)
        self.run_dir = folder / "run"
        self.cards_dir = folder / "cards"
        self.database = folder / "station.db"
        self.config_file = folder / "station.toml"
        self.reader_control = self.run_dir / "reader.ctl"
        self.printer_control = self.run_dir / "printer.ctl"
        self.nozzles = [
            DemoNozzle(
                nozzle_no=index * GUNS_A_LINE + gun,
                gun=gun,
                control=self.line_control(name),
            )
            for index, (name, _, _) in enumerate(LINES)
            for gun in range(1, GUNS_A_LINE + 1)
        ]
        self.leash = Leash()
        self._children: dict[str, Child] = {}

    def line_control(self, name: str) -> Path:
        """Return the control socket of a line's simulator."""
        return self.run_dir / f"line-{name}.ctl"

    def line_controls(self) -> dict[str, Path]:
        """Return the control socket of every line by its name."""
        return {name: self.line_control(name) for name, _, _ in LINES}

    @property
    def config(self) -> StationConfig:
        """The station's configuration as the daemons read it."""
        return load_config(self.config_file)

    def pid_of(self, name: str) -> int:
        """Return the process id of a part: a daemon's or a simulator's name."""
        return self._children[name].pid

    def hands_file(self) -> Path:
        """Write and return what the demo's screen needs to play the hands."""
        lines: dict[str, list[dict[str, int]]] = {}
        for nozzle in self.nozzles:
            lines.setdefault(str(nozzle.control), []).append(
                {"nozzle_no": nozzle.nozzle_no, "gun": nozzle.gun}
            )
        hands = {
            "login_name": LOGIN_NAME,
            "password": self.password,
            "second_login": SECOND_LOGIN,
            "second_password": self.second_password,
            "cards": str(self.cards_dir),
            "reader_control": str(self.reader_control),
            "printer_control": str(self.printer_control),
            "lines": [
                {"control": control, "nozzles": nozzles}
                for control, nozzles in lines.items()
            ],
        }
        path = self.folder / "hands.json"
        path.write_text(json.dumps(hands), "utf-8")
        return path

    def card_uids(self) -> list[str]:
        """Return the chips that lie about; scripts come to the DESFire early."""
        uids = card_uids(self.cards_dir)
        uids.insert(DESFIRE_PLACE, uids.pop())
        return uids

    async def start(self) -> None:
        """Start simulators, then daemons, and wait until each is ready."""
        await self.start_simulators()
        await self.start_daemons()

    async def start_simulators(self, *only: str) -> None:
        """Start every simulated device, or some, and wait until each is there."""
        async with asyncio.TaskGroup() as group:
            for name, module, settings in self._simulators():
                if only and name not in only:
                    continue
                config = self.folder / f"{name}.json"
                config.write_text(json.dumps(settings), "utf-8")
                whole = f"cngstation.simulators.{module}"
                command = ["-m", whole, "--config", str(config)]
                ready, port = Path(settings["control"]), Path(settings["link"])
                group.create_task(self._spawn(name, command, ready, port))

    async def start_daemons(self) -> None:
        """Start every daemon and wait until each listens."""
        async with asyncio.TaskGroup() as group:
            for name in DAEMONS:
                group.create_task(self.start_daemon(name))

    async def start_daemon(self, name: str) -> None:
        """Start one daemon and wait until it listens."""
        command = ["-m", DAEMONS[name], "--config", str(self.config_file)]
        await self._spawn(name, command, self.run_dir / f"{name}.sock")

    async def stop(self) -> None:
        """End daemons, then simulators."""
        await self._stop([name for name in self._children if name in DAEMONS])
        await self._stop(list(self._children))
        self.leash.close()

    async def stop_one(self, name: str) -> None:
        """End one part and leave it ended."""
        await self._stop([name])

    async def _stop(self, names: list[str]) -> None:
        children = [self._children.pop(name) for name in names]
        await asyncio.gather(*(child.stop() for child in children))

    async def _spawn(
        self, name: str, command: list[str], ready: Path, port: Path | None = None
    ) -> None:
        log = self.folder / f"{name}.log"
        child = Child(name, command, self.leash, log=log, ready=ready, port=port)
        self._children[name] = child
        await child.start()

    def _simulators(self) -> list[tuple[str, str, dict[str, Any]]]:
        reader = {
            "link": str(self.run_dir / "reader"),
            "control": str(self.reader_control),
            "cards": str(self.cards_dir),
        }
        printer = {
            "link": str(self.run_dir / "printer"),
            "control": str(self.printer_control),
            "paper": str(self.folder / "paper.txt"),
            "baud": 115200,
        }
        found: list[tuple[str, str, dict[str, Any]]] = [
            ("reader", "pn532_reader", reader),
            ("printer", "escpos_printer", printer),
        ]
        for name, baud, _ in LINES:
            found.append((f"line-{name}", "dispenser_line", self._line(name, baud)))
        return found

    def _line(self, name: str, baud: int) -> dict[str, Any]:
        memory = self.folder / f"memory-{name}"
        memory.mkdir(exist_ok=True)
        guns = [
            {
                "gun": gun,
                "prices": list(PRICES_FEN),
                "unit_code": UNIT_CODE,
                "employee_card": f"{1000 + gun:016d}",
                "shift": 2,
                "phase_ms": (37 * gun) % 100,
                "totals_quantity": 100_000 * gun,
                "totals_amount": 398_000 * gun,
            }
            for gun in range(1, GUNS_A_LINE + 1)
        ]
        return {
            "link": str(self.run_dir / f"line-{name}"),
            "control": str(self.line_control(name)),
            "baud": baud,
            "cards": str(self.cards_dir),
            "memory": str(memory),
            "master_key": str(self.folder / "card-master-key"),
            "station_no": STATION_NO,
            "guns": guns,
        }


@contextlib.asynccontextmanager
async def demo_station(
    *, language: str = "zh_CN", folder: Path | None = None
) -> AsyncIterator[DemoStation]:
    """Prepare a station, start it, and clean up after it."""
    with contextlib.ExitStack() as stack:
        place = folder or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="cngstation-"))
        )
        station = DemoStation(place, secrets.token_hex(4))
        await prepare(station, language)
        try:
            await station.start()
            yield station
        finally:
            await station.stop()


async def prepare(
    station: DemoStation, language: str, passwords: Passwords | None = None
) -> None:
    """Make keys, configuration, database, operator, prices and blank cards.

    `passwords` say how slow the operators' hashes are: as slow as the product's.

    Raises:
        DidNotStart: sockets cannot be made in the folder.
    """
    longest = station.run_dir / "forecourt.sock"
    if len(os.fsencode(longest)) > LONGEST_SOCKET_PATH:
        raise DidNotStart(
            f"{station.folder} is too long a path for a socket; set TMPDIR to a "
            "shorter one"
        )
    station.run_dir.mkdir()
    (station.folder / "card-master-key").write_text(secrets.token_hex(16), "ascii")
    (station.folder / "personal-data-key").write_text(secrets.token_hex(32), "ascii")
    station.config_file.write_text(_toml(station, language), "utf-8")
    for serial in range(1, BLANK_CARDS + 1):
        make_blank_card(station.cards_dir, bytes([0x0C, 0x9A, 0x55, serial]))
    make_blank_card(station.cards_dir, DESFIRE_CARD)
    passwords = passwords or Passwords()
    database = await Database.open(station.database, SystemClock())
    try:
        await database.write(_plan_prices)
        rules = rules_of(load_config(station.config_file))
        await database.write(lambda tx: _open_till(tx, rules))
        for operator_no, login_name, full_name, password in (
            ("1001", LOGIN_NAME, "演示员", station.password),
            ("1002", SECOND_LOGIN, "第二演示员", station.second_password),
        ):
            operator = Operator(
                operator_no=operator_no,
                login_name=login_name,
                full_name=full_name,
                role="administrator",
                password_hash="",
                must_change=0,
                state=ACTIVE,
            )
            await add_operator(database, passwords, operator, password, STATION)
    finally:
        await database.close()


def _open_till(tx: Transaction, rules: StationRules) -> None:
    """The station is in the middle of a day: its till has a float."""
    open_till(tx, rules, "DEMO-FLOAT", FLOAT, Actor("1001", "demo"))


def _plan_prices(tx: Transaction) -> None:
    for level, fen in enumerate(PRICES_FEN):
        prices.plan(
            tx,
            level=level,
            price=Price(fen * 100),
            unit=Unit.M3,
            from_ms=0,
            operator_no="1001",
        )


def _toml(station: DemoStation, language: str) -> str:
    run, folder = station.run_dir, station.folder
    lines = "".join(_line_toml(run, *line) for line in LINES)
    return f"""\
[station]
station_no = "{STATION_NO}"
area_no = "{AREA_NO}"
area_short_name = "川A"
issue_point_no = "01"
name = "演示加气站"
company_name = "演示燃气有限公司"
network = "single"
language = "{language}"

[paths]
database = "{station.database}"
runtime_dir = "{run}"
card_master_key = "{folder / "card-master-key"}"
personal_data_key = "{folder / "personal-data-key"}"
{lines}
[reader]
kind = "pn532"
port = "{run / "reader"}"
baud = 115200

[printer]
port = "{run / "printer"}"
baud = 115200
columns = 32

[till]
name = "till-1"

[limits]
top_up_lower_yuan = "0.00"
top_up_upper_yuan = "10000.00"
balance_ceiling_yuan = "50000.00"
card_fee_yuan = "20.00"
cylinder_warning_days = 10
negative_top_up = true
"""


def _line_toml(run: Path, name: str, baud: int, first_dispenser: int) -> str:
    index = [line[0] for line in LINES].index(name)
    text = f"""
[[lines]]
name = "{name}"
port = "{run / f"line-{name}"}"
protocol = "jxv4"
baud = {baud}
"""
    for gun in range(1, GUNS_A_LINE + 1):
        text += f"""
[[lines.nozzles]]
gun = {gun}
nozzle_no = {index * GUNS_A_LINE + gun}
dispenser_no = {first_dispenser + (gun - 1) // GUNS_A_DISPENSER}
unit = "m3"
unit_code = {UNIT_CODE}
"""
    return text

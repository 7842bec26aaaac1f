"""The first day of a station: set up by the command, then lived at real daemons."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from cngstation.cli.demo_station import DESFIRE_CARD, LOGIN_NAME, DemoStation
from cngstation.errors import StationError
from cngstation.rpc.client import RpcClient
from cngstation.rpc.contract import counter as c
from cngstation.rpc.contract.marks import Approval
from cngstation.rpc.session import LOGIN, LoggedIn, Login, Nothing
from cngstation.services.verify_books import verify_file
from cngstation.simulators.virtual_cards import make_blank_card
from cngstation.storage.roles import DEFAULT_OUTLET
from tests.e2e.live_station import (
    cashier_of,
    counter_screen,
    is_alive,
    issue_of,
    query,
    until,
)
from tests.simulated_devices import ROOT

OWN, SECONDS = "a password of my own", "another one of hers"
NAME = "北门二站"


def set_up(station: DemoStation) -> str:
    """Run `cngstation init` without a terminal; return the one-time password."""
    run = station.run_dir
    options = {
        "config": station.config_file,
        "database": station.database,
        "runtime-dir": run,
        "keys": station.folder,
        "language": "en",
        "login": LOGIN_NAME,
        "full-name": "站长",
        "name": "北门加气站",
        "company-name": "新奥燃气",
        "station-no": "03160001",
        "area-no": "0316",
        "area-short-name": "川A",
        "reader-port": run / "reader",
        "printer-port": run / "printer",
    }
    done = subprocess.run(
        [
            sys.executable, "-m", "cngstation.cli.main", "init", "--non-interactive",
            *(f"--{name}={value}" for name, value in options.items()),
        ],
        cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    (secret,) = re.findall(rf"{LOGIN_NAME}: (\S+)", done.stdout)
    return str(secret)


async def log_in(client: RpcClient[c.CounterBoard], name: str, given: str) -> LoggedIn:
    """Log in at the counter."""
    login = Login(login_name=name, password=SecretStr(given), terminal="test")
    return await client.call(LOGIN, login)


async def change(client: RpcClient[c.CounterBoard], old: str, new: str) -> None:
    """Change the own password."""
    await client.call(
        c.OPERATOR_CHANGE_PASSWORD,
        c.PasswordChange(old=SecretStr(old), new=SecretStr(new), again=SecretStr(new)),
    )


async def test_from_the_command_to_the_first_card(tmp_path: Path) -> None:
    """Secret, own password, parameters, a second person, a price, a card; proved."""
    station = DemoStation(tmp_path, OWN)
    station.run_dir.mkdir()
    for serial in range(1, 4):
        make_blank_card(station.cards_dir, bytes([0x0C, 0x9A, 0x55, serial]))
    make_blank_card(station.cards_dir, DESFIRE_CARD)
    secret = await asyncio.to_thread(set_up, station)
    try:
        await station.start_simulators()
        await station.start_daemons()
        socket = station.run_dir / "counter.sock"
        client = RpcClient(socket, c.COUNTER)
        await client.connect()
        assert (await log_in(client, LOGIN_NAME, secret)).must_change_password
        with pytest.raises(StationError) as refused:
            await client.call(c.PARAMETERS_SHOW, Nothing())
        assert refused.value.code == "refusal.password_must_change"
        await change(client, secret, OWN)

        board = await client.call(c.PARAMETERS_SHOW, Nothing())
        assert board.first
        rows = tuple(
            r.model_copy(update={"value": NAME}) if r.name == "station.name" else r
            for r in board.rows
        )
        before = station.pid_of("counter")
        saved = await client.call(c.PARAMETERS_SAVE, c.ParameterSave(rows=rows))
        assert saved.names == ("station.name",)
        await until(lambda: not is_alive(before), "the counter begins anew")
        await client.close()

        async with counter_screen(station) as screen:
            assert screen.board.station.name == NAME
            link = screen.client
            assert not (await link.call(c.PARAMETERS_SHOW, Nothing())).first
            draft = c.OperatorDraft(
                login_name="second", full_name="副站长", sex="", phone="",
                outlet_no=DEFAULT_OUTLET, role="administrator",
            )  # fmt: skip
            given = (await link.call(c.OPERATOR_ADD, draft)).password
            other = RpcClient(socket, c.COUNTER)
            await other.connect()
            await log_in(other, "second", given.get_secret_value())
            await change(other, given.get_secret_value(), SECONDS)
            await other.close()
            approval = Approval(
                login_name="second",
                password=SecretStr(SECONDS),
                own_password=SecretStr(OWN),
            )
            plan = c.PricePlan(
                level=0, price_e4=3_9800, reason="the first day", approval=approval
            )
            await link.call(c.PRICE_PLAN, plan)
        async with cashier_of(station) as cashier:
            assert await cashier.issue(issue_of(0))
    finally:
        await station.stop()
    assert verify_file(station.database).proved
    (card,) = query(station, "SELECT * FROM card")
    assert card["state"] == "normal"
    acts = [row["act"] for row in query(station, "SELECT act FROM audit ORDER BY seq")]
    assert acts[0] == "station.found"
    assert {"parameter.set", "operator.add"} <= set(acts)
    logs = "".join(path.read_text("utf-8") for path in tmp_path.glob("*.log"))
    for password in (secret, OWN, SECONDS):
        assert password not in logs
        assert password.encode() not in station.database.read_bytes()
    assert os.stat(station.database).st_mode & 0o777 == 0o660

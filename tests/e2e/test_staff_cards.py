"""Staff cards at a real counter: a login, a second person, a lost one; both chips."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from cngstation.cli import export
from cngstation.cli.demo_hands import PatientHands
from cngstation.cli.demo_station import SECOND_LOGIN, DemoStation
from cngstation.errors import NotLoggedIn, StationError
from cngstation.rpc.client import RpcClient
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.counter import COUNTER, CounterBoard
from cngstation.rpc.contract.marks import APPROVAL_CARD, Approval
from cngstation.rpc.contract.prices import PRICE_PLAN, PricePlan
from cngstation.rpc.contract.staff_cards import (
    STAFF_CARD_END,
    STAFF_CARD_ISSUE,
    StaffCardEnd,
    StaffCardIssue,
)
from cngstation.rpc.method import Method, Rep, Req
from cngstation.rpc.session import LOGIN, Login, Nothing
from cngstation.services.verify_books import verify_file
from tests.e2e.live_station import (
    counter_screen,
    daemons,
    hands_at,
    prepared_station,
    query,
)

SECOND = "1002"
_RULES = f"""
[security]
staff_card_operators = ["{SECOND}"]
"""


@asynccontextmanager
async def second_at(station: DemoStation) -> AsyncIterator[RpcClient[CounterBoard]]:
    """Log the second operator in, with whatever lies on the reader."""
    client = RpcClient(station.run_dir / "counter.sock", COUNTER)
    await client.connect()
    try:
        password = SecretStr(station.second_password)
        await ask(
            client,
            LOGIN,
            Login(login_name=SECOND_LOGIN, password=password, terminal="office"),
        )
        yield client
    finally:
        await client.close()


async def ask(
    client: RpcClient[CounterBoard], method: Method[Req, Rep], request: Req
) -> Rep:
    """Ask the counter, however busy the machine is."""
    return await client.call(method, request, timeout_s=60)


async def code_of(station: DemoStation) -> str:
    """Return why the second operator is not let in, empty if let in."""
    try:
        async with second_at(station):
            return ""
    except StationError as error:
        return error.code


async def exported(station: DemoStation, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Let the second operator export the books by command, while the service runs."""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{station.second_password}\n"))
    file = station.folder / "books.jsonl"
    file.unlink(missing_ok=True)
    given = ["audit", str(file), "--operator", SECOND_LOGIN]
    given += ["--config", str(station.config_file)]
    code = await asyncio.to_thread(export.run, given)
    assert (code == 0) == file.exists()
    return file.exists()


async def approved_by_card(
    station: DemoStation, client: RpcClient[CounterBoard], hands: PatientHands, uid: str
) -> None:
    """Change a price at once: refused without the second's card, done with it."""
    password = SecretStr(station.second_password)
    plan = PricePlan(
        level=0, price_e4=41_000, reason="because",
        approval=Approval(
            login_name=SECOND_LOGIN,
            password=password,
            own_password=SecretStr(station.password),
        ),
    )  # fmt: skip
    await hands.call("remove")
    with pytest.raises(StationError) as refused:
        await ask(client, PRICE_PLAN, plan)
    assert refused.value.code == "refusal.second_card_missing"
    with pytest.raises(StationError) as missing:
        await ask(client, APPROVAL_CARD, Nothing())
    assert missing.value.code == "refusal.staff_card_missing"
    await hands.call("insert", uid=uid)
    shown = await ask(client, APPROVAL_CARD, Nothing())
    assert shown.operator_no == SECOND
    await ask(client, PRICE_PLAN, plan)
    with pytest.raises(StationError):
        await ask(client, PRICE_PLAN, plan.model_copy(update={"price_e4": 42_000}))


@pytest.mark.timeout(150)
async def test_staff_cards_at_the_counter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issued on a MIFARE, then on a DESFire: in, behind an act, and out when lost."""
    async with prepared_station(tmp_path, simulators=False) as station:
        await station.start_simulators("reader", "printer")
        with station.config_file.open("a", encoding="utf-8") as file:
            file.write(_RULES)
        async with (
            daemons(station, "counter"),
            counter_screen(station) as first,
            hands_at(station.reader_control) as hands,
        ):
            uids = [station.card_uids()[0], station.card_uids()[3]]
            assert sorted(map(len, uids)) == [8, 14]
            for number, uid in enumerate(uids, start=1):
                card_no = f"{number:08d}"
                await hands.call("insert", uid=uid)
                assert await code_of(station) == "refusal.not_staff_card"
                made = await ask(
                    first.client,
                    STAFF_CARD_ISSUE,
                    StaffCardIssue(operator_no=SECOND),
                )
                assert (made.card_no, made.state) == (card_no, "active")
                await hands.call("remove")
                assert await code_of(station) == "refusal.staff_card_missing"
                await hands.call("insert", uid=uid)
                await approved_by_card(station, first.client, hands, uid)
                assert await exported(station, monkeypatch)
                async with second_at(station) as second:
                    await ask(second, counter.STAFF_CARD_LIST, Nothing())
                    end = StaffCardEnd(card_no=card_no, state="lost", reason="gone")
                    await ask(first.client, STAFF_CARD_END, end)
                    with pytest.raises(NotLoggedIn):
                        await ask(second, counter.STAFF_CARD_LIST, Nothing())
                assert await code_of(station) == "refusal.staff_card_ended"
                assert not await exported(station, monkeypatch)
                await hands.call("remove")
        kinds = query(station, "SELECT kind FROM staff_card ORDER BY card_no")
        assert len({row["kind"] for row in kinds}) == 2
        slips = query(station, "SELECT after FROM audit WHERE act LIKE '%.approve'")
        assert [row["after"].split(" ", 1)[1] for row in slips] == [
            "password + card 00000001",
            "password + card 00000002",
        ]
        assert verify_file(station.database).proved

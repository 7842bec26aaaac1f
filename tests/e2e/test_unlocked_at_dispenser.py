"""What a dispenser asks the station of a card: an unlock, and the white list."""

from pathlib import Path
from typing import Any

import pytest

from cngstation.cli.demo_station import DemoStation, demo_station
from cngstation.rpc.contract.downloads import LISTS_NUMBER, NumberOrder
from cngstation.services.verify_books import verify_file
from tests.e2e.live_station import (
    Gun,
    cashier_of,
    forecourt_screen,
    guns_at,
    issue_of,
    query,
    until,
)
from tests.e2e.station_proof import wrongs

SLOW = 150.0
ASKS = {"unlocks_grey": True, "asks_about_cards": "whitelist"}


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every simulated dispenser ask the station."""
    plain = DemoStation._line

    def line(station: DemoStation, name: str, baud: int) -> dict[str, Any]:
        settings = plain(station, name, baud)
        return {**settings, "guns": [{**gun, **ASKS} for gun in settings["guns"]]}

    monkeypatch.setattr(DemoStation, "_line", line)


@pytest.mark.usefixtures("asking")
async def test_a_card_is_let_in_by_the_white_list_and_unlocked_at_a_dispenser(
    tmp_path: Path,
) -> None:
    """Off the list it fills nothing; pulled out it is paid at the next nozzle."""
    async with demo_station(folder=tmp_path, language="en") as station:
        async with (
            cashier_of(station) as cashier,
            forecourt_screen(station) as screen,
            guns_at(*station.nozzles[:2]) as (first, second),
        ):
            assert await cashier.issue(issue_of(0))
            uid = cashier.uid(0)
            await first.do("card_in", uid=uid)
            await first.reached("judged")
            assert (await first.do("state"))["refused"] == "not_on_whitelist"
            await first.do("card_out")
            (card,) = query(station, "SELECT card_key FROM card")
            order = NumberOrder(
                card_no=card["card_key"], list="white", reason="let in", approval=None
            )
            await screen.client.call(LISTS_NUMBER, order)
            await _begin(first, uid, 1_500, SLOW)
            while not (await first.do("state"))["quantity"]:
                await first.do("wait", until="uploaded", timeout_s=0.1)
            await first.do("card_out")
            await until(lambda: _kinds(station) == ["grey"], "the grey sale")
            assert _open_rows(station) == ["grey_card"]
            await second.do("card_in", uid=uid)
            await until(
                lambda: _kinds(station) == ["grey", "make_up_debit"], "its collection"
            )
            await until(lambda: _open_rows(station) == [], "the row to close")
            await second.do("card_out")
            await _begin(second, uid, 300, 2_000.0)
            await second.reached("uploaded")
            await second.do("card_out")
        await station.stop()
    grey, collection, _ = query(station, "SELECT * FROM sale ORDER BY seq")
    assert collection["debited"] * 100 == grey["amount_e4"]
    assert (grey["debited"], collection["nozzle_no"]) == (0, 2)
    proof = verify_file(station.database)
    assert (proof.proved, proof.open_rows) == (True, 0)
    assert wrongs(station) == []


async def _begin(gun: Gun, uid: str, hundredths: int, flow: float) -> None:
    """Put a card in that the station lets fill, and open the valve."""
    await gun.do("card_in", uid=uid)
    await gun.reached("judged")
    state = await gun.do("state")
    assert state["refused"] is None, state
    await gun.do(
        "fill",
        limit_hundredths=hundredths,
        flow_hundredths_per_s=flow,
        pressure_start_kpa=3_000,
        pressure_end_kpa=19_500,
    )


def _kinds(station: DemoStation) -> list[str]:
    sql = "SELECT transaction_type FROM sale ORDER BY seq"
    return [row["transaction_type"] for row in query(station, sql)]


def _open_rows(station: DemoStation) -> list[str]:
    sql = (
        "SELECT kind FROM finding f WHERE NOT EXISTS"
        " (SELECT 1 FROM finding_closed c WHERE c.finding_seq = f.seq)"
    )
    return [row["kind"] for row in query(station, sql)]

"""A DESFire card through a whole station: counter, dispenser, books."""

from pathlib import Path

from cngstation.cli.demo_station import DESFIRE_CARD, DESFIRE_PLACE, demo_station
from cngstation.services.verify_books import verify_file
from tests.e2e.live_station import (
    cashier_of,
    guns_at,
    hands_at,
    issue_of,
    query,
    top_up_of,
)
from tests.e2e.station_proof import purse_of, wrongs


async def test_a_desfire_card_lives_beside_the_others(tmp_path: Path) -> None:
    """Issued, topped up, torn in its commit and finished by itself, filled, debited."""
    async with demo_station(folder=tmp_path, language="en") as station:
        async with (
            cashier_of(station) as cashier,
            hands_at(station.reader_control) as hands,
        ):
            uid = cashier.uid(DESFIRE_PLACE)
            assert uid == DESFIRE_CARD.hex().upper()
            assert await cashier.issue(issue_of(DESFIRE_PLACE, prepaid=50_000))
            assert await cashier.top_up(top_up_of(DESFIRE_PLACE, 10_000))
            for torn in ("before", "after"):
                await hands.call("pull_during_write", nth_write=1, block=torn)
                assert await cashier.top_up(top_up_of(DESFIRE_PLACE, 10_000))
                assert (await hands.call("state"))["pulled"]["command"] == "C7"
        async with guns_at(station.nozzles[2]) as (gun,):
            await gun.begin(uid, 1_000)
            await gun.reached("uploaded")
            await gun.do("card_out")
        await station.stop()
    sale = query(station, "SELECT * FROM sale")[0]
    purse = purse_of(station, uid)
    assert purse is not None
    assert purse.balance == 80_000 - sale["amount_e4"] // 100
    assert (purse.topped_up, purse.wseq, purse.pseq) == (80_000, 4, 1)
    proof = verify_file(station.database)
    assert (proof.proved, proof.open_rows) == (True, 0)
    assert wrongs(station) == []

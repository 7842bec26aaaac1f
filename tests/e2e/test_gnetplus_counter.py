"""A counter on the second serial reader: issue, top-up, and one that is torn."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cngstation.rpc.contract.counter import ActState
from cngstation.services.verify_books import verify_file
from cngstation.simulators.purse_on_card import read_purse
from cngstation.simulators.virtual_card import CardInField
from tests.e2e.fault_bench import FEE_FEN, PREPAID, fault_bench
from tests.e2e.live_station import until
from tests.issued_cards import MASTER, UID
from tests.simulated_devices import SimulatedReader, card_reader


@pytest.fixture
def device(tmp_path: Path) -> Iterator[SimulatedReader]:
    """A GNetPlus reader."""
    with card_reader(tmp_path, module="gnetplus_reader") as process:
        yield process


async def test_a_card_is_issued_and_topped_up(
    device: SimulatedReader, tmp_path: Path
) -> None:
    """Both through the reader that the configuration names; the purse is the books'."""
    async with fault_bench(device, tmp_path, kind="gnetplus") as bench:
        key = await bench.issued()
        await bench.topped_up(key, 5_000)
        assert await bench.cash() == 100 * (PREPAID + 5_000 + FEE_FEN)
        with CardInField(device.card_file(UID.hex())) as card:
            purse = read_purse(MASTER, card)
        assert (purse.balance, purse.wseq) == (PREPAID + 5_000, 2)
    assert verify_file(tmp_path / "station.db").proved


@pytest.mark.parametrize("block", ["before", "after", "garbage"])
async def test_a_torn_top_up_is_finished_at_the_next_tap(
    device: SimulatedReader, tmp_path: Path, block: str
) -> None:
    """The card leaves in the last block of the write: the money is on it once."""
    async with fault_bench(device, tmp_path, kind="gnetplus") as bench:
        key = await bench.issued()
        view = await bench.laid()
        device.hand("pull_during_write", nth_write=3, block=block)
        reply = await bench.top_up(key, view.balance_purse, 5_000)
        assert reply.state is ActState.PENDING
        await until(lambda: bench.stage._card is None, "the empty reader")
        after = await bench.laid()
        await until(lambda: bench.shown("balance_purse") == PREPAID + 5_000, "money")
        assert after.uid == UID.hex().upper()
        await bench.lifted()
        purse = bench.purse()
        assert purse is not None
        assert (purse.balance, purse.wseq) == (PREPAID + 5_000, 2)
        assert await bench.cash() == 100 * (PREPAID + 5_000 + FEE_FEN)
    assert verify_file(tmp_path / "station.db").proved

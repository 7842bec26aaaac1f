"""A quick simulated reader with a card on it, and our purse over it."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from cngstation.drivers.mifare_purse_card import MifarePurseCard
from tests.e2e.issued_card.card_on_reader import Troubled, take_out
from tests.issued_cards import (
    QUICK,
    UID,
    opened,
)
from tests.simulated_devices import SimulatedReader, card_reader


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedReader]:
    """One quick reader for all tests here."""
    with card_reader(tmp_path_factory.mktemp("reader"), **QUICK) as device:
        yield device


@pytest.fixture
def device(process: SimulatedReader) -> Iterator[SimulatedReader]:
    """A reader with a factory-new card in its field and nothing broken."""
    process.card_file(UID.hex()).unlink(missing_ok=True)
    process.put_blank_card(UID.hex())
    yield process
    process.hand("fault", kind="none")
    take_out(process)


@pytest_asyncio.fixture
async def card(device: SimulatedReader) -> AsyncIterator[MifarePurseCard]:
    """Our purse on whatever lies on that reader."""
    async with opened(device, baud=921_600) as (_, purse_card):
        yield purse_card


@pytest.fixture
async def troubled(
    device: SimulatedReader,
) -> AsyncIterator[tuple[Troubled, MifarePurseCard]]:
    """Our purse over a reader that is not to be trusted."""
    async with opened(device, baud=921_600, kind=Troubled) as (reader, card):
        assert isinstance(reader, Troubled)
        reader.refuses = []
        yield reader, card

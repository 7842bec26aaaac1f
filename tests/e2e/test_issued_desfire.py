"""A DESFire card issued by our driver over a simulated PN532's line, and torn there."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from cngstation.drivers.card_reader import CardGone
from cngstation.drivers.pn532_reader import Pn532Reader
from cngstation.drivers.purse_card import PurseCard, WriteNotConfirmed
from cngstation.drivers.serial_link import SerialSettings, open_serial
from cngstation.drivers.whichever_card import cards_on
from cngstation.protocols.card_image import desfire_layout as layout
from cngstation.protocols.card_image.diversification import CardKeys
from cngstation.protocols.card_image.purse import CardState
from tests.issued_cards import INFO, MASTER, NEW_PURSE, QUICK, topped_up
from tests.simulated_devices import ROOT, SimulatedReader, card_reader

CLASSIC = "DEADBEEF"
DESFIRE = bytes.fromhex("045A3BFA142880")
FEN = 5_000
TOP_UP = ["5A", "AA", "AF", "BD", "3D", "AF", "6C", "0C", "C7", "6C", "BD"]
COMMIT = TOP_UP.index("C7") + 1


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedReader]:
    """One quick reader for all tests here."""
    with card_reader(tmp_path_factory.mktemp("reader"), **QUICK) as device:
        yield device


@pytest.fixture
def device(process: SimulatedReader) -> Iterator[SimulatedReader]:
    """A reader with a factory-new DESFire card in its field."""
    file_of(process).unlink(missing_ok=True)
    process.put_blank_card(DESFIRE.hex())
    yield process
    process.hand("fault", kind="none")
    take_out(process)


@pytest_asyncio.fixture
async def card(device: SimulatedReader) -> AsyncIterator[PurseCard]:
    """Our purse on whatever lies on that reader."""
    settings = SerialSettings(str(device.link), 921_600)
    reader = Pn532Reader(partial(open_serial, settings))
    await reader.open()
    yield cards_on(MASTER)(reader)
    await reader.close()


def file_of(device: SimulatedReader) -> Path:
    """Return the card's file."""
    return device.cards / f"{DESFIRE.hex().upper()}.desfire"


def take_out(device: SimulatedReader) -> None:
    """Leave the field empty."""
    if device.hand("state")["card"] is not None:
        device.hand("remove")


def said(device: SimulatedReader) -> list[str]:
    """Return the commands that the card heard since the log was cleared."""
    shown = device.hand("exchanges", clear=True)["exchanges"]
    names = [exchange["command"].split() for exchange in shown]
    return [name[2] for name in names if name[:2] == ["40", "90"]]


async def test_cards_of_two_technologies_on_one_reader(
    device: SimulatedReader, card: PurseCard
) -> None:
    """The card decides: both are issued, topped up and read by the same calls."""
    device.hand("blank", uid=CLASSIC)
    for uid in (DESFIRE, bytes.fromhex(CLASSIC), DESFIRE):
        take_out(device)
        device.hand("insert", uid=uid.hex())
        reading = await card.read(uid)
        if reading.state is CardState.BLANK:
            await card.personalise(uid, NEW_PURSE, INFO)
            reading = await card.read(uid)
            await card.write_purse(reading, topped_up(NEW_PURSE, FEN))
            reading = await card.read(uid)
        assert (reading.purse, reading.info) == (topped_up(NEW_PURSE, FEN), INFO)


async def test_a_top_up_pulled_at_every_frame(
    device: SimulatedReader, card: PurseCard
) -> None:
    """Before the commit nothing has happened; after it all has."""
    await card.personalise(DESFIRE, NEW_PURSE, INFO)
    reading = await card.read(DESFIRE)
    take_out(device)
    content = file_of(device).read_bytes()
    for nth in range(1, len(TOP_UP) + 1):
        for torn in ("before", "after"):
            take_out(device)
            file_of(device).write_bytes(content)
            device.hand("insert", uid=DESFIRE.hex())
            device.hand("exchanges", clear=True)
            device.hand("tear", after_commands=nth, block=torn)
            with pytest.raises(CardGone if nth < COMMIT else WriteNotConfirmed):
                await card.write_purse(reading, topped_up(NEW_PURSE, FEN))
            assert said(device)[:nth] == TOP_UP[:nth]
            device.hand("insert", uid=DESFIRE.hex())
            again = await card.read(DESFIRE)
            is_new = nth > COMMIT or (nth == COMMIT and torn == "after")
            expected = topped_up(NEW_PURSE, FEN) if is_new else NEW_PURSE
            assert (again.purse, again.whole) == (expected, True)


async def test_an_issue_pulled_at_every_lasting_step(
    device: SimulatedReader, card: PurseCard
) -> None:
    """After each of them the card is known, and the issue is done again to its end."""
    take_out(device)
    content = file_of(device).read_bytes()
    states = []
    for nth in range(1, 9):  # application, three files, three keys, commit
        take_out(device)
        file_of(device).write_bytes(content)
        device.hand("insert", uid=DESFIRE.hex())
        device.hand("pull_during_write", nth_write=nth, block="after")
        with pytest.raises(WriteNotConfirmed):
            await card.personalise(DESFIRE, NEW_PURSE, INFO)
        device.hand("insert", uid=DESFIRE.hex())
        found = await card.read(DESFIRE)
        states.append(found.state)
        if found.state is CardState.TORN_ISSUE:
            await card.personalise(DESFIRE, NEW_PURSE, INFO)
            found = await card.read(DESFIRE)
        assert (found.purse, found.info) == (NEW_PURSE, INFO)
    assert states == [CardState.TORN_ISSUE] * 7 + [CardState.OURS]


async def test_a_reader_that_says_nothing_after_the_commit(
    device: SimulatedReader, card: PurseCard
) -> None:
    """The chip does it and is lost: the next reading shows that it was done."""
    await card.personalise(DESFIRE, NEW_PURSE, INFO)
    reading = await card.read(DESFIRE)
    device.hand("tear", after_commands=COMMIT, block="after", reader_reports=False)
    with pytest.raises(WriteNotConfirmed):
        await card.write_purse(reading, topped_up(NEW_PURSE, FEN))
    device.hand("insert", uid=DESFIRE.hex())
    assert (await card.read(DESFIRE)).purse == topped_up(NEW_PURSE, FEN)


def freefare(device: SimulatedReader, key_no: int, debit: int) -> dict[str, Any]:
    """Run a session of libfreefare with a key of ours on the card."""
    key = CardKeys(MASTER, DESFIRE).application_key(layout.APPLICATION, key_no)
    given = [layout.APPLICATION.hex(), str(key_no), key.hex(), str(debit)]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.e2e.freefare_session", *given],
        cwd=ROOT,
        env={
            **os.environ,
            "LIBNFC_DEFAULT_DEVICE": f"pn532_uart:{device.link}:115200",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


@pytest.mark.needs("mifare-desfire-info")
async def test_libfreefare_is_a_dispenser_and_a_counter(tmp_path: Path) -> None:
    """An independent library reads our card, debits it, and cannot credit with key 2.

    Sessions, codes, files and commit are its own; card and driver are ours.
    """
    with card_reader(tmp_path) as device:
        device.put_blank_card(DESFIRE.hex())
        settings = SerialSettings(str(device.link), 115_200)
        reader = Pn532Reader(partial(open_serial, settings))
        await reader.open()
        card = cards_on(MASTER)(reader)
        await card.personalise(DESFIRE, NEW_PURSE, INFO)
        record = (await card.read(DESFIRE)).standing.hex()
        await reader.close()
        seen = freefare(device, layout.DISPENSER_KEY, 1_000)
        assert seen == {
            "uid": DESFIRE.hex(), "name": "Mifare DESFire", "record": record,
            "value": 10_000, "value_after": 9_000,
        }  # fmt: skip
        refused = freefare(device, layout.DISPENSER_KEY, -1_000)
        assert refused == {"error": "credit_ex: ae"}
        seen = freefare(device, layout.COUNTER_KEY, -1_000)
        assert (seen["value"], seen["value_after"]) == (9_000, 10_000)
        await reader.open()
        reading = await card.read(DESFIRE)
        assert (reading.purse, reading.whole) == (NEW_PURSE, True)
        await reader.close()

"""Acts on a card against the time that its bytes and the chip take by themselves.

The simulator adds up both: every byte at the reader's baud, and what its chip needs.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeVar

from cngstation import exact_loop
from cngstation.domain.payment import MODE_CODES, PaymentMode
from cngstation.drivers.mifare_purse_card import MifarePurseCard
from cngstation.drivers.pn532_reader import Pn532Reader
from cngstation.drivers.serial_link import SerialSettings, open_serial
from cngstation.protocols.card_image.purse import CardInfo, Purse
from tests.bench.disk import folder_on_disk
from tests.bench.figure import Figure
from tests.simulated_devices import SimulatedReader, async_card_reader

ROUNDS = 12
BAUD = 115_200
_KEY = bytes(16)
T = TypeVar("T")


@dataclass(slots=True)
class _Act:
    ours: list[float]
    least: list[float]


def measure() -> list[Figure]:
    """Issue, read and top up new cards one after the other."""
    with folder_on_disk() as folder:
        acts = exact_loop.run(_acts(folder))
    return [
        Figure(
            f"reader: {name}",
            median(act.ours) * 1e3,
            median(act.least) * 1e3,
            "ms",
            goal=1.1,
            facts={"rounds": len(act.ours)},
        )
        for name, act in acts.items()
    ]


async def _acts(folder: Path) -> dict[str, _Act]:
    acts = {name: _Act([], []) for name in ("issue", "read", "top-up write")}
    async with async_card_reader(folder) as device:
        reader = Pn532Reader(
            partial(open_serial, SerialSettings(str(device.link), BAUD))
        )
        await reader.open()
        card = MifarePurseCard(reader, _KEY)
        try:
            for number in range(ROUNDS):
                uid = bytes([0x0C, 0x9A, 0x56, number])
                await asyncio.to_thread(device.put_blank_card, uid.hex())
                await _one_card(device, card, uid, acts)
                await asyncio.to_thread(device.hand, "remove")
        finally:
            await reader.close()
    return acts


async def _one_card(
    device: SimulatedReader, card: MifarePurseCard, uid: bytes, acts: dict[str, _Act]
) -> None:
    purse, info = _new_purse()
    await _timed(device, acts["issue"], lambda: card.personalise(uid, purse, info))
    reading = await _timed(device, acts["read"], lambda: card.read(uid))
    assert reading.purse is not None
    more = replace(reading.purse, balance=reading.purse.balance + 10_000, wseq=2)
    await _timed(device, acts["top-up write"], lambda: card.write_purse(reading, more))


async def _timed(
    device: SimulatedReader, act: _Act, do: Callable[[], Awaitable[T]]
) -> T:
    await asyncio.to_thread(device.hand, "exchanges", clear=True)
    began = time.perf_counter()
    result = await do()
    act.ours.append(time.perf_counter() - began)
    shown = await asyncio.to_thread(device.hand, "exchanges", clear=True)
    totals = shown["totals"]
    act.least.append((totals["chip_us"] + totals["wire_us"]) / 1e6)
    return result


def _new_purse() -> tuple[Purse, CardInfo]:
    purse = Purse(
        kind=1,
        payment_mode=MODE_CODES[PaymentMode.PREPAID_MONEY],
        price_level=0,
        card_no="00000001",
        cylinder_due=None,
        balance=10_000,
        recharged_total=10_000,
        consumed_total=0,
        grey=None,
        gen=0,
        wseq=1,
        pseq=0,
    )
    return purse, CardInfo("0316", 398, "川A12345", 0, 0)

"""Our cards on a simulated reader, for tests: purses, keys, and who carries them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from cngstation.drivers.mifare_purse_card import MifarePurseCard
from cngstation.drivers.pn532_reader import Pn532Reader
from cngstation.drivers.serial_link import SerialSettings, open_serial
from cngstation.protocols.card_image.diversification import CardKeys
from cngstation.protocols.card_image.purse import CardInfo, Purse
from tests.simulated_devices import SimulatedReader

MASTER = bytes.fromhex("4b65792d666f722d74657374732d3031")
UID = bytes.fromhex("DEADBEEF")
# A chip and a line without delay: what is tested is the order of things.
AT_ONCE = {
    "ack_us": 0,
    "command_us": 0,
    "select_us": 0,
    "authenticate_us": 0,
    "read_us": 0,
    "write_us": 0,
}
QUICK = {"latency_us": AT_ONCE, "baud": 921_600}

NEW_PURSE = Purse(
    kind=1, payment_mode=0, price_level=1, card_no="20000017",
    cylinder_due="2027-03-31", balance=10_000, recharged_total=10_000,
    consumed_total=0, grey=None, gen=1, wseq=1, pseq=0,
)  # fmt: skip
INFO = CardInfo("3201", 412, "苏A12345", 300, 900)


def topped_up(purse: Purse, fen: int) -> Purse:
    """Return a purse as the counter writes it after a top-up."""
    return replace(
        purse,
        balance=purse.balance + fen,
        recharged_total=purse.recharged_total + fen,
        gen=purse.gen + 1,
        wseq=purse.wseq + 1,
    )


def keys_file(uid: bytes) -> bytes:
    """Return a card image that holds the keys of one of our cards and nothing else."""
    keys = CardKeys(MASTER, uid)
    sectors = []
    for sector in range(16):
        trailer = b"\xff" * 6 + bytes.fromhex("ff078069") + b"\xff" * 6
        if sector in (1, 2, 3):
            key_a, key_b = (keys.sector_key(sector, kind) for kind in "AB")
            trailer = key_a + bytes.fromhex("78778869") + key_b
        sectors.append(bytes(48) + trailer)
    return uid + b"".join(sectors)[len(uid) :]


@asynccontextmanager
async def opened(
    device: SimulatedReader, *, baud: int = 115_200, kind: type = Pn532Reader
) -> AsyncIterator[tuple[Pn532Reader, MifarePurseCard]]:
    """Open the driver on a simulated reader, and our purse over it."""
    reader = kind(partial(open_serial, SerialSettings(str(device.link), baud)))
    await reader.open()
    try:
        yield reader, MifarePurseCard(reader, MASTER)
    finally:
        await reader.close()

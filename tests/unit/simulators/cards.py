"""Cards issued for the tests, laid out byte by byte, apart from the codec."""

import struct
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from cngstation.simulators.purse_on_card import diversify, sector_key
from cngstation.simulators.virtual_card import card_path, make_blank_card

MASTER = bytes.fromhex("5f1c8e02b7a94d3366e0d1749ab2c385")
UID = bytes.fromhex("a1b2c3d4")
STATION = "03160001"


def mac(uid: bytes, *parts: bytes) -> bytes:
    cmac = CMAC(AES(diversify(MASTER, uid + b"CNGMAC")))
    cmac.update(uid + b"".join(parts))
    return cmac.finalize()[:8]


def slot(
    uid: bytes,
    *,
    gen: int = 1,
    wseq: int = 1,
    pseq: int = 0,
    balance: int = 10_000,
    topped_up: int = 10_000,
    consumed: int = 0,
    payment_mode: int = 0,
    price_level: int = 0,
    card_no: str = "00010012",
    cylinder_due: str = "000000",
    grey: tuple[int, str, int] = (0, "00000000", 0),
    version: int = 1,
) -> bytes:
    """Return the 48 bytes of a slot."""
    gun, station, trans_no = grey
    block0 = bytes([version, 1, payment_mode, price_level])
    block0 += bytes.fromhex(card_no + cylinder_due) + bytes([gun])
    block0 += bytes.fromhex(station)
    block1 = struct.pack("<iIII", balance, topped_up, consumed, trans_no)
    head = gen.to_bytes(3, "little") + wseq.to_bytes(2, "little")
    head += pseq.to_bytes(3, "little")
    return block0 + block1 + head + mac(uid, block0, block1, head)


def info(uid: bytes, *, limit_yuan: int = 0, plate: str = "川A12345") -> bytes:
    """Return the 48 bytes of sector 3."""
    block0 = bytes.fromhex("5101") + (398).to_bytes(2, "little")
    block0 += plate.encode("gb18030").ljust(9, b"\x00")
    block0 += limit_yuan.to_bytes(2, "little") + b"\x00"
    block1, reserved = bytes(16), bytes(8)
    return block0 + block1 + reserved + mac(uid, b"I", block0, block1, reserved)


def issue(
    folder: Path,
    uid: bytes = UID,
    *,
    slot_a: bytes | None = None,
    slot_b: bytes = bytes(48),
    sector_3: bytes | None = None,
    **fields: object,
) -> Path:
    """Put an issued card into the folder; `fields` are those of slot A."""
    path = make_blank_card(folder, uid)
    image = bytearray(path.read_bytes())
    slot_a = slot(uid, **fields) if slot_a is None else slot_a  # type: ignore[arg-type]
    sectors = {1: slot_a, 2: slot_b, 3: info(uid) if sector_3 is None else sector_3}
    for sector, content in sectors.items():
        keys = [sector_key(MASTER, uid, sector, which) for which in (b"A", b"B")]
        trailer = keys[0] + bytes.fromhex("78778800") + keys[1]
        image[64 * sector : 64 * sector + 64] = content + trailer
    path.write_bytes(image)
    return path


def block(folder: Path, number: int, uid: bytes = UID) -> bytes:
    return card_path(folder, uid).read_bytes()[16 * number : 16 * number + 16]

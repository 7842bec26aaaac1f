"""Frames made from the protocol's rules, gun 1, 2025-06-01 08:30:15; no captures."""

POLL = bytes.fromhex("AAFF01005100 0D 20250601083015 000000000000 F24C CCFF")
POLL_VERSIONS = bytes.fromhex("AAFF01005100 0D 20250601083015 030101000700 CD72 CCFF")
IDLE = bytes.fromhex(
    "BBEE000151 0054 01A1 8E01" + "00" * 8 + "02 0000000000001001" + "00" * 63 + "AD78"
    "DDEE"
)
FUELLING = bytes.fromhex(
    "BBEE000151 0054 01A4 8E01 D2040000 2F130000 02 0000000000001001"
    "5101000100012345 00B4A8413132333435 3A07" + "00" * 44 + "659B DDEE"
)
RECORD = bytes.fromhex(
    "BBEE000152 0093 03040000 02 0000000000001001 00 5101000100012345 01"
    "00B4A8413132333435 51010001 20250601082011 20250601082547 8E01 D2040000"
    "2F130000 2F130000 50C30000 21B00000 0C000000 C0270900 30000000 32EF0000"
    "FFB70300 06120F00 EFFA3B00 A401 C107 061C0000 10270000 01 00 08 00000000"
    "1F000000" + "00" * 24 + "68C8 DDEE"
)
ACKNOWLEDGEMENT = bytes.fromhex("AAFF010052 0006 010000000403 6BC2 CCFF")
LIST_ASKED = bytes.fromhex("BBEE000153 0007 01000000000000 96C2 DDEE")
LIST_COUNT = bytes.fromhex("AAFF010053 0005 0100000019 B498 CCFF")
BLOCK_ASKED = bytes.fromhex("BBEE000154 0004 01000014 CA2E DDEE")
BLOCK = bytes.fromhex(
    "AAFF010054 0024 01000002 03 20250601 20260601 FFFF 19000000 00"
    "5101000100000011 5101000100000012 7D85 CCFF"
)
PRICES_ASKED = bytes.fromhex("BBEE00015E 0001 01 63EE DDEE")
PRICES = bytes.fromhex("AAFF01005E 000C 0701 20250601083015 01 018E 46BD CCFF")
LOCK = bytes.fromhex("AAFF01005F 0001 01 8ED3 CCFF")
LOCKED = bytes.fromhex("BBEE00015F 0001 01 9FEF DDEE")
TOTALS_ASKED = bytes.fromhex("AAFF010057 0000 10A8 CCFF")
REREAD_ASKED = bytes.fromhex("AAFF010058 0004 00000403 A46D CCFF")
REREAD_NONE = bytes.fromhex("BBEE000158 0005 0F27000000 ED27 DDEE")

FROM_HOST = {
    "poll": (POLL, 0x51),
    "poll with versions": (POLL_VERSIONS, 0x51),
    "acknowledgement": (ACKNOWLEDGEMENT, 0x52),
    "list count": (LIST_COUNT, 0x53),
    "list block": (BLOCK, 0x54),
    "prices": (PRICES, 0x5E),
    "lock": (LOCK, 0x5F),
    "totals": (TOTALS_ASKED, 0x57),
    "re-read": (REREAD_ASKED, 0x58),
}
FROM_DISPENSER = {
    "idle": (IDLE, 0x51),
    "fuelling": (FUELLING, 0x51),
    "record": (RECORD, 0x52),
    "list asked": (LIST_ASKED, 0x53),
    "list block asked": (BLOCK_ASKED, 0x54),
    "prices asked": (PRICES_ASKED, 0x5E),
    "locked": (LOCKED, 0x5F),
    "no such record": (REREAD_NONE, 0x58),
}
EVERY = {**FROM_HOST, **FROM_DISPENSER}


def answer(gun: int, command: int, body: bytes) -> bytes:
    """Make a dispenser's frame by the rules, with a CRC computed bit by bit."""
    checked = bytes([0, gun, command]) + len(body).to_bytes(2, "big") + body
    return b"\xbb\xee" + checked + crc(checked).to_bytes(2, "big") + b"\xdd\xee"


def crc(data: bytes) -> int:
    """CRC-16/MODBUS, bit by bit."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value


def status(gun: int = 1, state: int = 0xA1) -> bytes:
    """Make an empty status of a gun."""
    return answer(gun, 0x51, bytes([1, state]) + bytes(82))


def record(gun: int = 1, seq: int = 1027) -> bytes:
    """Make record 1027's content under another gun and number."""
    return answer(gun, 0x52, record_body(seq))


def record_body(seq: int = 1027) -> bytes:
    """Return the record's body with another number."""
    return seq.to_bytes(4, "little") + RECORD[11:-4]


def debit(
    gun: int = 1, kind: int = 0, seq: int = 1027, card: str = "5101000100012345"
) -> bytes:
    """Make a debit request: 12.34 units, 49.11 yuan, balance 500.00."""
    body = (
        bytes([kind, 1])
        + bytes.fromhex(card)
        + (1234).to_bytes(4, "little")
        + (4911).to_bytes(4, "little")
        + (50000).to_bytes(4, "little")
        + bytes.fromhex("51010001")
        + bytes([gun])
        + seq.to_bytes(4, "little")
    )
    return answer(gun, 0x55, body)


def totals(gun: int = 1, seq: int = 1027) -> bytes:
    """Make totals 2435.67 units and 9999.99 yuan, shift 12.34 and 49.11."""
    numbers = (seq, 243567, 999999, 1234, 4911)
    return answer(gun, 0x57, b"".join(n.to_bytes(4, "little") for n in numbers))


def identity(gun: int = 1, name: bytes = "站".encode("gb2312")) -> bytes:
    """Make an identity with versions 1 to 6."""
    body = (
        bytes([gun])
        + (1027).to_bytes(4, "little")
        + bytes([1, 2, 3, 4, 5, 6])
        + bytes.fromhex("51010001 5100 5101 51010000")
        + name.ljust(40, b"\0")
        + b"V4.1".ljust(16, b"\0")
        + b"JX".ljust(40, b"\0")
    )
    return answer(gun, 0x59, body)


def shift(gun: int = 1, seq: int = 31, kind: int = 1) -> bytes:
    """Make a shift record: 8 fills, 98.76 units and 393.06 yuan from 08:00 to 16:00."""
    body = (
        seq.to_bytes(4, "little")
        + bytes([kind, 2])
        + bytes.fromhex("0000000000001001 20250601080000 20250601160000")
        + b"".join(n.to_bytes(4, "little") for n in (243567, 999999, 9876, 39306, 8))
        + bytes([1, 1])
        + (30).to_bytes(4, "little")
        + bytes(20)
    )
    return answer(gun, 0x5A, body)


def parameter(gun: int = 1, seq: int = 12) -> bytes:
    """Make a changed parameter: number 260 with 2 decimals, 25.00 to 22.50."""
    body = (
        seq.to_bytes(4, "little")
        + b"\x02"
        + bytes.fromhex("0000000000001001")
        + (260).to_bytes(2, "little")
        + b"\x02"
        + (2500).to_bytes(4, "little")
        + (2250).to_bytes(4, "little")
        + bytes.fromhex("20250601091500")
    )
    return answer(gun, 0x5B, body)


def card_check(gun: int = 1, card: str = "5101000100012345") -> bytes:
    """Make a card check: balance 500.00, last used on 31 May 2025."""
    body = bytes.fromhex(card) + (50000).to_bytes(4, "little")
    return answer(gun, 0x5C, body + bytes.fromhex("20250531173000"))


def list_check(gun: int = 1, kind: int = 0) -> bytes:
    """Make a question whether a card is on the blacklist, or on the white list."""
    return answer(gun, 0x56, bytes.fromhex("5101000100012345") + bytes([kind]))


def block_asked(gun: int = 1, offset: int = 0, code: int = 1, count: int = 20) -> bytes:
    """Make a question for a block of a list."""
    body = bytes([code]) + offset.to_bytes(2, "little") + bytes([count])
    return answer(gun, 0x54, body)


def list_asked(gun: int = 1, code: int = 1) -> bytes:
    """Make a question for a list."""
    return answer(gun, 0x53, bytes([code]) + bytes(6))


def held(gun: int = 1, versions: str = "030000000000") -> bytes:
    """Make an identity that names the versions base .. price, common."""
    body = bytearray(identity(gun)[7:-4])
    body[5:11] = bytes.fromhex(versions)
    return answer(gun, 0x59, bytes(body))

"""What real DESFire EV1 cards said, as it is published.

Source: "DESFire EV1 Communication Examples" and the tests of pydesfire that quote it.
Bytes are native commands and answers, status first.
"""

from typing import TypeVar

from cngstation.protocols.desfire.frames import Conversation

T = TypeVar("T")

# AuthenticateAES with the key of a new application, then ChangeKey of that key.
NEW_KEY = bytes(16)
NEW_RANDOM_A = bytes.fromhex("f44b26f5686f3a391cd38ebd10772281")
NEW_AUTHENTICATION = [
    ("aa00", "afb969fdfe56fd91fc9de6f6f213b8fd1e"),
    (
        "af36aad7df6e436ba08d18613830a70d5ad43e3d3f4a8d47541eee623a934e4774",
        "00800db680bc146bd121d6578f2d2e2059",
    ),
]
NEW_SESSION_KEY = "f44b26f5c05ddd7110772281c4d066e8"
CHANGED_KEY = bytes.fromhex("00102030405060708090a0b0b0a09080")
CHANGE_OF_SHOWN_KEY = [
    ("c400e9f85e219496c2b58c1090dc3935fae9e840cf61b383d9531946256b1f110c10", "00")
]
# Another session: ChangeKey of key 1 while key 0 is shown.
OTHER_SESSION_KEY = bytes.fromhex("c2a1e47bd8100044fe6d00a74d7ab17c")
CHANGE_OF_OTHER_KEY = [
    (
        "c401e7eccb6bd1ca64bc161a12b1c024f71430337408c8a87eacab7a1ff18951fca3",
        "002128d3cd9c9acfff",
    )
]

# Key 1 shown, then a session with a plain data file: every answer carries a code.
FILE_KEY = bytes.fromhex("10182028303840485058606870788088")
FILE_RANDOM_A = bytes.fromhex("40e7d27174cba675e8efbab99c530e3d")
FILE_AUTHENTICATION = [
    ("aa01", "afb351cb2465d4f33ac627fd6e87a168f2"),
    (
        "af044b6cac343a0865895149649ca8dde1f5ac4ec67bd208900af02f049e05f0b0",
        "00a2ee144b1012fbeb7b2f11132d95a454",
    ),
]
FILE_SESSION_KEY = "40e7d271626ffbd49c530e3d304f5b17"
FILE_SESSION = [
    ("cd05001100500000", "00a75316ad1596b953"),
    ("6f", "00052d5ff67ffec9d2d3"),
    ("f505", "00000011005000002aac7517024e09dc"),
    ("3d05000000340000" + bytes(range(0x34)).hex(), "00765c9daa50ecb62f"),
    ("3d053400001c0000" + bytes(range(0x34, 0x50)).hex(), "003e0aed986b8b0f37"),
    ("bd05000000300000", "00" + bytes(range(0x30)).hex() + "4c65f1f842262bac"),
    ("bd05300000200000", "00" + bytes(range(0x30, 0x50)).hex() + "f02205cf913c03c9"),
    ("df05", "001bef0d32b6d1d7f9"),
]


def apdu_of(command: str) -> bytes:
    """Return a native command as ISO 7816-4 wraps it."""
    native = bytes.fromhex(command)
    length = bytes([len(native) - 1]) if native[1:] else b""
    return bytes([0x90, native[0], 0, 0]) + length + native[1:] + b"\0"


def play(conversation: Conversation[T], steps: list[tuple[str, str]]) -> T:
    """Drive a conversation with the answers of a trace; it must say what was said."""
    left = list(steps)
    try:
        apdu = next(conversation)
        while True:
            command, answer = left.pop(0)
            assert apdu.hex() == apdu_of(command).hex()
            native = bytes.fromhex(answer)
            apdu = conversation.send(native[1:] + bytes([0x91, native[0]]))
    except StopIteration as done:
        assert not left, "the conversation ended before the trace"
        value: T = done.value
        return value

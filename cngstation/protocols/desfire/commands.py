"""The commands of a DESFire card that a purse needs, each a conversation.

    60    GetVersion               5A aid         SelectApplication
    AA n  AuthenticateAES          6A             GetApplicationIDs
    64 n  GetKeyVersion            C4 n cipher    ChangeKey
    CA    CreateApplication        6F             GetFileIDs
    CB    CreateBackupDataFile     CC             CreateValueFile
    BD    ReadData                 3D             WriteData
    6C    GetValue                 0C, DC         Credit, Debit
    C7    CommitTransaction        A7             AbortTransaction

Numbers are little-endian. Files are used MACed: their changes carry a code of eight
bytes, and take effect all at once with the commit or, when the card loses power or is
selected again before it, not at all.
Source: libfreefare, MF3ICDX21_41_81 short data sheet.
"""

import hmac
from dataclasses import dataclass

from cngstation.protocols import aes_blocks
from cngstation.protocols.desfire.frames import Conversation, call, unwrap, wrap
from cngstation.protocols.desfire.session import KEY_BYTES, Session, crc32
from cngstation.protocols.desfire.status import (
    MORE_FRAMES,
    OK,
    CardAnswersWrongly,
    CardReported,
)

PICC = bytes(3)  # the card itself, as an application
NEW_KEY = bytes(KEY_BYTES)  # of a new application
NEW_KEY_VERSION = 0
MACED = 0x01
_AES_KEYS = 0x80
_NXP, _DESFIRE = 0x04, 0x01
_FIRST_WITH_AES = 1  # hardware 0.x is the first DESFire, which knows DES only


@dataclass(frozen=True, slots=True)
class Version:
    """What the chip is; `generation` is 0, 1 (EV1), 12h (EV2) or 33h (EV3)."""

    vendor: int
    type: int
    generation: int
    uid: bytes

    @property
    def is_desfire_with_aes(self) -> bool:
        """Whether this is a card that can carry our purse."""
        known = (self.vendor, self.type & 0x0F) == (_NXP, _DESFIRE)
        return known and self.generation >= _FIRST_WITH_AES


@dataclass(frozen=True, slots=True)
class Rights:
    """Which key may do what with a file; 14 is everybody, 15 nobody.

    With a value file, read and write allow to see and debit it, both to credit it.
    """

    read: int
    write: int
    both: int
    change: int

    def to_bytes(self) -> bytes:
        """Return the two bytes of the access rights."""
        return bytes([self.both << 4 | self.change, self.read << 4 | self.write])


def get_version() -> Conversation[Version]:
    """Ask what chip this is."""
    data = yield from call(0x60)
    _expect(len(data) == 28, "the version")
    return Version(data[0], data[1], generation=data[3], uid=data[14:21])


def select_application(application: bytes) -> Conversation[None]:
    """Select an application; a session and changes that were not committed are over.

    Raises:
        CardReported: there is none such.
    """
    yield from call(0x5A, application)


def get_application_ids() -> Conversation[list[bytes]]:
    """List the applications on the card."""
    data = yield from call(0x6A)
    _expect(len(data) % 3 == 0, "the list of applications")
    return [data[at : at + 3] for at in range(0, len(data), 3)]


def create_application(
    application: bytes, settings: int, keys: int
) -> Conversation[None]:
    """Make an application with so many AES keys, all `NEW_KEY`."""
    yield from call(0xCA, application + bytes([settings, _AES_KEYS | keys]))


def get_key_version(key_no: int) -> Conversation[int]:
    """Return the version of a key, before any key was shown."""
    data = yield from call(0x64, bytes([key_no]))
    _expect(len(data) == 1, "a key's version")
    return data[0]


def get_file_ids() -> Conversation[bytes]:
    """Return the numbers of the application's files, before any key was shown."""
    return (yield from call(0x6F))


def authenticate(key_no: int, key: bytes, random_a: bytes) -> Conversation[Session]:
    """Prove a key to each other; `random_a` are 16 unguessable bytes, used once.

    Raises:
        CardReported: the card has another key (AUTHENTICATION), or none.
        CardAnswersWrongly: the card does not know the key.
    """
    challenge, status = unwrap((yield wrap(0xAA, bytes([key_no]))))
    if status != MORE_FRAMES:
        raise CardReported(status)
    _expect(len(challenge) == aes_blocks.BLOCK, "the challenge")
    random_b = aes_blocks.decrypt(key, challenge)
    token = aes_blocks.encrypt(key, random_a + _turned(random_b), challenge)
    proof, status = unwrap((yield wrap(MORE_FRAMES, token)))
    if status != OK:
        raise CardReported(status)
    _expect(len(proof) == aes_blocks.BLOCK, "the proof")
    shown = aes_blocks.decrypt(key, proof, token[-aes_blocks.BLOCK :])
    if not hmac.compare_digest(shown, _turned(random_a)):
        raise CardAnswersWrongly(why="it does not know the key")
    return Session.between(random_a, random_b)


def change_key(
    session: Session, key_no: int, new: bytes, *, old: bytes, version: int
) -> Conversation[None]:
    """Change another key than the one that was shown."""
    head = bytes([0xC4, key_no])
    body = aes_blocks.xor(new, old) + bytes([version])
    cipher = session.encipher(body + crc32(head + body) + crc32(new))
    answer = yield from call(0xC4, bytes([key_no]) + cipher)
    _expect(session.check(answer, OK) == b"", "a changed key")


def change_shown_key(
    session: Session, key_no: int, new: bytes, *, version: int
) -> Conversation[None]:
    """Change the very key that was shown; the session is over."""
    head, body = bytes([0xC4, key_no]), new + bytes([version])
    cipher = session.encipher(body + crc32(head + body))
    answer = yield from call(0xC4, bytes([key_no]) + cipher)
    _expect(answer == b"", "a changed key")


def create_backup_file(
    session: Session, file_no: int, rights: Rights, size: int
) -> Conversation[None]:
    """Make a data file whose changes are committed; it holds zeros."""
    settings = bytes([file_no, MACED]) + rights.to_bytes() + _number(size, 3)
    _expect_none((yield from _counted(session, 0xCB, settings)))


def create_value_file(
    session: Session, file_no: int, rights: Rights, *, least: int, most: int
) -> Conversation[None]:
    """Make a value file that holds zero and allows no limited credit."""
    limits = _number(least, 4) + _number(most, 4) + _number(0, 4) + b"\0"
    settings = bytes([file_no, MACED]) + rights.to_bytes() + limits
    _expect_none((yield from _counted(session, 0xCC, settings)))


def read_data(session: Session, file_no: int, size: int) -> Conversation[bytes]:
    """Read the first bytes of a data file, as they were committed last."""
    place = bytes([file_no]) + _number(0, 3) + _number(size, 3)
    data = yield from _counted(session, 0xBD, place)
    _expect(len(data) == size, "a file's content")
    return data


def write_data(session: Session, file_no: int, data: bytes) -> Conversation[None]:
    """Write the first bytes of a data file; `commit` makes it so."""
    place = bytes([file_no]) + _number(0, 3) + _number(len(data), 3)
    _expect_none((yield from _counted(session, 0x3D, place + data, carries_code=True)))


def get_value(session: Session, file_no: int) -> Conversation[int]:
    """Return the value as it was committed last."""
    data = yield from _counted(session, 0x6C, bytes([file_no]))
    _expect(len(data) == 4, "a value")
    return int.from_bytes(data, "little", signed=True)


def move_value(session: Session, file_no: int, by: int) -> Conversation[None]:
    """Credit or debit a value; `commit` makes it so."""
    amount = bytes([file_no]) + _number(abs(by), 4)
    code = 0x0C if by > 0 else 0xDC
    _expect_none((yield from _counted(session, code, amount, carries_code=True)))


def commit(session: Session) -> Conversation[None]:
    """Make all changes since the last commit so, at once."""
    _expect_none((yield from _counted(session, 0xC7)))


def abort(session: Session) -> Conversation[None]:
    """Forget all changes since the last commit."""
    _expect_none((yield from _counted(session, 0xA7)))


def _counted(
    session: Session, code: int, data: bytes = b"", *, carries_code: bool = False
) -> Conversation[bytes]:
    """Send a command within a session; return the data of its checked answer."""
    seal = session.count(bytes([code]) + data)
    answer = yield from call(code, data + seal if carries_code else data)
    return session.check(answer, OK)


def _number(value: int, size: int) -> bytes:
    return value.to_bytes(size, "little", signed=value < 0)


def _turned(data: bytes) -> bytes:
    return data[1:] + data[:1]


def _expect_none(data: bytes) -> None:
    _expect(not data, "an answer that is empty")


def _expect(holds: bool, what: str) -> None:  # noqa: FBT001 - an assertion
    if not holds:
        raise CardAnswersWrongly(why=f"{what} has the wrong form")

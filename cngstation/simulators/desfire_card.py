"""A MIFARE DESFire as it behaves in a field: applications, AES keys, transactions.

Modelled: AuthenticateAES and CMAC sessions of EV1, plain and MACed files, value and
backup files with commit and abort, and that a selection or an error ends a session and
forgets what was not committed. UNVERIFIED on a card of ours: enciphered files, DES keys
and what needs the card's own master key are not there and answer 1C or 9D.
Facts: MF3ICDX21_41_81 short data sheet; libfreefare (mifare_desfire.c).
"""

from collections.abc import Callable
from typing import Any, Final

from cngstation.simulators.desfire_crypto import CardSession, cbc, crc32
from cngstation.simulators.desfire_frames import (
    AUTHENTICATION,
    BOUNDARY,
    DENIED,
    DUPLICATE,
    INTEGRITY,
    LENGTH,
    MORE,
    NO_APPLICATION,
    NO_CHANGES,
    NO_FILE,
    NO_KEY,
    NO_ROOM,
    OK,
    PARAMETER,
    UNKNOWN,
    Fault,
    frame_of,
    require,
)
from cngstation.simulators.mifare_classic import CardSilent
from cngstation.simulators.virtual_desfire import (
    DesfireInField,
    Image,
    new_application,
)

_PICC: Final = "000000"  # the card itself, as an application
_FREE, _NEVER = 14, 15
_MOST_APPLICATIONS, _MOST_FILES = 28, 32
_BACKUP, _VALUE = "backup", "value"
_PLAIN, _MACED = 0x00, 0x01
# Of these the effect outlives the field.
_LASTING = frozenset({0xC4, 0xC7, 0xCA, 0xCB, 0xCC})


class DesfireCard:
    """The card's logic above what it stores."""

    ATQA: Final = bytes.fromhex("0344")
    SAK: Final = bytes.fromhex("20")
    ATS: Final = bytes.fromhex("067577810280")
    sector: int | None = None

    def __init__(
        self, card: DesfireInField, random_bytes: Callable[[int], bytes]
    ) -> None:
        self._card = card
        self._random_bytes = random_bytes
        self._active = False
        self._application = _PICC
        self._session: CardSession | None = None
        self._pending: dict[str, Any] = {}  # of the files of this application
        self._step: Callable[[bytes], tuple[bytes, int]] | None = None
        self._handlers: dict[int, Callable[[bytes], bytes]] = {
            0x64: self._get_key_version,
            0x6A: self._get_application_ids,
            0x6C: self._get_value,
            0x6F: self._get_file_ids,
            0x0C: lambda data: self._move_value(0x0C, data),
            0xDC: lambda data: self._move_value(0xDC, data),
            0x3D: self._write_data,
            0xA7: self._abort,
            0xBD: self._read_data,
            0xC4: self._change_key,
            0xC7: self._commit,
            0xCA: self._create_application,
            0xCB: self._create_backup_file,
            0xCC: self._create_value_file,
        }

    @property
    def uid(self) -> bytes:
        """The card's number."""
        return self._card.uid

    def select(self) -> None:
        """Wake the card and select it, with RATS; all before that is forgotten."""
        self._forget()
        self._active = True

    def halt(self) -> None:
        """Stop answering until selected again."""
        self._forget()
        self._active = False

    def changes(self, command: bytes) -> bool:
        """Tell whether a command changes what the card keeps without power."""
        return len(command) > 1 and command[1] in _LASTING

    def named(self, command: bytes) -> dict[str, str | int]:
        """Name a command in what hands are shown."""
        return {"command": f"{command[1]:02X}" if len(command) > 1 else ""}

    def spoil(self, command: bytes, garbage: bytes) -> None:
        """Leave no half of a write: this card writes all or nothing."""

    def perform(self, command: bytes) -> bytes:
        """Carry out one APDU; return data, 91 and status.

        Raises:
            CardSilent: the card says nothing.
        """
        if not self._active:
            raise CardSilent
        if command[:1] != b"\x90":
            return b"\x6e\x00"
        try:
            data, status = self._frame(command)
        except Fault as fault:
            self._session, self._step, self._pending = None, None, {}
            data, status = b"", fault.status
        return data + bytes([0x91, status])

    def _forget(self) -> None:
        self._application = _PICC
        self._session, self._step, self._pending = None, None, {}

    def _frame(self, command: bytes) -> tuple[bytes, int]:
        """Take one frame, which may be a part of a command or of its answer."""
        code, data = frame_of(command)
        step, self._step = self._step, None
        if code == MORE:
            if step is None:
                raise Fault(UNKNOWN)
            return step(data)
        if code == 0xAA:
            return self._authenticate(data)
        if code == 0x60:
            return self._get_version(data)
        if code == 0x5A:
            return self._select_application(data), OK
        require(code in self._handlers, UNKNOWN)
        return self._whole_command(code, data)

    def _whole_command(self, code: int, data: bytes) -> tuple[bytes, int]:
        """Wait for the frames that are missing, then carry the command out."""
        if code == 0x3D and len(data) >= 7:
            due = 7 + int.from_bytes(data[4:7], "little") + self._code_bytes(data[:1])
            if len(data) < due:
                self._step = lambda more: self._whole_command(code, data + more)
                return b"", MORE
        return self._handlers[code](data), OK

    def _code_bytes(self, file_no: bytes) -> int:
        return 8 if self._session and self._file(file_no)["mode"] == _MACED else 0

    # Sessions.

    def _authenticate(self, data: bytes) -> tuple[bytes, int]:
        require(len(data) == 1, LENGTH)
        self._session, self._pending = None, {}
        key = self._key(data[0])
        random_b = self._random_bytes(16)
        challenge = cbc(key, random_b, bytes(16))

        def prove(token: bytes) -> tuple[bytes, int]:
            require(len(token) == 32, LENGTH)
            clear = cbc(key, token, challenge, decrypts=True)
            random_a, turned = clear[:16], clear[16:]
            require(turned == random_b[1:] + random_b[:1], AUTHENTICATION)
            parts = (random_a[:4], random_b[:4], random_a[12:], random_b[12:])
            self._session = CardSession(b"".join(parts), data[0])
            return cbc(key, random_a[1:] + random_a[:1], token[16:]), OK

        self._step = prove
        return challenge, MORE

    def _heard(self, code: int, data: bytes, *, sealed: bool = False) -> bytes:
        """Count a command within a session; return its data without the code."""
        if self._session is None:
            return data
        if not sealed:
            self._session.heard(bytes([code]) + data)
            return data
        body, seal = data[:-8], data[-8:]
        require(self._session.heard(bytes([code]) + body) == seal, INTEGRITY)
        return body

    def _is_master(self) -> bool:
        return self._session is not None and self._session.key_no == 0

    def _said(self, answer: bytes = b"") -> bytes:
        return self._session.sealed(answer) if self._session else answer

    # The card and its applications.

    def _get_version(self, data: bytes) -> tuple[bytes, int]:
        require(not data, LENGTH)
        generation = self._card.image["generation"]
        chip = bytes([0x04, 0x01, 0x01, generation, 0x00, 0x18, 0x05])
        parts = [chip, self.uid + bytes.fromhex("ba345037703212")]

        def go_on(_: bytes) -> tuple[bytes, int]:
            part = parts.pop(0)
            self._step = go_on if parts else None
            return (part, MORE) if parts else (self._said(part), OK)

        self._heard(0x60, b"")
        self._step = go_on
        return chip, MORE

    def _select_application(self, data: bytes) -> bytes:
        require(len(data) == 3, LENGTH)
        known = data == bytes(3) or data.hex() in self._card.image["applications"]
        require(known, NO_APPLICATION)
        self._forget()
        self._application = data.hex()
        return b""

    def _is_card(self) -> bool:
        return self._application == _PICC

    def _held(self, image: Image | None = None) -> Image:
        """Return the application that is selected."""
        require(not self._is_card(), DENIED)
        held: Image = (image or self._card.image)["applications"][self._application]
        return held

    def _get_application_ids(self, data: bytes) -> bytes:
        require(self._is_card() and not data, DENIED)
        ids = bytes.fromhex("".join(sorted(self._card.image["applications"])))
        return self._said(ids[: 3 * 19])  # what fits one frame

    def _create_application(self, data: bytes) -> bytes:
        require(len(data) == 5, LENGTH)
        require(self._is_card(), DENIED)
        held = self._card.image["applications"]
        require(data[:3].hex() not in held, DUPLICATE)
        require(len(held) < _MOST_APPLICATIONS, NO_ROOM)
        require(data[4] & 0xC0 == 0x80 and 0 < data[4] & 0x0F <= 14, PARAMETER)
        image = self._card.changed()
        image["applications"][data[:3].hex()] = new_application(data[3], data[4] & 15)
        self._card.store(image)
        return self._said()

    # Keys.

    def _key(self, key_no: int) -> bytes:
        require(not self._is_card(), AUTHENTICATION)  # it has a DES key
        keys = self._held()["keys"]
        require(key_no < len(keys), NO_KEY)
        return bytes.fromhex(keys[key_no][0])

    def _get_key_version(self, data: bytes) -> bytes:
        require(len(data) == 1, LENGTH)
        self._heard(0x64, data)
        keys = self._held()["keys"]
        require(data[0] < len(keys), NO_KEY)
        return self._said(bytes([keys[data[0]][1]]))

    def _change_key(self, data: bytes) -> bytes:
        """Take C4 n E(key, version, CRC32 of all, [CRC32 of the new key], zeros)."""
        session = self._session
        if session is None or session.key_no != 0:
            raise Fault(AUTHENTICATION)
        require(len(data) == 33, LENGTH)
        key_no, clear = data[0], session.deciphered(data[1:])
        old = self._key(key_no)
        body, crc, rest = clear[:17], clear[17:21], clear[21:]
        require(crc32(b"\xc4" + data[:1] + body) == crc, INTEGRITY)
        new = body[:16]
        if key_no != session.key_no:
            new = bytes(a ^ b for a, b in zip(new, old, strict=True))
            require(crc32(new) == rest[:4], INTEGRITY)
            rest = rest[4:]
        require(not any(rest), INTEGRITY)
        image = self._card.changed()
        keys = self._held(image)["keys"]
        self._held(image)["keys"] = [
            [new.hex(), body[16]] if n == key_no else key for n, key in enumerate(keys)
        ]
        self._card.store(image)
        if key_no == session.key_no:
            self._session = None
        return self._said()

    # Files.

    def _get_file_ids(self, data: bytes) -> bytes:
        self._heard(0x6F, data)
        held = self._held()
        require(bool(held["settings"] & 0x02) or self._is_master(), AUTHENTICATION)
        return self._said(bytes(sorted(int(file_no) for file_no in held["files"])))

    def _create_backup_file(self, data: bytes) -> bytes:
        require(len(data) == 7, LENGTH)
        size = int.from_bytes(data[4:7], "little")
        return self._create(0xCB, data, {"kind": _BACKUP, "data": bytes(size).hex()})

    def _create_value_file(self, data: bytes) -> bytes:
        require(len(data) == 17, LENGTH)
        least, most, value = (
            int.from_bytes(data[at : at + 4], "little", signed=True)
            for at in (4, 8, 12)
        )
        require(least <= value <= most, BOUNDARY)
        file = {"kind": _VALUE, "least": least, "most": most, "value": value}
        return self._create(0xCC, data, file)

    def _create(self, code: int, data: bytes, file: dict[str, Any]) -> bytes:
        self._heard(code, data)
        held = self._held()
        require(bool(held["settings"] & 0x04) or self._is_master(), AUTHENTICATION)
        require(data[0] < _MOST_FILES and data[1] in (_PLAIN, _MACED), PARAMETER)
        require(str(data[0]) not in held["files"], DUPLICATE)
        image = self._card.changed()
        rights = [data[3] >> 4, data[3] & 15, data[2] >> 4, data[2] & 15]
        whole = {"mode": data[1], "rights": rights, **file}
        self._held(image)["files"][str(data[0])] = whole
        self._card.store(image)
        return self._said()

    def _file(self, file_no: bytes, kind: str | None = None) -> dict[str, Any]:
        file: dict[str, Any] | None = self._held()["files"].get(str(file_no[0]))
        if file is None:
            raise Fault(NO_FILE)
        require(kind in (None, file["kind"]), PARAMETER)
        return file

    def _allow(self, file: dict[str, Any], *places: int) -> None:
        """Require one of the rights in these places: 0 read, 1 write, 2 both."""
        shown = self._session.key_no if self._session else _FREE
        held = {file["rights"][place] for place in places} - {_NEVER}
        require(bool(held & {shown, _FREE}), AUTHENTICATION)

    def _read_data(self, data: bytes) -> bytes:
        require(len(data) == 7, LENGTH)
        self._heard(0xBD, data)
        file = self._file(data[:1], _BACKUP)
        self._allow(file, 0, 2)
        start, size = (int.from_bytes(data[at : at + 3], "little") for at in (1, 4))
        held = bytes.fromhex(file["data"])
        require(start + size <= len(held), BOUNDARY)
        return self._said(held[start : start + size] if size else held[start:])

    def _write_data(self, data: bytes) -> bytes:
        require(len(data) > 7, LENGTH)
        file = self._file(data[:1], _BACKUP)
        body = self._heard(0x3D, data, sealed=file["mode"] == _MACED)
        self._allow(file, 1, 2)
        start, size = (int.from_bytes(body[at : at + 3], "little") for at in (1, 4))
        held = bytearray.fromhex(self._pending.get(str(body[0]), file["data"]))
        require(start + size <= len(held), BOUNDARY)
        require(len(body) == 7 + size, LENGTH)
        held[start : start + size] = body[7:]
        self._pending[str(body[0])] = held.hex()
        return self._said()

    def _get_value(self, data: bytes) -> bytes:
        require(len(data) == 1, LENGTH)
        self._heard(0x6C, data)
        file = self._file(data, _VALUE)
        self._allow(file, 0, 1, 2)
        return self._said(file["value"].to_bytes(4, "little", signed=True))

    def _move_value(self, code: int, data: bytes) -> bytes:
        require(len(data) in (5, 13), LENGTH)
        file = self._file(data[:1], _VALUE)
        body = self._heard(code, data, sealed=file["mode"] == _MACED)
        self._allow(file, *((2,) if code == 0x0C else (0, 1, 2)))
        amount = int.from_bytes(body[1:5], "little", signed=True)
        require(amount >= 0, PARAMETER)
        value = self._pending.get(str(body[0]), file["value"])
        value += amount if code == 0x0C else -amount
        require(file["least"] <= value <= file["most"], BOUNDARY)
        self._pending[str(body[0])] = value
        return self._said()

    def _commit(self, data: bytes) -> bytes:
        self._heard(0xC7, data)
        require(bool(self._pending), NO_CHANGES)
        image = self._card.changed()
        for file_no, content in self._pending.items():
            file = self._held(image)["files"][file_no]
            file["value" if file["kind"] == _VALUE else "data"] = content
        self._card.store(image)
        self._pending = {}
        return self._said()

    def _abort(self, data: bytes) -> bytes:
        self._heard(0xA7, data)
        require(bool(self._pending), NO_CHANGES)
        self._pending = {}
        return self._said()

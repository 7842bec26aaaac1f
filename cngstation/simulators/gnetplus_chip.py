"""A GNetPlus reader's own program: frames from the host, commands on its field.

    01 | address | function | length | data | CRC hi lo     CRC: A001 reflected, FFFF

Answers carry 06 (done) or 15 (refused, with one byte of reason). The reader answers in
the order in which it was asked. Keys are kept per sector and kind, as `2B` gives them.
Facts: the public driver mifarepy 3.0.0; UNVERIFIED: what a real reader answers to a
card that left (06 here), to a block that the card refuses (07, 08), to an echo.
"""

from collections.abc import Callable
from typing import Final

from cngstation.simulators.card_field import CardField, ReaderStuck
from cngstation.simulators.mifare_classic import (
    AuthenticationFailed,
    CardRefused,
    CardSilent,
    MifareClassic,
)

NAME: Final = b"PGM-SIM MF7 V1.0"
DONE, REFUSED = 0x06, 0x15
BAD_COMMAND, BAD_LENGTH, BAD_CRC = 0x01, 0x02, 0x03
NOT_AUTHENTICATED, NO_CARD, READ_FAILED, WRITE_FAILED = 0x05, 0x06, 0x07, 0x08
BAD_BLOCK, BAD_SECTOR = 0x09, 0x0A
_HEAD, _CRC = 4, 2


class Refusal(Exception):
    """The reader says no, with its reason."""

    def __init__(self, reason: int) -> None:
        super().__init__(reason)
        self.reason = reason


def checksum(data: bytes) -> bytes:
    """Return the two bytes behind a frame: CRC-16 as Modbus has it, high byte first."""
    register = 0xFFFF
    for byte in data:
        register ^= int(f"{byte:08b}"[::-1], 2) << 8
        for _ in range(8):
            carry = register & 0x8000
            register = (register << 1) & 0xFFFF
            if carry:
                register ^= 0x8005
    return int(f"{register:016b}"[::-1], 2).to_bytes(2, "big")


def framed(function: int, data: bytes, address: int = 0) -> bytes:
    """Build a frame."""
    body = bytes([address, function, len(data)]) + data
    return b"\x01" + body + checksum(body)


class GNetPlusChip:
    """Takes bytes from the host, gives whole answers back."""

    def __init__(self, field: CardField) -> None:
        self._field = field
        self._pending = bytearray()
        self._keys: dict[tuple[int, int], bytes] = {}
        self._sector: int | None = None
        self._commands: dict[int, tuple[int | None, Callable[[bytes], bytes]]] = {
            0x00: (0, lambda _: b""),
            0x01: (0, lambda _: NAME),
            0x1B: (None, lambda data: data),
            0x20: (0, self._request),
            0x2F: (0, self._request),
            0x21: (0, self._anticollision),
            0x22: (4, self._select),
            0x2B: (8, self._save_key),
            0x23: (2, self._authenticate),
            0x24: (1, self._read),
            0x25: (17, self._write),
            0x2A: (0, self._halt),
            0x3E: (1, self._power),
        }

    def power_up(self) -> None:
        """Begin anew: keys and half frames are gone."""
        self._pending.clear()
        self._keys.clear()
        self._sector = None

    def receive(self, data: bytes) -> list[bytes]:
        """Take bytes; return the commands that they complete, whole and unread."""
        self._pending += data
        found = []
        while (frame := self._next()) is not None:
            found.append(frame)
        return found

    def execute(self, frame: bytes) -> bytes | None:
        """Carry out a command; return the answer's frame, or None for silence."""
        body, crc = frame[1:-_CRC], frame[-_CRC:]
        address, function, data = body[0], body[1], body[3:]
        if checksum(body) != crc:
            return framed(REFUSED, bytes([BAD_CRC]), address)
        try:
            return framed(DONE, self._carry_out(function, data), address)
        except Refusal as refusal:
            return framed(REFUSED, bytes([refusal.reason]), address)
        except ReaderStuck:
            return None

    def _carry_out(self, function: int, data: bytes) -> bytes:
        known = self._commands.get(function)
        if known is None:
            raise Refusal(BAD_COMMAND)
        length, command = known
        if length is not None and len(data) != length:
            raise Refusal(BAD_LENGTH)
        return command(data)

    def _next(self) -> bytes | None:
        while self._pending and self._pending[0] != 0x01:
            del self._pending[0]
        if len(self._pending) < _HEAD:
            return None
        size = _HEAD + self._pending[3] + _CRC
        if len(self._pending) < size:
            return None
        frame = bytes(self._pending[:size])
        del self._pending[:size]
        return frame

    def _classic(self) -> MifareClassic:
        card = self._field.card
        if not isinstance(card, MifareClassic):
            raise Refusal(NO_CARD)  # it knows no other cards
        return card

    def _request(self, _: bytes) -> bytes:
        self._classic()
        self._field.power(is_on=True)
        return bytes.fromhex("0400")

    def _anticollision(self, _: bytes) -> bytes:
        return self._classic().uid

    def _select(self, uid: bytes) -> bytes:
        self._sector = None
        self._classic()
        if self._field.find(uid) is None:
            raise Refusal(NO_CARD)
        return b"\x08"

    def _save_key(self, data: bytes) -> bytes:
        code, sector, key = data[0], data[1], data[2:]
        if code not in (0x60, 0x61) or sector > 39:
            raise Refusal(BAD_SECTOR)
        self._keys[code, sector] = key
        return b""

    def _authenticate(self, data: bytes) -> bytes:
        code, sector = data[0], data[1]
        key = self._keys.get((code, sector))
        if key is None:
            raise Refusal(NOT_AUTHENTICATED)
        command = bytes([code, 4 * sector]) + key + self._classic().uid
        try:
            self._field.exchange(command)
        except ReaderStuck:
            raise
        except CardSilent:
            raise Refusal(NO_CARD) from None
        except (AuthenticationFailed, CardRefused):
            raise Refusal(NOT_AUTHENTICATED) from None
        self._sector = sector
        return b""

    def _read(self, data: bytes) -> bytes:
        return self._on_block(0x30, data[0], b"", READ_FAILED)

    def _write(self, data: bytes) -> bytes:
        self._on_block(0xA0, data[0], data[1:], WRITE_FAILED)
        return data[1:]

    def _on_block(self, code: int, block: int, data: bytes, reason: int) -> bytes:
        if block > 3:
            raise Refusal(BAD_BLOCK)
        if self._sector is None:
            raise Refusal(NOT_AUTHENTICATED)
        self._classic()
        try:
            return self._field.exchange(bytes([code, 4 * self._sector + block]) + data)
        except ReaderStuck:
            raise
        except CardSilent:
            raise Refusal(NO_CARD) from None
        except CardRefused:
            raise Refusal(reason) from None

    def _halt(self, _: bytes) -> bytes:
        self._sector = None
        self._field.halt()
        return b""

    def _power(self, data: bytes) -> bytes:
        self._field.power(is_on=bool(data[0]))
        return b""

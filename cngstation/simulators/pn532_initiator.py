"""The commands by which a PN532 deals with cards, and what it remembers of one.

Facts: NXP UM0701-02 as libnfc (chips/pn53x.c) and nfcpy (clf/pn53x.py) use it; that a
card's NAK is status 13h is what users of the chip report.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cngstation.simulators.card_field import Card, CardField, ReaderStuck
from cngstation.simulators.mifare_classic import (
    LENGTHS,
    READ,
    AuthenticationFailed,
    CardRefused,
    CardSilent,
)
from cngstation.simulators.pn532_times import LONGEST_US, ChipTimes

OK: Final = 0x00
_TIMEOUT, _UNEXPECTED, _AUTHENTICATION, _WRONG_CONTEXT = 0x01, 0x13, 0x14, 0x27
_ENDLESS = 0xFF
_TYPE_A_106 = 0
_POLL_GENERIC_A, _POLL_MIFARE, _POLL_ISO_14443_4 = 0x00, 0x10, 0x20
_CASCADE_TAG = b"\x88"  # stands before a UID of seven bytes
_POLL_PERIOD_US = 150_000
_DEFAULT_TIMEOUT = 0x0A
_TX_MODE, _RX_MODE, _FIFO = 0x6302, 0x6303, 0x6339
_CHECKS_CRC = 0x80
_REQA = 0x26  # stays in the FIFO when no card took it; nfcpy looks


@dataclass(frozen=True, slots=True)
class Search:
    """The chip looks for a card: so long, or until one comes (None)."""

    limit_us: int | None


class SyntaxFault(Exception):
    """The command is not one that the chip knows."""


Outcome = tuple[bytes, int] | Search  # data behind the response code, time; or a search
Handler = Callable[[bytes], Outcome]


def require(is_known: bool) -> None:  # noqa: FBT001 - reads as an assertion
    """Refuse a command whose form the chip does not know."""
    if not is_known:
        raise SyntaxFault


class Initiator:
    """One target at most, and the settings of RFConfiguration that concern it."""

    def __init__(
        self, field: CardField, times: ChipTimes, registers: dict[int, int]
    ) -> None:
        self.target: bytes | None = None
        self.last_error = OK
        self.passive_retries = _ENDLESS
        self.rf_timeout = _DEFAULT_TIMEOUT
        self._field = field
        self._times = times
        self._registers = registers
        self.handlers: dict[int, Handler] = {
            0x40: self.data_exchange,
            0x42: self.communicate_thru,
            0x44: self.deselect,
            0x4A: self.list_passive_target,
            0x52: self.release,
            0x54: self.select,
            0x60: self.auto_poll,
        }

    def found_none(self) -> tuple[bytes, int]:
        """End a search without a card."""
        self._registers[_FIFO] = _REQA
        return b"\x00", 0

    def _found(self, card: Card) -> bytes:
        """Remember a card that was found; return Tg, ATQA, SAK, UID and ATS."""
        self.target = card.uid
        self._registers[_RX_MODE] = self._registers[_TX_MODE] = _CHECKS_CRC
        head = b"\x01" + card.ATQA + card.SAK
        return head + bytes([len(card.uid)]) + card.uid + card.ATS

    def list_passive_target(self, data: bytes) -> Outcome:
        """Look for one card: `4A MaxTg BrTy [UID]`."""
        require(len(data) >= 2 and data[0] in (1, 2) and data[1] <= 4)
        wanted = data[2:]
        require(data[1] != _TYPE_A_106 or len(wanted) in (0, 4, 8, 12))
        if len(wanted) == 8 and wanted[:1] == _CASCADE_TAG:
            wanted = wanted[1:]
        self.target = None
        card = self._field.find(wanted) if data[1] == _TYPE_A_106 else None
        if card is not None:
            return b"\x01" + self._found(card), self._times.select_us
        if self.passive_retries == _ENDLESS:
            return Search(None)
        return Search((self.passive_retries + 1) * self._times.select_us)

    def auto_poll(self, data: bytes) -> Outcome:
        """Look for a card of some kinds: `60 PollNr Period Type..`."""
        require(3 <= len(data) <= 17 and data[0] > 0 and 1 <= data[1] <= 15)
        rounds, period, kinds = data[0], data[1], data[2:]
        self.target = None
        seeks_mifare = _POLL_GENERIC_A in kinds or _POLL_MIFARE in kinds
        card = self._field.find() if seeks_mifare else None
        if card is not None:
            found = self._found(card)
            kind = _POLL_ISO_14443_4 if card.ATS else _POLL_MIFARE
            head = bytes([1, kind, len(found)])
            return head + found, self._times.select_us
        if rounds == _ENDLESS:
            return Search(None)
        return Search(rounds * period * len(kinds) * _POLL_PERIOD_US)

    def data_exchange(self, data: bytes) -> Outcome:
        """Send a card command: `40 Tg data`."""
        require(len(data) >= 2)
        command = data[1:]
        speaks_apdus = self._field.card is not None and bool(self._field.card.ATS)
        lengths = {} if speaks_apdus else LENGTHS
        require(len(command) in lengths.get(command[0], {len(command)}))
        if self.target is None or data[0] & 0x3F != 1:
            return self._failed(_WRONG_CONTEXT)
        return self._exchange(command)

    def communicate_thru(self, data: bytes) -> Outcome:
        """Put bytes on air as they are: `42 data`."""
        if not data:
            return self._failed(_TIMEOUT, self._timeout_us())
        # These bytes go on air as one frame: of the MIFARE commands only a read is one.
        command = data if data[0] == READ and len(data) == 2 else data[:1]
        answer, chip_us = self._exchange(command)
        if answer[0] == OK and not self._registers.get(_RX_MODE, 0) & _CHECKS_CRC:
            answer += _crc_a(answer[1:])
        return answer, chip_us

    def _exchange(self, command: bytes) -> tuple[bytes, int]:
        card = self._field.card
        chip_us = self._times.of_card_command(command[0])
        if card is not None and card.changes(command):
            chip_us = self._times.write_us
        try:
            answer = self._field.exchange(command)
        except ReaderStuck:
            raise
        except CardSilent:
            return self._failed(_TIMEOUT, self._timeout_us())
        except CardRefused:
            return self._failed(_UNEXPECTED, chip_us)
        except AuthenticationFailed:
            return self._failed(_AUTHENTICATION, chip_us)
        self.last_error = OK
        return bytes([OK]) + answer, chip_us

    def _timeout_us(self) -> int:
        """Return how long a silent card is awaited: 100 us times 2^(n-1)."""
        longest = LONGEST_US - self._times.ack_us - self._times.added_us
        # 0 means for ever; a simulation that hangs would show a test nothing more.
        if self.rf_timeout == 0:
            return longest
        return min(100 << (self.rf_timeout - 1), longest)

    def deselect(self, data: bytes) -> Outcome:
        """Send the card to sleep: `44 Tg`."""
        return self._part(data, forgets=False)

    def release(self, data: bytes) -> Outcome:
        """Send the card to sleep and forget it: `52 Tg`."""
        return self._part(data, forgets=True)

    def _part(self, data: bytes, *, forgets: bool) -> Outcome:
        require(len(data) == 1)
        if data[0] > 1 or (data[0] == 1 and self.target is None):
            return self._failed(_WRONG_CONTEXT)
        self._field.halt()
        if forgets:
            self.target = None
        return self._done()

    def select(self, data: bytes) -> Outcome:
        """Wake the card that is known: `54 Tg`."""
        require(len(data) == 1)
        if data[0] != 1 or self.target is None:
            return self._failed(_WRONG_CONTEXT)
        if self._field.find(self.target) is None:
            return self._failed(_TIMEOUT, self._timeout_us())
        return bytes([OK]), self._times.select_us

    def _done(self) -> tuple[bytes, int]:
        return bytes([OK]), self._times.command_us

    def _failed(self, status: int, chip_us: int | None = None) -> tuple[bytes, int]:
        self.last_error = status
        return bytes([status]), self._times.command_us if chip_us is None else chip_us


def _crc_a(data: bytes) -> bytes:
    """Return the two bytes that a card appends: ISO/IEC 14443-3 CRC_A."""
    crc = 0x6363
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8408 if crc & 1 else 0)
    return crc.to_bytes(2, "little")

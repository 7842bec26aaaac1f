"""A PN532 as its UART shows it: commands in, answers and their time out; no clock.

The chip sleeps after power-up until five rising edges on its line, and serves cards
only after SAMConfiguration. Facts: NXP UM0701-02 as libnfc (chips/pn53x.c) and nfcpy
(clf/pn53x.py) use it. UNVERIFIED: what a chip says to card commands before
SAMConfiguration (here: syntax error), and the times, which are typical figures.
"""

from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import Final

from cngstation.simulators.card_field import CardField, ReaderStuck
from cngstation.simulators.mifare_classic import (
    ATQA,
    AUTHENTICATE_A,
    AUTHENTICATE_B,
    LENGTHS,
    READ,
    SAK,
    TRANSFER,
    WRITE,
    AuthenticationFailed,
    CardRefused,
    CardSilent,
)
from cngstation.simulators.pn532_frames import (
    SYNTAX_ERROR,
    FrameCutter,
    HostFrame,
    answer_frame,
    rising_edges,
)

BAUD_RATES: Final = (
    9_600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600, 1_288_000,
)  # fmt: skip
# nfcpy and Arduino libraries wait 100 ms for a command; a slower chip is no PN532.
LONGEST_US: Final = 90_000

_OK, _TIMEOUT, _UNEXPECTED, _AUTHENTICATION = 0x00, 0x01, 0x13, 0x14
_WRONG_CONTEXT = 0x27
_FIRMWARE = bytes.fromhex("32010607")
_EDGES_TO_WAKE = 5
_WAKE_BY_UART = 0x10
_ENDLESS = 0xFF
_TYPE_A_106 = 0
_POLL_GENERIC_A, _POLL_MIFARE = 0x00, 0x10
_POLL_PERIOD_US = 150_000
_RF_ITEM_LENGTHS = {
    0x01: 1, 0x02: 3, 0x04: 1, 0x05: 3, 0x0A: 11, 0x0B: 8, 0x0C: 3, 0x0D: 9,
}  # fmt: skip
_NEEDS_SAM = frozenset({0x40, 0x42, 0x44, 0x4A, 0x52, 0x54, 0x60})
_RX_MODE, _TX_MODE, _FIFO = 0x6303, 0x6302, 0x6339
_CHECKS_CRC = 0x80
_REQA = 0x26  # stays in the FIFO when no card took it; nfcpy looks


@dataclass(frozen=True, slots=True)
class ChipTimes:
    """How long the module takes, in microseconds, beside the time on the wire."""

    ack_us: int = 300
    command_us: int = 400
    select_us: int = 5_000
    authenticate_us: int = 4_000
    read_us: int = 2_500
    write_us: int = 6_000
    value_us: int = 2_500
    added_us: int = 0  # a slow adapter between chip and host, before every answer

    def __post_init__(self) -> None:
        if min(astuple(self)) < 0:
            raise ValueError("a chip time is 0 or more microseconds")
        slowest = max(astuple(self)[1:-1])
        if self.ack_us + slowest + self.added_us > LONGEST_US:
            raise ValueError(f"ack, slowest act and added exceed {LONGEST_US} us")

    def of_card_command(self, code: int) -> int:
        """Return the time of one command to a card."""
        return {
            AUTHENTICATE_A: self.authenticate_us,
            AUTHENTICATE_B: self.authenticate_us,
            READ: self.read_us,
            WRITE: self.write_us,
            TRANSFER: self.write_us,
        }.get(code, self.value_us)


@dataclass(frozen=True, slots=True)
class Answer:
    """The frame that ends a command, and the time until it starts; None: never."""

    frame: bytes | None
    chip_us: int


@dataclass(frozen=True, slots=True)
class Search:
    """The chip looks for a card: so long, or until one comes (None)."""

    limit_us: int | None


class _SyntaxFault(Exception):
    """The command is not one that the chip knows."""


_Outcome = tuple[bytes, int] | Search
_Handler = Callable[[bytes], _Outcome]


class Pn532Chip:
    """State and command set; `receive` cuts frames, `execute` carries one out."""

    def __init__(self, field: CardField, times: ChipTimes, *, baud: int) -> None:
        if baud not in BAUD_RATES:
            raise ValueError(f"a PN532 cannot do {baud} baud")
        self.times = times
        self._field = field
        self._start_baud = baud
        self._handlers: dict[int, _Handler] = {
            0x00: self._diagnose,
            0x02: self._firmware_version,
            0x04: self._general_status,
            0x06: self._read_register,
            0x08: self._write_register,
            0x10: self._set_baud,
            0x12: self._set_parameters,
            0x14: self._sam_configuration,
            0x16: self._power_down,
            0x32: self._rf_configuration,
            0x40: self._data_exchange,
            0x42: self._communicate_thru,
            0x44: self._deselect,
            0x4A: self._list_passive_target,
            0x52: self._release,
            0x54: self._select,
            0x60: self._auto_poll,
        }
        self.power_up()

    def power_up(self) -> None:
        """Start as after the supply came on: asleep, nothing configured."""
        self._cutter = FrameCutter()
        self._edges_left = _EDGES_TO_WAKE
        self._wakes_by_uart = True
        self._knows_sam = False
        self.baud = self._start_baud
        self.next_baud: int | None = None
        self._registers: dict[int, int] = {}
        self._target: bytes | None = None
        self._last_error = _OK
        self._passive_retries = _ENDLESS
        self._rf_timeout = 0x0A
        self._field.power(is_on=False)

    @property
    def is_awake(self) -> bool:
        """Whether the chip listens to frames."""
        return self._edges_left == 0

    def receive(self, data: bytes) -> list[HostFrame]:
        """Take bytes from the line; the ones that wake the chip are lost to it."""
        while data and not self.is_awake:
            if self._wakes_by_uart:
                self._edges_left = max(0, self._edges_left - rising_edges(data[0]))
            data = data[1:]
        return self._cutter.feed(data)

    def acknowledged(self) -> None:
        """Take the host's ACK behind SetSerialBaudRate: now the rate changes."""
        if self.next_baud is not None:
            self.baud, self.next_baud = self.next_baud, None

    def execute(self, command: bytes, *, gives_up: bool = False) -> Answer | Search:
        """Carry out a command; `gives_up` ends a search that found nothing."""
        try:
            outcome = self._dispatch(command)
        except _SyntaxFault:
            return Answer(SYNTAX_ERROR, self.times.command_us)
        except ReaderStuck:
            return Answer(None, 0)
        if isinstance(outcome, Search):
            if not gives_up:
                return outcome
            self._registers[_FIFO] = _REQA
            outcome = b"\x00", 0
        data, chip_us = outcome
        code = bytes([command[0] + 1])
        return Answer(answer_frame(code + data), chip_us + self.times.added_us)

    def refuse_frame(self) -> Answer:
        """Answer a frame whose sums are right and whose content is not."""
        return Answer(SYNTAX_ERROR, self.times.command_us)

    def _dispatch(self, command: bytes) -> _Outcome:
        code = command[0]
        if code in _NEEDS_SAM and not self._knows_sam:
            raise _SyntaxFault
        handler = self._handlers.get(code)
        if handler is None:
            raise _SyntaxFault
        return handler(command[1:])

    def _done(self, data: bytes = b"") -> tuple[bytes, int]:
        return data, self.times.command_us

    def _failed(self, status: int, chip_us: int | None = None) -> tuple[bytes, int]:
        self._last_error = status
        return bytes([status]), self.times.command_us if chip_us is None else chip_us

    # The chip itself

    def _diagnose(self, data: bytes) -> _Outcome:
        _require(bool(data))
        if data[0] == 0x00:
            return self._done(data)
        _require(data[0] in (0x01, 0x02))
        return self._done(bytes([_OK]))

    def _firmware_version(self, data: bytes) -> _Outcome:
        _require(not data)
        return self._done(_FIRMWARE)

    def _general_status(self, data: bytes) -> _Outcome:
        _require(not data)
        # Tg 1 at 106 kbit/s both ways, modulation type 0: MIFARE
        targets = bytes.fromhex("0101000000" if self._target else "00")
        head = bytes([self._last_error, self._field.is_on])
        return self._done(head + targets + b"\x80")

    def _read_register(self, data: bytes) -> _Outcome:
        _require(len(data) >= 2 and len(data) % 2 == 0)
        addresses = (data[i] << 8 | data[i + 1] for i in range(0, len(data), 2))
        return self._done(bytes(self._registers.get(addr, 0) for addr in addresses))

    def _write_register(self, data: bytes) -> _Outcome:
        _require(len(data) >= 3 and len(data) % 3 == 0)
        for i in range(0, len(data), 3):
            self._registers[data[i] << 8 | data[i + 1]] = data[i + 2]
        return self._done()

    def _set_baud(self, data: bytes) -> _Outcome:
        _require(len(data) == 1 and data[0] < len(BAUD_RATES))
        self.next_baud = BAUD_RATES[data[0]]
        return self._done()

    def _set_parameters(self, data: bytes) -> _Outcome:
        _require(len(data) == 1)
        return self._done()

    def _sam_configuration(self, data: bytes) -> _Outcome:
        # libnfc sends the mode alone, others also time-out and IRQ.
        _require(1 <= len(data) <= 3 and 1 <= data[0] <= 4)
        self._knows_sam = True
        return self._done()

    def _power_down(self, data: bytes) -> _Outcome:
        _require(len(data) in (1, 2))
        self._edges_left = _EDGES_TO_WAKE
        self._wakes_by_uart = bool(data[0] & _WAKE_BY_UART)
        self._target = None
        self._field.power(is_on=False)
        return self._done(bytes([_OK]))

    def _rf_configuration(self, data: bytes) -> _Outcome:
        _require(bool(data) and _RF_ITEM_LENGTHS.get(data[0]) == len(data) - 1)
        if data[0] == 0x01:
            self._field.power(is_on=bool(data[1] & 1))
        elif data[0] == 0x02:
            self._rf_timeout = data[3]
        elif data[0] == 0x05:
            self._passive_retries = data[3]
        return self._done()

    # Cards

    def _found(self, uid: bytes) -> bytes:
        self._target = uid
        self._registers[_RX_MODE] = self._registers[_TX_MODE] = _CHECKS_CRC
        return b"\x01" + ATQA + SAK + bytes([len(uid)]) + uid

    def _list_passive_target(self, data: bytes) -> _Outcome:
        _require(len(data) >= 2 and data[0] in (1, 2) and data[1] <= 4)
        wanted = data[2:]
        _require(data[1] != _TYPE_A_106 or len(wanted) in (0, 4, 8, 12))
        self._target = None
        uid = self._field.find(wanted) if data[1] == _TYPE_A_106 else None
        if uid is not None:
            return b"\x01" + self._found(uid), self.times.select_us
        if self._passive_retries == _ENDLESS:
            return Search(None)
        return Search((self._passive_retries + 1) * self.times.select_us)

    def _auto_poll(self, data: bytes) -> _Outcome:
        _require(3 <= len(data) <= 17 and data[0] > 0 and 1 <= data[1] <= 15)
        rounds, period, kinds = data[0], data[1], data[2:]
        self._target = None
        seeks_mifare = _POLL_GENERIC_A in kinds or _POLL_MIFARE in kinds
        uid = self._field.find() if seeks_mifare else None
        if uid is not None:
            found = self._found(uid)
            head = bytes([1, _POLL_MIFARE, len(found)])
            return head + found, self.times.select_us
        if rounds == _ENDLESS:
            return Search(None)
        return Search(rounds * period * len(kinds) * _POLL_PERIOD_US)

    def _data_exchange(self, data: bytes) -> _Outcome:
        _require(len(data) >= 2)
        command = data[1:]
        _require(len(command) in LENGTHS.get(command[0], {len(command)}))
        if self._target is None or data[0] & 0x3F != 1:
            return self._failed(_WRONG_CONTEXT)
        return self._exchange(command)

    def _communicate_thru(self, data: bytes) -> _Outcome:
        if not data:
            return self._failed(_TIMEOUT, self._timeout_us())
        # These bytes go on air as one frame: of the MIFARE commands only a read is one.
        command = data if data[0] == READ and len(data) == 2 else data[:1]
        answer, chip_us = self._exchange(command)
        if answer[0] == _OK and not self._registers.get(_RX_MODE, 0) & _CHECKS_CRC:
            answer += _crc_a(answer[1:])
        return answer, chip_us

    def _exchange(self, command: bytes) -> tuple[bytes, int]:
        chip_us = self.times.of_card_command(command[0])
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
        self._last_error = _OK
        return bytes([_OK]) + answer, chip_us

    def _timeout_us(self) -> int:
        """Return how long a silent card is awaited: 100 us times 2^(n-1)."""
        longest = LONGEST_US - self.times.ack_us - self.times.added_us
        # 0 means for ever; a simulation that hangs would show a test nothing more.
        if self._rf_timeout == 0:
            return longest
        return min(100 << (self._rf_timeout - 1), longest)

    def _deselect(self, data: bytes) -> _Outcome:
        return self._part(data, forgets=False)

    def _release(self, data: bytes) -> _Outcome:
        return self._part(data, forgets=True)

    def _part(self, data: bytes, *, forgets: bool) -> _Outcome:
        _require(len(data) == 1)
        if data[0] > 1 or (data[0] == 1 and self._target is None):
            return self._failed(_WRONG_CONTEXT)
        self._field.halt()
        if forgets:
            self._target = None
        return self._done(bytes([_OK]))

    def _select(self, data: bytes) -> _Outcome:
        _require(len(data) == 1)
        if data[0] != 1 or self._target is None:
            return self._failed(_WRONG_CONTEXT)
        if self._field.find(self._target) is None:
            return self._failed(_TIMEOUT, self._timeout_us())
        return bytes([_OK]), self.times.select_us


def _require(is_known: bool) -> None:  # noqa: FBT001 - reads as an assertion
    if not is_known:
        raise _SyntaxFault


def _crc_a(data: bytes) -> bytes:
    """Return the two bytes that a card appends: ISO/IEC 14443-3 CRC_A."""
    crc = 0x6363
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8408 if crc & 1 else 0)
    return crc.to_bytes(2, "little")

"""A PN532 as its UART shows it: commands in, answers and their time out; no clock.

The chip sleeps after power-up until five rising edges on its line, and serves cards
only after SAMConfiguration. Facts: NXP UM0701-02 as libnfc (chips/pn53x.c) and nfcpy
(clf/pn53x.py) use it. UNVERIFIED: what a chip says to card commands before
SAMConfiguration (here: syntax error).
"""

from dataclasses import dataclass
from typing import Final

from cngstation.simulators.card_field import CardField, ReaderStuck
from cngstation.simulators.pn532_frames import (
    SYNTAX_ERROR,
    FrameCutter,
    HostFrame,
    answer_frame,
    rising_edges,
)
from cngstation.simulators.pn532_initiator import (
    OK,
    Handler,
    Initiator,
    Outcome,
    Search,
    SyntaxFault,
    require,
)
from cngstation.simulators.pn532_times import ChipTimes

BAUD_RATES: Final = (
    9_600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600, 1_288_000,
)  # fmt: skip
_FIRMWARE = bytes.fromhex("32010607")
_EDGES_TO_WAKE = 5
_WAKE_BY_UART = 0x10
_RF_ITEM_LENGTHS = {
    0x01: 1, 0x02: 3, 0x04: 1, 0x05: 3, 0x0A: 11, 0x0B: 8, 0x0C: 3, 0x0D: 9,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """The frame that ends a command, and the time until it starts; None: never."""

    frame: bytes | None
    chip_us: int


class Pn532Chip:
    """State and command set; `receive` cuts frames, `execute` carries one out."""

    def __init__(self, field: CardField, times: ChipTimes, *, baud: int) -> None:
        if baud not in BAUD_RATES:
            raise ValueError(f"a PN532 cannot do {baud} baud")
        self.times = times
        self._field = field
        self._start_baud = baud
        self._handlers: dict[int, Handler] = {
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
        self._cards = Initiator(self._field, self.times, self._registers)
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
        except SyntaxFault:
            return Answer(SYNTAX_ERROR, self.times.command_us)
        except ReaderStuck:
            return Answer(None, 0)
        if isinstance(outcome, Search):
            if not gives_up:
                return outcome
            outcome = self._cards.found_none()
        data, chip_us = outcome
        code = bytes([command[0] + 1])
        return Answer(answer_frame(code + data), chip_us + self.times.added_us)

    def refuse_frame(self) -> Answer:
        """Answer a frame whose sums are right and whose content is not."""
        return Answer(SYNTAX_ERROR, self.times.command_us)

    def _dispatch(self, command: bytes) -> Outcome:
        code, data = command[0], command[1:]
        if code in self._handlers:
            return self._handlers[code](data)
        require(self._knows_sam and code in self._cards.handlers)
        return self._cards.handlers[code](data)

    def _done(self, data: bytes = b"") -> tuple[bytes, int]:
        return data, self.times.command_us

    def _diagnose(self, data: bytes) -> Outcome:
        require(bool(data))
        if data[0] == 0x00:
            return self._done(data)
        require(data[0] in (0x01, 0x02))
        return self._done(bytes([OK]))

    def _firmware_version(self, data: bytes) -> Outcome:
        require(not data)
        return self._done(_FIRMWARE)

    def _general_status(self, data: bytes) -> Outcome:
        require(not data)
        # Tg 1 at 106 kbit/s both ways, modulation type 0: MIFARE
        targets = bytes.fromhex("0101000000" if self._cards.target else "00")
        head = bytes([self._cards.last_error, self._field.is_on])
        return self._done(head + targets + b"\x80")

    def _read_register(self, data: bytes) -> Outcome:
        require(len(data) >= 2 and len(data) % 2 == 0)
        addresses = (data[i] << 8 | data[i + 1] for i in range(0, len(data), 2))
        return self._done(bytes(self._registers.get(addr, 0) for addr in addresses))

    def _write_register(self, data: bytes) -> Outcome:
        require(len(data) >= 3 and len(data) % 3 == 0)
        for i in range(0, len(data), 3):
            self._registers[data[i] << 8 | data[i + 1]] = data[i + 2]
        return self._done()

    def _set_baud(self, data: bytes) -> Outcome:
        require(len(data) == 1 and data[0] < len(BAUD_RATES))
        self.next_baud = BAUD_RATES[data[0]]
        return self._done()

    def _set_parameters(self, data: bytes) -> Outcome:
        require(len(data) == 1)
        return self._done()

    def _sam_configuration(self, data: bytes) -> Outcome:
        # libnfc sends the mode alone, others also time-out and IRQ.
        require(1 <= len(data) <= 3 and 1 <= data[0] <= 4)
        self._knows_sam = True
        return self._done()

    def _power_down(self, data: bytes) -> Outcome:
        require(len(data) in (1, 2))
        self._edges_left = _EDGES_TO_WAKE
        self._wakes_by_uart = bool(data[0] & _WAKE_BY_UART)
        self._cards.target = None
        self._field.power(is_on=False)
        return self._done(bytes([OK]))

    def _rf_configuration(self, data: bytes) -> Outcome:
        require(bool(data) and _RF_ITEM_LENGTHS.get(data[0]) == len(data) - 1)
        if data[0] == 0x01:
            self._field.power(is_on=bool(data[1] & 1))
        elif data[0] == 0x02:
            self._cards.rf_timeout = data[3]
        elif data[0] == 0x05:
            self._cards.passive_retries = data[3]
        return self._done()

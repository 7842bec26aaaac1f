"""Modbus-RTU as the master of a line needs it: two requests and their answers.

    read      address | 03 | first register | how many      | crcLo crcHi
    answer    address | 03 | bytes          | registers ... | crcLo crcHi
    write     address | 06 | register       | value         | crcLo crcHi, same answer
    refusal   address | function + 80H      | exception     | crcLo crcHi

The bytes are pymodbus's: its RTU framer and its PDU codec do no I/O. Its search for a
frame is not used: it waits for whatever length a first byte of noise promises, and
drops everything at a bad CRC. The reader here tries each place at which an answer can
begin.
"""

from collections import Counter
from dataclasses import dataclass

from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadHoldingRegistersResponse,
    WriteSingleRegisterRequest,
    WriteSingleRegisterResponse,
)

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.canonical import FaultKind

READ, WRITE = 3, 6
MOST_REGISTERS = 125
LAST_DEVICE = 247
_REFUSED = 0x80
_REFUSAL_BYTES = 5
WRITE_BYTES = 8
_AROUND_REGISTERS = 5  # address, function, byte count, CRC
_LONGEST_ANSWER = _AROUND_REGISTERS + 2 * MOST_REGISTERS
_framer = FramerRTU(DecodePDU(is_server=False))


def read_request(device: int, first: int, count: int) -> bytes:
    """Ask for holding registers; `first` is the address on the wire.

    Raises:
        LocalProtocolError: no frame can carry it.
    """
    return _built(
        ReadHoldingRegistersRequest(dev_id=device, address=first, count=count)
    )


def read_answer_bytes(count: int) -> int:
    """Return the length of the answer to a read."""
    return _AROUND_REGISTERS + 2 * count


def write_request(device: int, register: int, value: int) -> bytes:
    """Write one holding register; the answer repeats the request.

    Raises:
        LocalProtocolError: the value does not fit a register.
    """
    if not 0 <= value <= 0xFFFF:
        raise LocalProtocolError(why=f"{value} does not fit a register")
    return _built(
        WriteSingleRegisterRequest(dev_id=device, address=register, registers=[value])
    )


def _built(request: ModbusPDU) -> bytes:
    try:
        return _framer.buildFrame(request)
    except ValueError as error:
        raise LocalProtocolError(why=f"a Modbus request: {error}") from error


@dataclass(frozen=True, slots=True)
class Registers:
    """The values that were read."""

    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """A register was written."""

    register: int
    value: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The device's exception: 1 function, 2 register, 3 value, 4 failure, 6 busy."""

    exception: int


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a device, and its frame."""

    device: int
    function: int
    content: Registers | Written | Refused
    raw: bytes


class AnswerParser:
    """Finds answers in any stream of bytes; never raises, holds below 512 bytes.

    `faults` counts what was passed over since the caller last emptied it.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.faults: Counter[FaultKind] = Counter()

    def feed(self, data: bytes) -> list[Answer]:
        """Take bytes; return the answers that they complete."""
        answers: list[Answer] = []
        for start in range(0, len(data), _LONGEST_ANSWER):
            self._buffer += data[start : start + _LONGEST_ANSWER]
            while (answer := self._next()) is not None:
                answers.append(answer)
        return answers

    def reset(self) -> None:
        """Give up an answer that has begun: its rest will not come any more."""
        if self._buffer:
            self.faults[FaultKind.HALF_FRAME] += 1
            self._buffer.clear()

    def _next(self) -> Answer | None:
        """Take the first answer; drop what in front can be the beginning of none."""
        first_open: int | None = None
        for begin in range(len(self._buffer)):
            size = self._size_at(begin)
            if size is None:
                continue
            frame = bytes(self._buffer[begin : begin + size])
            if len(frame) < size:
                first_open = begin if first_open is None else first_open
            elif (answer := self._checked(frame)) is not None:
                self._drop(begin)
                del self._buffer[:size]
                return answer
            elif first_open is None:  # it is dropped with what stands before it
                self.faults[FaultKind.BAD_CRC] += 1
        self._drop(len(self._buffer) if first_open is None else first_open)
        return None

    def _drop(self, count: int) -> None:
        if count:
            self.faults[FaultKind.NOISE] += count
            del self._buffer[:count]

    def _size_at(self, begin: int) -> int | None:
        """Return how long an answer here would be, or at least, from its head."""
        if not 1 <= self._buffer[begin] <= LAST_DEVICE:
            return None
        head = self._buffer[begin + 1 : begin + 3]
        if not head:
            return _REFUSAL_BYTES
        if head[0] in {READ | _REFUSED, WRITE | _REFUSED}:
            return _REFUSAL_BYTES
        if head[0] == WRITE:
            return WRITE_BYTES
        if head[0] != READ:
            return None
        if len(head) == 1:
            return _AROUND_REGISTERS
        is_whole = 0 < head[1] <= 2 * MOST_REGISTERS and not head[1] % 2
        return _AROUND_REGISTERS + head[1] if is_whole else None

    def _checked(self, frame: bytes) -> Answer | None:
        crc = int.from_bytes(frame[-2:], "big")
        if not FramerRTU.check_CRC(frame[:-2], crc):
            return None
        match _framer.decoder.decode(frame[1:-2]):
            case ExceptionResponse(exception_code=code):
                content: Registers | Written | Refused = Refused(code)
            case ReadHoldingRegistersResponse(registers=registers):
                content = Registers(tuple(registers))
            case WriteSingleRegisterResponse(address=register, registers=values):
                content = Written(register, values[0])
            case _:
                return None
        return Answer(frame[0], frame[1] & ~_REFUSED, content, frame)

"""A simulated Compac hose: a Modbus-RTU slave with a bank of registers.

Functions 3 and 6; anything else is refused with exception 1, a register that is not
there with 2, a value that does not fit with 3. Source: Compac's C5000 service manual.
UNVERIFIED on hardware.
"""

from dataclasses import dataclass, field

from cngstation.simulators.plain_nozzle import PlainNozzle

READ, WRITE = 3, 6
_REQUEST_BYTES = 8
_NO_FUNCTION, _NO_REGISTER, _NO_VALUE = 1, 2, 3
_REGISTERS = (*range(100, 132), *range(200, 205))
_TOTAL_STEP = 10  # thousandths in a hundredth


@dataclass(slots=True)
class CompacDispenser:
    """One hose at a Modbus address; `offset` added to a number is on the wire."""

    nozzle: PlainNozzle
    offset: int = -1
    errors: int = 0
    exception: int = 0  # what every request is refused with while it is not 0
    write_exception: int = 0  # what every write is refused with
    ignored: dict[str, int] = field(default_factory=dict)
    _heard: bytearray = field(default_factory=bytearray)

    def hear(self, data: bytes, now: float) -> list[bytes]:
        """Take bytes off the wire; return the answers to what was asked of us."""
        self._heard += data
        answers = []
        while len(self._heard) >= _REQUEST_BYTES:
            request = bytes(self._heard[:_REQUEST_BYTES])
            if _crc(request):
                del self._heard[0]
                self._count("noise")
                continue
            del self._heard[:_REQUEST_BYTES]
            if request[0] != self.nozzle.number:
                self._count("other")
                continue
            self.nozzle.flow(now)
            answers.append(sealed(bytes([request[0]]) + self._answer(request)))
        return answers

    def pause(self) -> None:
        """The line was silent: what is held is no request."""
        self._heard.clear()

    def _answer(self, request: bytes) -> bytes:
        function = request[1]
        first = int.from_bytes(request[2:4], "big") - self.offset
        figure = int.from_bytes(request[4:6], "big")
        if self.exception:
            return bytes([function | 0x80, self.exception])
        if function == READ:
            wanted = range(first, first + figure)
            if not 0 < figure <= 125 or any(n not in _REGISTERS for n in wanted):
                return bytes([function | 0x80, _NO_REGISTER])
            bank = self._bank()
            data = b"".join(bank.get(n, 0).to_bytes(2, "big") for n in wanted)
            return bytes([function, len(data)]) + data
        if function == WRITE:
            code = self.write_exception or self._write(first, figure)
            return bytes([function | 0x80, code]) if code else request[1:6]
        return bytes([function | 0x80, _NO_FUNCTION])

    def _write(self, register: int, value: int) -> int:
        match register:
            case 200 if value in {0, 1}:
                self.nozzle.is_locked = value == 1
                if value:
                    self.nozzle.stop()
            case 201 if not self.nozzle.is_filling:
                self.nozzle.price = value
                self.nozzle.save()
            case 200 | 201:
                return _NO_VALUE
            case _:
                return _NO_REGISTER
        return 0

    def _bank(self) -> dict[int, int]:
        nozzle = self.nozzle
        bank = {
            100: 1 | nozzle.is_lifted << 1 | nozzle.is_filling << 2,
            101: nozzle.price & 0xFFFF,
            112: nozzle.pressure_end,
            113: 850 if nozzle.is_filling else 0,
            114: self.errors,
            115: 18,
            116: 21,
            124: nozzle.stop_code,
            129: 215,
            130: nozzle.pressure_start,
            131: nozzle.pressure_end,
            200: int(nozzle.is_locked),
            201: nozzle.price & 0xFFFF,
        }
        bank |= _u32(102, nozzle.volume) | _u32(104, nozzle.amount)
        bank |= _bcd(106, nozzle.total_volume // _TOTAL_STEP)
        bank |= _bcd(109, nozzle.total_amount)
        bank |= _u32(125, nozzle.last_volume) | _u32(127, nozzle.last_amount * 10)
        return bank

    def _count(self, kind: str) -> None:
        self.ignored[kind] = self.ignored.get(kind, 0) + 1


def _u32(register: int, value: int) -> dict[int, int]:
    return {register: value >> 16 & 0xFFFF, register + 1: value & 0xFFFF}


def _bcd(register: int, value: int) -> dict[int, int]:
    digits = f"{value % 10**10:012d}"
    return {register + n: int(digits[4 * n : 4 * n + 4], 16) for n in range(3)}


def _crc(data: bytes) -> int:
    """CRC-16/MODBUS; 0 over a whole frame."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def sealed(body: bytes) -> bytes:
    """Return a frame with its CRC behind it."""
    return body + _crc(body).to_bytes(2, "little")

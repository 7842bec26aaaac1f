"""One gun of a simulated JX-V4 dispenser: what it answers at its 100 ms tick.

The order in which an idle gun answers a poll: clock, record 52H, shift record 5AH,
status 51H. Lists, prices and keys (53H, 54H, 5EH) are asked for when the host's
version differs; this dispenser carries none and reads the versions over, as it does
when they are 0. Card checks (5CH) and unlocks (55H type 1) are not asked for: a grey
card is refused. Source: the public JX-V4 firmware family. UNVERIFIED on hardware.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cngstation.simulators import jxv4_frames as frames
from cngstation.simulators.control import HandsRefused
from cngstation.simulators.jxv4_frames import Decision, Ear, Request
from cngstation.simulators.jxv4_memory import SKIPPED, UPLOADED, Memory, Ring
from cngstation.simulators.jxv4_nozzle import DEBIT_DUE, FUELLING, IDLE, Nozzle
from cngstation.simulators.jxv4_transaction import GunSettings, debit_request
from cngstation.simulators.purse_on_card import CardRefused, Purse

OFF_DUTY, LOCKED = 0xA0, 0xF0
UPLOAD_TRIES = 10
DEBIT_RETRIES = 10
_POLL_BODY_BYTES = 13
_MINUTES_APART = 2
ON_DUTY_RECORD, OFF_DUTY_RECORD = 0, 1


# A command and its body; None where the gun stays silent.
_Answer = tuple[int, bytes] | None


class Clock:
    """The dispenser's own clock, which runs with the loop's time."""

    def __init__(self, reading: datetime, now: float) -> None:
        self._reading = reading
        self._at = now

    def read(self, now: float) -> datetime:
        """Return the dispenser's time."""
        return self._reading + timedelta(seconds=now - self._at)

    def corrected_by(self, host: datetime, now: float) -> bool:
        """Take the host's time when the firmware would; tell whether it did."""
        own = self.read(now)
        same_hour = own.strftime("%y%m%d%H") == host.strftime("%y%m%d%H")
        if same_hour and abs(own.minute - host.minute) <= _MINUTES_APART:
            return False
        self._reading, self._at = host, now
        return True


@dataclass(slots=True)
class _Upload:
    """One kind of record on its way to the host; skipped when tried too often."""

    command: int
    ring: Ring
    number: int = 0
    tries: int = 0

    def next_body(self) -> bytes | None:
        """Return the record to send now; the eleventh try goes to the next one."""
        kept = self.ring.first_waiting()
        if kept is not None and (kept.number, self.tries) == (
            self.number,
            UPLOAD_TRIES,
        ):
            self.ring.mark(kept.number, SKIPPED)
            kept = self.ring.first_waiting()
        if kept is None:
            return None
        self.tries = self.tries + 1 if kept.number == self.number else 1
        self.number = kept.number
        return kept.body

    def acknowledge(self) -> None:
        """Mark the record that was sent last."""
        self.ring.mark(self.number, UPLOADED)
        self.number = self.tries = 0


class Dispenser:
    """A gun: hears the line, answers at ticks, and obeys hands."""

    def __init__(
        self,
        settings: GunSettings,
        memory: Memory,
        *,
        cards: Path,
        master: bytes,
        clock: Clock,
        now: float,
    ) -> None:
        self.settings = settings
        self.memory = memory
        self.clock = clock
        self.nozzle = Nozzle(settings, memory, cards, master)
        self.ear = Ear(settings.gun)
        self.taken: Counter[str] = Counter()
        self._records = _Upload(frames.RECORD, memory.records)
        self._shift_records = _Upload(frames.SHIFT_RECORD, memory.shift_records)
        self._debit_asked_for = 0
        self._debit_retries = DEBIT_RETRIES
        self.nozzle.resume(clock.read(now))

    @property
    def status(self) -> int:
        """The status byte; lock and off-duty show only while nothing goes on."""
        if self.nozzle.status != IDLE:
            return self.nozzle.status
        if self.memory.counters.is_locked:
            return LOCKED
        return OFF_DUTY if self.memory.counters.is_off_duty else IDLE

    def hear(self, data: bytes) -> None:
        """Take bytes that have arrived on the line."""
        self.ear.hear(data)

    def tick(self, now: float) -> bytes | None:
        """Run the main loop once; return the frame that the gun now sends."""
        self.nozzle.advance(now, self.clock.read(now))
        request = self.ear.at_tick()
        if request is None:
            return None
        answers: dict[int, Callable[[Request, float], _Answer]] = {
            frames.POLL: self._polled,
            frames.RECORD: self._record_acknowledged,
            frames.DEBIT: self._debit_decided,
            frames.TOTALS: self._totals,
            frames.RECORD_AGAIN: self._record_again,
            frames.IDENTITY: self._identity,
            frames.SHIFT_RECORD: self._shift_record_acknowledged,
            frames.OFF_DUTY_NOW: self._off_duty,
            frames.LOCK: self._lock,
        }
        answer = answers.get(request.command, self._unknown)(request, now)
        if answer is None:
            return None
        command, body = answer
        return frames.answer_frame(self.settings.gun, command, body)

    def status_frame(self) -> bytes:
        """Return the 51H answer of this moment."""
        body = self._status_body()
        return frames.answer_frame(self.settings.gun, frames.POLL, body)

    def insert(self, uid: bytes, now: float) -> Purse:
        """Put a card into the gun.

        Raises:
            CardRefused: the code says why.
            HandsRefused: the card or the slot is not free.
        """
        if self.memory.counters.is_locked:
            raise CardRefused("locked")
        if self.memory.counters.is_off_duty:
            raise CardRefused("off_duty")
        return self.nozzle.insert(uid, self.clock.read(now))

    def go_on_duty(self, employee: str, shift: int, now: float) -> None:
        """Begin a shift, as an employee card at the dispenser does."""
        counters = self.memory.counters
        if not counters.is_off_duty:
            raise HandsRefused("this gun is on duty already")
        counters.is_off_duty = False
        counters.employee, counters.shift = employee, shift
        counters.shift_quantity = counters.shift_amount = counters.shift_fills = 0
        counters.shift_started_at = frames.wire_time(self.clock.read(now)).hex()
        counters.on_duty_record_id = counters.next_shift_record_id
        self._add_shift_record(ON_DUTY_RECORD, now)

    def _polled(self, request: Request, now: float) -> _Answer:
        if len(request.body) != _POLL_BODY_BYTES:
            return self._ignore("bad_length")
        if self.status == DEBIT_DUE:
            return self._ask_for_debit()
        if self.status in (IDLE, OFF_DUTY):
            own = self.clock.read(now)
            host = frames.parse_wire_time(request.body[:7], own)
            if host is not None and self.clock.corrected_by(host, now):
                return self._ignore("clock_set")
            for upload in (self._records, self._shift_records):
                body = upload.next_body()
                if body is not None:
                    return upload.command, body
        return frames.POLL, self._status_body()

    def _ask_for_debit(self) -> _Answer:
        transaction = self.nozzle.open
        assert transaction is not None
        if self._debit_asked_for != transaction.trans_no:
            self._debit_asked_for = transaction.trans_no
            self._debit_retries = DEBIT_RETRIES
        if self._debit_retries == 0:
            # One poll of silence; the next one finds the counter full again.
            self._debit_retries = DEBIT_RETRIES
            return self._ignore("debit_retries_used")
        self._debit_retries -= 1
        return frames.DEBIT, debit_request(transaction, self.settings).to_bytes()

    def _status_body(self) -> bytes:
        settings, counters = self.settings, self.memory.counters
        transaction = self.nozzle.open
        fuelling = self.nozzle.status == FUELLING
        return frames.Status(
            device_type=settings.device_type,
            status=self.status,
            price=transaction.price if transaction else settings.prices[0],
            quantity=transaction.quantity if transaction else 0,
            amount=transaction.amount if transaction else 0,
            shift=counters.shift,
            employee=bytes.fromhex(counters.employee),
            card=bytes.fromhex(transaction.card) if transaction else b"",
            plate=bytes.fromhex(transaction.plate) if transaction else b"",
            pressure=transaction.pressure_after if transaction and fuelling else 0,
        ).to_bytes()

    def _record_acknowledged(self, request: Request, _now: float) -> _Answer:
        kept = self.memory.records.find(self._records.number)
        if kept is None or len(request.body) != 6:
            return self._ignore("ack_unfit")
        number = int.from_bytes(request.body[2:6], "big")
        trans_type = frames.Record.from_bytes(kept.body).trans_type
        if (number, request.body[1]) != (kept.number, trans_type):
            return self._ignore("ack_unfit")
        if request.body[0] == 1:
            self._records.acknowledge()
            self.memory.save()
        return self._take("record_ack")

    def _shift_record_acknowledged(self, request: Request, _now: float) -> _Answer:
        kept = self.memory.shift_records.find(self._shift_records.number)
        if kept is None or request.body[:1] != b"\x01":
            return self._ignore("ack_unfit")
        self._shift_records.acknowledge()
        self.memory.save()
        return self._take("shift_record_ack")

    def _debit_decided(self, request: Request, now: float) -> _Answer:
        decision = Decision.from_bytes(request.body)
        if decision is None:
            return self._ignore("bad_length")
        if not self.nozzle.decide(decision, self.clock.read(now)):
            return self._ignore("decision_unfit")
        return self._take("decision")

    def _totals(self, _request: Request, _now: float) -> tuple[int, bytes]:
        counters = self.memory.counters
        return frames.TOTALS, frames.figures(
            counters.last_trans_no,
            counters.total_quantity,
            counters.total_amount,
            counters.shift_quantity,
            counters.shift_amount,
        )

    def _record_again(self, request: Request, _now: float) -> _Answer:
        if len(request.body) != 4:
            return self._ignore("bad_length")
        number = int.from_bytes(request.body, "big")
        kept = self.memory.records.find(number)
        found = b"\x01" + kept.body if kept else b"\x00"
        return frames.RECORD_AGAIN, frames.figures(number) + found

    def _identity(self, _request: Request, _now: float) -> tuple[int, bytes]:
        return frames.IDENTITY, frames.identity_body(
            self.settings.gun,
            self.memory.counters.last_trans_no,
            bytes.fromhex(self.settings.station_no),
        )

    def _off_duty(self, _request: Request, now: float) -> tuple[int, bytes]:
        counters = self.memory.counters
        if self.nozzle.open is not None or counters.is_off_duty:
            return frames.OFF_DUTY_NOW, b"\x00"
        counters.is_off_duty = True
        self._add_shift_record(OFF_DUTY_RECORD, now)
        return frames.OFF_DUTY_NOW, b"\x01"

    def _lock(self, request: Request, _now: float) -> _Answer:
        if request.body not in (b"\x00", b"\x01"):
            return self._ignore("bad_length")
        self.memory.counters.is_locked = request.body == b"\x01"
        self.memory.save()
        return frames.LOCK, b"\x01"

    def _add_shift_record(self, kind: int, now: float) -> None:
        counters = self.memory.counters
        ended_at = frames.wire_time(self.clock.read(now))
        record = frames.ShiftRecord(
            record_id=counters.next_shift_record_id,
            kind=kind,
            shift=counters.shift,
            employee=bytes.fromhex(counters.employee),
            started_at=bytes.fromhex(counters.shift_started_at),
            ended_at=ended_at if kind == OFF_DUTY_RECORD else b"",
            gun_quantity=counters.total_quantity,
            gun_amount=counters.total_amount,
            shift_quantity=counters.shift_quantity,
            shift_amount=counters.shift_amount,
            fills=counters.shift_fills,
            device_type=self.settings.device_type,
            unit_code=self.settings.unit_code,
            on_duty_record_id=counters.on_duty_record_id,
        )
        self.memory.shift_records.add(record.record_id, record.to_bytes())
        counters.next_shift_record_id += 1
        self.memory.save()

    def _unknown(self, _request: Request, _now: float) -> _Answer:
        return self._ignore("unknown_command")

    def _ignore(self, kind: str) -> _Answer:
        """Stay silent to a frame, and count why."""
        self.ear.ignored[kind] += 1
        return None

    def _take(self, kind: str) -> _Answer:
        """Obey a frame to which no answer is due."""
        self.taken[kind] += 1
        return None

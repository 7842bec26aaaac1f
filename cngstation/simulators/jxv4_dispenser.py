"""One gun of a simulated JX-V4 dispenser: what it answers at its 100 ms tick.

The order in which an idle gun answers a poll: clock (in silence), lists and prices that
it lacks (53H, 54H, 5EH; a list is saved in silence), record 52H, unlock of a grey card
55H, card check 5CH or 56H, shift record 5AH, changed parameter 5BH, status 51H. What is
not acknowledged in ten uploads is skipped. Source: the public JX-V4 firmware family.
UNVERIFIED on hardware.
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from cngstation.simulators import jxv4_adapter as adapter
from cngstation.simulators import jxv4_frames as frames
from cngstation.simulators.control import HandsRefused
from cngstation.simulators.jxv4_duty import Duty
from cngstation.simulators.jxv4_frames import Decision, Ear, Request
from cngstation.simulators.jxv4_lists import Fetching
from cngstation.simulators.jxv4_memory import Counters, Memory
from cngstation.simulators.jxv4_nozzle import DEBIT_DUE, FUELLING, IDLE, Nozzle
from cngstation.simulators.jxv4_transaction import (
    PETROCHINA,
    GunSettings,
    debit_request,
    in_force,
)
from cngstation.simulators.jxv4_uploads import Clock, Upload
from cngstation.simulators.purse_on_card import CardRefused, Purse

OFF_DUTY, LOCKED = 0xA0, 0xF0
DEBIT_RETRIES = 10
_POLL_BODY_BYTES = 13
_TIME_BYTES = 7


# A command and its body; None where the gun stays silent.
_Answer = tuple[int, bytes] | None


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
        self.duty = Duty(settings, memory, self.nozzle)
        self.ear = Ear(settings.gun)
        self.taken: Counter[str] = Counter()
        self.is_off_line = False  # the port's own switch: hears nothing, says nothing
        self.misses: Callable[[int], bool] = lambda _command: False
        self._debit_asked_for = 0
        self._debit_retries = DEBIT_RETRIES
        self._prepare()
        self.nozzle.resume(clock.read(now))

    def _prepare(self) -> None:
        memory = self.memory
        self._fetching = Fetching(memory.held)
        self._records = Upload(frames.RECORD, memory.records)
        self._shift_records = Upload(frames.SHIFT_RECORD, memory.shift_records)
        self._parameters = Upload(frames.PARAMETER, memory.parameters)

    @property
    def status(self) -> int:
        """The status byte; lock and off-duty show only while nothing goes on."""
        if self.nozzle.status != IDLE:
            return self.nozzle.status
        if self.memory.counters.is_locked:
            return LOCKED
        return OFF_DUTY if self.memory.counters.is_off_duty else IDLE

    @property
    def _is_adapter(self) -> bool:
        return self.settings.variant == PETROCHINA

    @property
    def _host_order(self) -> str:
        return frames.LITTLE if self._is_adapter else frames.BIG

    def hear(self, data: bytes) -> None:
        """Take bytes that have arrived on the line."""
        if not self.is_off_line:
            self.ear.hear(data)

    def tick(self, now: float) -> bytes | None:
        """Run the main loop once; return the frame that the gun now sends."""
        self.nozzle.advance(now, self.clock.read(now))
        own_time = frames.wire_time(self.clock.read(now)).hex()
        if self.memory.held.change_prices(own_time):
            self.memory.save()
        request = self.ear.at_tick()
        if request is None:
            return None
        if self.misses(request.command):
            self.ear.ignored["missed"] += 1
            return None
        answer = self._answers().get(request.command, self._unknown)(request, now)
        if answer is None:
            return None
        command, body = answer
        return frames.answer_frame(self.settings.gun, command, body)

    def _answers(self) -> dict[int, Callable[[Request, float], _Answer]]:
        answers: dict[int, Callable[[Request, float], _Answer]] = {
            frames.POLL: self._polled,
            frames.RECORD: self._record_acknowledged,
            frames.LIST: self._list_counted,
            frames.BLOCK: self._block_taken,
            frames.DEBIT: self._debit_decided,
            frames.LIST_CHECK: self._card_judged,
            frames.TOTALS: self._totals,
            frames.RECORD_AGAIN: self._record_again,
            frames.IDENTITY: self._identity,
            frames.SHIFT_RECORD: self._upload_acknowledged,
            frames.PARAMETER: self._upload_acknowledged,
            frames.CARD_CHECK: self._card_judged,
            frames.OFF_DUTY_NOW: self._off_duty,
            frames.PRICES: self._prices_taken,
            frames.LOCK: self._lock,
        }
        if self._is_adapter:
            answers[frames.AUTHORISE] = self._authorised
            answers[frames.STOP] = self._stopped
        return answers

    def status_frame(self) -> bytes:
        """Return the 51H answer of this moment."""
        body = self._status_body()
        return frames.answer_frame(self.settings.gun, frames.POLL, body)

    # Hands

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

    def clear_memory(self) -> None:
        """Lose records, totals, lists and prices: the numbers begin again at 1.

        Raises:
            HandsRefused: a card is in the gun.
        """
        if self.nozzle.card is not None or self.nozzle.open is not None:
            raise HandsRefused("a card is in this gun")
        old = self.memory.counters
        self.memory.forget_everything(Counters(shift=old.shift, employee=old.employee))
        self._prepare()

    # What a poll is answered with

    def _polled(self, request: Request, now: float) -> _Answer:
        length = adapter.POLL_BYTES if self._is_adapter else _POLL_BODY_BYTES
        if len(request.body) != length:
            return self._ignore("bad_length")
        if self.status == DEBIT_DUE:
            return self._ask_for_debit()
        if self.status not in (IDLE, OFF_DUTY):
            return frames.POLL, self._status_body()
        own = self.clock.read(now)
        host = frames.parse_wire_time(request.body[:_TIME_BYTES], own)
        if host is not None and self.clock.corrected_by(host, now):
            return self._ignore("clock_set")
        announced = request.body[_TIME_BYTES:]
        if self._is_adapter:
            announced = adapter.announced(request.body)
        if self._fetching.is_whole(announced):
            self.memory.save()
            return self._ignore("list_saved")
        question = self._fetching.ask(announced) or self._offered(request)
        return question or (frames.POLL, self._status_body())

    def _offered(self, request: Request) -> _Answer:
        reads = not self._is_adapter or request.body[adapter.READ_UNPAID_AT] == 1
        body = self._records.next_body() if reads else None
        if body is not None:
            return frames.RECORD, body
        if (question := self.nozzle.question()) is not None:
            return question
        for upload in (self._shift_records, self._parameters):
            body = upload.next_body()
            if body is not None:
                return upload.command, body
        return None

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
        posted = in_force(settings, self.memory.held).prices[0]
        status = frames.Status(
            device_type=settings.device_type,
            status=self.status,
            price=transaction.price if transaction else posted,
            quantity=transaction.quantity if transaction else 0,
            amount=transaction.amount if transaction else 0,
            shift=counters.shift,
            employee=bytes.fromhex(counters.employee),
            card=bytes.fromhex(transaction.card) if transaction else b"",
            plate=bytes.fromhex(transaction.plate) if transaction else b"",
            pressure=transaction.pressure_after if transaction and fuelling else 0,
        )
        if not self._is_adapter:
            return status.to_bytes()
        closed = counters.is_locked or counters.is_off_duty
        return frames.adapter_status_body(
            status.in_state(adapter.state(self.nozzle, is_closed=closed)),
            unpaid=self.memory.records.waiting_count(),
        )

    # What the host says

    def _record_acknowledged(self, request: Request, _now: float) -> _Answer:
        kept = self.memory.records.find(self._records.number)
        if kept is None or len(request.body) != 6:
            return self._ignore("ack_unfit")
        number = frames.host_int(request.body[2:6], self._host_order)
        trans_type = frames.Record.from_bytes(kept.body).trans_type
        if (number, request.body[1]) != (kept.number, trans_type):
            return self._ignore("ack_unfit")
        if request.body[0] == 1:
            self._records.acknowledge()
            self.memory.save()
        return self._take("record_ack")

    def _upload_acknowledged(self, request: Request, _now: float) -> _Answer:
        is_shift = request.command == frames.SHIFT_RECORD
        upload = self._shift_records if is_shift else self._parameters
        if not upload.number or request.body[:1] != b"\x01":
            return self._ignore("ack_unfit")
        upload.acknowledge()
        self.memory.save()
        return self._take("shift_record_ack" if is_shift else "parameter_ack")

    def _list_counted(self, request: Request, _now: float) -> _Answer:
        asked = self._fetching.take_count(request.body)
        return asked or self._ignore("list_unfit")

    def _block_taken(self, request: Request, _now: float) -> _Answer:
        if not self._fetching.take_block(request.body):
            return self._ignore("list_unfit")
        return self._take("list_block")

    def _prices_taken(self, request: Request, now: float) -> _Answer:
        if not self._fetching.take_prices(request.body, self._host_order):
            return self._ignore("bad_length")
        self.memory.held.change_prices(frames.wire_time(self.clock.read(now)).hex())
        self.memory.save()
        return self._take("prices")

    def _debit_decided(self, request: Request, now: float) -> _Answer:
        decision = Decision.from_bytes(request.body, self._host_order)
        if decision is None:
            return self._ignore("bad_length")
        when = self.clock.read(now)
        obey = self.nozzle.unlock if decision.kind else self.nozzle.decide
        if not obey(decision, when):
            return self._ignore("decision_unfit")
        return self._take("decision")

    def _card_judged(self, request: Request, now: float) -> _Answer:
        when = self.clock.read(now)
        if not self.nozzle.hear_verdict(request.command, request.body, when):
            return self._ignore("verdict_unfit")
        return self._take("verdict")

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
        number = frames.host_int(request.body, self._host_order)
        kept = self.memory.records.find(number)
        found = b"\x01" + kept.body if kept else b"\x00"
        return frames.RECORD_AGAIN, frames.figures(number) + found

    def _identity(self, _request: Request, _now: float) -> tuple[int, bytes]:
        return frames.IDENTITY, frames.identity_body(
            self.settings.gun,
            self.memory.counters.last_trans_no,
            bytes.fromhex(self.settings.station_no),
            self.memory.held.version_bytes(),
        )

    def _off_duty(self, _request: Request, now: float) -> tuple[int, bytes]:
        return frames.OFF_DUTY_NOW, bytes([self.duty.end(self.clock.read(now))])

    def _lock(self, request: Request, _now: float) -> _Answer:
        if request.body not in (b"\x00", b"\x01"):
            return self._ignore("bad_length")
        self.memory.counters.is_locked = request.body == b"\x01"
        self.memory.save()
        return frames.LOCK, b"\x01"

    def _authorised(self, request: Request, _now: float) -> tuple[int, bytes]:
        return frames.AUTHORISE, adapter.authorise(self.nozzle, request.body)

    def _stopped(self, _request: Request, now: float) -> tuple[int, bytes]:
        return frames.STOP, adapter.stop(self.nozzle, now, self.clock.read(now))

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

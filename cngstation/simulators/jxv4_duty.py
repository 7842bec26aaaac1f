"""Crews and technicians at a simulated JX-V4 gun: duty and settings, with records."""

from datetime import datetime

from cngstation.simulators import jxv4_frames as frames
from cngstation.simulators.control import HandsRefused
from cngstation.simulators.jxv4_memory import Memory
from cngstation.simulators.jxv4_nozzle import Nozzle
from cngstation.simulators.jxv4_transaction import GunSettings

ON_DUTY_RECORD, OFF_DUTY_RECORD = 0, 1


class Duty:
    """What an employee card does at a gun, and what the host may force."""

    def __init__(self, settings: GunSettings, memory: Memory, nozzle: Nozzle) -> None:
        self._settings = settings
        self._memory = memory
        self._nozzle = nozzle

    def begin(self, employee: str, shift: int, when: datetime) -> None:
        """Begin a shift.

        Raises:
            HandsRefused: one has begun already.
        """
        counters = self._memory.counters
        if not counters.is_off_duty:
            raise HandsRefused("this gun is on duty already")
        counters.is_off_duty = False
        counters.employee, counters.shift = employee, shift
        counters.shift_quantity = counters.shift_amount = counters.shift_fills = 0
        counters.shift_started_at = frames.wire_time(when).hex()
        counters.on_duty_record_id = counters.next_shift_record_id
        self._record(ON_DUTY_RECORD, when)

    def end(self, when: datetime) -> bool:
        """End the shift; False while something goes on or none has begun."""
        counters = self._memory.counters
        if self._nozzle.open is not None or counters.is_off_duty:
            return False
        counters.is_off_duty = True
        self._record(OFF_DUTY_RECORD, when)
        return True

    def change(self, changed: tuple[int, int, int, int], when: datetime) -> None:
        """Change a setting: index, decimals, before, after."""
        counters = self._memory.counters
        number = counters.next_parameter_id
        body = frames.parameter_body(
            number,
            counters.shift,
            bytes.fromhex(counters.employee),
            changed,
            frames.wire_time(when),
        )
        counters.next_parameter_id += 1
        self._memory.parameters.add(number, body)
        self._memory.save()

    def _record(self, kind: int, when: datetime) -> None:
        counters = self._memory.counters
        ended_at = frames.wire_time(when)
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
            device_type=self._settings.device_type,
            unit_code=self._settings.unit_code,
            on_duty_record_id=counters.on_duty_record_id,
        )
        self._memory.shift_records.add(record.record_id, record.to_bytes())
        counters.next_shift_record_id += 1
        self._memory.save()

"""What hands do at a line of simulated dispensers, as verbs of its control socket.

    card_in    gun, uid                 read and accept a card, or refuse it with a code
    fill       gun, limit_hundredths, flow_hundredths_per_s,
               pressure_start_kpa, pressure_end_kpa
    stop       gun                      close the valve
    card_out   gun                      pull the card, whatever is going on
    tear       gun, after_blocks        cut the next card write short
    on_duty    gun, employee_card, shift
    off_duty   gun                      end the shift, as the employee card does
    parameter  gun, parameter, decimals, before, after
    cut        gun                      its power goes and comes back
    off_line   gun, is_off_line         the port's own switch: no replies at all
    clear      gun                      lose the memory: numbers begin again at 1
    lists      gun                      lists, prices and their versions
    state      gun                      status, card, fill, totals, last record
    wait       gun, until, timeout_s    until: idle | awaiting_debit | uploaded |
                                        judged
    exchanges  since                    what the wire saw, from that number on; times
                                        count from opened_us of CLOCK_MONOTONIC
    limits                              W and frame counts of the whole run
    fault      names with shares, seed  what goes wrong from now on

Quantity is in 0.01 unit, money in fen, pressure in 0.01 MPa unless a name says kPa.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from cngstation.hygiene import decode_gb
from cngstation.simulators.control import Answer, Handler, HandsRefused
from cngstation.simulators.jxv4_dispenser import Dispenser
from cngstation.simulators.jxv4_faults import AnswerFaults
from cngstation.simulators.jxv4_frames import Record
from cngstation.simulators.jxv4_lists import Holdings
from cngstation.simulators.jxv4_memory import UPLOADED
from cngstation.simulators.jxv4_nozzle import DEBIT_DUE, IDLE
from cngstation.simulators.jxv4_transaction import FillOrder
from cngstation.simulators.line_log import LineLog
from cngstation.simulators.purse_on_card import CardRefused
from cngstation.simulators.wire import Wire

LONGEST_WAIT_S = 60.0
LARGEST_FILL = 10_000_000  # 100 000 units: no vehicle takes more
KPA_PER_HUNDREDTH_MPA = 10

Request = Mapping[str, Any]


class Line(Protocol):
    """What the hands need of a line."""

    guns: dict[int, Dispenser]
    wire: Wire
    log: LineLog
    answer_faults: AnswerFaults

    async def next_tick(self) -> None: ...
    def cut_power(self, number: int) -> None: ...
    def set_faults(self, changes: dict[str, float]) -> None: ...
    def reseed(self, seed: int) -> None: ...
    def ignored(self) -> Mapping[str, int]: ...
    def taken(self) -> Mapping[str, int]: ...


class Hands:
    """The verbs; each takes the request's fields and returns facts."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def verbs(self) -> dict[str, Handler]:
        """Return every verb by its name."""
        at_once: dict[str, Callable[[Request], Answer]] = {
            "card_in": self._card_in,
            "fill": self._fill,
            "stop": self._stop,
            "card_out": self._card_out,
            "tear": self._tear,
            "on_duty": self._on_duty,
            "off_duty": self._off_duty,
            "parameter": self._parameter,
            "cut": self._cut,
            "off_line": self._off_line,
            "clear": self._clear,
            "lists": lambda request: _held_facts(self._gun(request).memory.held),
            "state": lambda request: facts_of(self._gun(request)),
            "exchanges": self._exchanges,
            "limits": self._limits,
            "fault": self._fault,
        }
        return {name: _handler(do) for name, do in at_once.items()} | {
            "wait": self._wait
        }

    def _gun(self, request: Request) -> Dispenser:
        try:
            return self._line.guns[int(request["gun"])]
        except KeyError:
            raise HandsRefused("there is no such gun on this line") from None

    def _card_in(self, request: Request) -> Answer:
        gun = self._gun(request)
        try:
            purse = gun.insert(bytes.fromhex(request["uid"]), _now())
        except CardRefused as refused:
            return {"accepted": False, "refused": refused.code}
        return {
            "accepted": not gun.nozzle.waits_for,
            "refused": None,
            "balance": purse.balance,
            "payment_mode": purse.payment_mode,
            "price_level": purse.price_level,
            "card_no": purse.card_no,
            "wseq": purse.wseq,
            "pseq": purse.pseq,
            "trans_no": purse.grey.trans_no if purse.grey else None,
        }

    def _fill(self, request: Request) -> Answer:
        limit, flow = request["limit_hundredths"], request["flow_hundredths_per_s"]
        if not (0 < limit <= LARGEST_FILL and flow > 0):
            raise HandsRefused("limit and flow are above zero")
        order = FillOrder(
            limit=int(limit),
            flow_per_s=float(flow),
            pressure_start=_pressure(request["pressure_start_kpa"]),
            pressure_end=_pressure(request["pressure_end_kpa"]),
        )
        gun = self._gun(request)
        gun.nozzle.begin(order, _now())
        return facts_of(gun)

    def _stop(self, request: Request) -> Answer:
        gun, now = self._gun(request), _now()
        gun.nozzle.stop(now, gun.clock.read(now))
        return facts_of(gun)

    def _card_out(self, request: Request) -> Answer:
        gun, now = self._gun(request), _now()
        uid = gun.nozzle.take_out(now, gun.clock.read(now))
        return {"uid": uid.hex() if uid else None, **facts_of(gun)}

    def _tear(self, request: Request) -> Answer:
        """Let the next card write end after so many blocks."""
        blocks = int(request["after_blocks"])
        if not 0 <= blocks <= 2:
            raise HandsRefused("a card write is three blocks")
        self._gun(request).nozzle.blocks_before_tear = blocks
        return {}

    def _on_duty(self, request: Request) -> Answer:
        employee = str(request["employee_card"])
        if not (employee.isdecimal() and len(employee) == 16):
            raise HandsRefused("an employee card has 16 digits")
        gun, now = self._gun(request), _now()
        gun.duty.begin(employee, int(request["shift"]) & 0xFF, gun.clock.read(now))
        return facts_of(gun)

    def _off_duty(self, request: Request) -> Answer:
        gun, now = self._gun(request), _now()
        if not gun.duty.end(gun.clock.read(now)):
            raise HandsRefused("something goes on in this gun, or it is off duty")
        return facts_of(gun)

    def _parameter(self, request: Request) -> Answer:
        gun, now = self._gun(request), _now()
        named = ("parameter", "decimals", "before", "after")
        index, decimals, before, after = (int(request[name]) for name in named)
        if not (0 <= index <= 0xFFFF and 0 <= decimals <= 9):
            raise HandsRefused("an index has 16 bits, and decimals are 0 to 9")
        if not (0 <= before <= 0xFFFFFFFF and 0 <= after <= 0xFFFFFFFF):
            raise HandsRefused("a setting has 32 bits")
        gun.duty.change((index, decimals, before, after), gun.clock.read(now))
        return facts_of(gun)

    def _cut(self, request: Request) -> Answer:
        number = self._gun(request).settings.gun
        self._line.cut_power(number)
        return facts_of(self._line.guns[number])

    def _off_line(self, request: Request) -> Answer:
        gun = self._gun(request)
        gun.is_off_line = bool(request["is_off_line"])
        return facts_of(gun)

    def _clear(self, request: Request) -> Answer:
        gun = self._gun(request)
        gun.clear_memory()
        return facts_of(gun)

    async def _wait(self, request: Request) -> Answer:
        gun = self._gun(request)
        conditions: dict[str, Callable[[], bool]] = {
            "idle": lambda: gun.memory.open is None and gun.nozzle.status == IDLE,
            "awaiting_debit": lambda: gun.nozzle.status == DEBIT_DUE,
            "uploaded": lambda: (
                gun.memory.open is None and gun.memory.records.waiting_count() == 0
            ),
            "judged": lambda: not gun.nozzle.waits_for,
        }
        holds = conditions[request["until"]]
        until = _now() + min(float(request.get("timeout_s", 5.0)), LONGEST_WAIT_S)
        while not holds() and _now() < until:
            await self._line.next_tick()
        return {"reached": holds(), **facts_of(gun)}

    def _exchanges(self, request: Request) -> Answer:
        return self._line.log.page(int(request.get("since", 0)))

    def _limits(self, _request: Request) -> Answer:
        log, wire = self._line.log, self._line.wire
        ignored, taken = self._line.ignored(), self._line.taken()
        heard = log.answered + sum(ignored.values()) + sum(taken.values())
        heard += wire.counts["lose_answer"]
        return {
            **log.limits(),
            "frames_taken": dict(taken),
            "frames_ignored": dict(ignored),
            "frames_unheard": max(log.received - heard, 0),
            "wire": dict(wire.counts),
            "answers_spoiled": dict(self._line.answer_faults.counts),
        }

    def _fault(self, request: Request) -> Answer:
        """Set shares of faults; a seed begins the row again."""
        changes = {k: v for k, v in request.items() if k not in {"do", "seed"}}
        self._line.set_faults(changes)
        if "seed" in request:
            self._line.reseed(int(request["seed"]))
        return {"wire": dict(self._line.wire.counts)}


def facts_of(gun: Dispenser) -> Answer:
    """Return what a look at the gun and into its memory tells."""
    counters, transaction = gun.memory.counters, gun.memory.open
    last = gun.memory.records.last()
    return {
        "status": f"{gun.status:02X}",
        "is_locked": counters.is_locked,
        "is_off_duty": counters.is_off_duty,
        "card": gun.nozzle.card.uid.hex() if gun.nozzle.card else None,
        "stage": transaction.stage if transaction else None,
        "trans_no": transaction.trans_no if transaction else None,
        "plate": decode_gb(bytes.fromhex(transaction.plate)) if transaction else None,
        "quantity": transaction.quantity if transaction else 0,
        "amount": transaction.amount if transaction else 0,
        "pressure": transaction.pressure_after if transaction else 0,
        "last_trans_no": counters.last_trans_no,
        "totals_quantity": counters.total_quantity,
        "totals_amount": counters.total_amount,
        "waiting_records": gun.memory.records.waiting_count(),
        "waiting_shift_records": gun.memory.shift_records.waiting_count(),
        "waiting_parameters": gun.memory.parameters.waiting_count(),
        "waits_for": gun.nozzle.waits_for or None,
        "refused": gun.nozzle.refused or None,
        "last_record": _record_facts(last.body, last.mark) if last else None,
    }


def _held_facts(held: Holdings) -> Answer:
    return {
        "versions": {str(kind): version for kind, version in held.versions.items()},
        "lists": {str(kind): cards for kind, cards in held.lists.items()},
        "infos": {str(kind): info for kind, info in held.infos.items()},
        "price_version": held.price_version,
        "prices": held.prices,
        "next_prices": held.next_prices,
    }


def _record_facts(body: bytes, mark: str) -> Answer:
    record = Record.from_bytes(body)
    return {
        "trans_no": record.trans_no,
        "trans_type": record.trans_type,
        "card": record.card.hex(),
        "quantity": record.quantity,
        "price": record.price,
        "amount": record.amount,
        "real_debit": record.real_debit,
        "balance_before": _signed(record.balance_before),
        "balance_after": _signed(record.balance_after),
        "wseq": record.top_up_count,
        "pseq": record.consumption_count,
        "stop_reason": record.stop_reason,
        "related_grey_id": record.related_grey_id,
        "pressure_before": record.pressure_before,
        "pressure_after": record.pressure_after,
        "gun_total_quantity": record.gun_total_quantity,
        "gun_total_amount": record.gun_total_amount,
        "started_at": record.started_at.hex(),
        "ended_at": record.ended_at.hex(),
        "uploaded": mark == UPLOADED,
        "upload": mark,
    }


def _signed(figure: int) -> int:
    return figure - 2**32 if figure >> 31 else figure


def _pressure(kpa: int) -> int:
    if not 0 <= kpa <= 0xFFFF * KPA_PER_HUNDREDTH_MPA:
        raise HandsRefused("a pressure is 0 to 655 350 kPa")
    return int(kpa) // KPA_PER_HUNDREDTH_MPA


def _now() -> float:
    return asyncio.get_running_loop().time()


def _handler(do: Callable[[Request], Answer]) -> Handler:
    async def handle(request: Request) -> Answer:
        return do(request)

    return handle

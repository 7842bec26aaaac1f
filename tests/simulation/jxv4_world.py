"""A JX-V4 line in one process: our dialogue, simulated guns, a wire that goes wrong.

Time is a number. Guns run their main loop every 100 ms, bytes take their time, and what
the wire does to them is drawn from a seed.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from heapq import heappop, heappush
from itertools import count
from pathlib import Path

from cngstation.moments import CHINA
from cngstation.protocols.dispenser.canonical import (
    DebitDecision,
    DebitKind,
    DebitRequest,
    SaleRecord,
    TransactionType,
)
from cngstation.protocols.dispenser.dialogue import (
    CardCheckRequested,
    DebitRequested,
    DownloadAdvanced,
    DownloadAsked,
    Event,
    OrderAnswered,
    ParameterReceived,
    RecordReceived,
    ShiftReceived,
    StatusReceived,
    Transmission,
)
from cngstation.protocols.dispenser.forecourt import CardVerdict, OrderOutcome
from cngstation.protocols.dispenser.jxv4.dialogue import BusDialogue
from cngstation.protocols.dispenser.jxv4.nozzles import NozzleSettings
from cngstation.protocols.dispenser.jxv4.timing import LineSpeed
from cngstation.protocols.dispenser.jxv4.variant import OWN, PresetCodes, petrochina
from cngstation.simulators.jxv4_dispenser import Dispenser
from cngstation.simulators.jxv4_faults import AnswerFaults
from cngstation.simulators.jxv4_memory import Counters, Memory
from cngstation.simulators.jxv4_transaction import (
    PETROCHINA,
    FillOrder,
    GunSettings,
)
from cngstation.simulators.jxv4_uploads import Clock
from cngstation.simulators.wire_faults import Spoiler, WireFaults
from tests.unit.simulators.cards import MASTER, STATION, issue

MS, SECOND = 1_000, 1_000_000
TICK_US = 100 * MS
NOW = datetime(2025, 6, 1, 8, 30, 15, tzinfo=CHINA)
PRICES = (398, 388, 378)
BALANCE = 10_000_000


class World:
    """The line; `run` lets time pass."""

    def __init__(
        self,
        folder: Path,
        *,
        guns: int = 2,
        seed: int = 1,
        fresh: Counters | None = None,
        settings: GunSettings | None = None,
    ) -> None:
        (folder / "cards").mkdir(exist_ok=True)
        self.folder = folder
        self.spoiler = Spoiler(seed)
        self.answer_faults = AnswerFaults(seed)
        self.now_us = 1_000_000
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()
        self._fresh = fresh or Counters(last_trans_no=1026, shift=2)
        self._settings = settings or GunSettings(1, STATION, PRICES)
        self.guns = {number: self._gun(number) for number in range(1, guns + 1)}
        is_adapter = self._settings.variant == PETROCHINA
        variant = petrochina(PresetCodes()) if is_adapter else OWN
        nozzles = [NozzleSettings(number) for number in self.guns]
        self.dialogue = BusDialogue(nozzles, LineSpeed(38_400), variant)
        self.service = Service(self)
        self.sent: list[tuple[int, Transmission]] = []
        self._wake_us = 0
        self.dialogue.line_opened(self.now_us)
        for number in self.guns:
            self._after(37 * MS * number % TICK_US, self._ticker(number))
        self._step()

    @property
    def faults(self) -> WireFaults:
        """What the wire does to frames; set a whole new one to change it."""
        return self.spoiler.faults

    @faults.setter
    def faults(self, faults: WireFaults) -> None:
        self.spoiler.faults = faults

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        self.run_until(lambda: False, seconds)

    def run_until(self, holds: Callable[[], bool], within_s: float = 60) -> bool:
        """Let time pass until something holds; tell whether it does."""
        until_us = self.now_us + int(within_s * SECOND)
        while self._queue and self._queue[0][0] <= until_us:
            if holds():
                return True
            self.now_us, _, act = heappop(self._queue)
            act()
        self.now_us = until_us
        return holds()

    def restart_host(self) -> None:
        """Kill the monitor and start it again; only what was committed is known."""
        nozzles = [NozzleSettings(number) for number in self.guns]
        self.dialogue = BusDialogue(nozzles, LineSpeed(38_400))
        self.dialogue.line_opened(self.now_us)
        self._step()

    def cut_power(self, number: int) -> None:
        """Switch a gun off and on again."""
        self.guns[number].nozzle.power_off()
        self.guns[number] = self._gun(number)

    def card(self, number: int, **fields: object) -> bytes:
        """Issue a card with much money; return its UID."""
        uid = (0xA1000000 + number).to_bytes(4, "big")
        whole: dict[str, object] = {"balance": BALANCE, "topped_up": BALANCE}
        whole["card_no"] = f"{number:08}"
        issue(self.folder / "cards", uid, **whole | fields)
        return uid

    def fill(self, gun: int, uid: bytes, quantity: int = 1_234) -> None:
        """Let a vehicle fill at once; its card stays until the debit."""
        dispenser = self.guns[gun]
        dispenser.insert(uid, self.seconds)
        dispenser.nozzle.begin(FillOrder(quantity, 1e6, 420, 1_985), self.seconds)

    def leave(self, gun: int) -> None:
        """Pull the card."""
        nozzle = self.guns[gun].nozzle
        nozzle.take_out(self.seconds, self.guns[gun].clock.read(self.seconds))

    @property
    def seconds(self) -> float:
        return self.now_us / SECOND

    def commands(self) -> list[int]:
        return [sent.data[4] for _, sent in self.sent]

    # Inside

    def _gun(self, number: int) -> Dispenser:
        path = self.folder / f"gun-{number}.json"
        dispenser = Dispenser(
            replace(self._settings, gun=number),
            Memory.load(path, replace(self._fresh)),
            cards=self.folder / "cards",
            master=MASTER,
            clock=Clock(NOW, self.seconds),
            now=self.seconds,
        )
        dispenser.misses = self.answer_faults.misses
        return dispenser

    def _after(self, delay_us: int, act: Callable[[], None]) -> None:
        heappush(self._queue, (self.now_us + delay_us, next(self._order), act))

    def _ticker(self, number: int) -> Callable[[], None]:
        def tick() -> None:
            self._after(TICK_US, tick)
            frame = self.guns[number].tick(self.seconds)
            if frame is not None:
                self._answer(self.answer_faults.spoil(frame), number)

        return tick

    def _answer(self, frame: bytes, source: int) -> None:
        for data, late_s in self.spoiler.answer(frame):
            wire_us = len(data) * 10 * SECOND // 38_400
            late_us = int(late_s * SECOND)
            for number in self.guns:
                if number != source:
                    self._after(late_us + wire_us, self._ear_of(number, data))
            half = len(data) // 2
            self._after(late_us + wire_us // 2, self._mouth(data[:half]))
            self._after(late_us + wire_us, self._mouth(data[half:]))

    def _ear_of(self, number: int, data: bytes) -> Callable[[], None]:
        return lambda: self.guns[number].hear(data)

    def _mouth(self, data: bytes) -> Callable[[], None]:
        return lambda: self._hear(data)

    def _hear(self, data: bytes) -> None:
        self.service.take(self.dialogue.receive(data, self.now_us))
        self._step()

    def _step(self) -> None:
        step = self.dialogue.next_transmission(self.now_us, 1_748_737_815_000)
        self.service.take(self.dialogue.tick(self.now_us))
        if not isinstance(step, Transmission):
            self._after(max(step.until_us - self.now_us, 1), self._woken(step.until_us))
            return
        self.dialogue.sent(self.now_us)
        self.sent.append((self.now_us, step))
        data = self.spoiler.request(step.data)
        if data is not None:
            wire_us = len(data) * 10 * SECOND // 38_400
            for number in self.guns:
                self._after(wire_us, self._ear_of(number, data))
        self._step()

    def _woken(self, until_us: int) -> Callable[[], None]:
        # Many wakes may be waiting; the last one that was asked for counts.
        self._wake_us = until_us

        def wake() -> None:
            if self._wake_us == until_us:
                self._step()

        return wake


class Service:
    """Commits what comes; a record is known by gun, number and content."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.accepts = True
        self.is_killed = False  # after its next commit
        self.verdict = CardVerdict.MAY_FILL
        self.records: dict[tuple[int, int], SaleRecord] = {}
        self.uploads = 0
        self.different: list[SaleRecord] = []
        self.shifts: list[ShiftReceived] = []
        self.parameters: list[ParameterReceived] = []
        self.downloads: list[DownloadAdvanced] = []
        self.outcomes: list[OrderOutcome] = []
        self.states: dict[int, StatusReceived] = {}
        self.events: list[Event] = []

    def take(self, events: list[Event]) -> None:
        """Do what a station does, at once."""
        for event in events:
            self.events.append(event)
            self._answer(event)

    def _answer(self, event: Event) -> None:
        dialogue, now_us = self._world.dialogue, self._world.now_us
        match event:
            case RecordReceived(gun, record):
                self._book(gun, record)
                if self.is_killed:
                    return
                dialogue.answer_record(
                    gun, record.device_seq, now_us, accepted=self.accepts
                )
            case DebitRequested(gun, request):
                dialogue.answer_debit(gun, request, self._decide(request), now_us)
            case ShiftReceived(gun, shift):
                self.shifts.append(event)
                dialogue.answer_shift(gun, shift.device_seq, now_us, accepted=True)
            case ParameterReceived(gun, change):
                self.parameters.append(event)
                dialogue.answer_parameter(gun, change.device_seq, now_us, accepted=True)
            case CardCheckRequested(gun, check):
                dialogue.answer_card_check(gun, check, self.verdict, now_us)
            case DownloadAsked():
                dialogue.answer_download(event, now_us, accepted=True)
            case DownloadAdvanced():
                self.downloads.append(event)
            case OrderAnswered(_, outcome):
                self.outcomes.append(outcome)
            case StatusReceived(gun, _):
                self.states[gun] = event

    def _book(self, gun: int, record: SaleRecord) -> None:
        self.uploads += 1
        if not self.accepts:
            return
        known = self.records.setdefault((gun, record.device_seq), record)
        if known != record:
            self.different.append(record)

    def _decide(self, request: DebitRequest) -> DebitDecision:
        debited = request.amount_e4 // 100
        grey = 0
        if request.kind is DebitKind.UNLOCK:
            sale = self.records.get((request.gun, request.device_seq))
            if sale is None or sale.transaction_type is not TransactionType.GREY:
                return DebitDecision(found=False)
            debited, grey = sale.amount_e4 // 100, request.device_seq
        return DebitDecision(
            found=True,
            amount_e4=100 * debited,
            debited_hundredths=debited,
            balance_before_hundredths=request.balance_hundredths,
            balance_after_hundredths=request.balance_hundredths - debited,
            related_grey_seq=grey,
        )

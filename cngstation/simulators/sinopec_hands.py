"""What hands do at a line of simulated Sinopec dispensers, by its control socket.

    card_in    gun, card, balance, count    20 digits; figures of a card never seen here
    fill       gun, limit_hundredths, flow_hundredths_per_s    without a card: for cash
    stop       gun                          close the valve
    card_out   gun                          pull the card, whatever is going on
    cut        gun                          its power goes and comes back
    log_on     gun, card, employee          and log_off
    text       gun, flag, text              say something to the station
    counter    gun, last_seq, total         begin to count from there
    clear      gun                          lose every record and begin at 0
    state      gun                          card, fill, records, lists, prices
    wait       gun, until, timeout_s        until: idle | uploaded
    exchanges  since                        what the wire saw, from that number on
    limits                                  W and frame counts of the whole run
    fault      names with shares, seed      what goes wrong from now on

A gun is 100 times the address and the nozzle. Quantity is in 0.01 unit, money in fen.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from cngstation.simulators import sinopec_frames as frames
from cngstation.simulators.control import Answer, Handler, HandsRefused
from cngstation.simulators.sinopec_dispenser import Dispenser
from cngstation.simulators.sinopec_log import SinopecLog
from cngstation.simulators.sinopec_nozzle import Nozzle
from cngstation.simulators.wire import Wire

LONGEST_WAIT_S = 10.0
CARD_DIGITS = 20

Request = Mapping[str, Any]


class Line(Protocol):
    """What the hands need of a line."""

    dispensers: dict[int, Dispenser]
    wire: Wire
    log: SinopecLog
    ticked: asyncio.Event

    def set_faults(self, changes: dict[str, float]) -> None: ...
    def reseed(self, seed: int) -> None: ...


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
            "cut": self._cut,
            "log_on": lambda request: self._log(request, frames.LOG_ON),
            "log_off": lambda request: self._log(request, frames.LOG_OFF),
            "text": self._text,
            "counter": self._counter,
            "clear": self._clear,
            "state": lambda request: facts_of(*self._at(request)),
            "exchanges": self._exchanges,
            "limits": self._limits,
            "fault": self._fault,
        }
        return {name: _handler(do) for name, do in at_once.items()} | {
            "wait": self._wait
        }

    def _at(self, request: Request) -> tuple[Dispenser, Nozzle]:
        address, nozzle = divmod(int(request["gun"]), 100)
        dispenser = self._line.dispensers.get(address)
        if dispenser is None or nozzle not in dispenser.nozzles:
            raise HandsRefused("there is no such nozzle on this line")
        return dispenser, dispenser.nozzles[nozzle]

    def _card_in(self, request: Request) -> Answer:
        dispenser, nozzle = self._at(request)
        card = str(request["card"])
        if len(card) != CARD_DIGITS or not card.isdecimal():
            raise HandsRefused(f"a card has {CARD_DIGITS} digits")
        balance, count = int(request.get("balance", 0)), int(request.get("count", 0))
        nozzle.insert(card, balance, count)
        dispenser.announce()
        return facts_of(dispenser, nozzle)

    def _fill(self, request: Request) -> Answer:
        limit, flow = request["limit_hundredths"], request["flow_hundredths_per_s"]
        if not (0 < limit <= 0xFFFFFF and flow > 0):
            raise HandsRefused("limit and flow are above zero")
        dispenser, nozzle = self._at(request)
        nozzle.begin(int(limit), float(flow), _now())
        return facts_of(dispenser, nozzle)

    def _stop(self, request: Request) -> Answer:
        dispenser, nozzle = self._at(request)
        nozzle.advance(_now())
        if nozzle.flows:
            nozzle.end(_now())
        dispenser.announce()
        return facts_of(dispenser, nozzle)

    def _card_out(self, request: Request) -> Answer:
        dispenser, nozzle = self._at(request)
        card = nozzle.take_out(_now())
        return {"taken": card, **facts_of(dispenser, nozzle)}

    def _cut(self, request: Request) -> Answer:
        dispenser, nozzle = self._at(request)
        nozzle.cut_power(_now())
        return facts_of(dispenser, nozzle)

    def _log(self, request: Request, kind: int) -> Answer:
        dispenser, nozzle = self._at(request)
        nozzle.log(kind, str(request["card"]), int(request.get("employee", 0)), _now())
        return facts_of(dispenser, nozzle)

    def _text(self, request: Request) -> Answer:
        dispenser, nozzle = self._at(request)
        text = [int(request.get("flag", 0)), str(request["text"])]
        dispenser.memory.figures.texts.append(text)
        dispenser.memory.save()
        return facts_of(dispenser, nozzle)

    def _counter(self, request: Request) -> Answer:
        dispenser, nozzle = self._at(request)
        figures = dispenser.memory.figures
        figures.last_seq = int(request.get("last_seq", figures.last_seq))
        if "total" in request:
            figures.totals[str(nozzle.number)] = int(request["total"])
        dispenser.memory.save()
        return facts_of(dispenser, nozzle)

    def _clear(self, request: Request) -> Answer:
        dispenser, nozzle = self._at(request)
        dispenser.memory.clear_records()
        return facts_of(dispenser, nozzle)

    async def _wait(self, request: Request) -> Answer:
        dispenser, nozzle = self._at(request)
        conditions: dict[str, Callable[[], bool]] = {
            "idle": lambda: not nozzle.flows,
            "uploaded": lambda: (
                not nozzle.flows and dispenser.memory.records.waiting_count() == 0
            ),
        }
        holds = conditions[request["until"]]
        until = _now() + min(float(request.get("timeout_s", 5.0)), LONGEST_WAIT_S)
        while not holds() and _now() < until:
            await self._line.ticked.wait()
        return {"reached": holds(), **facts_of(dispenser, nozzle)}

    def _exchanges(self, request: Request) -> Answer:
        return self._line.log.page(int(request.get("since", 0)))

    def _limits(self, _request: Request) -> Answer:
        dispensers = self._line.dispensers.values()
        ignored = sum((one.ear.ignored for one in dispensers), start=_nothing())
        taken = sum((one.taken for one in dispensers), start=_nothing())
        return {
            **self._line.log.limits(),
            "frames_ignored": dict(ignored),
            "frames_taken": dict(taken),
            "wire": dict(self._line.wire.counts),
        }

    def _fault(self, request: Request) -> Answer:
        """Set shares of faults; a seed begins the row again."""
        changes = {k: v for k, v in request.items() if k not in {"do", "seed"}}
        self._line.set_faults(changes)
        if "seed" in request:
            self._line.reseed(int(request["seed"]))
        return {"wire": dict(self._line.wire.counts)}


def facts_of(dispenser: Dispenser, nozzle: Nozzle) -> Answer:
    """Return what a look at the nozzle and into the dispenser's memory tells."""
    memory, fill = dispenser.memory, nozzle.fill
    figures, last = memory.figures, memory.records.last()
    purse = figures.purses.get(nozzle.card) if nozzle.card else None
    return {
        "card": nozzle.card,
        "refused": nozzle.refused,
        "question": (nozzle.question() or b"").hex(),
        "balance": purse.balance if purse else None,
        "is_grey": bool(purse and purse.owes),
        "flows": nozzle.flows,
        "quantity": fill.quantity if fill else 0,
        "amount": fill.amount if fill else 0,
        "price": nozzle.price,
        "total": figures.totals.get(str(nozzle.number), 0),
        "last_seq": figures.last_seq,
        "waiting_records": memory.records.waiting_count(),
        "last_record": last.body.hex() if last else None,
        "last_mark": last.mark if last else None,
        "versions": figures.versions,
        "lists": {kind: len(cards) for kind, cards in figures.lists.items()},
        "station": figures.station,
        "texts": len(figures.texts),
    }


def _nothing() -> Counter[str]:
    return Counter()


def _now() -> float:
    return asyncio.get_running_loop().time()


def _handler(do: Callable[[Request], Answer]) -> Handler:
    async def handle(request: Request) -> Answer:
        return do(request)

    return handle

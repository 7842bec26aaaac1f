"""One simulated Sinopec dispenser: what it says when it is polled, and of itself.

The order in which it speaks: texts, three times what has just begun or ended, the
question whether a card is listed, the question for a grey card, prices and station
data, the newest record, older records, lists, its state. A record that is not
acknowledged is said again after some seconds, a question at most nine times.
Source: public terminal programs of two makers. UNVERIFIED on hardware.
"""

import struct
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cngstation.simulators import sinopec_fetch as fetch
from cngstation.simulators import sinopec_frames as wire
from cngstation.simulators.jxv4_memory import UPLOADED
from cngstation.simulators.sinopec_fetch import Fetch, announced
from cngstation.simulators.sinopec_frames import Ear, Heard
from cngstation.simulators.sinopec_memory import U32, Memory
from cngstation.simulators.sinopec_nozzle import Nozzle

OFF_LINE_AFTER_S = 10.0
MOST_TRIES = 9
ANNOUNCED_TIMES = 3
OWN_EXCHANGES_APART_S = 0.5
OWN_ANSWER_WITHIN_S = 2.0
_TEXT_TAKEN = bytes([wire.TEXT_TAKEN, wire.TEXT])


@dataclass(frozen=True, slots=True)
class Traits:
    """How this maker's dispenser behaves."""

    initiates: bool = False
    upload_retry_s: float = 8.0
    maker: str = "SIMULATED"


class Dispenser:
    """One address with its nozzles; the line hands it bytes and asks it to speak."""

    def __init__(
        self,
        address: int,
        memory: Memory,
        nozzles: dict[int, Nozzle],
        traits: Traits,
        *,
        now: float,
        reading: datetime,
    ) -> None:
        self.address = address
        self.memory = memory
        self.nozzles = nozzles
        self.traits = traits
        self.ear = Ear(address)
        self.taken: Counter[str] = Counter()
        self._reading, self._read_at = reading, now
        self._polled_at = now
        self._announced = 0
        self._wanted = list(memory.figures.versions)
        self._fetch: Fetch | None = None
        self._skips_list = False
        self._sent_record: int | None = None
        self._sent_at: dict[int, float] = {}
        self._tries: Counter[bytes] = Counter()
        self._own_number = 0x80
        self._own_at = now

    def clock(self, now: float) -> datetime:
        """Return the dispenser's own time."""
        return self._reading + timedelta(seconds=now - self._read_at)

    def is_off_line(self, now: float) -> bool:
        """Tell whether nobody has polled it for too long."""
        return now - self._polled_at > OFF_LINE_AFTER_S

    def announce(self) -> None:
        """Say the state before anything else for the next polls."""
        self._announced = ANNOUNCED_TIMES

    def hear(self, data: bytes, now: float) -> Iterator[bytes]:
        """Take bytes off the line; yield the frames that answer them."""
        for heard in self.ear.hear(data):
            answer = self._take(heard, now)
            if answer is not None:
                yield wire.frame(self.address, heard.number, answer)

    def speak(self, now: float) -> bytes | None:
        """Return a frame that it begins with of its own accord, when it has cause."""
        waits = OWN_ANSWER_WITHIN_S if self._own_waits(now) else OWN_EXCHANGES_APART_S
        if not self.traits.initiates or now - self._own_at < waits:
            return None
        data = self._urgent(now)
        if data is None:
            return None
        self._own_at = now
        self._own_number = self._own_number + 1 if self._own_number < 0xF0 else 0x80
        return wire.frame(self.address, self._own_number, data)

    def _own_waits(self, now: float) -> bool:
        if self._sent_record is None:
            return False
        return now - self._sent_at.get(self._sent_record, 0) < OWN_ANSWER_WITHIN_S

    def _take(self, heard: Heard, now: float) -> bytes | None:
        handlers: dict[int, Callable[[bytes, float], bytes | None]] = {
            wire.POLL: self._poll,
            wire.RECORD: self._acknowledged,
            wire.LENGTH: self._fetched,
            wire.SEGMENTS: self._fetched,
            wire.GREY: self._grey_answered,
            wire.LISTED: self._list_answered,
            wire.TOTALS: self._totals,
            wire.WHO: self._who,
            wire.TEXT_TAKEN: self._text_taken,
            wire.AGAIN: self._again,
        }
        handler = handlers.get(heard.command)
        if handler is None:
            self.ear.ignored["unknown_command"] += 1
            return None
        return handler(heard.data, now)

    # What it says

    def _poll(self, data: bytes, now: float) -> bytes | None:
        if len(data) != 15:
            self.ear.ignored["bad_length"] += 1
            return None
        self._polled_at = now
        told = wire.read_time(data[1:8])
        if told is not None:
            self._reading, self._read_at = told, now
        self._wanted = announced(data)
        self.advance(now)
        if not self.traits.initiates:
            urgent = self._urgent(now)
            if urgent is not None:
                return urgent
        return self.real_time()

    def _urgent(self, now: float) -> bytes | None:
        figures = self.memory.figures
        if figures.texts:
            flag, text = figures.texts[0]
            return bytes([wire.TEXT, flag]) + str(text).encode("gb18030")
        if self._announced:
            self._announced -= 1
            return self.real_time()
        for nozzle in self.nozzles.values():
            question = nozzle.question()
            if question is not None and self._tries[question] < MOST_TRIES:
                self._tries[question] += 1
                return question
        return self._download(fetch.URGENT, now) or self._record(now) or self._list(now)

    def _record(self, now: float) -> bytes | None:
        records = self.memory.records
        for kept in (records.last(), records.first_waiting()):
            if kept is None or kept.mark == UPLOADED:
                continue
            sent_at = self._sent_at.get(kept.number)
            if sent_at is None or now - sent_at >= self.traits.upload_retry_s:
                self._sent_at[kept.number], self._sent_record = now, kept.number
                return bytes([wire.RECORD]) + kept.body
        return None

    def _list(self, now: float) -> bytes | None:
        """Ask for lists, at every second poll only while something goes on."""
        busy = any(nozzle.is_busy for nozzle in self.nozzles.values())
        self._skips_list = busy and not self._skips_list
        if self._skips_list:
            return None
        return self._download(range(fetch.BASE, fetch.PRICES), now)

    def _download(self, kinds: range | tuple[int, ...], _now: float) -> bytes | None:
        held = self.memory.figures.versions
        flows = any(nozzle.flows for nozzle in self.nozzles.values())
        for kind in kinds:
            if held[kind] == self._wanted[kind] or (flows and kind == fetch.PRICES):
                continue
            under_way = self._fetch
            if under_way is None or (under_way.kind, under_way.version) != (
                kind,
                self._wanted[kind],
            ):
                self._fetch = Fetch(kind, self._wanted[kind], held[fetch.BASE])
            under_way = self._fetch
            return under_way.ask() if under_way else None
        return None

    def real_time(self) -> bytes:
        """Return its state: an entry for each nozzle where something goes on."""
        entries = [e for n in self.nozzles.values() if (e := n.entry()) is not None]
        return bytes([wire.REAL_TIME, len(entries)]) + b"".join(entries)

    def advance(self, now: float) -> None:
        """Let the gas flow up to now, and prices come into force."""
        for nozzle in self.nozzles.values():
            if nozzle.advance(now):
                self.announce()
        coming = self.memory.figures.coming
        reading = self.clock(now)
        if coming and f"{reading:%Y%m%d%H%M}" >= coming["effective"]:
            self.memory.figures.prices, self.memory.figures.coming = (
                coming["prices"],
                None,
            )
            self.memory.save()

    # What the host says

    def _acknowledged(self, data: bytes, _now: float) -> None:
        sent = self._sent_record
        if len(data) != 2 or data[1] != 0 or sent is None:
            self.ear.ignored["ack_unfit"] += 1
            return
        kept = self.memory.records.find(sent)
        self._sent_record = None
        if kept is not None and kept.mark != UPLOADED:
            self.memory.records.mark(sent, UPLOADED)
            self._sent_at.pop(sent, None)
            self.memory.save()
            self.taken["record_ack"] += 1

    def _fetched(self, data: bytes, now: float) -> None:
        if self._fetch is None:
            self.ear.ignored["block_unfit"] += 1
            return
        if self._fetch.take(data):
            self._fetch.put_into_force(self.memory.figures)
            if self._fetch.kind == fetch.PRICES:
                self._price_received(now)
            self._fetch = None
            self.memory.save(with_lists=True)
        self.taken["block"] += 1

    def _price_received(self, now: float) -> None:
        moment = wire.bcd_time(self.clock(now))
        entry = wire.Entry(self.memory.next_seq(), wire.PRICE_IN, moment)
        self.memory.records.add(entry.seq, entry.to_bytes())

    def _grey_answered(self, data: bytes, now: float) -> None:
        found = [n for n in self.nozzles.values() if n.grey_answered(data, now)]
        self.taken["grey" if found else "grey_unfit"] += 1

    def _list_answered(self, data: bytes, _now: float) -> None:
        found = [n for n in self.nozzles.values() if n.list_answered(data)]
        self.taken["listed" if found else "listed_unfit"] += 1

    def _text_taken(self, data: bytes, _now: float) -> None:
        if data == _TEXT_TAKEN and self.memory.figures.texts:
            del self.memory.figures.texts[0]
            self.memory.save()
            self.taken["text"] += 1

    def _totals(self, _data: bytes, _now: float) -> bytes:
        totals = self.memory.figures.totals
        parts = [
            struct.pack(">BI", nozzle, totals.get(str(nozzle), 0) & U32)
            for nozzle in self.nozzles
        ]
        return bytes([wire.TOTALS, len(parts)]) + b"".join(parts)

    def _who(self, _data: bytes, now: float) -> bytes:
        base, *others = self.memory.figures.versions
        return (
            bytes([wire.WHO])
            + self.traits.maker.encode("ascii")[:12].ljust(12, b"\x00")
            + bytes([51, 1])
            + (5101).to_bytes(4, "big")
            + (51010001).to_bytes(4, "big")
            + wire.bcd_time(self.clock(now))
            + bytes([len(self.nozzles), *self.nozzles])
            + base.to_bytes(2, "big")
            + bytes(others)
        )

    def _again(self, data: bytes, _now: float) -> bytes | None:
        if len(data) != 5:
            self.ear.ignored["bad_length"] += 1
            return None
        kept = self.memory.records.find(int.from_bytes(data[1:], "big"))
        if kept is None:
            return bytes([wire.NOT_THERE]) + data[1:]
        return bytes([wire.RECORD]) + kept.body

"""Turns what was watched on a line into evidence of what is wrong with it."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Protocol

from cngstation.domain.line_causes import LineCause, LineEvidence, PortTrouble
from cngstation.drivers.frame_log import Direction, FrameLog
from cngstation.drivers.line_watch import Burst, LineWatch
from cngstation.drivers.serial_link import PORT_FORBIDDEN, PORT_HELD, PORT_MISSING
from cngstation.protocols.dispenser.canonical import FaultKind, Link
from cngstation.protocols.dispenser.overheard import Speaker
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.protocols.wave import Format, read_as
from cngstation.services.overhear_line import Ear, heard_protocols

# Speeds that dispensers and adapters are left at, beside the protocol's own.
USUAL_BAUDS = (2400, 4800, 9600, 19200, 38400, 57600, 115200)
# A wrong setting garbles every answer in the same way; chance does not.
LEAST_MATCHES = 3
MATCHING_SHARE = 0.6
# Two dispensers that talk at once spoil almost every answer of their address alone.
BROKEN_SHARE, SOUND_SHARE = 0.75, 0.25
_PORTS = {
    PORT_MISSING: PortTrouble.MISSING,
    PORT_FORBIDDEN: PortTrouble.FORBIDDEN,
    PORT_HELD: PortTrouble.HELD,
}


class WatchedLine(Protocol):
    """What is asked of a line; the driver fits."""

    @property
    def log(self) -> FrameLog: ...
    @property
    def watch(self) -> LineWatch: ...


def port_trouble(why: str) -> PortTrouble:
    """Say what keeps a port closed, from the driver's sentence."""
    for text, trouble in _PORTS.items():
        if text in why:
            return trouble
    return PortTrouble.OTHER


def evidence_of(
    line: WatchedLine, protocol: str, baud: int, guns: Sequence[int]
) -> LineEvidence:
    """Weigh what was heard lately on an open line."""
    watch = line.watch
    bursts = list(watch.bursts)
    if bursts and not bursts[-1].data and not bursts[-1].missed:
        bursts.pop()  # it waits for its answer
    echoes = sum(burst.is_echo for burst in bursts)
    # Addresses are the protocol's; nozzles of one address are silent together.
    silent = tuple(gun for gun in guns if _is_silent(watch, bursts, gun))
    answers = sum(not burst.missed for burst in bursts)
    times = watch.turnarounds_us
    return LineEvidence(
        polls=len(bursts),
        answers=answers,
        received_bytes=sum(len(one.data) for one in bursts if not one.is_echo),
        nozzles=len(guns),
        silent=silent,
        broken_at=_broken(bursts, guns),
        misread_as=_misread(bursts, protocol, baud),
        other_protocol=_speaks_another(line.log, protocol),
        foreign_frames=_foreign(line.log, protocol),
        wrong_number=watch.recent(FaultKind.WRONG_GUN)
        + watch.recent(FaultKind.WRONG_ADDRESS),
        echoes=echoes,
        late=watch.recent(FaultKind.LATE_REPLY),
        cut=watch.recent(FaultKind.HALF_FRAME),
        bad_checksums=watch.recent(FaultKind.BAD_CRC)
        + watch.recent(FaultKind.BAD_TRAILER),
        noise_bytes=watch.recent(FaultKind.NOISE),
        turnaround_ms=int(median(times)) // 1000 if times else 0,
    )


def _is_silent(watch: LineWatch, bursts: Iterable[Burst], gun: int) -> bool:
    if watch.links.get(gun) is Link.OFFLINE:
        return True
    own = [burst for burst in bursts if burst.gun == gun]
    return len(own) > 1 and all(
        burst.missed and (not burst.data or burst.is_echo) for burst in own
    )


def _broken(bursts: Iterable[Burst], guns: Sequence[int]) -> tuple[int, ...]:
    """Return the nozzles at which something comes, and mostly rubbish.

    Where the other ones are disturbed as well, it is not these nozzles' own trouble.
    """
    found = []
    for gun in guns:
        heard = [b for b in bursts if b.gun == gun and b.data and not b.is_echo]
        missed = sum(burst.missed for burst in heard)
        share = missed / len(heard) if heard else 0.0
        if missed > 1 and share >= BROKEN_SHARE:
            found.append(gun)
        elif share > SOUND_SHARE:
            return ()
    return tuple(found)


def _misread(bursts: Iterable[Burst], protocol: str, baud: int) -> LineCause | None:
    """Return the wrong setting under which the answers' heads look as they came."""
    entry = PROTOCOLS[protocol]
    heard = [one for one in bursts if one.missed and one.data and not one.is_echo]
    if entry.answer_head is None or len(heard) < LEAST_MATCHES:
        return None
    read = Format(baud, entry.parity, entry.stop_bits)
    best: tuple[int, LineCause] | None = None
    for cause, sent, swapped in _settings(read, entry.bauds):
        matched = [0]
        for burst in heard:
            head = entry.answer_head(burst.gun)
            likely = read_as(head, sent, read, swapped=swapped)
            plain = read_as(head, read, read)
            data = bytes(burst.data)
            if likely and likely != plain[: len(likely)] and data.startswith(likely):
                matched.append(len(likely))
        hits = len(matched) - 1
        if hits < LEAST_MATCHES or hits < MATCHING_SHARE * len(heard):
            continue
        if best is None or sum(matched) > best[0]:
            best = sum(matched), cause
    return None if best is None else best[1]


def _settings(
    read: Format, bauds: Iterable[int]
) -> Iterable[tuple[LineCause, Format, bool]]:
    yield LineCause.WIRES_SWAPPED, read, True
    for parity in "NEO":
        if parity != read.parity:
            sent = Format(read.baud, parity, read.stop_bits)
            yield LineCause.WRONG_PARITY, sent, False
    for baud in sorted({*bauds, *USUAL_BAUDS} - {read.baud}):
        sent = Format(baud, read.parity, read.stop_bits)
        yield LineCause.WRONG_BAUD, sent, False


def _speaks_another(log: FrameLog, protocol: str) -> bool:
    ear = Ear(heard_protocols())
    for frame in log.frames():
        if frame.direction is Direction.RECEIVED:
            ear.hear(frame.data)
    return ear.verdict() not in {None, protocol}


def _foreign(log: FrameLog, protocol: str) -> int:
    """Count a host's frames that are not ours."""
    make = PROTOCOLS[protocol].tap
    if make is None:
        return 0
    frames = log.frames()
    ours = {one.data for one in frames if one.direction is Direction.SENT}
    tap, found = make(), 0
    for frame in frames:
        if frame.direction is Direction.SENT:
            tap.reset()  # whatever was unfinished: our frame begins anew
        for told in tap.feed(frame.data):
            is_host = told.speaker is Speaker.HOST and told.raw not in ours
            found += is_host and frame.direction is Direction.RECEIVED
    return found

"""What is likely wrong with a line of dispensers, from what was counted on it.

Each cause is asked for in the order of how sure its sign is; the first that is true
comes first, and what else could be stands below it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

# Fewer polls say nothing: a single missing answer is normal.
LEAST_POLLS = 6
# On a noisy line at least one exchange of so many is spoiled.
NOISE_ONE_IN = 20


class LineCause(StrEnum):
    """A likely fault of a line, by the name that --json gives it."""

    PORT_MISSING = "port_missing"
    PORT_FORBIDDEN = "port_forbidden"
    PORT_HELD = "port_held"
    PORT_UNUSABLE = "port_unusable"
    WRONG_BAUD = "wrong_baud"
    WRONG_PARITY = "wrong_parity"
    WIRES_SWAPPED = "wires_swapped"
    OTHER_PROTOCOL = "other_protocol"
    FOREIGN_MASTER = "foreign_master"
    ADDRESS_TWICE = "address_twice"
    WRONG_NUMBER = "wrong_number"
    ALL_SILENT = "all_silent"
    SOME_SILENT = "some_silent"
    SLOW_ANSWERS = "slow_answers"
    CUT_ANSWERS = "cut_answers"
    NOISE = "noise"
    OWN_ECHO = "own_echo"


class PortTrouble(StrEnum):
    """Why a port is not open."""

    MISSING = "missing"
    FORBIDDEN = "forbidden"
    HELD = "held"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class LineEvidence:
    """What was seen on one line.

    `misread_as` is how the answers' first bytes can be explained by wrong settings,
    one of WRONG_BAUD, WRONG_PARITY and WIRES_SWAPPED. `broken_at` are the nozzles whose
    answers come and are mostly unreadable; the others' are sound.
    """

    port: PortTrouble | None = None
    polls: int = 0
    answers: int = 0
    received_bytes: int = 0
    nozzles: int = 0
    silent: tuple[int, ...] = ()
    broken_at: tuple[int, ...] = ()
    misread_as: LineCause | None = None
    other_protocol: bool = False
    foreign_frames: int = 0
    wrong_number: int = 0
    echoes: int = 0
    late: int = 0
    cut: int = 0
    bad_checksums: int = 0
    noise_bytes: int = 0
    turnaround_ms: int = 0


_PORTS = {
    PortTrouble.MISSING: LineCause.PORT_MISSING,
    PortTrouble.FORBIDDEN: LineCause.PORT_FORBIDDEN,
    PortTrouble.HELD: LineCause.PORT_HELD,
    PortTrouble.OTHER: LineCause.PORT_UNUSABLE,
}


def causes(seen: LineEvidence) -> list[LineCause]:
    """Return what is likely wrong, the likeliest first; empty when nothing is."""
    if seen.port is not None:
        return [_PORTS[seen.port]]
    if seen.polls < LEAST_POLLS:
        return []
    return list(dict.fromkeys(cause for cause, holds in _SIGNS if holds(seen)))


def _misread(cause: LineCause) -> Callable[[LineEvidence], bool]:
    return lambda seen: seen.misread_as is cause


def _all_silent(seen: LineEvidence) -> bool:
    return not seen.answers and len(seen.silent) == seen.nozzles


def _unreadable(seen: LineEvidence) -> bool:
    """Tell whether all that comes is rubbish: a speed that is not among the usual."""
    return not seen.answers and seen.received_bytes > seen.polls and not seen.echoes


def _cut(seen: LineEvidence) -> bool:
    return _often(seen, seen.cut) and seen.cut > seen.bad_checksums


def _noise(seen: LineEvidence) -> bool:
    if seen.broken_at and len(seen.broken_at) < seen.nozzles:
        return False
    broken = seen.bad_checksums + seen.cut
    return _often(seen, broken) or seen.noise_bytes > seen.polls


def _often(seen: LineEvidence, count: int) -> bool:
    return count >= 2 and count * NOISE_ONE_IN >= seen.polls


_SIGNS: tuple[tuple[LineCause, Callable[[LineEvidence], bool]], ...] = (
    (LineCause.WIRES_SWAPPED, _misread(LineCause.WIRES_SWAPPED)),
    (LineCause.WRONG_PARITY, _misread(LineCause.WRONG_PARITY)),
    (LineCause.WRONG_BAUD, _misread(LineCause.WRONG_BAUD)),
    (LineCause.OTHER_PROTOCOL, lambda s: s.other_protocol and not s.answers),
    (LineCause.FOREIGN_MASTER, lambda s: s.foreign_frames > 0),
    (LineCause.WRONG_NUMBER, lambda s: _often(s, s.wrong_number)),
    (LineCause.SLOW_ANSWERS, lambda s: _often(s, s.late)),
    (LineCause.ADDRESS_TWICE, lambda s: 0 < len(s.broken_at) < s.nozzles),
    (LineCause.CUT_ANSWERS, _cut),
    (LineCause.WRONG_BAUD, _unreadable),
    (LineCause.NOISE, _noise),
    (LineCause.ALL_SILENT, lambda s: _all_silent(s) and not s.received_bytes),
    (
        LineCause.SOME_SILENT,
        lambda s: bool(s.silent) and len(s.silent) < s.nozzles,
    ),
    (LineCause.OWN_ECHO, lambda s: s.echoes > 0),
)

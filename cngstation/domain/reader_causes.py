"""What is likely wrong with the card reader, from why its driver cannot use it.

Each cause is asked for in the order of how sure its sign is; the first that is true
comes first, and what else could be stands below it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class ReaderCause(StrEnum):
    """A likely fault of the reader, by the name that --json gives it."""

    PORT_SHARED = "reader_port_shared"
    PORT_MISSING = "reader_port_missing"
    PORT_FORBIDDEN = "reader_port_forbidden"
    PORT_HELD = "reader_port_held"
    CABLE_OUT = "reader_cable_out"
    PORT_UNUSABLE = "reader_port_unusable"
    ON_A_LINE = "reader_on_a_line"
    OTHER_KIND = "reader_other_kind"
    OTHER_SPEED = "reader_other_speed"
    NOT_UNDERSTOOD = "reader_not_understood"
    SILENT = "reader_silent"
    OTHER_PORT = "reader_other_port"
    REPORTS = "reader_reports"
    NO_PCSC = "pcsc_not_installed"
    SERVICE_DOWN = "pcscd_down"
    SERVICE_FORBIDS = "pcscd_forbids"
    UNPLUGGED = "reader_unplugged"
    OTHER_NAME = "reader_other_name"
    SERVICE_TROUBLE = "pcscd_trouble"


class ReaderTrouble(StrEnum):
    """Why the driver has no reader."""

    NONE = "none"
    PORT_MISSING = "port_missing"
    PORT_FORBIDDEN = "port_forbidden"
    PORT_HELD = "port_held"
    PORT_DEAD = "port_dead"  # the port is there and its device is not, or was lost
    PORT_OTHER = "port_other"
    SILENT = "silent"
    REPORTS = "reports"
    NO_PCSC = "no_pcsc"
    SERVICE_DOWN = "service_down"
    SERVICE_FORBIDS = "service_forbids"
    NO_READER = "no_reader"
    SERVICE_OTHER = "service_other"


@dataclass(frozen=True, slots=True)
class ReaderEvidence:
    """What is known of a reader that is not there.

    `shared_with` is what else the file gives the same port; `other_ports` and
    `other_names` are those that nothing in the file uses. The rest is found by asking
    the port itself: a dispenser protocol, another kind or speed that answers, bytes.
    """

    trouble: ReaderTrouble
    shared_with: str = ""
    other_ports: tuple[str, ...] = ()
    other_names: tuple[str, ...] = ()
    heard_protocol: str = ""
    other_kind: str = ""
    other_baud: int = 0
    heard_bytes: int = 0


_Sign = Callable[[ReaderEvidence], object]


def _is(trouble: ReaderTrouble) -> _Sign:
    return lambda seen: seen.trouble is trouble


def _silent(sign: _Sign) -> _Sign:
    return lambda seen: seen.trouble is ReaderTrouble.SILENT and sign(seen)


_SIGNS: tuple[tuple[ReaderCause, _Sign], ...] = (
    (ReaderCause.PORT_SHARED, lambda seen: seen.shared_with),
    (ReaderCause.PORT_MISSING, _is(ReaderTrouble.PORT_MISSING)),
    (ReaderCause.PORT_FORBIDDEN, _is(ReaderTrouble.PORT_FORBIDDEN)),
    (ReaderCause.PORT_HELD, _is(ReaderTrouble.PORT_HELD)),
    (ReaderCause.CABLE_OUT, _is(ReaderTrouble.PORT_DEAD)),
    (ReaderCause.PORT_UNUSABLE, _is(ReaderTrouble.PORT_OTHER)),
    (ReaderCause.ON_A_LINE, _silent(lambda seen: seen.heard_protocol)),
    (ReaderCause.OTHER_SPEED, _silent(lambda seen: seen.other_baud)),
    (ReaderCause.OTHER_KIND, _silent(lambda seen: seen.other_kind)),
    (ReaderCause.NOT_UNDERSTOOD, _silent(lambda seen: seen.heard_bytes)),
    (ReaderCause.REPORTS, _is(ReaderTrouble.REPORTS)),
    (ReaderCause.NO_PCSC, _is(ReaderTrouble.NO_PCSC)),
    (ReaderCause.SERVICE_DOWN, _is(ReaderTrouble.SERVICE_DOWN)),
    (ReaderCause.SERVICE_FORBIDS, _is(ReaderTrouble.SERVICE_FORBIDS)),
    (
        ReaderCause.OTHER_NAME,
        lambda seen: seen.trouble is ReaderTrouble.NO_READER and seen.other_names,
    ),
    (ReaderCause.UNPLUGGED, _is(ReaderTrouble.NO_READER)),
    (ReaderCause.SERVICE_TROUBLE, _is(ReaderTrouble.SERVICE_OTHER)),
)
# Something answers there: the reader may be on another port all the same.
_ANSWERED = frozenset(
    {ReaderCause.ON_A_LINE, ReaderCause.OTHER_KIND, ReaderCause.OTHER_SPEED}
)
_MAY_BE_ELSEWHERE = frozenset(
    {ReaderTrouble.PORT_MISSING, ReaderTrouble.PORT_DEAD, ReaderTrouble.SILENT}
)


def causes(seen: ReaderEvidence) -> list[ReaderCause]:
    """Return what is likely wrong, the likeliest first; empty for a reader that is."""
    if seen.trouble is ReaderTrouble.NONE:
        return []
    found = [cause for cause, sign in _SIGNS if sign(seen)]
    if seen.trouble is ReaderTrouble.SILENT and not _ANSWERED.intersection(found):
        found.append(ReaderCause.SILENT)
    if seen.trouble in _MAY_BE_ELSEWHERE and seen.other_ports:
        found.append(ReaderCause.OTHER_PORT)
    return found

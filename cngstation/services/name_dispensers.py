"""Says who answers for each nozzle of a line, and what it said last, in words."""

from collections.abc import Sequence

from cngstation.config.sections import Line, Nozzle
from cngstation.drivers.dispenser_line import DispenserLine
from cngstation.drivers.frame_log import LoggedFrame
from cngstation.errors import DeviceError
from cngstation.language import mark
from cngstation.protocols.dispenser import overheard as o
from cngstation.protocols.dispenser.canonical import Capability, Identity, Link
from cngstation.protocols.dispenser.overheard import Figure, Speaker
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.rpc.contract.technician import (
    MOST_FIGURES,
    DispenserRow,
    FrameFigure,
)

_HAS_NONE = mark("this protocol has no identity")
_NO_ANSWER = mark("no answer")
_STATION_NAME = mark("station name")
_PROVINCE, _CITY, _PARENT = mark("province"), mark("city"), mark("head office")
_STATION_DATA = mark("station data")


async def dispenser_row(
    section: Line, line: DispenserLine, nozzle: Nozzle
) -> DispenserRow:
    """Ask a dispenser who it is; what it said last is decoded from its own frame."""
    told, identity = "", tuple[Figure, ...]()
    entry = PROTOCOLS[section.protocol]
    if Capability.IDENTITY not in entry.capabilities_with(section.options):
        told = _HAS_NONE
    else:
        try:
            identity = figures_of(await line.request_identity(nozzle.gun))
        except DeviceError:
            told = _NO_ANSWER
    return DispenserRow(
        nozzle_no=nozzle.nozzle_no,
        address=nozzle.gun,
        link=str(line.watch.links.get(nozzle.gun, Link.OFFLINE)),
        told=told,
        identity=_shown(identity),
        status=_shown(_last_said(section.protocol, line.log.frames(), nozzle.gun)),
    )


def figures_of(identity: Identity) -> tuple[Figure, ...]:
    """Return what an identity tells; what is empty or 0 is left out."""
    versions = identity.versions
    told = (
        (o.MAKER, identity.maker),
        (o.FIRMWARE, identity.firmware),
        (o.STATION, identity.station_no),
        (_STATION_NAME, identity.station_name),
        (_PROVINCE, identity.province_no),
        (_CITY, identity.city_no),
        (_PARENT, identity.parent_no),
        (o.SEQUENCE, identity.last_device_seq),
        (o.BASE, versions.base_blacklist),
        (o.ADDED, versions.added_blacklist),
        (o.DELETED, versions.deleted_blacklist),
        (o.WHITE, versions.whitelist),
        (o.PRICES_VERSION, versions.price),
        (_STATION_DATA, versions.common),
    )
    return tuple(
        o.figure(name, value) for name, value in told if str(value or 0).strip("0")
    )


def _last_said(
    protocol: str, frames: Sequence[LoggedFrame], gun: int
) -> tuple[Figure, ...]:
    """Decode a nozzle's last answer to a poll, or to anything that has figures."""
    entry = PROTOCOLS[protocol]
    if entry.tap is None:
        return ()
    head = entry.answer_head(gun) if entry.answer_head is not None else b""
    tap, last = entry.tap(), tuple[Figure, ...]()
    for frame in frames:
        for told in tap.feed(frame.data):
            is_its = told.raw.startswith(head) if head else told.address == gun
            if is_its and told.speaker is not Speaker.HOST and told.figures:
                last = told.figures
    return last


def _shown(figures: Sequence[Figure]) -> tuple[FrameFigure, ...]:
    return tuple(
        FrameFigure(name=one.name, value=one.value, word=one.word)
        for one in figures[:MOST_FIGURES]
    )

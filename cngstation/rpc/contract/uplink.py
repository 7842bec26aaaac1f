"""What the sync uploader offers: how much waits for head office, and for how long."""

from cngstation.rpc.contract.figures import DeviceHealth, Word
from cngstation.rpc.method import Contract, Event, Message, Version


class UplinkFigure(Message):
    """The outbox and the link; a single station has no link and nothing is wrong."""

    network: Word
    health: DeviceHealth
    waiting: int
    oldest_at_ms: int | None
    last_success_at_ms: int | None


UPLINK_CHANGED = Event("uplink.changed", UplinkFigure, replaceable=True)

UPLINK = Contract(
    version=Version(1, 0),
    oldest=Version(1, 0),
    snapshot=UplinkFigure,
    methods=(),
    events=(UPLINK_CHANGED,),
)

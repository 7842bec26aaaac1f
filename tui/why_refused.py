"""Why a nozzle does not take what it is sent, in words."""

from cngstation.language import _, mark
from cngstation.rpc.contract.downloads import DownloadRow

_WHY = {
    "no": mark("the dispenser says no"),
    "damaged": mark("the dispenser says its checksum is wrong"),
    "does_not_fit": mark("more digits than it can show"),
    "asks_again": mark("it gets it and asks for it again"),
    "other_price": mark("it goes on with another price"),
}


def why_refused(row: DownloadRow) -> str:
    """Return the reason, with what the device itself says of it."""
    reason, _space, said = row.why.partition(" ")
    text = _(_WHY[reason]) if reason in _WHY else reason
    return f"{text} ({said})" if said else text

"""Ports and the way of download: each nozzle, its line, how lists reach it."""

from collections.abc import Iterable

from textual.content import Content
from textual.widget import Widget

from cngstation.language import _, mark
from cngstation.rpc.contract.ports import LINE_PORTS, NozzlePort, Ports
from cngstation.rpc.session import Nothing
from tui.areas import Area
from tui.desk import Desk
from tui.screens.following_screen import FollowingScreen
from tui.texts import filled
from tui.widgets.key_line import Keys
from tui.widgets.lazy_table import Column, LazyTable
from tui.widgets.lines import Drawn, line, stacked
from tui.words import word

_LISTS = {
    "fetched": mark("fetches lists, prices"),
    "prices": mark("is sent its price"),
    "by_hand": mark("by hand at it"),
}
_SENT = {
    "at_once": mark("Blacklist: sent as soon as it changes (at_once)."),
    "by_hand": mark("Blacklist: sent by hand only (by_hand)."),
}
_DAILY = mark("Blacklist: sent every day at {at}.")
_LATE = mark(" Named after {hours} hours without it.")
_READER = mark("Card reader: {kind}, {port}, {baud}")
_PRINTER = mark("Receipt printer: {port}, {baud}, {kind} columns")
_NO_PRINTER = mark("Receipt printer: none")
_CHOSEN = mark("Nozzle {nozzle}: {port}; shows {levels}")
_ALL, _ONE = mark("every price level"), mark("price level {level} alone")
_AHEAD = mark("; prices are sent before their time")


def _speed(row: NozzlePort) -> str:
    return f"{row.baud} {row.frame}" if row.baud else "HTTP"


_COLUMNS = (
    Column(mark("No"), 4, lambda r: str(r.nozzle_no), right=True),
    Column(mark("Pump"), 4, lambda r: str(r.dispenser_no), right=True),
    Column(mark("Line"), 8, lambda r: r.line),
    Column(mark("Address"), 7, lambda r: str(r.address), right=True),
    Column(mark("Protocol"), 15, lambda r: r.protocol),
    Column(mark("Speed"), 11, _speed),
    Column(mark("Download"), 21, lambda r: _(_LISTS.get(r.lists, r.lists))),
    Column(mark("Port"), 80, lambda r: r.port),
)


class PortsScreen(FollowingScreen):
    """A row a nozzle; below the marked one's port, and those of reader and printer."""

    HELP = mark(
        "How each nozzle is connected: its dispenser, line, address, protocol and "
        "speed, and how lists and prices reach it. Below stand the whole port of the "
        "marked nozzle, when the blacklist is sent, and the ports of reader and "
        "printer. All of it is changed in the configuration file."
    )
    FOLLOWS = Area.NOTHING
    AUTO_FOCUS = "LazyTable"
    DEFAULT_CSS = """
    PortsScreen #title, PortsScreen #below { padding: 0 1; }
    PortsScreen #below { border-top: solid $primary; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._ports: Ports | None = None

    def parts(self) -> Iterable[Widget]:
        """Title, table, and what belongs to the whole station."""
        yield Drawn(self._title, id="title")
        yield LazyTable()
        yield Drawn(self._below, id="below")

    async def ask(self) -> None:
        """Fetch what the file says."""
        self._ports = await self.desk.link.call(LINE_PORTS, Nothing())
        self.query_one(LazyTable).renew_rows(_COLUMNS, self._ports.nozzles)

    def offered_keys(self) -> Keys:
        """Nothing is changed here."""
        return [("↑↓", _("move")), ("Esc", _("back"))]

    def on_key(self) -> None:
        """Follow the marked row."""
        self.call_after_refresh(self._moved)

    def _moved(self) -> None:
        if self.is_mounted:
            self.redraw()

    def _title(self) -> Content:
        return line((_("Ports and the way of download"), "bold"))

    def _below(self) -> Content:
        if self._ports is None:
            return line("")
        chosen = self.query_one(LazyTable).chosen
        shown = [_of_nozzle(chosen)] if isinstance(chosen, NozzlePort) else []
        shown += [_of_blacklist(self._ports), *_of_devices(self._ports)]
        return stacked([line(text) for text in shown])


def _of_nozzle(row: NozzlePort) -> str:
    levels = _(_ALL)
    if row.only_level >= 0:
        levels = filled(_ONE, level=row.only_level)
    text = filled(_CHOSEN, nozzle=row.nozzle_no, port=row.port, levels=levels)
    return text + (_(_AHEAD) if row.ahead else "")


def _of_blacklist(ports: Ports) -> str:
    at = ports.blacklist
    text = _(_SENT[at]) if at in _SENT else filled(_DAILY, at=at)
    if ports.late_hours:
        text += filled(_LATE, hours=ports.late_hours)
    return text


def _of_devices(ports: Ports) -> list[str]:
    texts = []
    for one in ports.devices:
        facts = {"kind": word(one.kind), "port": one.port, "baud": one.baud or "-"}
        if one.device == "reader":
            texts.append(filled(_READER, **facts))
        else:
            texts.append(filled(_PRINTER, **facts) if one.port else _(_NO_PRINTER))
    return texts

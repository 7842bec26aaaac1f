"""The lines for a technician: how each fares and why; Enter shows its last frames."""

import asyncio
from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from cngstation.errors import StationError
from cngstation.hygiene import fit
from cngstation.language import _, mark
from cngstation.rpc.contract.technician import (
    LINE_DISPENSERS,
    LINE_FRAMES,
    LINE_HEALTH,
    DispenserRow,
    FrameFigure,
    FrameRow,
    FramesWanted,
    LineCounts,
    LineHealth,
    LineWanted,
)
from cngstation.rpc.session import Nothing
from tui.desk import Desk
from tui.screens.station_screen import StationScreen
from tui.texts import sentence
from tui.widgets.key_line import Keys
from tui.widgets.lazy_table import Column, LazyTable
from tui.widgets.lines import Drawn, line

_REFRESH_S = 1.0


def _cause(health: LineHealth) -> str:
    if not health.causes:
        return _("well")
    return sentence(health.causes[0].text, health.causes[0].facts)


def _told(figures: Iterable[FrameFigure]) -> str:
    told = []
    for one in figures:
        word = _(one.word) if one.word else ""
        told.append(" ".join(part for part in (_(one.name), one.value, word) if part))
    return "  ".join(told)


def _figures(row: FrameRow) -> str:
    return _told(row.figures) or row.data


_COUNTED = (
    ("asked", mark("asked")),
    ("timeouts", mark("timed out")),
    ("asked_again", mark("asked again")),
    ("bad_checksums", mark("bad sums")),
    ("noise_bytes", mark("noise bytes")),
)
_LINKS = {
    "online": mark("on line"),
    "suspect": mark("unsure"),
    "offline": mark("off line"),
}
_LABEL, _CELL = 14, 12  # columns of the figures below the table


def _cells(label: str, texts: Iterable[str]) -> str:
    """Lay texts out in columns that stand right, whatever their script."""
    cells = [fit(text, _CELL, right=True) for text in texts]
    return fit(label, _LABEL) + "".join(cells)


def _counts(label: str, counts: LineCounts) -> str:
    return _cells(label, (str(getattr(counts, name)) for name, _head in _COUNTED))


def _known(row: DispenserRow) -> str:
    return _told(row.identity) or _(row.told)


LINE_COLUMNS = (
    Column(mark("Line"), 10, lambda r: r.name),
    Column(mark("Baud"), 6, lambda r: str(r.baud), right=True),
    Column(mark("Frames"), 8, lambda r: str(r.frames_sent), right=True),
    Column(mark("Lost"), 6, lambda r: str(r.frames_lost), right=True),
    Column(mark("Bad sums"), 8, lambda r: str(r.since_start.bad_checksums), right=True),
    Column(mark("Turn ms"), 8, lambda r: str(r.turnaround_us // 1000), right=True),
    Column(mark("Cycle ms"), 8, lambda r: str(r.cycle_us // 1000), right=True),
    Column(mark("Silent"), 9, lambda r: ", ".join(map(str, r.silent)) or "-"),
    Column(mark("Likely"), 60, _cause),
)
FRAME_COLUMNS = (
    Column(mark("Seconds"), 9, lambda r: f"{r.at_us / 1_000_000:.3f}", right=True),
    Column("", 1, lambda r: "→" if r.sent else "←"),
    Column(mark("Address"), 7, lambda r: str(r.address or "-"), right=True),
    Column(mark("Frame"), 20, lambda r: _(r.command)),
    Column(mark("Figures"), 160, _figures),
)

DISPENSER_COLUMNS = (
    Column(mark("Nozzle"), 6, lambda r: str(r.nozzle_no), right=True),
    Column(mark("Address"), 7, lambda r: str(r.address), right=True),
    Column(mark("Link"), 8, lambda r: _(_LINKS.get(r.link, r.link))),
    Column(mark("Who it says it is"), 100, _known),
)


class LinesScreen(StationScreen):
    """Lines first; the frames of one, or its dispensers, in their place until Esc."""

    HELP = mark(
        "How the lines of dispensers fare: frames, losses, the time of a cycle, the "
        "addresses that do not answer, and the likeliest fault. Below stand the marked "
        "line's requests, time-outs and disturbances since the start and in the last "
        "hour. Enter shows the last 200 frames of the marked line in words, newest "
        "first; space holds them still. d asks each dispenser of the line who it is; "
        "below stands what the marked one said last."
    )
    AUTO_FOCUS = "LazyTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "hold", show=False),
        Binding("d", "dispensers", show=False),
        Binding("question_mark", "app.help", show=False),
    ]
    DEFAULT_CSS = """
    LinesScreen #title { padding: 0 1; text-style: bold; }
    LinesScreen #cause, LinesScreen #cure, LinesScreen #counts { padding: 0 1; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._line = ""
        self._is_held = False
        self._asks_who = False

    def parts(self) -> Iterable[Widget]:
        """Title and table."""
        yield Drawn(self._title, id="title")
        yield LazyTable()
        yield Drawn(self._cause, id="cause")
        yield Drawn(self._cure, id="cure")
        yield Drawn(self._counted, id="counts")

    def offered_keys(self) -> Keys:
        """What helps here now."""
        if self._asks_who:
            return [("↑↓", _("move")), ("Esc", _("back"))]
        if self._line:
            hold = _("go on") if self._is_held else _("hold still")
            return [(_("Space"), hold), ("↑↓", _("move")), ("Esc", _("back"))]
        return [
            ("Enter", _("last frames")),
            ("d", _("dispensers")),
            ("↑↓", _("move")),
            ("Esc", _("back")),
        ]

    def on_mount(self) -> None:
        """Look now, and every second."""
        super().on_mount()
        self.run_worker(self._look(), group="look", exclusive=True)

    def on_lazy_table_chosen(self, chosen: LazyTable.Chosen) -> None:
        """Show the frames of the marked line."""
        if not self._line and isinstance(chosen.row, LineHealth):
            self._show(chosen.row.name)

    def action_dispensers(self) -> None:
        """Ask the dispensers of the marked line who they are."""
        chosen = self.query_one(LazyTable).chosen
        if not self._line and isinstance(chosen, LineHealth):
            self._show(chosen.name, asks_who=True)

    def action_hold(self) -> None:
        """Hold the frames still, or let them go on."""
        can_hold = bool(self._line) and not self._asks_who
        self._is_held = can_hold and not self._is_held
        self.redraw()

    def action_leave(self) -> None:
        """Back from the frames to the lines, from the lines to the counter."""
        if self._line:
            self._show("")
        else:
            super().action_leave()

    def _show(self, name: str, *, asks_who: bool = False) -> None:
        self._line, self._is_held, self._asks_who = name, False, asks_who
        self.redraw()
        self.run_worker(self._look(), group="look", exclusive=True)

    def _title(self) -> Content:
        return line((self._line or _("Lines of dispensers"), "bold"))

    def _cause(self) -> Content:
        chosen = self.query_one(LazyTable).chosen
        if isinstance(chosen, DispenserRow):
            return line((_known(chosen), ""))
        told = _cause(chosen) if isinstance(chosen, LineHealth) else ""
        return line((told, "bold"))

    def _cure(self) -> Content:
        chosen = self.query_one(LazyTable).chosen
        if isinstance(chosen, DispenserRow):
            return line((_told(chosen.status), ""))
        causes = chosen.causes if isinstance(chosen, LineHealth) else ()
        return line((_(causes[0].cure) if causes else "", ""))

    def _counted(self) -> Content:
        chosen = self.query_one(LazyTable).chosen
        if not isinstance(chosen, LineHealth):
            return line(("", ""))
        slow = chosen.slow_turnaround_us // 1000
        turn = _("slowest of a hundred answers: {ms} ms").format(ms=slow)
        heads = _cells("", (_(head) for _name, head in _COUNTED))
        since = _counts(_("since start"), chosen.since_start)
        hour = _counts(_("last hour"), chosen.last_hour)
        return line(("\n".join((turn, heads, since, hour)), ""))

    async def _look(self) -> None:
        while True:
            if not self._is_held:
                try:
                    await self._fetch()
                except StationError as error:
                    self.say_error(error)
            await asyncio.sleep(_REFRESH_S)

    async def _fetch(self) -> None:
        table = self.query_one(LazyTable)
        if self._asks_who:
            asked = LineWanted(name=self._line)
            found = await self.desk.link.call(LINE_DISPENSERS, asked)
            table.renew_rows(DISPENSER_COLUMNS, found.rows)
            self._is_held = True  # they are asked once
        elif self._line:
            wanted = FramesWanted(name=self._line)
            told = await self.desk.link.call(LINE_FRAMES, wanted)
            table.renew_rows(FRAME_COLUMNS, tuple(reversed(told.rows)))
        else:
            health = await self.desk.link.call(LINE_HEALTH, Nothing())
            table.renew_rows(LINE_COLUMNS, health.lines)
        self.redraw()

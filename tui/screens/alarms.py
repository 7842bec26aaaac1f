"""The alarm list: what is not well now, what is open, what dispensers reported."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from itertools import zip_longest
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from cngstation.errors import StationError
from cngstation.hygiene import clean
from cngstation.language import _, mark
from cngstation.rpc.contract.board import (
    ALARM_LIST,
    ALARM_SEE,
    AlarmRow,
    Alarms,
    AlarmSeen,
)
from cngstation.rpc.contract.figures import DeviceHealth, Fact
from cngstation.rpc.contract.forecourt import NozzleFigure
from cngstation.rpc.session import Nothing
from tui.areas import Area
from tui.desk import Desk
from tui.figures import short_time
from tui.link import Part
from tui.screens.board import BoardScreen
from tui.screens.station_screen import StationScreen
from tui.texts import filled, sentence
from tui.widgets.key_line import KeyLine, Keys
from tui.widgets.lazy_table import Column, LazyTable
from tui.widgets.lines import Drawn, line, stacked
from tui.words import word

_REFRESH_S = 3.0
_MINUTE_MS, _HOUR_MS, _DAY_MS = 60_000, 3_600_000, 86_400_000
_SILENT = mark("Nozzle {nozzle} does not answer.")
_SILENT_CURE = mark("Look at its power and its line (lines of dispensers).")
_FAULTY = mark("Nozzle {nozzle} reports a fault: {fault}.")
_FAULTY_CURE = mark("Look at the dispenser; call the technician if it stays.")
_NO_MONITOR = mark("The monitor program does not answer: no nozzle is watched.")
_NO_MONITOR_CURE = mark("Fills go on and are fetched later. Have it started anew.")
_DISK_CURE = mark("Move old backups and logs to another disk.")
_SHAPES = {"now": "✖", "row": "!", "act": "!", "event": "·"}
_SEEN = "✓"


def _duration(ms: int) -> str:
    """Write how long something lasts, in its two largest units."""
    if ms >= _DAY_MS:
        hours = ms % _DAY_MS // _HOUR_MS
        return filled(_("{days} d {hours} h"), days=ms // _DAY_MS, hours=hours)
    if ms >= _HOUR_MS:
        minutes = ms % _HOUR_MS // _MINUTE_MS
        return filled(
            _("{hours} h {minutes} min"), hours=ms // _HOUR_MS, minutes=minutes
        )
    return filled(_("{minutes} min"), minutes=max(ms, 0) // _MINUTE_MS)


class AlarmsScreen(StationScreen):
    """Newest first, or by nozzle; what is to be done stands below the list."""

    HELP = mark(
        "✖ is so now, ! is open until somebody or something closes it, · was reported "
        "by a dispenser, ✓ was seen. g goes to the nozzle, e explains and closes a "
        "row, s marks it seen with your name, b turns between newest first and by "
        "nozzle. Seeing closes nothing."
    )
    AUTO_FOCUS = "LazyTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "app.help", show=False),
    ]
    DEFAULT_CSS = """
    AlarmsScreen #title { padding: 0 1; text-style: bold; }
    AlarmsScreen #chosen { padding: 0 1; border-top: solid $primary; min-height: 5; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._told: tuple[AlarmRow, ...] | None = None
        self._by_nozzle = False
        self._columns = (
            Column("", 1, lambda r: _SEEN if r.seen_by else _SHAPES[r.source]),
            Column(mark("When"), 11, lambda r: short_time(r.at_ms)),
            Column(mark("How long"), 14, self._how_long),
            Column(mark("No"), 2, lambda r: str(r.nozzle_no or ""), right=True),
            Column(mark("What"), 160, lambda r: sentence(r.text, r.facts)),
        )

    def parts(self) -> Iterable[Widget]:
        """Title, list, and what to do about the marked one."""
        yield Drawn(self._title, id="title")
        yield LazyTable()
        yield Drawn(self._chosen_text, id="chosen")

    def on_mount(self) -> None:
        """Ask now, and every few seconds."""
        super().on_mount()
        look: Callable[[], Awaitable[None]] = self._look
        self.run_worker(look, group="alarms", exclusive=True)

    async def _look(self) -> None:
        while True:
            await self._fetch()
            await asyncio.sleep(_REFRESH_S)

    async def _fetch(self) -> None:
        try:
            told: Alarms = await self.desk.link.call(ALARM_LIST, Nothing())
        except StationError as error:
            self.say_error(error)
        else:
            self._told = told.rows
        self._renew()

    def draw(self, areas: Area) -> None:
        """Follow what opens, closes, and falls silent."""
        super().draw(areas)
        if areas & (Area.OPEN_ROWS | Area.STATUS) and self.is_mounted:
            fetch: Callable[[], Awaitable[None]] = self._fetch
            self.run_worker(fetch, group="alarms-once", exclusive=True)

    def _renew(self) -> None:
        if not self.is_mounted:
            return
        table = self.query_one(LazyTable)
        before = table.chosen
        rows = self._rows()
        table.renew_rows(self._columns, rows)
        same = [n for n, row in enumerate(rows) if before and _same(row, before)]
        if same:
            table.cursor = same[0]
        self.redraw()

    def _rows(self) -> Sequence[AlarmRow]:
        rows = [*self._now(), *(self._told or ())]
        if self._by_nozzle:
            rows.sort(key=lambda row: (row.nozzle_no or 1_000, -row.at_ms))
        else:
            rows.sort(key=lambda row: -row.at_ms)
        return rows

    def _now(self) -> Iterable[AlarmRow]:
        """Yield what the live figures say is not well."""
        picture = self.desk.picture
        yield from self._devices()
        if not picture.is_up(Part.FORECOURT):
            yield _live(0, self.desk.now_ms(), _NO_MONITOR, _NO_MONITOR_CURE)
            return
        for nozzle in picture.nozzles.values():
            yield from _of_nozzle(nozzle, self.desk.now_ms())

    def _devices(self) -> Iterable[AlarmRow]:
        picture = self.desk.picture
        if not picture.is_up(Part.COUNTER):
            return
        for health in (picture.reader, picture.printer):
            if health is not None and health.state in ("trouble", "offline"):
                yield _of_device(health, self.desk.now_ms(), "")
        disk = picture.disk
        if disk is not None and disk.state in ("trouble", "offline"):
            yield _of_device(disk, self.desk.now_ms(), _DISK_CURE)

    def offered_keys(self) -> Keys:
        """Name what helps with the marked row."""
        chosen = self._chosen
        keys: Keys = []
        if chosen is not None and chosen.nozzle_no:
            keys.append(("g", _("go to the nozzle")))
        if chosen is not None and chosen.people:
            keys.append(("e", _("explain and close")))
        if chosen is not None and chosen.alarm_id and not chosen.seen_by:
            keys.append(("s", _("seen")))
        order = _("newest first") if self._by_nozzle else _("by nozzle")
        return [*keys, ("b", order), ("↑↓", _("move")), ("Esc", _("back"))]

    def on_key(self, event: events.Key) -> None:
        """Do what a letter says with the marked row."""
        chosen = self._chosen
        match event.character:
            case "b":
                self._by_nozzle = not self._by_nozzle
                self._renew()
            case "g" if chosen is not None and chosen.nozzle_no:
                board = BoardScreen(self.desk, str(chosen.nozzle_no))
                self.app.switch_screen(board)
            case "e" if chosen is not None and chosen.alarm_id:
                self._explain(chosen)
            case "s" if chosen is not None and chosen.alarm_id:
                self.run_worker(self._see(chosen), group="see")
            case _:
                self.call_after_refresh(self._moved)
                return
        event.stop()

    def _moved(self) -> None:
        if self.is_mounted:
            self.query_one("#chosen", Drawn).redraw()
            self.query_one(KeyLine).redraw()

    @property
    def _chosen(self) -> AlarmRow | None:
        tables = self.query(LazyTable)
        return tables.first().chosen if tables else None

    def _explain(self, chosen: AlarmRow) -> None:
        from tui.screens.explain_row import ExplainRowScreen

        same = (r for r in self.desk.picture.open_rows if r.row_id == chosen.alarm_id)
        row = next(same, None)
        if row is not None and row.people:
            self.app.switch_screen(ExplainRowScreen(self.desk, row))
        else:
            self.say(_("This one is not closed by words; do what stands below it."))

    async def _see(self, chosen: AlarmRow) -> None:
        try:
            seen = AlarmSeen(alarm_id=chosen.alarm_id)
            told: Alarms = await self.desk.link.call(ALARM_SEE, seen)
        except StationError as error:
            self.say_error(error)
            return
        self._told = told.rows
        self._renew()
        self.say(_("Marked as seen. What is open stays open."), "done")

    def _how_long(self, row: AlarmRow) -> str:
        since_told = row.nozzle_no or row.source != "now"
        lasts = row.source != "event" and since_told
        return _duration(self.desk.now_ms() - row.at_ms) if lasts else ""

    def _title(self) -> Content:
        title = (_("Alarms and events of dispensers"), "bold")
        if self._told is None:
            return line(title, "  ", _("One moment ..."))
        rows = self._rows()
        count = partial(_count, rows)
        said = filled(
            _("  {now} now, {open} open, {events} reported"),
            now=count("now"),
            open=count("row") + count("act"),
            events=count("event"),
        )
        return line(title, said)

    def _chosen_text(self) -> Content:
        row = self._chosen
        if row is None:
            empty = self._told is not None
            return line(_("Nothing is open and nothing was reported.") if empty else "")
        lines = [line((sentence(row.text, row.facts), "bold"))]
        if row.cure:
            lines.append(line("→ ", (sentence(row.cure, row.facts), "bold $accent")))
        if row.device_at:
            at = clean(row.device_at)
            lines.append(line(filled(_("The dispenser's own clock said {at}."), at=at)))
        if row.seen_by:
            said = filled(
                _("Seen by {name}, {at}."),
                name=clean(row.seen_by),
                at=short_time(row.seen_at_ms),
            )
            lines.append(line(f"{_SEEN} {said}"))
        return stacked(lines)


def _count(rows: Sequence[AlarmRow], source: str) -> int:
    return sum(row.source == source for row in rows)


def _same(row: AlarmRow, other: AlarmRow) -> bool:
    def name(one: AlarmRow) -> tuple[str, str, int, str]:
        return one.alarm_id, one.source, one.nozzle_no, one.text

    return name(row) == name(other)


def _of_nozzle(nozzle: NozzleFigure, now_ms: int) -> Iterable[AlarmRow]:
    no = nozzle.nozzle_no
    if nozzle.link == "offline":
        yield _live(no, nozzle.link_since_ms, _SILENT, _SILENT_CURE)
        return
    for fault, since_ms in zip_longest(nozzle.faults, nozzle.faults_since_ms):
        at_ms = now_ms if since_ms is None else since_ms
        if fault is not None:
            yield _live(no, at_ms, _FAULTY, _FAULTY_CURE, fault=word(fault))


def _of_device(health: DeviceHealth, now_ms: int, cure: str) -> AlarmRow:
    facts = {fact.name: fact.value for fact in health.facts}
    return _live(0, now_ms, health.text, cure, **facts)


def _live(nozzle_no: int, at_ms: int, text: str, cure: str, **facts: str) -> AlarmRow:
    named = {"nozzle": str(nozzle_no), **facts}
    return AlarmRow.model_construct(
        alarm_id="",
        source="now",
        kind="",
        nozzle_no=nozzle_no,
        text=text,
        cure=cure,
        facts=tuple(
            Fact.model_construct(name=name, value=value)
            for name, value in named.items()
        ),
        at_ms=at_ms,
        device_at="",
        people=0,
        seen_by="",
        seen_at_ms=0,
    )

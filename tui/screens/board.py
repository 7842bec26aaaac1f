"""The whole board: every nozzle, or those that a filter names, and what was sold."""

from collections.abc import Iterable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget

from cngstation.hygiene import clean
from cngstation.language import _, mark
from cngstation.rpc.contract.forecourt import NozzleFigure
from tui.areas import Area
from tui.desk import Desk
from tui.figures import minute_text, price_text
from tui.link import Part
from tui.screens.station_screen import StationScreen
from tui.texts import filled
from tui.tile_filter import TileFilter, is_alarm
from tui.widgets.board import Board
from tui.widgets.key_line import KeyLine, Keys
from tui.widgets.last_sales import LastSales
from tui.widgets.lines import Drawn, line
from tui.widgets.trend import Trend
from tui.words import nozzle_look, word

# Header, filter, notice, open rows, keys, status, and the least of a curve.
_ROWS_BESIDE = 17
_LONGEST = 10
_FILTERED = mark("Shown: {shown} of {all} nozzles ({what}). Esc shows all.")
_HIDDEN = mark("{count} alarms are not shown!")
_EVERY = mark("Every nozzle: {all}, {filling} filling, {alarms} alarms")
_NONE = mark("No nozzle is configured. Dispensers are added in the station's file.")
_PARTS = ("gas", "money", "sales")


class BoardScreen(StationScreen):
    """What is typed filters the tiles; the filter ends with the screen."""

    HELP = mark(
        "Type a nozzle's number, or a part of a plate, card or state: only those are "
        "shown. ← → choose a state, ! shows alarms alone; the line above the tiles "
        "says what is shown and how many alarms are not. Tab turns between gas, money "
        "and the last fills. With one nozzle left, Enter gives it orders. Esc shows "
        "all again, then leaves."
    )
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (140, "-wide")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go_on", show=False),
        Binding("backspace", "erase", show=False),
        Binding("left", "state(-1)", show=False),
        Binding("right", "state(1)", show=False),
        Binding("tab", "turn", show=False),
        Binding("f2,alt+2,asterisk", "app.open('alarms')", show=False),
        Binding("question_mark", "app.help", show=False),
    ]
    DEFAULT_CSS = """
    BoardScreen #filter { padding: 0 1; }
    BoardScreen #below { height: 1fr; }
    BoardScreen LastSales { display: none; }
    BoardScreen.-sales LastSales { display: block; }
    BoardScreen.-sales Trend { display: none; }
    BoardScreen.-wide LastSales { display: block; width: 62; }
    BoardScreen.-wide Trend { display: block; }
    """

    def __init__(self, desk: Desk, text: str = "") -> None:
        super().__init__(desk)
        self._filter = TileFilter(text=text)
        self._told = ""
        self._part = 0

    def parts(self) -> Iterable[Widget]:
        """The filter's line, the tiles, and what was sold."""
        yield Drawn(self._told_line, id="filter", areas=Area.TILES)
        yield Board(self.desk, rows_beside=_ROWS_BESIDE, wanted=lambda: self._filter)
        with Horizontal(id="below"):
            yield Trend(self.desk)
            yield LastSales(self.desk)

    def offered_keys(self) -> Keys:
        """Name what helps now."""
        keys: Keys = [("0-9 a-z", _("number, plate, state"))]
        if self._one() is not None:
            keys.insert(0, ("Enter", _("orders to this nozzle")))
        return [
            *keys,
            ("←→", _("by state")),
            ("!", _("alarms alone")),
            ("Tab", _("gas, money, fills")),
            ("F2/*", _("Alarms")),
            ("Esc", _("show all") if self._filter else _("back")),
        ]

    def draw_figures(self, turn: int) -> bool:
        """Draw tiles, and the filter's line when it says something else now."""
        super().draw_figures(turn)
        if self.is_mounted and self._line().plain != self._told:
            self.query_one("#filter", Drawn).redraw()
        return True

    def on_key(self, event: events.Key) -> None:
        """Take a character for the filter."""
        character = event.character or ""
        if event.key == "exclamation_mark":
            event.stop()
            one = self._filter
            self._show(TileFilter(one.text, one.state, not one.alarms))
        elif character.isprintable() and character.isalnum():
            event.stop()
            text = (self._filter.text + character)[:_LONGEST]
            self._show(TileFilter(text, self._filter.state, self._filter.alarms))

    def action_erase(self) -> None:
        """Take the last character back."""
        one = self._filter
        self._show(TileFilter(one.text[:-1], one.state, one.alarms))

    def action_state(self, step: int) -> None:
        """Choose the next state that some nozzle has."""
        stale, one = self._stale(), self._filter
        of_any_state = TileFilter(one.text, "", one.alarms)
        states = {
            nozzle_look(nozzle, stale=stale).text
            for nozzle in self.desk.picture.nozzles.values()
            if of_any_state.shows(nozzle, stale=stale)
        }
        state = one.next_state(states, step)
        self._show(TileFilter(one.text, state, one.alarms))

    def action_turn(self) -> None:
        """Show gas, money or the last fills below the tiles."""
        self._part = (self._part + 1) % len(_PARTS)
        part = _PARTS[self._part]
        self.set_class(part == "sales", "-sales")
        trend = self.query_one(Trend)
        trend.money_first = part == "money"
        self.call_after_refresh(trend.draw_soon)

    def action_go_on(self) -> None:
        """Give orders to the one nozzle that is left."""
        one = self._one()
        if one is not None:
            from tui.screens.nozzle_orders import NozzleOrdersScreen

            self.app.switch_screen(NozzleOrdersScreen(self.desk, str(one.nozzle_no)))

    def action_leave(self) -> None:
        """Show all again, then leave."""
        if self._filter:
            self._show(TileFilter())
        else:
            super().action_leave()

    def _show(self, wanted: TileFilter) -> None:
        self._filter = wanted
        self.query_one(Board).redraw()
        self.query_one("#filter", Drawn).redraw()
        self.query_one(KeyLine).redraw()

    def _one(self) -> NozzleFigure | None:
        if not self._filter:
            return None
        shown = self._shown()
        return self.desk.picture.nozzles[shown[0]] if len(shown) == 1 else None

    def _shown(self) -> list[int]:
        stale, nozzles = self._stale(), self.desk.picture.nozzles
        shows = self._filter.shows
        return [no for no, one in nozzles.items() if shows(one, stale=stale)]

    def _stale(self) -> bool:
        return not self.desk.picture.is_up(Part.FORECOURT)

    def _told_line(self) -> Content:
        content = self._line()
        self._told = content.plain
        return content

    def _line(self) -> Content:
        nozzles, stale = self.desk.picture.nozzles, self._stale()
        alarms = {n for n, one in nozzles.items() if is_alarm(one, stale=stale)}
        if not nozzles:
            return line((_(_NONE), "bold $warning"))
        if self._filter:
            return self._filtered(alarms)
        filling = sum(one.state == "fuelling" for one in nozzles.values())
        counts = {"all": len(nozzles), "filling": filling, "alarms": len(alarms)}
        return line((filled(_EVERY, **counts), "bold"))

    def _filtered(self, alarms: set[int]) -> Content:
        shown = self._shown()
        said = filled(
            _FILTERED,
            shown=len(shown),
            all=len(self.desk.picture.nozzles),
            what=self._filter.words(),
        )
        parts = [(f" {said} ", "bold reverse $warning")]
        if hidden := len(alarms.difference(shown)):
            parts.append((" " + filled(_HIDDEN, count=hidden), "bold $error"))
        if one := self._one():
            parts.append(("\n" + _facts(one), ""))
        return line(*parts)


def _facts(nozzle: NozzleFigure) -> str:
    """Say of one nozzle what its tile has no room for."""
    words = [word(fault) for fault in nozzle.faults]
    if nozzle.link == "offline":
        since = minute_text(nozzle.link_since_ms)
        words.append(filled(_("not heard since {at}"), at=since))
    if nozzle.crew_card:
        crew = clean(nozzle.crew_card)
        words.append(filled(_("crew card {card}"), card=crew))
    price = price_text(nozzle.price_e4)
    dispenser = filled(
        _("Dispenser {no}, {price} yuan/{unit}"),
        no=nozzle.dispenser_no, price=price, unit=word(nozzle.unit),
    )  # fmt: skip
    return "  ".join([dispenser, clean(nozzle.plate), clean(nozzle.card_no), *words])

"""Lists and prices at the dispensers: who holds what, send now, a number by hand."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from cngstation.errors import StationError
from cngstation.hygiene import fit
from cngstation.language import _, mark
from cngstation.rpc.contract.downloads import (
    LISTS_NUMBER,
    LISTS_SEND,
    DownloadRow,
    ListsBoard,
    NumberOrder,
    SendOrder,
)
from tui.areas import Area
from tui.desk import Desk
from tui.figures import short_time
from tui.screens.following_screen import FollowingScreen
from tui.screens.form_screen import Field, FormScreen
from tui.screens.mark_card import (
    BOTH_PEOPLE,
    REASON,
    approval_of,
    hide_passwords,
)
from tui.texts import filled
from tui.whole_board import whole_board
from tui.why_refused import why_refused
from tui.widgets.key_line import Keys
from tui.widgets.lines import Drawn, line, stacked

_KINDS = {
    "base": mark("Blacklist"),
    "added": mark("Put on"),
    "deleted": mark("Taken off"),
    "white": mark("White list"),
    "prices": mark("Prices"),
    "station": mark("Station data"),
}
_NOZZLE_WIDTH, _COLUMN, _CLOCK = 4, 12, 10
_MINUTE_MS, _HOUR_MS, _DAY_MS = 60_000, 3_600_000, 86_400_000
# A shape before a colour: there, on its way, not yet, the protocol cannot.
_SHAPES = {
    "in_force": ("●", "$success"),
    "sending": ("▸", "$accent"),
    "waiting": ("○", "$warning"),
    "refused": ("✖", "$error"),
    "no_way": ("-", "$text-muted"),
}
_FAR_MS = 120_000
_LISTED = mark("{kind} version {version}: {count} numbers, {at}")
_SENT = mark("The lists are on their way; dispensers fetch them between polls.")
_SEND_WHOLE = mark("Send the whole blacklist to every dispenser as a new one? Enter")
_SEND_ONE = mark("Send the whole blacklist as a new one to nozzles {numbers}? Enter")
_ONE = mark("Only the dispenser of nozzle {number}: nozzles {numbers}. Esc: all again.")
_STATES = {
    "in_force": mark("in force"),
    "sending": mark("under way, {sent} of {count}"),
    "waiting": mark("waits"),
    "refused": mark("refused: {why}"),
    "no_way": mark("its protocol cannot"),
}
_HELD = mark("{kind}: {state}; has version {held} since {at}, shall have {wanted}")
_NOT_HELD = mark("{kind}: {state}; none was ever taken, shall have version {wanted}")
_TRIED = mark("; last try {at}: {result}")
_RESULTS = {"sent": mark("sent"), "taken": mark("taken"), "refused": mark("refused")}
_PUT = mark("Number {number}: {list}.")


class ListsScreen(FollowingScreen):
    """One row a nozzle, one column a kind."""

    HELP = mark(
        "Each row is a nozzle. ● it holds the version of now, ▸ it is fetching, ○ it "
        "waits, ✖ it refuses, - its protocol cannot; its number typed says when it was "
        "last tried, and why it refuses. Clock: how far its own is ahead of ours (+) "
        "or behind (-) at its last fill; our clock goes with each poll where the "
        "protocol has that. s sends what has changed, w the whole "
        "blacklist, v lists the numbers, n puts one on a list by hand or takes it off."
    )
    FOLLOWS = Area.LISTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,pagedown", "scroll(1)", show=False),
        Binding("up,pageup", "scroll(-1)", show=False),
        Binding("question_mark", "app.help", show=False),
    ]
    DEFAULT_CSS = "ListsScreen Drawn { padding: 0 1; }"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._board: ListsBoard | None = None
        self._first = 0
        self._asks_whole = False
        self._number = ""  # of the nozzle that is told alone

    def parts(self) -> Iterable[Widget]:
        """One page."""
        yield Drawn(self._page)

    async def ask(self) -> None:
        """Ask who holds what."""
        self._board = await whole_board(self.desk.link)

    def offered_keys(self) -> Keys:
        """Name the next step."""
        if self._asks_whole:
            return [("Enter", _("send")), ("Esc", _("back"))]
        return [
            *([("0-9", _("one nozzle"))] if not self._number else []),
            ("s", _("send changes")),
            ("w", _("send all")),
            ("v", _("numbers")),
            ("n", _("a number")),
            ("f", _("from a file")),
            ("Esc", _("back")),
        ]

    def on_key(self, event: events.Key) -> None:
        """Do what a letter says; the whole list is asked for once more."""
        if self._asks_whole:
            if event.key == "enter":
                event.stop()
                self._asks_whole = False
                self.confirm(lambda: self._send(whole=True))
            return
        match event.character:
            case str(digit) if digit in "0123456789":
                event.stop()
                self._number = (self._number + digit)[-2:].lstrip("0")
                self.redraw()
            case "s":
                event.stop()
                self.run_worker(self._send(whole=False), group="send")
            case "w":
                event.stop()
                self._asks_whole = True
                whom = self._whom()
                self.say((whom and filled(_SEND_ONE, numbers=whom)) or _(_SEND_WHOLE))
                self.ask_to_confirm()
                self.redraw()
            case "v":
                event.stop()
                self.station_app.action_open("listed_numbers")
            case "n":
                event.stop()
                self.station_app.action_open("list_number")
            case "f":
                event.stop()
                self.station_app.action_open("list_files")

    def action_leave(self) -> None:
        """Step back."""
        if not self._asks_whole and not self._number:
            super().action_leave()
            return
        if not self._asks_whole:
            self._number = ""
        self._asks_whole = False
        self.say("")
        self.redraw()

    def action_scroll(self, rows: int) -> None:
        """Show other nozzles."""
        nozzles = len(self._rows())
        self._first = max(0, min(self._first + rows, nozzles - 1))
        self.redraw()

    async def _send(self, *, whole: bool) -> None:
        try:
            order = SendOrder(whole=whole, nozzles=self._meant())
            await self.desk.link.call(LISTS_SEND, order)
            self._board = await whole_board(self.desk.link)
        except StationError as error:
            self.say_error(error)
        else:
            self.say(_(_SENT), "done")
        self.redraw()

    def _meant(self) -> tuple[int, ...]:
        """Return the nozzles of the dispenser of the number that was typed."""
        rows = self._board.nozzles if self._board else ()
        number = int(self._number or 0)
        of = {row.dispenser_no for row in rows if row.nozzle_no == number}
        found = {row.nozzle_no for row in rows if row.dispenser_no in of}
        return tuple(sorted(found)) or ((number,) if number else ())

    def _whom(self) -> str:
        return " ".join(map(str, self._meant()))

    def _rows(self) -> dict[int, dict[str, DownloadRow]]:
        found: dict[int, dict[str, DownloadRow]] = {}
        for row in self._board.nozzles if self._board else ():
            found.setdefault(row.nozzle_no, {})[row.kind] = row
        return found

    def _page(self) -> Content:
        head = [line((_("Lists and prices at the dispensers"), "bold"))]
        if self._number:
            said = filled(_ONE, number=self._number, numbers=self._whom())
            head.append(line((f" {said} ", "bold reverse $warning")))
            head += self._of_nozzle()
        if self._board is None:
            return stacked([*head, line(_("One moment ..."))])
        head += [line((text, "$text-muted")) for text in self._published()]
        wide = self._column()
        titles = "".join(fit(_(_KINDS[kind]), wide) for kind in self._kinds())
        titles = fit(_("No"), _NOZZLE_WIDTH) + titles + fit(_("Clock"), _CLOCK)
        head.append(line((titles, "$text-muted")))
        room = max(1, self.size.height - len(head) - 5)
        rows = list(self._rows().items())[self._first : self._first + room]
        clocks = {clock.nozzle_no: clock.ahead_ms for clock in self._board.clocks}
        shown = [self._nozzle_line(no, kinds, clocks.get(no)) for no, kinds in rows]
        return stacked([*head, *shown])

    def _of_nozzle(self) -> list[Content]:
        """Say of the nozzle whose number was typed what it holds, and since when."""
        shown = []
        for row in self._rows().get(int(self._number or 0), {}).values():
            state = filled(
                _STATES.get(row.state, "?"),
                sent=row.sent,
                count=row.count,
                why=why_refused(row),
            )
            text = filled(
                _HELD if row.held else _NOT_HELD,
                kind=_(_KINDS.get(row.kind, row.kind)),
                state=state,
                held=row.held,
                at=short_time(row.held_since_ms) if row.held_since_ms else "-",
                wanted=row.wanted,
            )
            if row.tried_ms:
                result = _(_RESULTS.get(row.result, row.result))
                text += filled(_TRIED, at=short_time(row.tried_ms), result=result)
            is_open = row.state in {"waiting", "refused"}
            shown.append(line((text, "$warning" if is_open else "")))
        return shown

    def _kinds(self) -> list[str]:
        """Return the kinds that stand on the screen: the last one only where it is."""
        there = {row.kind for row in self._board.nozzles} if self._board else set()
        return [kind for kind in _KINDS if kind != "station" or kind in there]

    def _column(self) -> int:
        room = self.size.width - 2 - _NOZZLE_WIDTH - _CLOCK
        return max(min(_COLUMN, room // len(self._kinds())), 6)

    def _nozzle_line(
        self, nozzle_no: int, kinds: dict[str, DownloadRow], ahead_ms: int | None
    ) -> Content:
        cells, wide = [line(fit(str(nozzle_no), _NOZZLE_WIDTH))], self._column()
        for kind in self._kinds():
            row = kinds.get(kind)
            shape, colour = _SHAPES.get(row.state, ("?", "")) if row else (" ", "")
            cells.append(line((fit(f"{shape} {_cell(row)}", wide), colour)))
        if ahead_ms is not None:
            is_far = abs(ahead_ms) > _FAR_MS
            text = ("! " if is_far else "") + _ahead(ahead_ms)
            cells.append(line((fit(text, _CLOCK), "$warning" if is_far else "")))
        return Content("").join(cells)

    def _published(self) -> Sequence[str]:
        assert self._board is not None
        return [
            filled(
                _LISTED,
                kind=_(_KINDS.get(shown.kind, shown.kind)),
                version=shown.version,
                count=shown.count,
                at=short_time(shown.at_ms),
            )
            for shown in self._board.lists
        ]


def _ahead(ahead_ms: int) -> str:
    """Write how far a clock is ahead, in one unit."""
    sign, size = ("-" if ahead_ms < 0 else "+"), abs(ahead_ms)
    for unit_ms, text in (
        (_DAY_MS, _("{count} d")),
        (_HOUR_MS, _("{count} h")),
        (_MINUTE_MS, _("{count} min")),
    ):
        if size >= unit_ms:
            return sign + filled(text, count=size // unit_ms)
    return sign + filled(_("{count} s"), count=size // 1000)


def _cell(row: DownloadRow | None) -> str:
    if row is None or row.state == "no_way":
        return ""
    if row.state == "sending":
        return f"{row.sent}/{row.count}"
    if row.state == "in_force":
        return str(row.held)
    return f"{row.held or '-'} → {row.wanted}"


class ListNumberScreen(FormScreen):
    """A number on the black or the white list, or off both."""

    TITLE_TEXT = mark("A number on a list")
    HELP = mark(
        "For cards of other stations: 8 digits as printed, 12 with the area, or 16 as "
        "dispensers show them. List: 1 black, 2 white, 0 none. Off the blacklist takes "
        "a second operator."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("number", mark("Card number"), mark("8, 12 or 16 digits"), longest=16),
        Field("list", mark("List"), mark("1 black, 2 white, 0 none"), longest=1),
        REASON,
        *BOTH_PEOPLE,
    )

    def on_mount(self) -> None:
        """Hide what is secret."""
        hide_passwords(self)

    async def save(self) -> str:
        """Do it; say what was done."""
        on = {"1": "black", "2": "white", "0": "none"}.get(self.value("list"), "")
        order = NumberOrder.model_validate(
            {
                "card_no": self.value("number"),
                "list": on,
                "reason": self.value("reason"),
                "approval": approval_of(self),
            }
        )
        await self.desk.link.call(LISTS_NUMBER, order)
        words = {
            "black": _("on the blacklist"),
            "white": _("on the white list"),
            "none": _("on no list"),
        }
        return filled(_PUT, number=order.card_no, list=words[on])

"""Records fetched again by hand: by nozzle or dispenser, by numbers or by a day."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.content import Content
from textual.widget import Widget

from cngstation.language import _, mark
from cngstation.rpc.contract.refetch import (
    RECORD_REFETCH,
    RECORD_REFETCH_STATE,
    RefetchOrder,
    RefetchState,
)
from cngstation.rpc.session import Nothing
from tui.desk import Desk
from tui.screens.form_screen import Field, FormScreen
from tui.texts import filled, sentence
from tui.widgets.key_line import Keys
from tui.widgets.lines import Drawn, line, stacked

_LOOK_S = 0.5
_SHOWN_ABSENT = 6
_FAR = mark("{asked} of {total} numbers asked.")
_CAME = mark(
    "{booked} booked anew, {known} known already, {empty} without gas, {absent} not "
    "there."
)
_ABSENT = mark("Nozzle {nozzle}: {first} to {last} not there")


class RefetchScreen(FormScreen):
    """Asks the dispenser for records of the past, and shows what came."""

    TITLE_TEXT = mark("Fetch records again")
    HELP = mark(
        "Type a nozzle, or a dispenser for all of its nozzles; then the first and the "
        "last number, or a business day. Enter at the last field asks. What is booked "
        "is left as it is; what the dispenser does not have becomes a row."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("nozzle", mark("Nozzle"), longest=3),
        Field("dispenser", mark("Dispenser"), mark("for all of its nozzles"), 4),
        Field("first", mark("First number"), longest=10),
        Field("last", mark("Last number"), longest=10),
        Field("day", mark("Or a day"), mark("YYYY-MM-DD"), 10),
    )

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._state: RefetchState | None = None

    def parts(self) -> Iterable[Widget]:
        """The form, and what came below it."""
        yield from super().parts()
        yield Drawn(self._page, id="came")

    def on_mount(self) -> None:
        """Show what is being fetched already."""
        super().on_mount()
        self.run_worker(self._follow(begun=False), group="follow")

    def offered_keys(self) -> Keys:
        """Name what goes on."""
        at_last = self.focused and self.focused.id == self.FIELDS[-1].name
        further = _("fetch") if at_last else _("next field")
        return [("Enter", further), ("F2/Alt+2", _("fetch")), ("Esc", _("back"))]

    async def save(self) -> str:
        """Ask, and follow it to its end."""
        order = RefetchOrder(
            nozzle_no=self._number("nozzle"),
            dispenser_no=self._number("dispenser"),
            first=self._number("first"),
            last=self._number("last"),
            day=self.value("day"),
        )
        self._state = await self.desk.link.call(RECORD_REFETCH, order)
        self.say("")
        await self._follow(begun=True)
        return ""

    def leave_saved(self, done: str) -> None:
        """Stay: what came stands below the form."""
        del done
        self.redraw()

    def _number(self, name: str) -> int:
        text = self.value(name) or "0"
        if not (text.isascii() and text.isdigit()):
            raise ValueError(name)
        return int(text)

    async def _follow(self, *, begun: bool) -> None:
        while begun or self._state is None or self._state.state == "running":
            state = await self.desk.link.call(RECORD_REFETCH_STATE, Nothing())
            self._state, begun = state, False
            self.redraw()
            if state.state == "running":
                await asyncio.sleep(_LOOK_S)

    def _page(self) -> Content:
        state = self._state
        if state is None or state.state == "idle":
            return Content("")
        rows = [
            line((filled(_FAR, asked=state.asked, total=state.total), "bold")),
            line(
                filled(
                    _CAME,
                    booked=state.booked,
                    known=state.known,
                    empty=state.empty,
                    absent=state.not_there,
                )
            ),
        ]
        if state.text:
            rows.append(line((sentence(state.text, state.facts), "$warning")))
        for one in state.absent[:_SHOWN_ABSENT]:
            told = filled(_ABSENT, nozzle=one.nozzle_no, first=one.first, last=one.last)
            rows.append(line(told))
        if len(state.absent) > _SHOWN_ABSENT:
            rows.append(line("…"))
        return stacked(rows)

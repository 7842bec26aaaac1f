"""The till: how it is, what went in and out of it, and what can be done with it."""

from collections.abc import Iterable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from cngstation.errors import StationError
from cngstation.hygiene import clean, fit
from cngstation.language import _, mark
from cngstation.rpc.contract.counter import (
    RECEIPT_PRINT,
    TILL_SHOW,
    ReceiptRequest,
    TillView,
)
from cngstation.rpc.session import Nothing
from tui.desk import Desk
from tui.figures import price_text, short_time
from tui.screens.station_screen import StationScreen
from tui.texts import filled, sentence
from tui.widgets.key_line import Keys
from tui.widgets.lines import Drawn, line, stacked
from tui.words import word

_NEVER = mark("The till has no session yet: it takes money as it always did.")
_OPEN = mark("Till {till} is open since {at}, by {operator}, float {amount} yuan.")
_SHUT = mark("Till {till} was closed at {at} by {operator}.")
_SLIP = "till_slip"
_MOVES_SHOWN = 8
_COLUMN = 12


class TillScreen(StationScreen):
    """A digit opens the form of what is to be done."""

    HELP = mark(
        "A digit chooses: open the till with a counted float, bring cash to the safe "
        "or from it, pay out for a reason, close with what was counted. A closed till "
        "takes no money and gives none."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "app.help", show=False),
    ]
    DEFAULT_CSS = "TillScreen Drawn { padding: 0 1; }"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._view: TillView | None = None

    def parts(self) -> Iterable[Widget]:
        """One page."""
        yield Drawn(self._page)

    def on_mount(self) -> None:
        """Ask how the till is."""
        self.run_worker(self._fetch(), group="till")

    async def _fetch(self) -> None:
        try:
            self._view = await self.desk.link.call(TILL_SHOW, Nothing())
        except StationError as error:
            self.say_error(error)
        self.redraw()

    @property
    def _choices(self) -> tuple[tuple[str, str], ...]:
        """The functions that help now, in the order of their digits."""
        if self._view is None:
            return ()
        if self._view.state != "opened":
            slip = (
                ((_SLIP, _("print the slip again")),) if self._view.receipt_no else ()
            )
            return (("till_open", _("open the till")), *slip)
        return (
            ("till_drop", _("to the safe")),
            ("till_pay_in", _("from the safe")),
            ("till_pay_out", _("pay out")),
            ("till_close", _("close and count")),
        )

    def offered_keys(self) -> Keys:
        """Name what each digit does."""
        numbered = enumerate(self._choices, 1)
        return [*((str(n), text) for n, (_name, text) in numbered), ("Esc", _("back"))]

    def on_key(self, event: events.Key) -> None:
        """Open the form of a digit."""
        character = event.character or ""
        digits = "123456789"[: len(self._choices)]
        if character and character in digits:
            event.stop()
            name = self._choices[int(character) - 1][0]
            if name == _SLIP:
                self.run_worker(self._print_again(), group="till")
            else:
                self.station_app.action_open(name)

    async def _print_again(self) -> None:
        if self._view is None:
            return
        request = ReceiptRequest(receipt_no=self._view.receipt_no)
        try:
            reply = await self.desk.link.call(RECEIPT_PRINT, request)
        except StationError as error:
            self.say_error(error)
        else:
            self.say(sentence(reply.text, reply.facts))

    def _page(self) -> Content:
        view = self._view
        head = [line((_("Till"), "bold")), Content("")]
        if view is None:
            return stacked([*head, line(_("One moment ..."))])
        return stacked([*head, self._state(view), Content(""), *self._below(view)])

    def _state(self, view: TillView) -> Content:
        if view.state == "never":
            return line(_(_NEVER))
        text = filled(
            _OPEN if view.state == "opened" else _SHUT,
            till=view.till,
            at=short_time(view.since_ms),
            operator=view.operator_no,
            amount=price_text(view.float_e4),
        )
        return line((text, "bold"))

    def _below(self, view: TillView) -> list[Content]:
        if view.state == "closed":
            return self._counts(view)
        return [
            line(
                "  ".join(
                    (
                        short_time(move.at_ms),
                        fit(word(move.kind), 16),
                        fit(price_text(move.amount_e4), _COLUMN, right=True),
                        clean(move.reason),
                    )
                )
            )
            for move in view.moves[:_MOVES_SHOWN]
        ]

    def _counts(self, view: TillView) -> list[Content]:
        heads = (_("Way of paying"), _("By the books"), _("Counted"), _("Difference"))
        rows = [
            line(("".join(fit(head, _COLUMN + 4) for head in heads), "$text-muted"))
        ]
        for count in view.counts:
            counted = count.counted_e4
            cells = (
                word(count.tender),
                price_text(count.expected_e4),
                _("not counted") if counted is None else price_text(counted),
                price_text(count.over_e4) if count.over_e4 else "",
            )
            text = "".join(fit(cell, _COLUMN + 4) for cell in cells)
            rows.append(line((text, "bold $warning" if count.over_e4 else "")))
        return rows

"""Looking up: companies, vehicles, cards, last fills, receipts."""

import asyncio
from collections.abc import Iterable
from importlib import import_module
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from cngstation.errors import StationError
from cngstation.hygiene import width
from cngstation.language import _, mark
from cngstation.rpc.contract.counter import (
    RECEIPT_PRINT,
    ReceiptRequest,
    ReceiptRow,
)
from tui.areas import Area
from tui.desk import Desk
from tui.registers import REGISTERS
from tui.screens.station_screen import StationScreen
from tui.texts import filled, labelled, sentence
from tui.widgets.key_line import Keys
from tui.widgets.lazy_table import LazyTable
from tui.widgets.lines import Drawn, Part, line

_TYPING_PAUSE_S = 0.15
_PRINT_TIMEOUT_S = 30
_RECEIPTS = "receipts"
_PRINTED = mark("Receipt {receipt_no}: {outcome}.")


def tabs_that_fit(texts: list[str], chosen: int, columns: int) -> tuple[int, int]:
    """Return the first tab to show and the one after the last; the chosen is there."""
    first, last = 0, len(texts)
    while sum(width(text) + 2 for text in texts[first:last]) > columns:
        if last - 1 > chosen and last - 1 - chosen >= chosen - first:
            last -= 1
        elif first < chosen:
            first += 1
        else:
            break
    return first, last


class RegistersScreen(StationScreen):
    """A digit or an arrow chooses the register, / searches, Enter prints a receipt."""

    HELP = mark(
        "Digits or left and right choose the register. / goes to the search: a part "
        "of a plate, name or number, or pinyin initials. Enter changes a company, a "
        "vehicle without a card, or a type; * shows a phone or an ID number whole, for "
        "a reason, where your role allows it. Edits lists what was changed. Under "
        "receipts, Enter prints the marked one again as a copy; with a card on the "
        "reader only its receipts are listed."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", show=False),
        Binding("asterisk", "reveal('RevealScreen')", show=False),
        Binding("minus", "reveal('ForgetScreen')", show=False),
        Binding("left", "turn(-1)", show=False),
        Binding("right", "turn(1)", show=False),
        Binding("question_mark", "app.help", show=False),
    ]
    DEFAULT_CSS = """
    RegistersScreen Input { margin: 0 1; }
    RegistersScreen #tabs { padding: 0 1; }
    """

    def __init__(self, desk: Desk, name: str = "vehicles") -> None:
        super().__init__(desk)
        names = [register.name for register in REGISTERS]
        self._number = names.index(name)

    def parts(self) -> Iterable[Widget]:
        """Tabs, search, table."""
        yield Drawn(self._tabs, id="tabs")
        yield Input(id="search", compact=True, max_length=40)
        yield LazyTable(id="table")

    def on_mount(self) -> None:
        """Show the register that was asked for."""
        self.query_one(LazyTable).focus()
        self._fetch()

    def offered_keys(self) -> Keys:
        """Name what helps here."""
        first = [("Enter", _("print again"))] if self._is_receipts else []
        if REGISTERS[self._number].form:
            first = [("Enter", _("change"))]
        if REGISTERS[self._number].has_numbers:
            first.append(("*", _("whole number")))
            first.append(("-", _("clear data")))
        last = len(REGISTERS)
        return [
            *first,
            (f"1-{last}", _("choose")),
            ("/", _("search")),
            ("↑↓", _("move")),
            ("Esc", _("back")),
        ]

    @property
    def _is_receipts(self) -> bool:
        return REGISTERS[self._number].name == _RECEIPTS

    def _tabs(self) -> Content:
        texts = [
            labelled(str(number), _(register.title))
            for number, register in enumerate(REGISTERS, 1)
        ]
        first, last = tabs_that_fit(texts, self._number, self.size.width - 2)
        parts: list[Part] = []
        for number in range(first, last):
            here = number == self._number
            shown = f"[{texts[number]}]" if here else f" {texts[number]} "
            parts += [(shown, "bold" if here else "")]
        return line(*parts)

    def draw(self, areas: Area) -> None:
        """Draw; new receipts come in by themselves."""
        super().draw(areas)
        if Area.RECEIPTS in areas and self.is_mounted and self._is_receipts:
            self._fetch()
        if self.is_mounted:
            for table in self.query(LazyTable):
                table.refresh()
            hint = _("/ searches: a part of a plate, name or number")
            self.query_one("#search", Input).placeholder = hint

    def _fetch(self, *, pause_s: float = 0) -> None:
        self.run_worker(self._fetch_rows(pause_s), group="fetch", exclusive=True)

    async def _fetch_rows(self, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        register = REGISTERS[self._number]
        if not self.is_attached:
            return
        text = self.query_one("#search", Input).value
        try:
            rows = await register.fetch(self.desk, text)
        except StationError as error:
            self.say_error(error)
            return
        except ValueError:  # characters that the contract does not carry
            rows = ()
        for table in self.query(LazyTable):
            table.show_rows(register.columns, rows)
        if not rows:
            self.say(_("Nothing found."))

    def action_turn(self, by: int) -> None:
        """Go to the register beside this one."""
        self._choose((self._number + by) % len(REGISTERS))

    def _choose(self, number: int) -> None:
        self._number = number
        self.query_one("#search", Input).value = ""
        self.say("")
        self.redraw()
        self._fetch()

    def action_search(self) -> None:
        """Go to the search."""
        self.query_one("#search", Input).focus()

    def on_key(self, event: events.Key) -> None:
        """Choose a register by its digit, unless a search is being typed."""
        if self.query_one("#search", Input).has_focus:
            if event.key == "down":
                self.query_one(LazyTable).focus()
            return
        character = event.character or ""
        if character in "123456789"[: len(REGISTERS)] and character:
            event.stop()
            self._choose(int(character) - 1)

    def on_input_changed(self, _changed: Input.Changed) -> None:
        """Search as it is typed."""
        self._fetch(pause_s=_TYPING_PAUSE_S)

    def on_input_submitted(self, submitted: Input.Submitted) -> None:
        """Go to what was found; a typed receipt number prints that receipt."""
        self.query_one(LazyTable).focus()
        number = submitted.value.strip()
        if self._is_receipts and number.isascii() and number.isdigit():
            self._print(int(number))

    def on_lazy_table_chosen(self, chosen: LazyTable.Chosen) -> None:
        """Print the chosen receipt once more, or open the form that changes a row."""
        if isinstance(chosen.row, ReceiptRow):
            self._print(chosen.row.receipt_no)
        elif form := REGISTERS[self._number].form:
            screens = import_module("tui.screens.edit_rows")
            self.app.push_screen(getattr(screens, form)(self.desk, chosen.row))

    def action_reveal(self, form: str) -> None:
        """Show a personal number of the marked row whole, or clear its data."""
        if REGISTERS[self._number].has_numbers:
            row = self.query_one(LazyTable).chosen
            if row is not None:
                screens = import_module("tui.screens.reveal")
                self.app.push_screen(getattr(screens, form)(self.desk, row))

    def _print(self, receipt_no: int) -> None:
        self.run_worker(self._print_again(receipt_no), group="print", exclusive=True)

    async def _print_again(self, receipt_no: int) -> None:
        self.say(_("Printing ..."))
        request = ReceiptRequest(receipt_no=receipt_no)
        try:
            outcome = await self.desk.link.call(
                RECEIPT_PRINT, request, timeout_s=_PRINT_TIMEOUT_S
            )
        except StationError as error:
            self.say_error(error)
            return
        self.desk.picture.keep_receipt(outcome)
        text = filled(_PRINTED, receipt_no=outcome.receipt_no, outcome=outcome.outcome)
        more = sentence(outcome.text, outcome.facts)
        self.say(
            f"{text} {more}".strip(),
            "done" if outcome.outcome in {"printed", "waiting"} else "failed",
        )
        self._fetch()

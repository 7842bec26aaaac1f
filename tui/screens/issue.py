"""Issuing a new card: a part of the plate, then a digit for each choice."""

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from cngstation.errors import StationError
from cngstation.hygiene import clean, fit
from cngstation.language import _, mark
from cngstation.rpc.contract.counter import (
    CHOICES,
    VEHICLE_SEARCH,
    ActReply,
    ActState,
    CardOnReaderState,
    Search,
    VehicleRow,
)
from cngstation.rpc.session import Nothing
from tui.acts import NeverAccepted
from tui.areas import Area
from tui.desk import Desk
from tui.figures import fen_text
from tui.issue import SECOND_CARD, IssueDraft, Step
from tui.screens.station_screen import StationScreen
from tui.texts import error_sentence, filled, labelled, sentence
from tui.widgets.issue_sheet import IssueSheet
from tui.widgets.key_line import Keys
from tui.widgets.lines import Drawn, line, stacked

_FOUND = 8
_TYPING_PAUSE_S = 0.15
_ISSUED = mark("Issued the card for {plate}; {cash} yuan were taken.")
_CHOOSING = {Step.KIND, Step.MODE, Step.LEVEL}


class IssueScreen(StationScreen):
    """At most seven keys beside the plate and the amount."""

    HELP = mark(
        "Put a new card on the reader. Type a part of the plate, the company or pinyin "
        "initials; Enter takes the marked vehicle. A digit chooses kind, mode and "
        "price level. Type what is prepaid; Enter shows what to take, a letter chooses "
        "another way of paying than cash, Enter issues."
    )
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go_on", show=False),
        Binding("backspace", "erase", show=False),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    IssueScreen #title { padding: 0 1; border-bottom: solid $primary; }
    IssueScreen Input { margin: 0 1; }
    IssueScreen #found { padding: 0 1; height: 1fr; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._draft: IssueDraft | None = None
        self._found: tuple[VehicleRow, ...] = ()
        self._searched = ""
        self._marked = 0

    def parts(self) -> Iterable[Widget]:
        """Title, search, the sheet, what was found."""
        yield Drawn(self._title, id="title")
        yield Input(id="vehicle", compact=True, max_length=40)
        yield IssueSheet(lambda: self._draft)
        yield Drawn(self._found_lines, id="found")

    def on_mount(self) -> None:
        """Fetch what can be chosen, and the first vehicles."""
        self.run_worker(self._fetch(), group="choices")

    async def _fetch(self) -> None:
        station = self.desk.picture.station
        try:
            choices = await self.desk.link.call(CHOICES, Nothing())
            await self._search("")
        except StationError as error:
            self.say_error(error)
            return
        self._draft = IssueDraft(choices, station.gas_unit if station else "m3")
        self._draft.paying.offer(choices.tenders)
        self._show()

    def draw(self, areas: Area) -> None:
        """Draw, and say in the search what it finds."""
        super().draw(areas)
        if self.is_mounted:
            hint = _("part of a plate, company, or pinyin initials")
            self._input.placeholder = hint

    def offered_keys(self) -> Keys:
        """Name what this step takes."""
        draft = self._draft
        back = ("Esc", _("back"))
        if draft is None or draft.step is Step.DOING:
            return [("...", _("leave the card on the reader"))]
        if draft.step is Step.VEHICLE:
            return [("Enter", _("this vehicle")), ("↑↓", _("move")), back]
        if draft.step in _CHOOSING:
            return [(draft.digits(), _("choose")), back]
        if draft.step is Step.AMOUNT:
            return [
                ("Enter", _("show what to take")),
                ("0-9", _("what is prepaid")),
                back,
            ]
        enter = ("Enter", _("take the money, issue the card"))
        return [enter, *draft.paying.offered_keys(), back]

    def unfinished(self) -> bool:
        """Tell whether a vehicle was typed or chosen."""
        begun = self._draft is not None and self._draft.step is not Step.VEHICLE
        return begun or (self.is_mounted and bool(self._input.value))

    @property
    def _input(self) -> Input:
        return self.query_one("#vehicle", Input)

    def _title(self) -> Content:
        card = self.desk.picture.card
        there = card is not None and self.desk.picture.card_is_there
        if card is None or not there:
            text, style = _("Put a new card on the reader."), "bold $warning"
        elif card.on_reader != CardOnReaderState.BLANK:
            text, style = _("The card on the reader is not a new one."), "bold $warning"
        else:
            text, style = labelled(_("New card, chip"), clean(card.uid)), "bold"
        return line((_("Issue a card"), "bold"), "   ", (text, style))

    def _found_lines(self) -> Content:
        if self._draft is None or self._draft.step is not Step.VEHICLE:
            return Content("")
        if not self._found:
            if self._input.value.strip():
                return line(
                    _("Nothing found. F5 registers a vehicle that is not there.")
                )
            return line(_("No such vehicle yet. F5 registers it, then issue the card."))
        rows = []
        for number, row in enumerate(self._found):
            here = number == self._marked
            text = "  ".join(
                (
                    "▸" if here else " ",
                    fit(clean(row.plate), 10),
                    fit(clean(row.vehicle_type_name), 8),
                    fit(clean(row.driver), 10),
                    fit(clean(row.company_name), 24),
                    labelled(_("cards"), row.cards),
                )
            )
            rows.append(line((text, "bold" if here else "")))
        return stacked(rows)

    def card_waits(self) -> None:
        """A card that comes while a form is open may be the one to issue to."""
        card = self.desk.picture.card
        if card is not None and card.on_reader != CardOnReaderState.BLANK:
            super().card_waits()
        self.redraw()

    def _show(self) -> None:
        self._input.display = self._draft is None or self._draft.step is Step.VEHICLE
        for sheet in self.query(IssueSheet):
            sheet.redraw()
        self.redraw()

    # The vehicle.

    def on_input_changed(self, changed: Input.Changed) -> None:
        """Search as it is typed."""
        self.run_worker(
            self._search_later(changed.value), group="search", exclusive=True
        )

    async def _search_later(self, text: str) -> None:
        await asyncio.sleep(_TYPING_PAUSE_S)
        try:
            await self._search(text)
        except StationError as error:
            self.say_error(error)

    async def _search(self, text: str) -> None:
        try:
            request = Search(text=text, limit=_FOUND)
        except ValueError:  # characters that the contract does not carry
            self._found = ()
        else:
            self._found = (await self.desk.link.call(VEHICLE_SEARCH, request)).rows
        self._searched, self._marked = text, 0
        self.redraw()

    def action_move(self, by: int) -> None:
        """Mark another vehicle."""
        self._marked = max(0, min(self._marked + by, len(self._found) - 1))
        self.redraw()

    def on_input_submitted(self, submitted: Input.Submitted) -> None:
        """Take the marked vehicle."""
        self.run_worker(self._take_vehicle(submitted.value), group="take")

    async def _take_vehicle(self, text: str) -> None:
        try:
            if text != self._searched:
                await self._search(text)
        except StationError as error:
            self.say_error(error)
            return
        draft = self._draft
        if draft is not None and draft.step is Step.VEHICLE and self._found:
            draft.choose_vehicle(self._found[self._marked])
            self.set_focus(None)
            self._show()

    # The rest.

    def on_key(self, event: events.Key) -> None:
        """Choose by digit, or type the amount."""
        draft, character = self._draft, event.character or ""
        if draft is None or not character:
            return
        if draft.pay(character):
            event.stop()
            self.say("")
            self._show()
            return
        if character not in "0123456789.":
            if draft.step is Step.CONFIRM and character.isalpha():
                self.say(_("There is no such choice."))
            return
        if draft.step in _CHOOSING and character != ".":
            event.stop()
            if not draft.choose(int(character)):
                self.say(_("There is no such choice."))
                return
        elif draft.step is Step.AMOUNT:
            event.stop()
            draft.amount.type(character)
        self.say("")
        self._show()
        if draft.step is Step.CONFIRM:
            self.ask_to_confirm()

    def action_erase(self) -> None:
        """Take the last digit back."""
        draft = self._draft
        if draft is None:
            return
        if draft.step is Step.AMOUNT:
            draft.amount.erase()
        elif draft.step is Step.CONFIRM and draft.paying.erase():
            draft.intent_id = ""
        self._show()

    def action_leave(self) -> None:
        """Step back; from the first step, back to the counter."""
        draft = self._draft
        if draft is not None and draft.step is Step.DOING:
            return
        if draft is None or not draft.back():
            super().action_leave()
            return
        if draft.step is Step.VEHICLE:
            self._input.display = True
            self._input.focus()
        self.say("")
        self._show()

    def action_go_on(self) -> None:
        """Show the cash, or issue."""
        draft = self._draft
        if draft is None:
            return
        if draft.step is Step.CONFIRM:
            self.confirm(partial(self._issue, draft))
            return
        self.confirming.pressed()
        if draft.step is Step.AMOUNT:
            draft.step = Step.CONFIRM
            self._show()
            self.ask_to_confirm()

    async def _issue(self, draft: IssueDraft) -> None:
        if draft.step is not Step.CONFIRM:
            return
        draft.step = Step.DOING
        self._show()
        try:
            reply = await draft.carry_out(
                self.desk.link, lambda error: self.say(error_sentence(error), "failed")
            )
        except StationError as error:
            draft.step = Step.CONFIRM
            draft.accept_second_card |= error.code == SECOND_CARD
            if not isinstance(error, NeverAccepted):
                draft.intent_id = ""
            self._show()
            self.say_error(error)
            self.ask_to_confirm()
            return
        counter = self.station_app.counter()
        self.station_app.back_to_counter()
        counter.say(_outcome(draft, reply), _kind(reply))
        await counter.read_card_again()


def _kind(reply: ActReply) -> str:
    return "done" if reply.state is ActState.DONE else "failed"


def _outcome(draft: IssueDraft, reply: ActReply) -> str:
    if reply.text:
        return sentence(reply.text, reply.facts)
    plate = draft.vehicle.plate if draft.vehicle else ""
    return filled(_ISSUED, plate=plate, cash=fen_text(reply.cash_fen))

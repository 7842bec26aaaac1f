"""One act on a card: what it wants is typed, what it would do is read, Enter does it.

An act that wants nothing is quoted at once: tap, Enter here, Enter does it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from cngstation.errors import StationError
from cngstation.hygiene import clean, fit
from cngstation.language import _, mark
from cngstation.rpc.contract.card_acts import (
    ACT_QUOTE,
    CARD_ACTS,
    TOP_UPS,
    ActOrder,
    ActQuote,
    ActQuoteRequest,
    TopUpsRequest,
    TypedField,
)
from cngstation.rpc.contract.counter import ActReply, ActState
from tui.act_figures import FigureInput, act_figures
from tui.act_form import fen_of
from tui.acts import carry_out, new_id
from tui.desk import Desk
from tui.paying import CASH, Paying
from tui.screens.form_screen import Field, type_again
from tui.screens.mark_card import BOTH_PEOPLE, REASON, approval_of
from tui.screens.second_card import KEY, asks_for_card, wants_card
from tui.screens.station_screen import StationScreen
from tui.texts import error_sentence, labelled, sentence
from tui.top_up_choice import TopUpChoice
from tui.widgets.key_line import Keys
from tui.widgets.lines import Drawn, line
from tui.wrong_field import wrong_field

TITLES = {
    "settle_grey": mark("Settle a grey card"),
    "settle_grey_by_hand": mark("Settle a grey card by hand"),
    "clear_credit": mark("Clear a credit card"),
    "reverse_top_up": mark("Take a top-up back"),
    "cancel": mark("Cancel a card"),
    "wipe": mark("Wipe a card for re-use"),
    "edit": mark("Change the plate on a card"),
    "cylinder_date": mark("Change the cylinder date"),
    "rewrite_price": mark("Write the new price on a card"),
    "rewrite_limits": mark("Write the limits on a card"),
    "crew_rewrite": mark("Rewrite a crew card"),
    "replace": mark("Replace a lost card"),
}
_AMOUNT = Field("amount", mark("Amount"), mark("to take off the card"), longest=12)
FIELDS: dict[str, tuple[Field, ...]] = {
    "settle_grey_by_hand": (_AMOUNT,),
    "reverse_top_up": (_AMOUNT,),
    "crew_rewrite": (
        Field("holder", mark("Holder"), mark("empty: as it is"), longest=40),
    ),
    "edit": (Field("plate", mark("Plate"), longest=20),),
    "cylinder_date": (
        Field("cylinder_due", mark("Inspect until"), mark("YYYY-MM-DD"), longest=10),
        Field("certificate", mark("Certificate no."), longest=40),
    ),
}
_SECOND = (REASON, *BOTH_PEOPLE)
_TYPED = Field(
    "typed", mark("Typed balance"), mark("only where the books cannot say"), longest=12
)
_TWO_PEOPLE = {"settle_grey_by_hand", "reverse_top_up"}
_OF_FIGURES = {_AMOUNT.name, _TYPED.name}
_TAKE_BACK = "reverse_top_up"
_ON_CARD = {"plate", "cylinder_due", "holder"}
_LABEL = 18


class CardActScreen(StationScreen):
    """Nothing happens before the Enter below the figures."""

    HELP = mark(
        "Type what the act wants; Enter shows before and after, what to take or to "
        "give, and what to know. A letter chooses another way of paying than cash. "
        "Enter again does it, with the card on the reader. An act for two wants a "
        "second operator's name and password; Ctrl+R reads the staff card."
    )
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go_on", show=False),
        Binding("f1", "app.help", show=False),
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("ctrl+r", "staff_card", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    CardActScreen #title { padding: 0 1; text-style: bold;
        border-bottom: solid $primary; }
    CardActScreen #top_ups { padding: 0 1; height: auto; }
    CardActScreen #quoted { padding: 1 1 0 1; height: auto; }
    CardActScreen .field { height: 1; padding: 0 1; }
    CardActScreen .field Drawn { width: 18; }
    CardActScreen .field Input { width: 1fr; max-width: 44; }
    """

    def __init__(self, desk: Desk, kind: str, card_key: str = "") -> None:
        super().__init__(desk)
        self._kind = kind
        card = desk.picture.card
        self._card_key = card_key or (card.card_key if card else "")
        self._quote: ActQuote | None = None
        self._intent_id = ""
        self._paying = Paying()
        self._choice = TopUpChoice()
        self._doing = False
        # A replacement may turn out to take two people; its fields stand ready.
        self._two = kind in _TWO_PEOPLE or kind == "replace"

    def parts(self) -> Iterable[Widget]:
        """Title, what is typed, what it would do."""
        yield Drawn(lambda: line((_(TITLES[self._kind]), "bold")), id="title")
        if self._kind == _TAKE_BACK:
            yield Drawn(self._choice.content, id="top_ups")
        for field in self._fields():
            with Horizontal(classes="field"):
                yield Drawn(self._label_of(field))
                kind = FigureInput if field.name in _OF_FIGURES else Input
                yield kind(
                    id=field.name,
                    compact=True,
                    max_length=field.longest,
                    placeholder=self._hint_of(field),
                    password=field.name.endswith("_password"),
                )
        yield Drawn(self._quoted, id="quoted")

    def _fields(self) -> Sequence[Field]:
        own = FIELDS.get(self._kind, ())
        typed = (_TYPED,) if self._kind == "replace" else ()
        return (*own, *typed, *_SECOND) if self._two else own

    def _hint_of(self, field: Field) -> str:
        """Say what a field is for, and what stands on the card now."""
        card = self.desk.picture.card
        if card is None or field.name not in _ON_CARD:
            return _(field.hint)
        now = clean(str(getattr(card, field.name)))
        shown = labelled(_("now"), now) if now else ""
        return labelled(shown, _(field.hint)).strip()

    def _label_of(self, field: Field) -> Callable[[], Content]:
        return lambda: line(fit(_(field.label), _LABEL))

    def on_mount(self) -> None:
        """An act that wants nothing shows at once what it would do."""
        if not FIELDS.get(self._kind):
            self.run_worker(self._ask_quote(), group="quote")
        if self._kind == _TAKE_BACK:
            self.run_worker(self._ask_top_ups(), group="top_ups")

    async def _ask_top_ups(self) -> None:
        try:
            request = TopUpsRequest(card_key=self._card_key)
            found = await self.desk.link.call(TOP_UPS, request)
        except StationError as error:
            self.say_error(error)
            return
        self._choice.take(found.rows)
        self.redraw()

    def offered_keys(self) -> Keys:
        """Name what Enter does."""
        back = ("Esc", _("back"))
        if self._doing:
            return [("...", _("leave the card on the reader"))]
        if self._quote is None:
            which = [("↑↓", _("which top-up"))] if self._kind == _TAKE_BACK else []
            return [("Enter", _("show what it would do")), *which, back]
        by_card = [(KEY, _("staff card"))] if self._quote.two_people else []
        paying = [*self._paying.offered_keys(), *by_card]
        if self._more_to_fill(self.focused.id if self.focused else None):
            return [("Enter", _("next field")), *paying, back]
        if self._kind == "replace":
            hands = [("F9", _("Hands"))] if self.desk.hands else []
            enter = ("Enter", _("new card on the reader: replace"))
            return [enter, *paying, *hands, back]
        return [("Enter", _("do it")), *paying, back]

    def unfinished(self) -> bool:
        """Something typed, an act under way, or a replacement that waits for a card."""
        typed = self.is_mounted and any(i.value for i in self.query(Input))
        otherwise = self._paying.tender != CASH
        return typed or otherwise or self._doing or self._kind == "replace"

    def card_waits(self) -> None:
        """The new card of a replacement is what is waited for."""
        if self._kind != "replace":
            super().card_waits()

    def _value(self, name: str) -> str:
        for typed in self.query(f"#{name}").results(Input):
            return typed.value.strip()
        return ""

    def _quoted(self) -> Content:
        quote = self._quote
        if quote is None:
            return line("")
        return act_figures(quote, self._paying)

    # What is typed and pressed.

    def on_descendant_focus(self) -> None:
        """Name the keys of the field that is typed in."""
        self.redraw()

    def on_input_changed(self, changed: Input.Changed) -> None:
        """Another figure is another act."""
        own = {field.name for field in FIELDS.get(self._kind, ())} | {_TYPED.name}
        if changed.input.id in own:
            self._quote, self._intent_id = None, ""
            self._paying = Paying()
            self.redraw()

    def on_key(self, event: events.Key) -> None:
        """Choose how it is paid, or type the number of the payment."""
        paying = self._paying
        at_a_field = isinstance(self.focused, Input)
        if self._doing or (paying.wants_number and at_a_field):
            return
        if event.key == "backspace":
            taken = not at_a_field and paying.erase()
        else:
            taken = event.is_printable and paying.press(event.character or "")
        if taken:
            event.stop()
            self._pay_otherwise()
        elif why := paying.why_not(event.character or ""):
            event.stop()
            self.say(why, "failed")
            self.ask_to_confirm()

    def _pay_otherwise(self) -> None:
        """Another payment is another act."""
        self._intent_id = ""
        if self._paying.wants_number:
            self.set_focus(None)
        self.redraw()

    def action_leave(self) -> None:
        """Go back to cash first, then to the counter."""
        if self._doing or not self._paying.back():
            super().action_leave()
            return
        self._pay_otherwise()
        for field in self.query(Input).results():
            field.focus()
            return

    def on_input_submitted(self, submitted: Input.Submitted) -> None:
        """Go to the next field, or on; two people fill in every field first."""
        at, fields = submitted.input.id, self._fields()
        if self._quote is not None:
            (self.focus_next if self._more_to_fill(at) else self.action_go_on)()
            return
        if at not in {_TYPED.name, fields[-1].name}:
            self.focus_next(Input)
            own = FIELDS.get(self._kind, ())
            if not own or at != own[-1].name:
                return
        self.action_go_on()

    def _more_to_fill(self, at: str | None) -> bool:
        """Tell whether the act takes two people, one of whom is still to type."""
        two = self._quote is not None and self._quote.two_people
        return two and at in {field.name for field in self._fields()[:-1]}

    def action_move(self, by: int) -> None:
        """Choose a top-up where its amount is typed; else go to another field."""
        at_fields = {field.name for field in _SECOND}
        if self._kind != _TAKE_BACK or (self.focused and self.focused.id in at_fields):
            (self.focus_next if by > 0 else self.focus_previous)()
        elif not self._doing and self._choice.move(by):
            self._quote, self._intent_id = None, ""
            self.redraw()

    def action_go_on(self) -> None:
        """Ask what it would do, or do it."""
        if self._doing:
            return
        if self._quote is None:
            self.confirming.pressed()
            self.run_worker(self._ask_quote(), group="quote")
        else:
            self.confirm(self._do)

    def _typed(self) -> tuple[TypedField, ...]:
        if self._value(_TYPED.name):
            return (TypedField(name="typed", value="1"),)
        names = [f.name for f in FIELDS.get(self._kind, ()) if f.name != "amount"]
        return tuple(TypedField(name=n, value=self._value(n)) for n in names)

    def _amount(self) -> int:
        return fen_of(self._value("amount") or self._value(_TYPED.name))

    async def _ask_quote(self) -> None:
        try:
            request = ActQuoteRequest(
                kind=self._kind,
                card_key=self._card_key,
                amount_purse=self._amount(),
                of_intent_id=self._choice.intent_id,
                fields=self._typed(),
            )
            self._quote = await self.desk.link.call(ACT_QUOTE, request)
        except StationError as error:
            self._say_refused(error)
            return
        except ValueError:
            self.say(_("A field has characters that cannot be used."), "failed")
            return
        self._paying.offer(self._quote.tenders)
        self.say("")
        self.redraw()
        self.ask_to_confirm()

    async def _do(self) -> None:
        quote = self._quote
        if quote is None or self._doing:
            return
        self._doing = True
        self._intent_id = self._intent_id or new_id()
        self.redraw()
        try:
            order = self._order(quote)
            reply = await carry_out(
                self.desk.link,
                CARD_ACTS[self._kind],
                order,
                self._intent_id,
                still_asking=lambda error: self.say(error_sentence(error), "failed"),
            )
        except StationError as error:
            self._say_refused(error)
            self._intent_id = ""
        except ValueError:
            self.say(_("A field has characters that cannot be used."), "failed")
        else:
            self._told(reply)
            return
        finally:
            self._doing = False
        self.redraw()
        self.ask_to_confirm()

    def action_staff_card(self) -> None:
        """Do it with the second operator's staff card, once both are named."""
        if self._quote is not None and self._quote.two_people and wants_card(self):
            self.confirm(self._do)

    def _say_refused(self, error: StationError) -> None:
        if asks_for_card(self, error):
            return
        fields = self._fields()
        typed = {field.name: self._value(field.name) for field in fields}
        if name := wrong_field(error, fields, typed):
            type_again(self.query_one(f"#{name}", Input))
        self.say_error(error)

    def _order(self, quote: ActQuote) -> ActOrder:
        approval = approval_of(self) if quote.two_people else None
        return ActOrder(
            intent_id=self._intent_id,
            card_key=self._card_key,
            before_purse=quote.before_purse,
            amount_purse=self._amount(),
            cash_fen=quote.cash_fen,
            refund_fen=quote.refund_fen,
            of_intent_id=self._choice.intent_id,
            reason=self._value("reason"),
            fields=self._typed(),
            approval=approval,
            tender=self._paying.tender,
            tender_ref=self._paying.number,
        )

    def _told(self, reply: ActReply) -> None:
        kind = "done" if reply.state is ActState.DONE else "failed"
        counter = self.station_app.counter()
        self.station_app.back_to_counter()
        counter.say(sentence(reply.text, reply.facts), kind)
        counter.run_worker(counter.read_card_again(), group="read")

"""A form of fields one below the other; Enter goes on, and saves from the last."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import ValidationError
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from cngstation.errors import StationError
from cngstation.hygiene import clean, fit
from cngstation.language import _
from tui.desk import Desk
from tui.screens.second_card import KEY, asks_for_card, wants_card
from tui.screens.station_screen import StationScreen
from tui.texts import error_sentence
from tui.widgets.key_line import Keys
from tui.widgets.lines import Drawn, line
from tui.wrong_field import field_of_message, wrong_field

_LABEL = 16
_HINT = 30


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form: key, English label, English hint, longest text."""

    name: str
    label: str
    hint: str = ""
    longest: int = 40


class FormScreen(StationScreen):
    """Keeps what was typed until it is saved; a refusal stands on the notice line.

    A refusal of an unusual plate or number offers Enter once more to take it.
    """

    FIELDS: ClassVar[Sequence[Field]] = ()
    TITLE_TEXT: ClassVar[str] = ""
    # By the code of the refusal: what Enter once more accepts.
    ACCEPTS: ClassVar[dict[str, str]] = {}
    # The style of what is said at the counter once it is saved.
    outcome = "done"
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2,ctrl+s,alt+2", "save", show=False, priority=True),
        Binding("enter", "next_field", show=False, priority=True),
        Binding("ctrl+r", "staff_card", show=False, priority=True),
        Binding("up", "app.focus_previous", show=False),
        Binding("down", "app.focus_next", show=False),
    ]
    DEFAULT_CSS = """
    FormScreen #title { padding: 0 1; text-style: bold; border-bottom: solid $primary; }
    FormScreen #fields { padding: 0 1; height: 1fr; }
    FormScreen .field { height: 1; }
    FormScreen .field Drawn { width: 16; }
    FormScreen .field Drawn.hint { width: 30; color: $text-muted; padding: 0 0 0 1; }
    FormScreen .field Input { width: 1fr; max-width: 44; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._accepted: set[str] = set()
        self._offered = ""
        self._saving = False

    def parts(self) -> Iterable[Widget]:
        """Title, then label, field and hint on each line."""
        initial = self.initial()
        yield Drawn(self.title_line, id="title")
        with VerticalScroll(id="fields", can_focus=False):
            for field in self.FIELDS:
                with Horizontal(classes="field"):
                    yield Drawn(self._label_of(field))
                    yield Input(
                        initial.get(field.name, ""),
                        id=field.name,
                        compact=True,
                        max_length=field.longest,
                    )
                    yield Drawn(self._hint_of(field), classes="hint")

    def title_line(self) -> Content:
        """Name the form."""
        return line((_(self.TITLE_TEXT), "bold"))

    def _label_of(self, field: Field) -> Callable[[], Content]:
        return lambda: line(fit(_(field.label), _LABEL))

    def _hint_of(self, field: Field) -> Callable[[], Content]:
        return lambda: self.hint(field)

    def hint(self, field: Field) -> Content:
        """Return what stands beside a field."""
        return line(fit(clean(self.hint_text(field)), _HINT - 1))

    def hint_text(self, field: Field) -> str:
        """Return the words that stand beside a field."""
        return _(field.hint)

    def initial(self) -> dict[str, str]:
        """Return what the fields hold at first."""
        return {}

    def offered_keys(self) -> Keys:
        """Name what goes on."""
        at_last = self.focused and self.focused.id == self.FIELDS[-1].name
        further = _("save") if at_last else _("next field")
        return [
            ("Enter", _("once more to accept") if self._offered else further),
            *([] if at_last else [("F2/Alt+2", _("save"))]),
            ("↑↓", _("move")),
            *([(KEY, _("staff card"))] if self._takes_two() else []),
            ("Esc", _("back, nothing is saved")),
        ]

    def value(self, name: str) -> str:
        """Return what was typed into a field."""
        return self.query_one(f"#{name}", Input).value.strip()

    def unfinished(self) -> bool:
        """Tell whether anything was typed."""
        initial = self.initial()
        return self.is_mounted and any(
            i.value != initial.get(str(i.id), "") for i in self.query(Input)
        )

    def accepts(self, flag: str) -> bool:
        """Tell whether something unusual was accepted by a second Enter."""
        return flag in self._accepted

    async def save(self) -> str:
        """Register what was typed; return what was done, in the past tense."""
        raise AssertionError("every form says how it is saved")

    async def on_input_submitted(self, submitted: Input.Submitted) -> None:
        """Go to the next field; accept, or save at the last."""
        if self._offered:
            self.confirm(self._accept)
            return
        self.confirming.pressed()
        if submitted.input.id == self.FIELDS[-1].name:
            self._begin_saving()
        else:
            self.focus_next(Input)

    async def _accept(self) -> None:
        if self._offered:
            self._accepted.add(self._offered)
            self._begin_saving()

    def on_descendant_focus(self) -> None:
        """Name the keys of the field that is typed in."""
        self.redraw()

    def on_input_changed(self, _changed: Input.Changed) -> None:
        """What was offered for other text no longer holds."""
        if self._offered or self._accepted:
            self._offered = ""
            self._accepted.clear()
            self.say("")
        self.redraw()

    def action_next_field(self) -> None:
        """Leave a field before the next key is given to any.

        A scanner, or a quick hand, types on behind its Enter.
        """
        field = self.focused
        if self._offered or not isinstance(field, Input):
            raise SkipAction
        if field.id in {None, self.FIELDS[-1].name}:
            raise SkipAction
        self.confirming.pressed()
        self.focus_next(Input)

    def action_save(self) -> None:
        """Save from any field."""
        self._begin_saving()

    def _takes_two(self) -> bool:
        return any(field.name == "second_login" for field in self.FIELDS)

    def action_staff_card(self) -> None:
        """Save with the second operator's staff card, once both are named."""
        if self._takes_two() and wants_card(self):
            self._begin_saving()

    def _begin_saving(self) -> None:
        if not self._saving:
            self._saving = True
            self.run_worker(self._save(), group="save")

    async def _save(self) -> None:
        try:
            done = await self.save()
        except StationError as error:
            self._say_refused(error)
        except ValueError as problem:  # the contract's own check of the message
            self._say_unusable(problem)
        else:
            self.leave_saved(done)
        finally:
            self._saving = False

    def leave_saved(self, done: str) -> None:
        """Go back and say what was done; at the counter, unless a form says else."""
        counter = self.station_app.counter()
        self.station_app.back_to_counter()
        counter.say(done, self.outcome)

    def _say_refused(self, error: StationError) -> None:
        if asks_for_card(self, error):
            return
        typed = {field.name: self.value(field.name) for field in self.FIELDS}
        self._go_to(wrong_field(error, self.FIELDS, typed))
        flag = self.ACCEPTS.get(error.code, "")
        if flag and flag not in self._accepted:
            self._offered = flag
            offer = _("Press Enter once more to accept it as it is.")
            self.say(f"{error_sentence(error)} {offer}", "failed")
            self.redraw()
            self.ask_to_confirm()
        else:
            self._offered = ""
            self.say_error(error)

    def _say_unusable(self, problem: ValueError) -> None:
        found = list(_fields_of(problem, self.FIELDS))
        self._go_to(found[0].name if found else "")
        labels = ", ".join(_(field.label) for field in found)
        text = _(
            "A field has characters that cannot be used, or is too long: {field}. "
            "Nothing was done."
        )
        self.say(text.replace("{field}", labels or "?"), "failed")

    def _go_to(self, name: str) -> None:
        """Bring the cursor to what has to be typed again."""
        if name:
            type_again(self.query_one(f"#{name}", Input))


def type_again(field: Input) -> None:
    """Bring the cursor to a field; the next key replaces what stands in it."""
    field.focus()
    if field.password:  # dots tell nobody what is to be corrected
        field.clear()
    else:
        field.action_select_all()


def _fields_of(problem: ValueError, fields: Sequence[Field]) -> Iterator[Field]:
    """Yield the fields of a form that the contract does not take."""
    if not isinstance(problem, ValidationError):
        return
    for error in problem.errors():
        parts = (field_of_message(str(part), fields) for part in error["loc"])
        yield from (field for field in parts if field is not None)

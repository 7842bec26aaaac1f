"""Personal data of a row: one number whole for some seconds, or all of it cleared.

Rows are vehicles, companies and operators.
"""

from collections.abc import Sequence
from typing import ClassVar

from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input

from cngstation.errors import Refusal
from cngstation.hygiene import clean
from cngstation.language import _, mark
from cngstation.rpc.contract.counter import (
    PERSONAL_FORGET,
    PERSONAL_REVEAL,
    CompanyRow,
    ForgetOrder,
    OperatorRow,
    RevealOrder,
    VehicleRow,
)
from tui.desk import Desk
from tui.screens.form_screen import Field, FormScreen
from tui.widgets.key_line import Keys
from tui.widgets.lines import line

_WHAT = Field("what", mark("Which number"), mark("1 ID number, 2 phone"), 1)
_REASON = Field("reason", mark("Reason"), mark("why it is needed"), 60)
_WHY = Field("reason", mark("Reason"), mark("why it is cleared"), 60)
_CLEARED = mark("Personal data of {subject} is cleared.")
_WHATS = {"1": "id_no", "2": "phone"}
Row = VehicleRow | CompanyRow | OperatorRow
_SHOWN = mark("{number}   (goes away after {seconds} s)")
_GONE = mark("The number is hidden again.")


class NotOneOrTwo(Refusal):
    """Which number is meant is not said."""

    code = "tui.not_one_or_two"
    text = "Which number: 1 for the ID number, 2 for the phone. Nothing was shown."


def _named(row: Row) -> tuple[str, str]:
    if isinstance(row, VehicleRow):
        return "vehicle", str(row.vehicle_id)
    if isinstance(row, OperatorRow):
        return "operator", row.operator_no
    return "company", row.company_no


class RevealScreen(FormScreen):
    """A reason, and the number on the notice line until its time is over."""

    TITLE_TEXT = mark("Show a number whole")
    HELP = mark(
        "Say why the number is needed; Enter shows it for some seconds. Who looked, at "
        "whose number and why is written down. Ten in an hour is the most."
    )
    ALLOW_SELECT: ClassVar[bool] = False

    def __init__(self, desk: Desk, row: Row) -> None:
        super().__init__(desk)
        self._row = row
        self._hiding: Timer | None = None
        is_vehicle = isinstance(row, VehicleRow)
        fields: Sequence[Field] = (_WHAT, _REASON) if is_vehicle else (_REASON,)
        self.FIELDS = fields  # type: ignore[misc]  # by register, not by class

    def initial(self) -> dict[str, str]:
        """Begin with the number that is asked for most."""
        return {"what": "1"} if isinstance(self._row, VehicleRow) else {}

    def offered_keys(self) -> Keys:
        """Nothing is saved here: the last Enter shows the number."""
        last = self.focused is not None and self.focused.id == _REASON.name
        return [
            ("Enter", _("show") if last else _("next field")),
            ("↑↓", _("move")),
            ("Esc", _("back")),
        ]

    def title_line(self) -> Content:
        """Name whose number it is, masked."""
        row = self._row
        if isinstance(row, VehicleRow):
            facts = [row.plate, row.owner or row.driver, row.id_no_masked]
        elif isinstance(row, OperatorRow):
            facts = [row.operator_no, row.full_name]
        else:
            facts = [row.company_no, row.name]
        shown = "  ".join(map(clean, [*facts, row.phone_masked]))
        return line((_(self.TITLE_TEXT), "bold"), f"   {shown}")

    async def save(self) -> str:
        """Ask for the number."""
        row = self._row
        if isinstance(row, VehicleRow):
            what = _WHATS.get(self.value("what"))
            if what is None:
                raise NotOneOrTwo
            register, key = _named(row)
        else:
            (register, key), what = _named(row), "phone"
        order = RevealOrder(
            register_name=register, key=key, what=what, reason=self.value("reason")
        )
        told = await self.desk.link.call(PERSONAL_REVEAL, order)
        number = clean(told.number.get_secret_value(), limit=40)
        self.hide()
        self._hiding = self.set_timer(told.shown_s, self.hide)
        text = _(_SHOWN).replace("{seconds}", str(told.shown_s))
        return text.replace("{number}", number)

    def leave_saved(self, done: str) -> None:
        """Stay and show it."""
        self.query_one("#reason", Input).clear()
        self.say(done, "done")

    def hide(self) -> None:
        """Take the number off the screen."""
        if self._hiding is not None:
            self._hiding.stop()
            self._hiding = None
            self.say(_(_GONE))

    def on_screen_suspend(self) -> None:
        """A number does not wait under a lock."""
        self.hide()


class ForgetScreen(FormScreen):
    """A reason; what the row has of persons is gone for good."""

    TITLE_TEXT = mark("Clear personal data")
    HELP = mark(
        "For a vehicle or company that is out of use: ID number, phone, names and "
        "address go for good; for a retired operator phone and sex. Plate, company "
        "name, the operator's name and the books stay. Who cleared them and why is "
        "written down."
    )
    FIELDS: ClassVar[Sequence[Field]] = (_WHY,)

    def __init__(self, desk: Desk, row: Row) -> None:
        super().__init__(desk)
        self._row = row

    def title_line(self) -> Content:
        """Name whose data goes."""
        row = self._row
        if isinstance(row, OperatorRow):
            named, retired = row.full_name, row.state == "retired"
        else:
            named = row.plate if isinstance(row, VehicleRow) else row.name
            retired = row.retired
        state = _("retired") if retired else _("in use")
        return line((_(self.TITLE_TEXT), "bold"), f"   {clean(named)}  {state}")

    async def save(self) -> str:
        """Clear it."""
        row = self._row
        register, key = _named(row)
        order = ForgetOrder(
            register_name=register, key=key, reason=self.value("reason")
        )
        told = await self.desk.link.call(PERSONAL_FORGET, order)
        return _(_CLEARED).replace("{subject}", clean(told.subject))

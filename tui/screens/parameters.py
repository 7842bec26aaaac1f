"""The station's parameters (参数设置): names, numbers of the station, limits."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from cngstation.language import _, mark
from cngstation.rpc.contract.parameters import (
    PARAMETERS_SAVE,
    PARAMETERS_SHOW,
    Parameter,
    ParameterBoard,
    ParameterSave,
)
from cngstation.rpc.session import Nothing
from tui.desk import Desk
from tui.screens.form_screen import Field, FormScreen
from tui.screens.mark_card import REASON
from tui.texts import filled

_SAVED = mark("Saved: {names}. The programs start anew by themselves; it holds then.")
_NOTHING = mark("Nothing was changed.")
_FIXED = mark("on cards and sales: fixed")
_FIRST = mark("Station parameters: please look at them once")
_LIMIT = mark("yuan")


def _field(name: str, label: str, hint: str = "") -> Field:
    return Field(name.replace(".", "-"), label, hint)


class ParametersScreen(FormScreen):
    """Every parameter in a line; what is another one is saved."""

    TITLE_TEXT = mark("Station parameters")
    HELP = mark(
        "Names stand on receipts and on the screen. Station number, area and issue "
        "point stand on cards and sales: once there are such, they stay. Devices, "
        "lines and folders are in the configuration file. What holds back less than "
        "before, such as a higher limit, takes a reason. After saving the programs "
        "start anew by themselves, as soon as no card act is under way."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        _field("station.company_name", mark("Company name")),
        _field("station.name", mark("Station name")),
        _field("station.station_no", mark("Station number"), mark("8 digits")),
        _field("station.area_no", mark("Area number"), mark("4 digits")),
        _field("station.area_short_name", mark("Area short name")),
        _field("station.issue_point_no", mark("Issue point"), mark("01 to 99")),
        _field("limits.top_up_lower_yuan", mark("Top-up from"), _LIMIT),
        _field("limits.top_up_upper_yuan", mark("Top-up up to"), _LIMIT),
        _field("limits.balance_ceiling_yuan", mark("Most on a card"), _LIMIT),
        _field("limits.card_fee_yuan", mark("Card fee"), _LIMIT),
        _field("limits.cylinder_warning_days", mark("Cylinder warning"), mark("days")),
        _field("limits.negative_top_up", mark("Top-up back"), mark("true or false")),
        _field("printer.daily_digest", mark("Print the digest"), mark("true or false")),
        replace(REASON, hint=mark("needed to hold back less")),
    )

    def __init__(self, desk: Desk, board: ParameterBoard | None = None) -> None:
        super().__init__(desk)
        self._board = board
        if board is not None and board.first:
            self.TITLE_TEXT = _FIRST  # type: ignore[misc] # this one's own

    def initial(self) -> dict[str, str]:
        """Return what holds now."""
        rows = self._board.rows if self._board else ()
        return {row.name.replace(".", "-"): row.value for row in rows}

    def on_mount(self) -> None:
        """Fetch what holds now."""
        super().on_mount()
        if self._board is None:
            self.run_worker(self._fetch())

    async def _fetch(self) -> None:
        from textual.widgets import Input

        from cngstation.errors import StationError

        try:
            self._board = await self.desk.link.call(PARAMETERS_SHOW, Nothing())
        except StationError as error:
            self.say_error(error)
            return
        for name, value in self.initial().items():
            self.query_one(f"#{name}", Input).value = value
        self.redraw()

    def hint_text(self, field: Field) -> str:
        """Say which cannot be changed any more."""
        rows = self._board.rows if self._board else ()
        fixed = {row.name.replace(".", "-") for row in rows if row.fixed}
        return _(_FIXED) if field.name in fixed else super().hint_text(field)

    async def save(self) -> str:
        """Save what is another now."""
        rows = tuple(
            Parameter(name=field.name.replace("-", "."), value=self.value(field.name))
            for field in self.FIELDS
            if field.name != REASON.name
        )
        wanted = ParameterSave(rows=rows, reason=self.value(REASON.name))
        saved = await self.desk.link.call(PARAMETERS_SAVE, wanted)
        labels = {field.name.replace("-", "."): _(field.label) for field in self.FIELDS}
        names = ", ".join(labels[name] for name in saved.names)
        return filled(_SAVED, names=names) if names else _(_NOTHING)

"""Prices by level: a digit, the new price, Enter, and Enter again."""

from collections.abc import Iterable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from cngstation.errors import StationError
from cngstation.hygiene import fit
from cngstation.language import _, mark
from cngstation.rpc.contract.counter import (
    CHOICES,
    PRICE_PLAN,
    Choices,
    LevelPrice,
    PricePlan,
)
from cngstation.rpc.session import Nothing
from cngstation.units import hundredths_to_e4
from tui.amount import Amount
from tui.desk import Desk
from tui.figures import price_text
from tui.screens.station_screen import StationScreen
from tui.texts import filled
from tui.widgets.key_line import Keys
from tui.widgets.lines import Drawn, line, stacked
from tui.words import word

_SET = mark("Level {level} costs {price} yuan from now on.")
_COLUMN = 14


class PricesScreen(StationScreen):
    """Nothing changes before the second Enter."""

    HELP = mark(
        "A digit chooses the level. Type the new price in yuan; Enter shows old and "
        "new, Enter again sets it from now on. Every change is kept in the history."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go_on", show=False),
        Binding("backspace", "erase", show=False),
        Binding("question_mark", "app.help", show=False),
    ]
    DEFAULT_CSS = "PricesScreen Drawn { padding: 0 1; }"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._choices: Choices | None = None
        self._level: int | None = None
        self._amount = Amount()
        self._confirming = False

    def parts(self) -> Iterable[Widget]:
        """One table."""
        yield Drawn(self._table)

    def on_mount(self) -> None:
        """Fetch the prices."""
        self.run_worker(self._fetch(), group="prices")

    async def _fetch(self) -> None:
        try:
            self._choices = await self.desk.link.call(CHOICES, Nothing())
        except StationError as error:
            self.say_error(error)
        self.redraw()

    def offered_keys(self) -> Keys:
        """Name the next step."""
        if self._level is None:
            return [("0-9", _("choose the level")), ("Esc", _("back"))]
        if self._confirming:
            return [("Enter", _("set this price")), ("Esc", _("back"))]
        return [("Enter", _("show old and new")), ("Esc", _("back"))]

    def unfinished(self) -> bool:
        """Tell whether a level was chosen."""
        return self._level is not None

    def _table(self) -> Content:
        station = self.desk.picture.station
        unit = word(station.gas_unit if station else "m3")
        head = (_("Level"), _("yuan") + "/" + unit, _("New"))
        rows = [line((_("Set prices"), "bold")), Content("")]
        texts = "".join(fit(text, _COLUMN, right=True) for text in head)
        rows.append(line((texts, "$text-muted")))
        for price in self._prices():
            here = price.level == self._level
            new = f"[ {self._amount.text:>7} ]" if here else ""
            cells = (str(price.level), price_text(price.price_e4), new)
            text = "".join(fit(cell, _COLUMN, right=True) for cell in cells)
            rows.append(line((text, "bold $accent" if here else "")))
        return stacked(rows)

    def on_key(self, event: events.Key) -> None:
        """Choose the level, then type the price."""
        character = event.character or ""
        if not character or character not in "0123456789.":
            return
        event.stop()
        if self._level is not None:
            self._confirming = False
            self._amount.type(character)
        elif character != "." and self._has(int(character)):
            self._level = int(character)
        self.say("")
        self.redraw()

    def _has(self, level: int) -> bool:
        return any(price.level == level for price in self._prices())

    def action_erase(self) -> None:
        """Take the last digit back."""
        self._confirming = False
        self._amount.erase()
        self.redraw()

    def action_leave(self) -> None:
        """Step back."""
        if self._confirming:
            self._confirming = False
        elif self._level is not None:
            self._level = None
            self._amount.clear()
        else:
            super().action_leave()
            return
        self.redraw()

    def action_go_on(self) -> None:
        """Ask once more, then set."""
        if self._level is None or not self._amount.hundredths:
            return
        if not self._confirming:
            self._confirming = True
            text = _("Level {level}: {old} becomes {new} yuan from now on. Enter?")
            old = {p.level: p.price_e4 for p in self._prices()}[self._level]
            self.say(
                filled(text, level=self._level, old=price_text(old), new=self._new())
            )
            self.redraw()
            return
        self._confirming = False
        self.run_worker(self._set(self._level), group="prices")

    def _prices(self) -> tuple[LevelPrice, ...]:
        return self._choices.prices if self._choices else ()

    def _new(self) -> str:
        return price_text(hundredths_to_e4(self._amount.hundredths))

    async def _set(self, level: int) -> None:
        price_e4 = hundredths_to_e4(self._amount.hundredths)
        plan = PricePlan(level=level, price_e4=price_e4)
        try:
            self._choices = await self.desk.link.call(PRICE_PLAN, plan)
        except StationError as error:
            self.say_error(error)
        else:
            self._level = None
            self._amount.clear()
            text = filled(_SET, level=level, price=price_text(price_e4))
            self.say(text, "done")
        self.redraw()

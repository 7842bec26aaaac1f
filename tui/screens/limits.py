"""Limits of a card or a company: amounts and gas by window, hours, weekdays."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from textual.content import Content
from textual.widgets import Input

from cngstation.errors import StationError
from cngstation.hygiene import clean
from cngstation.language import _, mark
from cngstation.rpc.contract.counter import (
    LIMITS_SET,
    LIMITS_SHOW,
    LimitHolder,
    Limits,
    LimitsQuery,
    WindowLimit,
)
from tui.act_form import ActForm
from tui.desk import Desk
from tui.figures import fen_text, purse_text
from tui.screens.discounts import NotOfTheForm
from tui.screens.form_screen import Field
from tui.texts import filled
from tui.widgets.lines import line
from tui.words import word

_SET = mark("The limits of {key} hold from now on.")
_TYPING_PAUSE_S = 0.2
_CARD_KEY = 12
_WINDOWS = ("fill", "day", "week", "month")
_MINUTES = 60
_DAYS = "1234567"


def _window_fields() -> tuple[Field, ...]:
    return (
        Field("fill-fen", mark("A fill"), mark("yuan"), longest=12),
        Field("fill-gas", mark("A fill, gas"), longest=12),
        Field("day-fen", mark("A day"), mark("yuan"), longest=12),
        Field("day-gas", mark("A day, gas"), longest=12),
        Field("week-fen", mark("A week"), mark("yuan"), longest=12),
        Field("week-gas", mark("A week, gas"), longest=12),
        Field("month-fen", mark("A month"), mark("yuan"), longest=12),
        Field("month-gas", mark("A month, gas"), longest=12),
    )


class LimitsScreen(ActForm):
    """The fields begin with what holds now; what is left empty is no limit."""

    TITLE_TEXT = mark("Limits of a card or a company")
    HELP = mark(
        "Type the number of a company (4 digits) or of a card (area and card number, "
        "12 digits): the fields show what holds now. What is emptied is no limit. "
        "Weekdays as digits from 1 Monday to 7 Sunday, hours as 06:00-22:00. The "
        "limits are asked where a card fills."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("key", mark("Card or company"), mark("its number"), longest=12),
        *_window_fields(),
        Field("weekdays", mark("Weekdays"), mark("1234567"), longest=7),
        Field("hours", mark("Hours"), mark("06:00-22:00"), longest=11),
    )

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._now: Limits | None = None
        self._typed_in: set[str] = set()

    def on_input_changed(self, changed: Input.Changed) -> None:
        """Show what holds now for whoever was typed."""
        super().on_input_changed(changed)
        if changed.input.id == "key":
            self._now = None
            self._typed_in.clear()
            self.run_worker(self._find(), group="limits", exclusive=True)
        elif changed.input.has_focus:
            self._typed_in.add(str(changed.input.id))

    async def _find(self) -> None:
        await asyncio.sleep(_TYPING_PAUSE_S)
        try:
            await self._look_up(self.value("key"))
        except (StationError, ValueError):
            self._now = None
        self.redraw()

    async def _look_up(self, key: str) -> None:
        """Begin with the limits that hold: what is not typed stays as it is."""
        query = LimitsQuery(holder=_holder(key), key=key)
        self._now = await self.desk.link.call(LIMITS_SHOW, query)
        for field in self.FIELDS[1:]:
            if field.name not in self._typed_in:
                typed = self.query_one(f"#{field.name}", Input)
                typed.value = _typed(self._now, field.name)

    def hint(self, field: Field) -> Content:
        """Show the limit that holds now."""
        shown = _shown(self._now, field.name) if self._now else ""
        return line((shown, "$accent")) if shown else super().hint(field)

    def _window(self, name: str) -> WindowLimit:
        return WindowLimit(
            fen=self.fen(f"{name}-fen"), hundredths=self.fen(f"{name}-gas")
        )

    def _weekdays(self) -> int:
        typed = self.value("weekdays") or _DAYS
        if any(day not in _DAYS for day in typed):
            raise NotOfTheForm(typed=clean(typed), field=mark("Weekdays"))
        return sum(1 << _DAYS.index(day) for day in set(typed))

    def _hours(self) -> tuple[int, int]:
        typed = self.value("hours") or "00:00-24:00"
        begin, _dash, end = typed.partition("-")
        try:
            return _minute(begin), _minute(end)
        except ValueError as error:
            raise NotOfTheForm(typed=clean(typed), field=mark("Hours")) from error

    async def save(self) -> str:
        """Set the limits."""
        key = self.value("key")
        if not (key.isascii() and key.isdigit()):
            raise NotOfTheForm(
                typed=clean(key) or _("nothing"), field=mark("Card or company")
            )
        if self._now is None:
            await self._look_up(key)
        from_minute, until_minute = self._hours()
        limits = Limits(
            holder=_holder(key),
            key=key,
            fill=self._window("fill"),
            day=self._window("day"),
            week=self._window("week"),
            month=self._window("month"),
            weekdays=self._weekdays(),
            from_minute=from_minute,
            until_minute=until_minute,
        )
        await self.desk.link.call(LIMITS_SET, limits)
        return filled(_SET, key=key)


def _holder(key: str) -> LimitHolder:
    return LimitHolder.CARD if len(key) == _CARD_KEY else LimitHolder.COMPANY


def _minute(text: str) -> int:
    hour, colon, minute = text.partition(":")
    plain = hour.isascii() and hour.isdigit() and minute.isascii() and minute.isdigit()
    if not (plain and colon):
        raise ValueError(text)
    if int(minute) >= _MINUTES or int(hour) * _MINUTES + int(minute) > 24 * _MINUTES:
        raise ValueError(text)
    return int(hour) * _MINUTES + int(minute)


def _shown(limits: Limits, name: str) -> str:
    window, _dash, what = name.partition("-")
    if window in _WINDOWS:
        bound: WindowLimit = getattr(limits, window)
        figure = bound.fen if what == "fen" else bound.hundredths
        if not figure:
            return _("no limit")
        return fen_text(figure) if what == "fen" else purse_text(figure)
    if name == "weekdays":
        return "".join(d for n, d in enumerate(_DAYS) if limits.weekdays >> n & 1)
    if name == "hours":
        return f"{_clock(limits.from_minute)}-{_clock(limits.until_minute)}"
    return word(f"of_{limits.holder}") if name == "key" else ""


def _typed(limits: Limits, name: str) -> str:
    """Return a limit as it is typed; none is typed as nothing."""
    every = "".join(_DAYS) if name == "weekdays" else "00:00-24:00"
    shown = _shown(limits, name)
    return "" if shown in {every, _("no limit")} else shown


def _clock(minute: int) -> str:
    return f"{minute // _MINUTES:02d}:{minute % _MINUTES:02d}"

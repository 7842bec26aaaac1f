"""Prices by unit and level: what holds, what is planned, who of the nozzles has it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from cngstation.errors import Refusal, StationError
from cngstation.hygiene import clean
from cngstation.language import _, mark
from cngstation.moments import CHINA
from cngstation.rpc.contract.downloads import DownloadRow, ListsBoard
from cngstation.rpc.contract.prices import (
    PRICE_CANCEL,
    PRICE_LIST,
    PRICE_PLAN,
    PriceBoard,
    PriceCancel,
    PricePlan,
    PriceRow,
)
from cngstation.rpc.session import Nothing
from cngstation.units import hundredths_to_e4
from tui.amount import Amount
from tui.areas import Area
from tui.desk import Desk
from tui.figures import price_text
from tui.screens.following_screen import FollowingScreen
from tui.screens.form_screen import Field, FormScreen
from tui.screens.mark_card import BOTH_PEOPLE, REASON, approval_of, hide_passwords
from tui.texts import filled
from tui.whole_board import whole_board
from tui.why_refused import why_refused
from tui.widgets.key_line import KeyLine, Keys
from tui.widgets.lazy_table import Column, LazyTable
from tui.widgets.lines import Drawn, line, stacked
from tui.words import word

_STATES = {
    "planned": ("○", mark("planned")),
    "in_force": ("●", mark("in force")),
    "past": ("-", mark("past")),
    "cancelled": ("✖", mark("taken back")),
    "none": ("?", mark("no price")),
}
_NOT_YET = frozenset({"waiting", "sending"})
_NOW = mark("Level {level} costs {price} yuan/{unit} from now on.")
_PLANNED = mark("Level {level} will cost {price} yuan/{unit} from {at} on.")
_REFUSED = mark("✖ Nozzle {number} refused them: {why}.")
_HAVE_IT = mark(
    "Nozzles {numbers} have the next prices already: one that is silent until then "
    "changes to them."
)
_LEVELS_DIFFER = "refusal.levels_differ"
_AHEAD = mark("{count} of {all} have the next prices and change by themselves.")
_CANCELLED = mark("The planned price is taken back. What holds now stays.")


def _state(row: PriceRow) -> str:
    shape, text = _STATES.get(row.state, ("?", row.state))
    return shape + _(text)


_COLUMNS = (
    Column(mark("Unit"), 6, lambda r: word(r.unit)),
    Column(mark("Level"), 5, lambda r: str(r.level), right=True),
    Column(mark("yuan"), 8, lambda r: price_text(r.price_e4) if r.price_e4 else "",
           right=True),
    Column(mark("Begins"), 16, lambda r: _moment(r.from_ms)),
    Column(mark("State"), 10, _state),
    Column(mark("By"), 12, lambda r: r.by),
    Column(mark("Reason"), 40, lambda r: r.reason),
)  # fmt: skip


def _moment(wall_ms: int) -> str:
    if not wall_ms:
        return ""
    return datetime.fromtimestamp(wall_ms // 1000, CHINA).strftime("%Y-%m-%d %H:%M")


class PricesScreen(FollowingScreen):
    """A row a price; planned ones first, then what holds."""

    HELP = mark(
        "Enter sets or plans another price for the level of the marked row. Planned "
        "ahead, one person does it; now, or within ten minutes, it takes two. x takes "
        "a planned price back before its time, within ten minutes of it by two people. "
        "Below stands how many nozzles have the prices of now. A fill under way keeps "
        "its price."
    )
    FOLLOWS = Area.LISTS
    AUTO_FOCUS = "LazyTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "app.help", show=False),
    ]
    DEFAULT_CSS = """
    PricesScreen #title, PricesScreen #nozzles { padding: 0 1; }
    PricesScreen #nozzles { border-top: solid $primary; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._board: PriceBoard | None = None
        self._held: ListsBoard | None = None

    def parts(self) -> Iterable[Widget]:
        """Title, table, and who has the prices of now."""
        yield Drawn(self._title, id="title")
        yield LazyTable()
        yield Drawn(self._nozzles, id="nozzles")

    async def ask(self) -> None:
        """Fetch prices, and what nozzles hold."""
        self._show(await self.desk.link.call(PRICE_LIST, Nothing()))
        self._held = await whole_board(self.desk.link)

    def _show(self, board: PriceBoard) -> None:
        self._board = board
        self.query_one(LazyTable).renew_rows(_COLUMNS, _with_gaps(board))
        self.redraw()

    @property
    def _chosen(self) -> PriceRow | None:
        tables = self.query(LazyTable)
        return tables.first().chosen if tables else None

    def offered_keys(self) -> Keys:
        """Name the next step."""
        chosen = self._chosen
        keys: Keys = [("Enter", _("set or plan a price")), ("↑↓", _("move"))]
        if chosen is not None and chosen.state == "planned":
            keys.append(("x", _("take back")))
        return [*keys, ("Esc", _("back"))]

    def on_key(self, event: events.Key) -> None:
        """Take a planned price back."""
        chosen = self._chosen
        if event.character == "x" and chosen is not None and chosen.state == "planned":
            event.stop()
            told = self._told_ahead_by_unit(chosen.unit)
            self.app.switch_screen(CancelPriceScreen(self.desk, chosen, told))
        else:
            self.call_after_refresh(self._moved)

    def _told_ahead_by_unit(self, unit: str) -> list[int]:
        """Return the nozzles of a unit that have the next prices already."""
        nozzles = self.desk.picture.nozzles
        return [
            row.nozzle_no
            for row in (self._held.nozzles if self._held else ())
            if (row.kind, row.ahead) == ("prices", "there")
            and row.nozzle_no in nozzles
            and nozzles[row.nozzle_no].unit == unit
        ]

    def _moved(self) -> None:
        if self.is_mounted:
            self.query_one(KeyLine).redraw()

    def on_lazy_table_chosen(self, chosen: LazyTable.Chosen) -> None:
        """Open the form for the level of the row."""
        if self._board is None:
            return
        unit, level = chosen.row.unit, chosen.row.level
        holds = (
            row
            for row in self._board.rows
            if (row.unit, row.level, row.state) == (unit, level, "in_force")
        )
        now = next(holds, None)
        price_e4 = now.price_e4 if now else 0
        self.app.switch_screen(PlanPriceScreen(self.desk, unit, level, price_e4))

    def _title(self) -> Content:
        return line((_("Set prices"), "bold"))

    def _nozzles(self) -> Content:
        """Count, unit by unit, the nozzles that have what holds now."""
        nozzles = self.desk.picture.nozzles
        lines = []
        for unit in self._board.units if self._board else ():
            rows = [
                row
                for row in (self._held.nozzles if self._held else ())
                if row.kind == "prices" and row.nozzle_no in nozzles
                and nozzles[row.nozzle_no].unit == unit
            ]  # fmt: skip
            have = [row for row in rows if row.state == "in_force"]
            open_ = [
                str(r.nozzle_no) for r in rows if r.state in {"waiting", "sending"}
            ]
            refused = [
                filled(_REFUSED, number=row.nozzle_no, why=why_refused(row))
                for row in rows
                if row.state == "refused"
            ]
            by_hand = [str(r.nozzle_no) for r in rows if r.state == "no_way"]
            text = filled(
                _("{unit}: {have} of {all} nozzles have the prices of now."),
                unit=word(unit), have=len(have), all=len(rows),
            )  # fmt: skip
            if open_:
                text += filled(_(" Not yet: {numbers}."), numbers=" ".join(open_))
            if by_hand:
                text += filled(_(" Set by hand: {numbers}."), numbers=" ".join(by_hand))
            lines.append(line((text, "bold $warning" if open_ else "")))
            lines += [line((text, "bold $error")) for text in refused]
            lines += _told_ahead(rows)
        return stacked(lines)


def _told_ahead(rows: Sequence[DownloadRow]) -> list[Content]:
    """Say who has the prices that follow, and will change to them by itself."""
    waits = [str(row.nozzle_no) for row in rows if row.ahead == "waits"]
    there = [row for row in rows if row.ahead == "there"]
    if not there and not waits:
        return []
    text = filled(_AHEAD, count=len(there), all=len(there) + len(waits))
    if waits:
        text += filled(_(" Not yet: {numbers}."), numbers=" ".join(waits))
    return [line((text, "$warning" if waits else ""))]


def _with_gaps(board: PriceBoard) -> Sequence[PriceRow]:
    """Add a row for each level of each unit that has no price yet."""
    there = {(row.unit, row.level) for row in board.rows if row.state == "in_force"}
    gaps = [
        PriceRow(
            price_id="", unit=unit, level=level, price_e4=0, from_ms=0, state="none",
            by="", reason="",
        )
        for unit in board.units
        for level in board.levels
        if (unit, level) not in there
    ]  # fmt: skip
    first = [row for row in board.rows if row.state == "planned"]
    holding = [row for row in board.rows if row.state == "in_force"]
    holding = sorted([*holding, *gaps], key=lambda row: (row.unit, row.level))
    rest = [row for row in board.rows if row.state not in {"planned", "in_force"}]
    return (*first, *holding, *rest)


class NotAMoment(Refusal):
    """What was typed is no date with a time."""

    code = "tui.not_a_moment"
    text = "{typed} is no moment like 2026-12-01 00:00. Nothing was done."


class NotAPrice(Refusal):
    """What was typed is no price."""

    code = "tui.not_a_price"
    text = "{typed} is no price in yuan with two decimals. Nothing was done."


class PlanPriceScreen(FormScreen):
    """A price for one level of one unit."""

    TITLE_TEXT = mark("A price for a level")
    HELP = mark(
        "Begins: a moment as 2026-12-01 00:00 plans the price, and one person does it, "
        "with a reason. Empty means now: that takes a second operator too. A fill "
        "under way keeps its price. Where dispensers do not know the level of cards in "
        "use you are told first how many, and where."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("price", mark("New price"), mark("yuan, two decimals"), longest=7),
        Field("from_at", mark("Begins"), mark("empty: now, two people"), longest=16),
        REASON,
        *BOTH_PEOPLE,
    )

    def __init__(self, desk: Desk, unit: str, level: int, now_e4: int) -> None:
        super().__init__(desk)
        self._unit, self._level, self._now_e4 = unit, level, now_e4
        self._accepts_levels = False

    def on_mount(self) -> None:
        """Hide what is secret."""
        super().on_mount()
        hide_passwords(self)

    def title_line(self) -> Content:
        """Name unit, level and the price of now."""
        now = price_text(self._now_e4) if self._now_e4 else "-"
        text = filled(
            _("Level {level}, yuan/{unit}, now {now}"),
            level=self._level, unit=word(self._unit), now=now,
        )  # fmt: skip
        return line((_(self.TITLE_TEXT) + "  ", "bold"), text)

    async def save(self) -> str:
        """Set or plan it; say from when it holds."""
        from_ms = moment_of(self.value("from_at"))
        plan = PricePlan(
            level=self._level,
            price_e4=_price_of(self.value("price")),
            unit=self._unit,
            from_ms=from_ms,
            reason=self.value("reason"),
            approval=approval_of(self),
            accept_levels=self._accepts_levels,
        )
        try:
            await self.desk.link.call(PRICE_PLAN, plan)
        except StationError as error:
            self._accepts_levels |= error.code == _LEVELS_DIFFER
            raise
        facts: dict[str, str | int] = {
            "level": self._level,
            "price": price_text(plan.price_e4),
            "unit": word(self._unit),
        }
        if not from_ms:
            return filled(_NOW, **facts)
        return filled(_PLANNED, **facts, at=_moment(from_ms))


class CancelPriceScreen(FormScreen):
    """A planned price is taken back, with a reason."""

    TITLE_TEXT = mark("Take a planned price back")
    HELP = mark(
        "Only before its time; within ten minutes of it, it takes a second operator. "
        "What holds now goes on."
    )
    FIELDS: ClassVar[Sequence[Field]] = (REASON, *BOTH_PEOPLE)

    def __init__(self, desk: Desk, row: PriceRow, told: Sequence[int] = ()) -> None:
        super().__init__(desk)
        self._row = row
        self._told = told

    def on_mount(self) -> None:
        """Hide what is secret."""
        super().on_mount()
        hide_passwords(self)

    def title_line(self) -> Content:
        """Name what is taken back."""
        row = self._row
        text = filled(
            _("  level {level}, {price} yuan/{unit} from {at}"),
            level=row.level, price=price_text(row.price_e4), unit=word(row.unit),
            at=_moment(row.from_ms),
        )  # fmt: skip
        title = line((_(self.TITLE_TEXT), "bold"), text)
        if not self._told:
            return title
        told = filled(_HAVE_IT, numbers=" ".join(map(str, self._told)))
        return stacked([title, line((told, "bold $warning"))])

    async def save(self) -> str:
        """Take it back."""
        cancel = PriceCancel(
            price_id=self._row.price_id,
            reason=self.value("reason"),
            approval=approval_of(self),
        )
        await self.desk.link.call(PRICE_CANCEL, cancel)
        return _(_CANCELLED)


def moment_of(typed: str) -> int:
    """Return a typed moment in UTC milliseconds, 0 of an empty one.

    Raises:
        NotAMoment: it is none.
    """
    if not typed:
        return 0
    try:
        found = datetime.strptime(typed, "%Y-%m-%d %H:%M").replace(tzinfo=CHINA)
    except ValueError as error:
        raise NotAMoment(typed=clean(typed)) from error
    return int(found.timestamp()) * 1000


def _price_of(typed: str) -> int:
    amount = Amount()
    for character in typed:
        amount.type(character)
    if not amount.hundredths or amount.text != typed:
        raise NotAPrice(typed=clean(typed) or "-")
    return hundredths_to_e4(amount.hundredths)

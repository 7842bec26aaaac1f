"""A nozzle as a tile of fixed columns: what stands in each, as text and style.

Four densities, so that 64 nozzles still stand on a screen of 80 by 24:

    12 ▶fuel   12.34   49.11 18.5 plate     39 columns
    12 ▶fuel   12.34   49.11                24
    12▶ 12.34   49.11                       18
    12▶ 12.34                                9
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from cngstation.hygiene import clean, fit, width
from cngstation.language import _, mark
from cngstation.units import quantity_text, yuan_text
from tui.figures import minute_text, pressure_text
from tui.words import Look, nozzle_look, word

if TYPE_CHECKING:
    from cngstation.rpc.contract.forecourt import NozzleFigure

Cell = tuple[str, str]  # text of exactly its width, style
GAP = 1


class What(StrEnum):
    """What a column shows."""

    NUMBER = "number"
    SHAPE = "shape"
    STATE = "state"
    QUANTITY = "quantity"
    UNIT = "unit"  # where the nozzles count in several
    AMOUNT = "amount"
    PRESSURE = "pressure"
    PLATE = "plate"


_HEADS = {
    What.NUMBER: mark("No"),
    What.SHAPE: "",
    What.STATE: mark("State"),
    What.AMOUNT: mark("yuan"),
    What.PRESSURE: "MPa",
    What.PLATE: mark("Plate"),
}
_LEFT = {What.SHAPE, What.STATE, What.UNIT, What.PLATE}
_UNIT_WIDTH = 2


@dataclass(frozen=True, slots=True)
class Density:
    """The columns of a tile and their widths; `spaced` puts one between them."""

    columns: tuple[tuple[What, int], ...]
    spaced: bool

    def with_units(self) -> "Density":
        """Return the same tile with its own unit behind the quantity."""
        columns = list(self.columns)
        behind = [what for what, _ in columns].index(What.QUANTITY) + 1
        columns.insert(behind, (What.UNIT, _UNIT_WIDTH))
        return Density(tuple(columns), self.spaced)

    @property
    def width(self) -> int:
        """Columns of the terminal that one tile takes."""
        between = len(self.columns) - 1 if self.spaced else 0
        return sum(columns for _what, columns in self.columns) + between


FULL = Density(
    (
        (What.NUMBER, 2),
        (What.STATE, 6),
        (What.QUANTITY, 6),
        (What.AMOUNT, 7),
        (What.PRESSURE, 4),
        (What.PLATE, 9),
    ),
    spaced=True,
)
MEDIUM = Density(FULL.columns[:4], spaced=True)
SMALL = Density(
    ((What.NUMBER, 2), (What.SHAPE, 1), (What.QUANTITY, 7), (What.AMOUNT, 8)),
    spaced=False,
)
TINY = Density((*SMALL.columns[:2], (What.QUANTITY, 6)), spaced=False)
DENSITIES = (FULL, MEDIUM, SMALL, TINY)


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How many tiles stand side by side, and how many below each other."""

    density: Density
    columns: int
    rows: int

    def place(self, index: int) -> tuple[int, int]:
        """Return column of the terminal and row of a tile; they run downward."""
        column, row = divmod(index, max(self.rows, 1))
        return column * (self.density.width + GAP), row


def arrange(
    count: int, columns: int, most_rows: int, *, several_units: bool = False
) -> Arrangement:
    """Choose the fullest tiles with which every nozzle is on the screen."""
    for plain in DENSITIES:
        density = plain.with_units() if several_units else plain
        side_by_side = max((columns + GAP) // (density.width + GAP), 1)
        rows = -(-count // side_by_side)
        if rows <= most_rows:
            break
    return Arrangement(density, side_by_side, rows)


def heading(density: Density, gas_unit: str) -> list[Cell]:
    """Write the names of the columns; no unit where each tile has its own."""
    has_units = any(what is What.UNIT for what, _ in density.columns)
    name = _("Gas") if has_units else word(gas_unit)
    texts = _HEADS | {What.QUANTITY: name, What.UNIT: ""}
    return _spaced(
        density,
        [
            (fit(_(texts[what]), columns, right=what not in _LEFT), "head")
            for what, columns in density.columns
        ],
    )


def tile(nozzle: "NozzleFigure", density: Density, *, stale: bool) -> list[Cell]:
    """Write a nozzle's figures; those of a lost one are grey."""
    look = nozzle_look(nozzle, stale=stale)
    texts = _texts(nozzle, look)
    lost = stale or nozzle.link == "offline"
    figures = "quiet" if lost else "plain"
    cells = []
    for what, columns in density.columns:
        style = look.style if what in {What.STATE, What.SHAPE} else figures
        if what in _LEFT:
            cells.append((fit(texts[what], columns), style))
        else:
            cells.append((_figure(texts[what], columns), style))
    return _spaced(density, cells)


def _texts(nozzle: "NozzleFigure", look: Look) -> dict[What, str]:
    at_rest = nozzle.state == "idle" and not nozzle.awaiting_debit
    empty = at_rest and not nozzle.quantity_milli
    return {
        What.NUMBER: str(nozzle.nozzle_no),
        What.SHAPE: look.shape,
        What.STATE: look.shape + _(look.text),
        What.QUANTITY: "" if empty else quantity_text(nozzle.quantity_milli),
        What.UNIT: word(nozzle.unit),
        What.AMOUNT: "" if empty else yuan_text(nozzle.amount_e4),
        What.PRESSURE: "" if empty else pressure_text(nozzle.pressure_kpa),
        What.PLATE: _remark(nozzle),
    }


def _remark(nozzle: "NozzleFigure") -> str:
    """Return the plate, or since when the nozzle is away, or its first fault."""
    if nozzle.link == "offline" and nozzle.link_since_ms:
        return _("at {at}").replace("{at}", minute_text(nozzle.link_since_ms))
    if nozzle.faults and not nozzle.plate:
        return word(nozzle.faults[0])
    return clean(nozzle.plate)


def _figure(text: str, columns: int) -> str:
    """Right-align a figure; one that is too long loses decimals, never a digit."""
    if width(text) > columns:
        text = text.partition(".")[0]
    if width(text) > columns:
        text = "*" * columns
    return fit(text, columns, right=True)


def _spaced(density: Density, cells: list[Cell]) -> list[Cell]:
    if not density.spaced:
        return cells
    last = len(cells) - 1
    return [(text + " " * (i < last), style) for i, (text, style) in enumerate(cells)]

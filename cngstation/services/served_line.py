"""A line that is offered lists and prices, with its nozzles by what they sell."""

from collections.abc import Sequence
from dataclasses import dataclass

from cngstation.services.fit_downloads import OfferedLine
from cngstation.services.publish_prices import in_order
from cngstation.storage.downloads import Sold
from cngstation.units import Unit


@dataclass(frozen=True, slots=True)
class ServedNozzle:
    """A nozzle of a line: its number, its number on the line, what it sells by."""

    nozzle_no: int
    gun: int
    unit: Unit
    only_level: int | None = None

    @property
    def sold(self) -> Sold:
        """What it has its prices for."""
        return Sold(self.unit, self.only_level)


# Nozzles of one kind, None several; and their guns, None all of the line's.
Group = tuple[Sold | None, frozenset[int] | None]


@dataclass(slots=True)
class ServedLine:
    """A line with its nozzles; where those are not told, several kinds get no prices.

    `left_out` is what its last offer could not carry, and why: empty for nothing,
    None while its row was not looked at.
    """

    line: OfferedLine
    sold: frozenset[Sold]
    name: str
    left_out: tuple[str, str] | None = None
    takes_ahead: bool = False
    nozzles: Sequence[ServedNozzle] = ()

    def groups(self, only: frozenset[int] | None) -> list[Group]:
        """Return the nozzles that are meant, by what they sell, and their guns.

        Without the nozzles it is the line as a whole.
        """
        if not self.nozzles or (only is None and len(self.sold) == 1):
            return [(next(iter(self.sold)) if len(self.sold) == 1 else None, None)]
        meant = [one for one in self.nozzles if only is None or one.nozzle_no in only]
        return [
            (sold, frozenset(n.gun for n in meant if n.sold == sold))
            for sold in in_order({one.sold for one in meant})
        ]

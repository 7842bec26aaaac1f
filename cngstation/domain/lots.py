"""Prepaid gas is bought in lots; fills use the oldest lot first."""

from collections.abc import Iterable
from dataclasses import dataclass

from cngstation.units import share_of


@dataclass(frozen=True, slots=True)
class Lot:
    """What is left of one purchase of gas."""

    seq: int
    quantity_milli: int
    money_e4: int


@dataclass(frozen=True, slots=True)
class LotUse:
    """What a fill takes from a lot, and the money that goes with it."""

    seq: int
    quantity_milli: int
    money_e4: int

    def row(self) -> dict[str, int]:
        """Return the use as the book keeps it."""
        return {
            "lot_seq": self.seq,
            "quantity_milli": self.quantity_milli,
            "money_e4": self.money_e4,
        }


def use_lots(lots: Iterable[Lot], quantity_milli: int) -> tuple[list[LotUse], int]:
    """Take a quantity from lots, oldest first; return the uses and what is missing.

    The last use of a lot takes all money that is left of it, so that roundings of
    earlier uses never stay behind.
    """
    uses = []
    wanted = quantity_milli
    for lot in lots:
        if wanted <= 0:
            break
        taken = min(lot.quantity_milli, wanted)
        if taken <= 0:
            continue
        whole = taken == lot.quantity_milli
        money = (
            lot.money_e4 if whole else share_of(lot.money_e4, taken, lot.quantity_milli)
        )
        uses.append(LotUse(lot.seq, taken, money))
        wanted -= taken
    return uses, max(wanted, 0)

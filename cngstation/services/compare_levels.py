"""Compares the price levels of the cards in use with those that dispensers know.

A card whose level a nozzle does not know gets no discount there, or no gas. Cards of
gas are left out: their gas was priced at the counter.
"""

from typing import NamedTuple

from cngstation.domain.card_life import CardState
from cngstation.domain.payment import PaymentMode
from cngstation.errors import Refusal
from cngstation.services.station_rules import StationRules
from cngstation.storage import downloads
from cngstation.storage.downloads import PRICES, Sold
from cngstation.storage.sales import NozzleKey
from cngstation.storage.sqlite import Connection
from cngstation.units import Unit

_MONEY_MODES = tuple(str(mode) for mode in PaymentMode if not mode.in_quantity)
_MOST_NUMBERS = 12


class LevelsDiffer(Refusal):
    """Cards in use have levels that some dispensers do not know; may be accepted."""

    code = "refusal.levels_differ"
    text = (
        "Level {level}: {cards} cards in use, not known at nozzles {nozzles}. They get "
        "the posted price there, or no gas. Nothing was changed. Enter once more sets "
        "the price all the same."
    )


class LevelGap(NamedTuple):
    """A level of cards in use, and the nozzles that do not know it."""

    level: int
    cards: int
    nozzles: tuple[int, ...]


def level_gaps(connection: Connection, rules: StationRules) -> list[LevelGap]:
    """Return the levels of cards in use that some nozzles do not know.

    What a nozzle knows is the table that it was heard to hold last; a board of one
    price knows that one.
    """
    known = {
        key: _known(connection, key, rules)
        for key, unit in rules.nozzle_units.items()
        if unit == rules.gas_unit
    }
    found = []
    for level, cards in _cards_by_level(connection):
        lacking = sorted(
            k.nozzle_no for k, levels in known.items() if level not in levels
        )
        if lacking:
            found.append(LevelGap(level, cards, tuple(lacking)))
    return found


def require_levels(connection: Connection, rules: StationRules, unit: Unit) -> None:
    """Refuse a change of prices until somebody has read whom it does not reach.

    Raises:
        LevelsDiffer: of the level with most cards.
    """
    gaps = level_gaps(connection, rules) if unit == rules.gas_unit else []
    if not gaps:
        return
    worst = max(gaps, key=lambda gap: gap.cards)
    numbers = " ".join(map(str, worst.nozzles[:_MOST_NUMBERS]))
    if len(worst.nozzles) > _MOST_NUMBERS:
        numbers += " ..."
    raise LevelsDiffer(level=worst.level, cards=worst.cards, nozzles=numbers)


def _cards_by_level(connection: Connection) -> list[tuple[int, int]]:
    marks = ", ".join("?" * len(_MONEY_MODES))
    found = connection.execute(
        "SELECT price_level, count(*) FROM card WHERE state=? AND vehicle_id > 0"  # noqa: S608 - marks
        f" AND payment_mode IN ({marks}) GROUP BY price_level ORDER BY price_level",
        (str(CardState.NORMAL), *_MONEY_MODES),
    )
    return list(found)


def _known(connection: Connection, key: NozzleKey, rules: StationRules) -> set[int]:
    only = rules.only_levels.get(key)
    if only is not None:
        return {only}
    version, _ = downloads.held(connection, key).get(PRICES, (0, 0))
    sold = Sold(rules.nozzle_units[key])
    table = downloads.prices_of_version(connection, sold, version)
    # Levels without a price of their own are filled with the posted one.
    return set(range(max(table.prices) + 1)) if table else set()

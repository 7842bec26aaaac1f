"""Whether and how much a card may fill now: the one place that knows its limits.

A dispenser asks before the gas flows; what was filled is never cut down afterwards.
"""

from collections.abc import Callable

from cngstation.domain.card_kinds import CREW
from cngstation.domain.limits import (
    EVERY_DAY,
    MINUTES_A_DAY,
    Amount,
    SpendingLimits,
    Stopped,
    Usage,
    Verdict,
    decide_all,
    window_start_ms,
)
from cngstation.errors import Refusal
from cngstation.services.keep_company_money import require_company
from cngstation.services.station_rules import StationRules
from cngstation.storage import audit, cards, customers
from cngstation.storage import limits as kept
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.limits import Holder
from cngstation.storage.sqlite import Connection
from cngstation.units import E4_PER_YUAN

MOST_ON_CARD_YUAN = 65_535
NO_LIMITS = {"limit_per_fill_yuan": 0, "limit_per_day_yuan": 0}


class LimitsWrong(Refusal):
    """Bounds that allow nothing at all, or hours that are none."""

    code = "refusal.limits_wrong"
    text = (
        "These limits would allow no fill at all: choose at least one weekday, and "
        "hours that differ. Nothing was changed."
    )


class NoSuchCard(Refusal):
    """There is no such card in the register."""

    code = "refusal.no_such_card"
    text = "There is no card {card_no} in the register. Nothing was changed."


def may_fill(
    connection: Connection, card_key: str, now_ms: int, rules: StationRules
) -> Verdict:
    """Return what a card may fill at this moment by its limits and its company's.

    For the question of a dispenser before a fill. A card that the register lacks has
    no limits here; a crew card fills nothing. What fills at another nozzle at this
    moment is not counted yet.
    """
    card = cards.find(connection, card_key)
    if card is not None and not card.for_customers:
        return Stopped(CREW.name)
    bounds = [(Holder.CARD, card_key)]
    vehicle = customers.find_vehicle(connection, card.vehicle_id) if card else None
    if vehicle is not None and vehicle.company_no:
        bounds.append((Holder.COMPANY, vehicle.company_no))
    found = [
        (limits, usage_of(connection, holder, key, limits, (now_ms, rules)))
        for holder, key in bounds
        for limits in [kept.in_force(connection, holder, key)]
    ]
    return decide_all(found, now_ms)


def limits_on_card(
    connection: Connection, company_no: str, card_key: str = ""
) -> dict[str, int]:
    """Return what a card carries of its own and its company's limits, in whole yuan.

    Dispensers that are off line keep to these. Hours, weeks, months and gas have no
    place on the card; a bound above the card's two bytes is not tighter than they are.
    """
    both = (
        kept.in_force(connection, Holder.COMPANY, company_no),
        kept.in_force(connection, Holder.CARD, card_key),
    )
    bounds = {
        "limit_per_fill_yuan": [limits.fill.e4 for limits in both if limits.fill.e4],
        "limit_per_day_yuan": [limits.day.e4 for limits in both if limits.day.e4],
    }
    return {
        name: min(max(min(found) // E4_PER_YUAN, 1), MOST_ON_CARD_YUAN)
        for name, found in bounds.items()
        if found
    }


def usage_of(
    connection: Connection,
    holder: Holder,
    key: str,
    limits: SpendingLimits,
    at: tuple[int, StationRules],
) -> Usage:
    """Return what was filled in the windows that have a bound; others are not asked."""
    now_ms, rules = at
    filled: Callable[[Connection, str, int], Amount] = (
        kept.filled_by_card if holder is Holder.CARD else kept.filled_by_company
    )

    used = {}
    for window in limits.counted():
        began_ms = window_start_ms(
            window, now_ms, cut_off_minute=rules.business_day_starts_minute
        )
        since = kept.first_seq_since(connection, began_ms)
        used[str(window)] = filled(connection, key, since)
    return Usage(**used)


def change_limits(
    tx: Transaction, holder: Holder, key: str, limits: SpendingLimits, actor: Actor
) -> None:
    """Set the limits of a card or a company from now on.

    Raises:
        NoSuchCard, NoCompany: whose limits they would be is not in the register.
        LimitsWrong: no moment of any week would be allowed.
    """
    if holder is Holder.COMPANY:
        require_company(tx.connection, key)
    elif cards.find(tx.connection, key) is None:
        raise NoSuchCard(card_no=key)
    if not limits.weekdays & EVERY_DAY or limits.from_minute == limits.until_minute:
        raise LimitsWrong
    if not min(limits.from_minute, limits.until_minute) >= 0:
        raise LimitsWrong
    if max(limits.from_minute, limits.until_minute) > MINUTES_A_DAY:
        raise LimitsWrong
    before = kept.in_force(tx.connection, holder, key).as_text()
    kept.set_limits(tx, holder, key, limits, actor)
    after = limits.as_text()
    subject = f"{holder} {key}"
    audit.record(tx, actor, "limit.set", subject, before=before, after=after)

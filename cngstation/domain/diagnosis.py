"""Why a card will not fill: every true cause, the gravest first, each with its cure.

Everything that is known goes in as `Known`; what is not known says nothing against
the card. The rules stand in one table, in the order of their gravity:

    the reader        without a reading nothing else is known
    what lies there   no card of ours, or damage: there is no purse to speak of
    whose it is       a copy, an old image: nothing on it can be trusted
    its life          lost, replaced, an unpaid fill, an open act
    its data          cylinder, unit, price, figures that differ from the register
    its money         empty, owed too much, a limit used up

After a cause of the first three kinds nothing more is said: the rest would be read
from something that cannot be believed.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cngstation.domain.card_kinds import CREW
from cngstation.domain.card_life import CardState
from cngstation.domain.causes import Cause
from cngstation.domain.continuity import Break
from cngstation.domain.evidence import Verdict
from cngstation.domain.known_card import Known, Lies, Reading, Registered
from cngstation.units import yuan_text

Facts = dict[str, str | int]


@dataclass(frozen=True, slots=True)
class Found:
    """A cause that is true of the card, with the facts of its sentence."""

    cause: Cause
    facts: Facts


def causes_of(known: Known) -> tuple[Found, ...]:
    """Return every cause that holds, the gravest first; none for a card that fills."""
    found = []
    for cause, holds in _RULES:
        if holds(known):
            found.append(Found(cause, _facts(known)))
            if cause in _NOTHING_AFTER:
                break
    return tuple(found)


_Rule = tuple[Cause, Callable[[Known], bool]]

# What the card says stands on its own; the register is asked only where it has it.


def _lies(*places: Lies) -> Callable[[Known], bool]:
    return lambda known: known.lies in places


def _state(state: CardState) -> Callable[[Known], bool]:
    return lambda known: (
        known.registered is not None and (known.registered.state is state)
    )


def _broken(broken: Break) -> Callable[[Known], bool]:
    """A break counts while no open act decides, and only on a card read whole.

    Another chip is another chip whatever is open.
    """

    def holds(known: Known) -> bool:
        card = known.registered
        if card is None or card.broken is not broken:
            return False
        return known.act is None or broken is Break.OTHER_CHIP

    return holds


def _is_new(known: Known) -> bool:
    return known.lies in {Lies.BLANK, Lies.TORN_ISSUE}


def _torn(known: Known) -> bool:
    return known.lies is Lies.TORN_ISSUE and known.act is None


def _unregistered(known: Known) -> bool:
    return known.reading is not None and known.registered is None


def _of_other_area(known: Known) -> bool:
    reading = known.reading
    return (
        _unregistered(known)
        and reading is not None
        and reading.area_no != known.station.area_no
    )


def _of_other_point(known: Known) -> bool:
    reading = known.reading
    return (
        _unregistered(known)
        and reading is not None
        and reading.card_no[:2] != known.station.issue_point_no
    )


def _half_read(known: Known) -> bool:
    return known.reading is not None and not known.reading.whole


def _act_disagrees(known: Known) -> bool:
    undecided = {Verdict.HOLD, Verdict.NO_FENCE}
    return known.act is not None and known.act.verdict in undecided


def _open_act(known: Known) -> bool:
    return known.act is not None


def _grey(known: Known) -> bool:
    return known.grey is not None


def _grey_elsewhere(known: Known) -> bool:
    grey = known.grey
    return (
        grey is not None
        and grey.amount_e4 is None
        and grey.station_no != known.station.station_no
    )


def _grey_no_record(known: Known) -> bool:
    return known.grey is not None and known.grey.amount_e4 is None


def _overdue(known: Known) -> bool:
    card = known.registered
    return (
        card is not None and card.cylinder_days is not None and (card.cylinder_days < 0)
    )


def _overdue_on_card(known: Known) -> bool:
    """The dispenser goes by the date on the card, whatever the register says."""
    days = known.reading.cylinder_days if known.reading else None
    return not _overdue(known) and days is not None and days < 0


def _worn_out(known: Known) -> bool:
    return known.reading is not None and not known.reading.counters_left


def _crew_card(known: Known) -> bool:
    return known.registered is not None and known.registered.stopped == CREW.name


def _other_mode(known: Known) -> bool:
    card, reading = known.registered, known.reading
    return (
        card is not None
        and reading is not None
        and reading.payment_mode is not card.payment_mode
    )


def _other_unit(known: Known) -> bool:
    card, sold = known.registered, known.station.gas_units
    return (
        card is not None
        and card.payment_mode.in_quantity
        and bool(sold)
        and card.unit not in sold
    )


def _no_price(known: Known) -> bool:
    return known.registered is not None and known.station.price_e4 is None


def _prepaid(known: Known) -> bool:
    return known.registered is not None and known.registered.payment_mode.prepaid


def _empty(known: Known) -> bool:
    return _prepaid(known) and known.reading is not None and known.reading.balance <= 0


def _too_low(known: Known) -> bool:
    """Less than one unit of gas: dispensers do not begin for it."""
    return not _empty(known) and _prepaid(known) and _worth_less_than_a_unit(known)


def _worth_less_than_a_unit(known: Known) -> bool:
    card, reading = known.registered, known.reading
    if card is None or reading is None:
        return False
    if card.payment_mode.in_quantity:
        return reading.balance < _A_UNIT
    return 100 * reading.balance < (known.station.price_e4 or 0)


def _credit_used_up(known: Known) -> bool:
    card = known.registered
    return (
        card is not None
        and card.credit_limit_e4 is not None
        and card.owed_e4 >= card.credit_limit_e4
    )


def _day_used_up(known: Known) -> bool:
    card, reading = known.registered, known.reading
    if card is None or reading is None or not reading.limit_per_day_yuan:
        return False
    return card.filled_today_e4 >= reading.limit_per_day_yuan * _E4_PER_YUAN


def _fill_limit_too_small(known: Known) -> bool:
    reading = known.reading
    if reading is None or not reading.limit_per_fill_yuan:
        return False
    limit_e4 = reading.limit_per_fill_yuan * _E4_PER_YUAN
    return limit_e4 < (known.station.price_e4 or 0)


def _price_old(known: Known) -> bool:
    reading, now = known.reading, known.station.price_e4
    if reading is None or now is None or not reading.price_fen:
        return False
    return now != 100 * reading.price_fen


def _plate_old(known: Known) -> bool:
    return known.registered is not None and not known.registered.is_of_plate


def _limits_old(known: Known) -> bool:
    card, reading = known.registered, known.reading
    if card is None or reading is None or card.limits_yuan is None:
        return False
    on_card = (reading.limit_per_fill_yuan, reading.limit_per_day_yuan)
    return reading.can_be_written and on_card != card.limits_yuan


def _old_limits_stop(known: Known) -> bool:
    """What stops the card is a limit that it does not have any more."""
    stops = _day_used_up(known) or _fill_limit_too_small(known)
    return stops and _limits_old(known)


_A_UNIT = 100  # in hundredths, as quantity purses count
_E4_PER_YUAN = 10_000
_RULES: tuple[_Rule, ...] = (
    (Cause.READER_AWAY, _lies(Lies.READER_AWAY)),
    (Cause.READER_UNSURE, _lies(Lies.READER_UNSURE)),
    (Cause.NO_CARD, _lies(Lies.NOTHING)),
    (Cause.CARD_LEFT, _lies(Lies.LEFT)),
    (
        Cause.EMPTIED,
        lambda known: _is_new(known) and bool(known.chip_card) and known.act is None,
    ),
    (
        Cause.SHUT,
        lambda known: known.lies is Lies.FOREIGN and bool(known.chip_card),
    ),
    (Cause.FOREIGN, _lies(Lies.FOREIGN)),
    (Cause.BOTH_BAD, _lies(Lies.BOTH_BAD)),
    (Cause.NO_INFO, _lies(Lies.NO_INFO)),
    (
        Cause.ACT_DISAGREES,
        lambda known: _is_new(known) and _act_disagrees(known),
    ),
    (Cause.TORN_ISSUE, lambda known: _torn(known) and known.chip_is_known),
    (Cause.TORN_ELSEWHERE, lambda known: _torn(known) and not known.chip_is_known),
    (
        Cause.BLANK,
        lambda known: known.lies is Lies.BLANK and known.act is None,
    ),
    (Cause.OTHER_CHIP, _broken(Break.OTHER_CHIP)),
    (Cause.OTHER_AREA, _of_other_area),
    (Cause.OTHER_ISSUE_POINT, _of_other_point),
    (Cause.UNREGISTERED, _unregistered),
    (Cause.REPLACED, _state(CardState.REPLACED)),
    (Cause.CANCELLED, _state(CardState.CANCELLED)),
    (Cause.WASTE, _state(CardState.WASTE)),
    (Cause.HALF_READ, _half_read),
    (Cause.ACT_DISAGREES, _act_disagrees),
    (Cause.OLDER_IMAGE, _broken(Break.OLDER_IMAGE)),
    (Cause.OTHER_CONTENT, _broken(Break.OTHER_CONTENT)),
    (Cause.UNKNOWN_COUNTER, _broken(Break.UNKNOWN_COUNTER)),
    (Cause.LOST, _state(CardState.LOST)),
    (Cause.BLACK, _state(CardState.BLACK)),
    (
        Cause.REFUSED_AT,
        lambda known: (
            known.registered is not None and bool(known.registered.refused_at)
        ),
    ),
    (Cause.GREY_ELSEWHERE, _grey_elsewhere),
    (
        Cause.GREY_NO_RECORD,
        lambda known: _grey_no_record(known) and not _grey_elsewhere(known),
    ),
    (Cause.GREY, lambda known: _grey(known) and not _grey_no_record(known)),
    (Cause.OPEN_ACT, _open_act),
    (Cause.INACTIVE, _state(CardState.INACTIVE)),
    (Cause.CYLINDER_OVERDUE, _overdue),
    (Cause.CYLINDER_ON_CARD, _overdue_on_card),
    (Cause.WORN_OUT, _worn_out),
    (Cause.CREW_CARD, _crew_card),
    (Cause.OTHER_MODE, _other_mode),
    (Cause.OTHER_UNIT, _other_unit),
    (Cause.NO_PRICE, _no_price),
    (Cause.EMPTY, _empty),
    (Cause.CREDIT_LIMIT, _credit_used_up),
    (
        Cause.STOPPED,
        lambda known: known.registered is not None and bool(known.registered.stopped),
    ),
    (Cause.LIMITS_OLD, _old_limits_stop),
    (Cause.DAY_LIMIT, _day_used_up),
    (Cause.FILL_LIMIT, _fill_limit_too_small),
    (Cause.TOO_LOW, _too_low),
    (Cause.PRICE_OLD, _price_old),
    (Cause.PLATE_OLD, _plate_old),
    (
        Cause.LIMITS_OLD,
        lambda known: _limits_old(known) and not _old_limits_stop(known),
    ),
)
_ORDER = [cause for cause, _ in _RULES]
_NOTHING_AFTER = frozenset(_ORDER[: _ORDER.index(Cause.UNKNOWN_COUNTER) + 1])


def _facts(known: Known) -> Facts:
    """Return all that a sentence may name; what is not known is not in it."""
    facts: Facts = {"uid": known.uid, "trouble": known.trouble}
    facts["price"] = yuan_text(known.station.price_e4 or 0)
    if known.chip_card:
        facts["card"] = known.chip_card
    if (reading := known.reading) is not None:
        facts |= _facts_of_reading(reading)
    if (card := known.registered) is not None:
        facts |= _facts_of_register(card)
    if (grey := known.grey) is not None:
        facts |= {"grey_station": grey.station_no, "number": grey.number}
        facts["nozzle"] = grey.nozzle_no or grey.gun
        facts["amount"] = yuan_text(grey.amount_e4 or 0)
    if known.act is not None:
        facts["act"] = known.act.kind
    return facts


def _facts_of_reading(reading: Reading) -> Facts:
    return {
        "card": reading.card_no,
        "area": reading.area_no,
        "point": reading.card_no[:2],
        "balance": yuan_text(100 * reading.balance),  # hundredths of yuan or unit
        "card_price": yuan_text(100 * reading.price_fen),
        "card_due": reading.cylinder_due,
        "day_limit": reading.limit_per_day_yuan,
        "fill_limit": reading.limit_per_fill_yuan,
        "card_plate": reading.plate or "-",
    }


def _facts_of_register(card: Registered) -> Facts:
    fill_limit, day_limit = card.limits_yuan or (0, 0)
    return {
        "plate": card.plate,
        "fill_limit_now": fill_limit,
        "day_limit_now": day_limit,
        "card": card.card_no,
        "due": card.cylinder_due,
        "unit": card.unit,
        "mode": str(card.payment_mode),
        "owed": yuan_text(card.owed_e4),
        "credit_limit": yuan_text(card.credit_limit_e4 or 0),
        "stopped": card.stopped,
        "today": yuan_text(card.filled_today_e4),
        "dispensers": ", ".join(str(no) for no in card.refused_at),
    }

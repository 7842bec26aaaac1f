"""What a top-up adds to a card and what it costs, before anything happens."""

from collections.abc import Mapping
from dataclasses import dataclass

from cngstation.domain.payment import PaymentMode, book_to_purse, purse_to_book
from cngstation.errors import Refusal
from cngstation.protocols.card_image.purse import LARGEST_PRICE_FEN
from cngstation.services.station_rules import StationRules
from cngstation.units import (
    E4_PER_FEN,
    Money,
    Price,
    Quantity,
    amount_of,
    quantity_for,
    yuan_text,
)

# A purse of gas counts in 1/100 of its unit.
GAS_STEP_MILLI = 10


class AmountRefused(Refusal):
    """The amount is none, or not one that this card can take."""

    code = "refusal.amount"
    text = "This amount cannot be topped up: {why}. No money was taken."


class OverLimit(Refusal):
    """A limit of the station forbids the amount."""

    code = "refusal.limit"
    text = (
        "The amount {amount} is outside the limits of one top-up, {lower} to {upper}. "
        "No money was taken. Change the amount."
    )


class OverCeiling(Refusal):
    """The card would hold more than it may."""

    code = "refusal.ceiling"
    text = (
        "The card would hold {after}; it may hold at most {ceiling}. No money was "
        "taken. Change the amount."
    )


class NotPrepaid(Refusal):
    """A credit card is cleared, not topped up."""

    code = "refusal.not_prepaid"
    text = (
        "Card {card_no} is a credit card: clear its credit instead of topping it up. "
        "No money was taken."
    )


class NoPrice(Refusal):
    """A price level has no price yet."""

    code = "refusal.no_price"
    text = (
        "Price level {level} has no price yet. Set the prices before issuing a card. "
        "No money was taken."
    )


class LevelNotShown(Refusal):
    """Every nozzle of the cards' gas shows other price levels alone."""

    code = "refusal.level_not_shown"
    text = (
        "No nozzle of this station sells at price level {level}: their boards show "
        "level {shown} alone, and the card would pay that price. Nothing was written "
        "and no money was taken. Choose level {shown}."
    )


class PriceTooHigh(Refusal):
    """A card has two bytes for its price: a dearer one could be sold, not written."""

    code = "refusal.price_too_high"
    text = (
        "The price {price} is higher than a card can hold, {most}. Nothing was changed "
        "and no money was taken. Correct the price."
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the customer asks for: money or, on quantity cards, gas."""

    money: Money
    quantity_hundredths: int

    def as_plan(self) -> dict[str, int]:
        """Return what an act remembers of it."""
        return {
            "wanted_e4": self.money.e4,
            "wanted_hundredths": self.quantity_hundredths,
        }

    def is_in(self, plan: Mapping[str, object]) -> bool:
        """Tell whether an act was begun for this; an older one does not say."""
        return all(
            plan.get(name, told) == told for name, told in self.as_plan().items()
        )


@dataclass(frozen=True, slots=True)
class Priced:
    """What is added to the purse, its book amount, and what is to be paid."""

    purse: int
    book: int
    cash: Money


def require_price_on_card(price: Price) -> None:
    """Refuse a price that no card can hold.

    Raises:
        PriceTooHigh: with the highest one.
    """
    most_e4 = LARGEST_PRICE_FEN * E4_PER_FEN
    if price.e4 > most_e4:
        raise PriceTooHigh(price=yuan_text(price.e4), most=yuan_text(most_e4))


def require_level_shown(level: int, mode: PaymentMode, rules: StationRules) -> None:
    """Refuse a level that no nozzle of the cards' gas sells at.

    A card of gas was priced at the counter: no dispenser's price has to do with it.

    Raises:
        LevelNotShown: with the levels that are shown.
    """
    shown = rules.levels_shown.get(rules.gas_unit)
    if shown is not None and level not in shown and not mode.in_quantity:
        levels = " ".join(map(str, sorted(shown)))
        raise LevelNotShown(level=level, shown=levels)


def price_top_up(
    mode: PaymentMode, wanted: Wanted, price: Price, rules: StationRules
) -> Priced:
    """Return what a wish adds and costs; a quantity is priced to the nearest fen.

    Raises:
        AmountRefused: nothing is asked for, or money and gas at once.
    """
    if bool(wanted.money) == bool(wanted.quantity_hundredths):
        raise AmountRefused(why="enter either money or a quantity")
    if not mode.in_quantity:
        if not wanted.money:
            raise AmountRefused(why="this card holds money, not gas")
        purse = book_to_purse(mode, wanted.money.e4)
        return Priced(purse, wanted.money.e4, wanted.money)
    if wanted.money:
        gas = quantity_for(
            wanted.money, price, rules.gas_unit, step_milli=GAS_STEP_MILLI
        )
    else:
        milli = purse_to_book(mode, wanted.quantity_hundredths)
        gas = Quantity(milli, rules.gas_unit)
    if not gas:
        raise AmountRefused(why="the money does not buy 0.01 of the unit")
    # Change that buys no whole step is not taken: the price of the gas is.
    return Priced(book_to_purse(mode, gas.milli), gas.milli, amount_of(gas, price))


def require_limits(priced: Priced, rules: StationRules) -> None:
    """Refuse an amount outside the limits of one top-up.

    Raises:
        OverLimit: with the limits.
    """
    lower, upper = rules.single_lower, rules.single_upper
    if priced.cash < lower or (upper and priced.cash > upper):
        raise OverLimit(
            amount=yuan_text(priced.cash.e4),
            lower=yuan_text(lower.e4),
            upper=yuan_text(upper.e4),
        )


def require_ceiling(after_value: Money, rules: StationRules) -> None:
    """Refuse a balance above what a card may hold.

    Raises:
        OverCeiling: with the ceiling.
    """
    if rules.balance_ceiling and after_value > rules.balance_ceiling:
        raise OverCeiling(
            after=yuan_text(after_value.e4),
            ceiling=yuan_text(rules.balance_ceiling.e4),
        )

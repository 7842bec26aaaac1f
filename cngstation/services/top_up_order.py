"""A top-up as it is confirmed, and what it would do."""

import json
from dataclasses import dataclass

from cngstation.domain.tenders import CASH, Payment
from cngstation.services.give_bonus import NO_BONUS, Given
from cngstation.services.price_top_up import Wanted
from cngstation.services.take_payment import CASHIERS_WAYS, Way, same_payment
from cngstation.storage.journal import Intent
from cngstation.units import Money, Price

KIND = "top_up"


@dataclass(frozen=True, slots=True)
class TopUpOrder:
    """A top-up as the cashier confirmed it; `bonus` is what was shown, if it was."""

    intent_id: str
    card_key: str
    before: int
    wanted: Wanted
    cash: Money
    payment: Payment = CASH
    bonus: int | None = None

    def is_of(self, intent: Intent) -> bool:
        """Return whether an act is this order, tried before."""
        ordered = (KIND, self.card_key, self.cash.e4)
        found = (intent.kind, intent.card_key, intent.cash_e4)
        wanted = self.wanted.is_in(json.loads(intent.plan))
        same = ordered == found and wanted
        return same and same_payment(self.payment, intent.payment)


@dataclass(frozen=True, slots=True)
class Quoted:
    """What a top-up would do; figures of the purse, `change` without the bonus."""

    before: int
    change: int
    after: int
    cash: Money
    price: Price
    bonus: Given = NO_BONUS
    ways: tuple[Way, ...] = CASHIERS_WAYS

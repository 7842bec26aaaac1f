"""The issue of a card as a row of choices, each one key after the vehicle.

vehicle -> kind -> mode -> level -> amount -> confirm -> doing
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from cngstation.rpc.contract.counter import (
    CARD_ISSUE,
    ActReply,
    Choices,
    Issue,
    VehicleRow,
)
from cngstation.units import Price, Quantity, Unit, amount_of, hundredths_to_milli
from tui.acts import carry_out, new_id
from tui.amount import Amount
from tui.figures import PREPAID_MODES, in_quantity
from tui.paying import Paying

if TYPE_CHECKING:
    from collections.abc import Callable

    from cngstation.errors import StationError
    from tui.link import Link


class Step(IntEnum):
    """What is being chosen, in the order of asking."""

    VEHICLE = 0
    KIND = 1
    MODE = 2
    LEVEL = 3
    AMOUNT = 4
    CONFIRM = 5
    DOING = 6


# A vehicle that has a card gets another one by one more Enter.
SECOND_CARD = "refusal.second_card"


@dataclass
class IssueDraft:
    """What was chosen so far."""

    choices: Choices
    gas_unit: str
    step: Step = Step.VEHICLE
    vehicle: VehicleRow | None = None
    kind: str = ""
    mode: str = ""
    level: int = 0
    amount: Amount = field(default_factory=Amount)
    paying: Paying = field(default_factory=Paying)
    intent_id: str = ""
    accept_second_card: bool = False

    @property
    def is_prepaid(self) -> bool:
        """Whether the mode asks for an amount."""
        return self.mode in PREPAID_MODES

    def choose_vehicle(self, vehicle: VehicleRow) -> None:
        """Take the vehicle and go on."""
        self.vehicle, self.step = vehicle, Step.KIND
        self.accept_second_card = False

    def digits(self) -> str:
        """Return the first and the last digit that choose at this step."""
        levels = [price.level for price in self.choices.prices] or [0]
        match self.step:
            case Step.KIND:
                return f"1-{len(self.choices.card_kinds)}"
            case Step.MODE:
                return f"1-{len(self.choices.payment_modes)}"
            case _:
                return f"{min(levels)}-{max(levels)}"

    def choose(self, digit: int) -> bool:
        """Take the choice that a digit names at this step; tell whether there is one.

        Kinds and modes count from 1, price levels are their own numbers.
        """
        match self.step:
            case Step.KIND if 0 < digit <= len(self.choices.card_kinds):
                self.kind, self.step = self.choices.card_kinds[digit - 1], Step.MODE
            case Step.MODE if 0 < digit <= len(self.choices.payment_modes):
                self.mode, self.step = self.choices.payment_modes[digit - 1], Step.LEVEL
            case Step.LEVEL if any(p.level == digit for p in self.choices.prices):
                self.level = digit
                self.step = Step.AMOUNT if self.is_prepaid else Step.CONFIRM
            case _:
                return False
        return True

    def back(self) -> bool:
        """Step back; tell whether there was a step before."""
        if self.step in {Step.VEHICLE, Step.DOING}:
            return False
        if self.step is Step.CONFIRM and self.paying.back():
            self.intent_id = ""
            return True
        self.step = Step(self.step - 1)
        if self.step is Step.AMOUNT and not self.is_prepaid:
            self.step = Step.LEVEL
        self.intent_id = ""
        return True

    def pay(self, character: str) -> bool:
        """Choose how it is paid; another payment is another act."""
        taken = self.step is Step.CONFIRM and self.paying.press(character)
        if taken:
            self.intent_id = ""
        return taken

    @property
    def price_e4(self) -> int:
        """The price of the chosen level."""
        prices = {price.level: price.price_e4 for price in self.choices.prices}
        return prices.get(self.level, 0)

    @property
    def prepaid_fen(self) -> int:
        """What the prepaid money or gas costs, to the nearest fen."""
        if not self.is_prepaid:
            return 0
        hundredths = self.amount.hundredths
        if not in_quantity(self.mode):
            return hundredths
        gas = Quantity(hundredths_to_milli(hundredths), Unit(self.gas_unit))
        return amount_of(gas, Price(self.price_e4)).fen

    @property
    def cash_fen(self) -> int:
        """What is to be taken: the prepaid part and the fee for the card."""
        return self.prepaid_fen + self.choices.card_fee_fen

    def request(self) -> Issue:
        """Return the act as it was confirmed; the id is made once and kept."""
        assert self.vehicle is not None, "a vehicle is chosen first"
        self.intent_id = self.intent_id or new_id()
        hundredths = self.amount.hundredths if self.is_prepaid else 0
        gas = in_quantity(self.mode)
        return Issue(
            intent_id=self.intent_id,
            vehicle_id=self.vehicle.vehicle_id,
            kind=self.kind,
            payment_mode=self.mode,
            price_level=self.level,
            money_fen=0 if gas else hundredths,
            quantity_hundredths=hundredths if gas else 0,
            cash_fen=self.cash_fen,
            remark="",
            tender=self.paying.tender,
            tender_ref=self.paying.number,
            accept_second_card=self.accept_second_card,
        )

    async def carry_out(
        self, link: "Link", still_asking: "Callable[[StationError], None]"
    ) -> ActReply:
        """Issue the card; raises as `tui.acts.carry_out`."""
        request = self.request()
        return await carry_out(
            link, CARD_ISSUE, request, self.intent_id, still_asking=still_asking
        )

"""The top-up of the card on the reader: digits, a quote, a confirmed act, its outcome.

typing --Enter--> quoting --> quoted --Enter--> doing --> done
   ^------Esc-------------------'                 '--> quoted, with the failure

Where it is quoted, a letter chooses another way of paying than cash.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from cngstation.errors import StationError
from cngstation.rpc.contract.counter import (
    CARD_QUOTE,
    CARD_TOP_UP,
    ActReply,
    ActState,
    CardView,
    Quote,
    QuoteRequest,
    TopUp,
)
from tui.acts import NeverAccepted, OutcomeNotLearned, carry_out, new_id
from tui.amount import Amount
from tui.figures import in_quantity
from tui.paying import Paying

if TYPE_CHECKING:
    from tui.link import Link


class Stage(StrEnum):
    """How far a top-up has come."""

    TYPING = "typing"
    QUOTING = "quoting"
    QUOTED = "quoted"
    DOING = "doing"
    DONE = "done"


class TopUpFlow:
    """One top-up after the other, for the card that lies there."""

    def __init__(self, link: "Link", changed: Callable[[], None]) -> None:
        self._link = link
        self._changed = changed
        self.begin(None)

    def begin(self, card: CardView | None) -> None:
        """Forget the last customer's figures."""
        self.card = card
        self.amount = Amount()
        self.paying = Paying()
        self.by_quantity = self.in_gas
        self.stage = Stage.TYPING
        self.quote: Quote | None = None
        self.reply: ActReply | None = None
        self.failure: StationError | None = None
        self.doubt: StationError | None = None
        self._intent_id = ""

    @property
    def in_gas(self) -> bool:
        """Whether the card holds gas, so that gas or money can be typed."""
        return self.card is not None and in_quantity(self.card.payment_mode)

    @property
    def unfinished(self) -> bool:
        """Whether something was typed or is under way."""
        typed = self.stage is Stage.TYPING and bool(self.amount.text)
        return typed or self.stage in {Stage.QUOTING, Stage.QUOTED, Stage.DOING}

    def type(self, character: str) -> bool:
        """Take a digit; after an outcome it begins a new amount."""
        if self.stage in {Stage.QUOTING, Stage.DOING} or self.card is None:
            return False
        if self.stage is Stage.DONE:
            self.begin(self.card)
        if self.stage is Stage.QUOTED and self.paying.press(character):
            self._pay_otherwise()
            return True
        if self.paying.wants_number:
            return False
        taken = self.amount.type(character)
        if taken:
            self._edit()
        return taken

    def erase(self) -> None:
        """Take the last digit back."""
        if self.stage is Stage.QUOTED and self.paying.wants_number:
            self.paying.erase()
            self._pay_otherwise()
        elif self.stage in {Stage.TYPING, Stage.QUOTED}:
            self.amount.erase()
            self._edit()

    def turn_unit(self) -> None:
        """Switch between an amount of money and one of gas, on cards that hold gas."""
        if self.stage is Stage.DONE:
            self.begin(self.card)
        if self.in_gas and self.stage in {Stage.TYPING, Stage.QUOTED}:
            self.by_quantity = not self.by_quantity
            self._edit()

    def back(self) -> bool:
        """Step back; tell whether there was anything to step back from.

        After an outcome its figures go, and the card's new balance stands alone.
        """
        if self.stage is Stage.DONE:
            self.begin(self.card)
        if self.stage is Stage.QUOTED:
            if self.paying.back():
                self._pay_otherwise()
            else:
                self._edit()
            return True
        if self.stage is Stage.TYPING and self.amount.text:
            self.amount.clear()
            self._edit()
            return True
        return False

    def _edit(self) -> None:
        """Another amount is another act: the quote and the id no longer hold."""
        self.stage, self.quote, self.failure = Stage.TYPING, None, None
        self._intent_id = ""
        self.paying = Paying()

    def _pay_otherwise(self) -> None:
        """Another payment is another act, too."""
        self.failure, self._intent_id = None, ""

    async def enter(self) -> None:
        """Go one step on: ask for the quote, or do what was quoted."""
        if self.card is None or not self.amount.hundredths:
            return
        if self.stage is Stage.TYPING:
            await self._ask_quote(self.card)
        elif self.stage is Stage.QUOTED and self.quote is not None:
            await self._do(self.card, self.quote)

    def _parts(self) -> tuple[int, int]:
        hundredths = self.amount.hundredths
        return (0, hundredths) if self.by_quantity else (hundredths, 0)

    async def _ask_quote(self, card: CardView) -> None:
        money_fen, quantity_hundredths = self._parts()
        request = QuoteRequest(
            card_key=card.card_key,
            money_fen=money_fen,
            quantity_hundredths=quantity_hundredths,
        )
        self.stage, self.failure = Stage.QUOTING, None
        self._changed()
        try:
            quote = await self._link.call(CARD_QUOTE, request)
        except StationError as error:
            if self.card is card:
                self.stage, self.failure = Stage.TYPING, error
        else:
            if self.card is card:
                self.stage, self.quote = Stage.QUOTED, quote
                self.paying.offer(quote.tenders)
        self._changed()

    async def _do(self, card: CardView, quote: Quote) -> None:
        self._intent_id = self._intent_id or new_id()
        money_fen, quantity_hundredths = self._parts()
        request = TopUp(
            intent_id=self._intent_id,
            card_key=card.card_key,
            before_purse=quote.before_purse,
            money_fen=money_fen,
            quantity_hundredths=quantity_hundredths,
            cash_fen=quote.cash_fen,
            tender=self.paying.tender,
            tender_ref=self.paying.number,
            bonus_purse=quote.bonus_purse,
        )
        self.stage, self.failure = Stage.DOING, None
        self._changed()
        try:
            self.reply = await carry_out(
                self._link,
                CARD_TOP_UP,
                request,
                self._intent_id,
                still_asking=self._still_asking,
            )
            self.stage = Stage.DONE
        except NeverAccepted as error:  # the same act, the same id
            self.stage, self.failure = Stage.QUOTED, error
        except OutcomeNotLearned as error:  # must not be pressed again
            self.stage, self.failure = Stage.DONE, error
        except StationError as error:
            self.stage, self.failure = Stage.QUOTED, error
            self._intent_id = ""
        self.doubt = None
        self._changed()

    def _still_asking(self, error: StationError) -> None:
        self.doubt = error
        self._changed()

    @property
    def succeeded(self) -> bool:
        """Whether the card holds the new balance."""
        return self.reply is not None and self.reply.state is ActState.DONE

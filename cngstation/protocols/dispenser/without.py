"""What a dialogue does with what its protocol has no command for."""

from collections import deque

from cngstation.protocols.dispenser.canonical import DebitDecision, DebitRequest
from cngstation.protocols.dispenser.dialogue import (
    DownloadAsked,
    Event,
    OrderAnswered,
)
from cngstation.protocols.dispenser.forecourt import (
    CardCheck,
    CardVerdict,
    DeviceEvent,
    Downloads,
    Order,
    OrderOutcome,
)


class WithoutForecourtCommands:
    """Base of a dialogue; what the protocol does have is overridden.

    The overriding class drains `refused` into its events at each tick.
    """

    def __init__(self) -> None:
        self.refused: deque[Event] = deque()

    def answer_debit(
        self,
        gun: int,
        request: DebitRequest,
        decision: DebitDecision | None,
        now_us: int,
    ) -> None:
        """Nothing was asked."""

    def answer_shift(
        self, gun: int, device_seq: int, now_us: int, *, accepted: bool
    ) -> None:
        """Nothing was asked."""

    def answer_parameter(
        self, gun: int, device_seq: int, now_us: int, *, accepted: bool
    ) -> None:
        """Nothing was asked."""

    def answer_event(
        self, gun: int, event: DeviceEvent, now_us: int, *, accepted: bool
    ) -> None:
        """Nothing was asked."""

    def answer_card_check(
        self, gun: int, check: CardCheck, verdict: CardVerdict | None, now_us: int
    ) -> None:
        """Nothing was asked."""

    def answer_download(
        self, asked: DownloadAsked, now_us: int, *, accepted: bool
    ) -> None:
        """Nothing was asked."""

    def offer(self, downloads: Downloads) -> None:
        """Leave the nozzles as they are: there is no command to change them."""

    def order(self, order: Order) -> None:
        """Refuse."""
        self.refused.append(OrderAnswered(order, OrderOutcome.REFUSED))

    def withdraw(self, order: Order) -> bool:
        """Tell that nothing waits: it was refused."""
        del order
        return False

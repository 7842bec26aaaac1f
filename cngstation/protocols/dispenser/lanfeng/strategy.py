"""What the host says to Lanfeng pumps, and when.

A poll is a status request. A pump sells by itself, or, with the option `control` 1,
only when it is authorised: the host then takes control of every idle pump.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.canonical import (
    Capability,
    FuellingState,
    NozzleStatus,
    Totals,
)
from cngstation.protocols.dispenser.dialogue import (
    Request,
    StatusReceived,
    TotalsReceived,
    WhyRefused,
)
from cngstation.protocols.dispenser.entry import NozzleSetup
from cngstation.protocols.dispenser.forecourt import (
    Order,
    OrderKind,
    OrderOutcome,
)
from cngstation.protocols.dispenser.lanfeng import frames
from cngstation.protocols.dispenser.lanfeng.frames import (
    FRAME_BYTES,
    TOTAL_DIGITS,
    Command,
    FrameParser,
    Shown,
)
from cngstation.protocols.dispenser.last_sale import (
    Figures,
    LastSale,
    Total,
)
from cngstation.protocols.dispenser.memoryless_strategy import MemorylessStrategy
from cngstation.protocols.dispenser.options import whole_numbers
from cngstation.protocols.dispenser.polled_strategy import (
    Ask,
    NoAnswer,
    Pace,
    Script,
    Visit,
    asked,
)
from cngstation.protocols.dispenser.scales import DECIMALS, Scales
from cngstation.protocols.dispenser.without_card import status_without_card

PROTOCOL = "lanfeng"
CAPABILITIES = frozenset(
    {
        Capability.POLL,
        Capability.AUTHORISE,
        Capability.PRESET,
        Capability.STOP,
        Capability.PRICE,
        Capability.TOTALS,
    }
)
BITS_PER_BYTE = 10
ANSWER_ALLOWANCE_US = 150_000
TRIES = 2
_PRICE_BYTES, _PRESET_BYTES = 2, 3


@dataclass(frozen=True, slots=True)
class LanfengSettings(Scales):
    """The options of a line; `gap_ms` is the least time between two requests."""

    control: int = 0
    gap_ms: int = 50

    @classmethod
    def from_mapping(cls, options: Mapping[str, int | str]) -> Self:
        """Read the options of a line; ValueError for one that is none."""
        bounds = {**DECIMALS, "control": range(2), "gap_ms": range(20, 501)}
        return cls(**whole_numbers("Lanfeng", options, bounds))


class _Side:
    """What is known of one pump."""

    def __init__(self, setup: NozzleSetup, settings: LanfengSettings) -> None:
        self.setup = setup
        self.sale = LastSale(
            wrap_milli=settings.total_wrap_milli(TOTAL_DIGITS),
            wrap_e4=settings.total_wrap_e4(TOTAL_DIGITS),
            step_milli=settings.total_step_milli,
        )
        self.shown: Shown | None = None
        self.raw = b""
        self.stop_taken = False


class LanfengStrategy(MemorylessStrategy[bytes, _Side]):
    """All pumps of one Lanfeng line."""

    protocol = PROTOCOL

    def __init__(
        self, baud: int, nozzles: Sequence[NozzleSetup], settings: LanfengSettings
    ) -> None:
        self.pace = Pace(
            baud, BITS_PER_BYTE, settings.gap_ms * 1_000, ANSWER_ALLOWANCE_US
        )
        super().__init__({nozzle.gun: _Side(nozzle, settings) for nozzle in nozzles})
        self.reader = FrameParser(self.points)
        self._settings = settings

    def gun_of(self, frame: bytes) -> int | None:
        """Return the first byte."""
        return frame[0]

    def answers(self, ask: Ask, frame: bytes) -> bool:
        """Nothing in an answer names its request; a status heard before is no total."""
        is_total = ask.data[2] in {Command.VOLUME_TOTAL, Command.AMOUNT_TOTAL}
        return not (is_total and frame == self.points[frame[0]].raw)

    # Polls

    def poll(self, visit: Visit) -> Script[bytes, None]:
        """Read the status, and the totaliser when a fill has ended."""
        side = self.points[visit.gun]
        shown = yield from self._look(visit, side)
        if side.sale.wants_total(visit.now_us):
            yield from self._count(visit, side)
        self.report_fills(visit)
        if side.sale.is_settled and not (shown.is_filling or shown.is_out):
            yield from self._look_after(visit, shown)

    def _look(self, visit: Visit, side: _Side) -> Script[bytes, Shown]:
        """Read and report the status."""
        frame = yield from self._ask(visit.gun, Command.STATUS, tries=TRIES)
        shown = frames.status(frame)
        side.shown, side.raw = shown, frame
        if shown.is_filling:
            side.stop_taken = False
        scales = self._settings
        figures = Figures(
            scales.quantity_milli(shown.volume),
            scales.amount_e4(shown.amount),
            scales.price_e4(shown.price),
            frame,
        )
        side.sale.saw(
            figures,
            visit.now_us,
            is_flowing=shown.is_filling,
            is_over=not shown.is_out or side.stop_taken,
        )
        visit.report(StatusReceived(visit.gun, _status_of(shown, figures)))
        return shown

    def _count(self, visit: Visit, side: _Side) -> Script[bytes, Total]:
        """Read both totalisers."""
        volume = yield from self._ask(visit.gun, Command.VOLUME_TOTAL, tries=TRIES)
        amount = yield from self._ask(visit.gun, Command.AMOUNT_TOTAL, tries=TRIES)
        total = Total(
            frames.total(volume) * self._settings.total_step_milli,
            self._settings.amount_e4(frames.total(amount)),
            volume + amount,
        )
        side.sale.counted(total, visit.now_us)
        return total

    def _look_after(self, visit: Visit, shown: Shown) -> Script[bytes, None]:
        """Take or release control, and bring the price on."""
        if shown.is_controlled != bool(self._settings.control):
            wanted = self._settings.control
            command = Command.TAKE_CONTROL if wanted else Command.RELEASE
            yield from self._ask(visit.gun, command)
            return
        shown_e4 = self._settings.price_e4(shown.price)
        price_e4 = self.price_to_send(visit, shown_e4)
        if price_e4 is not None:
            try:
                price = self._settings.price(price_e4)
                data = frames.request(visit.gun, Command.PRICE, price, _PRICE_BYTES)
            except LocalProtocolError:
                self.refuse_price(visit, WhyRefused.DOES_NOT_FIT)
            else:
                yield from asked(Ask(data, FRAME_BYTES, answer_may_repeat=True))
        self.report_price(visit, shown_e4)

    # Questions and orders

    def tell_totals(self, visit: Visit, request: Request) -> Script[bytes, None]:
        """Read the totalisers and report them."""
        total = yield from self._count(visit, self.points[visit.gun])
        answer = Totals(None, total.quantity_milli, total.amount_e4, None, None)
        visit.report(TotalsReceived(request, answer))

    def order(self, visit: Visit, order: Order) -> Script[bytes, OrderOutcome] | None:
        """Authorise or stop; None where the pump cannot follow now."""
        side = self.points[visit.gun]
        if order.kind is OrderKind.STOP:
            return self._give(visit, order, [frames.request(visit.gun, Command.STOP)])
        shown = side.shown
        if order.kind is not OrderKind.AUTHORISE or shown is None:
            return None
        if order.preset_quantity_milli and order.preset_amount_e4:
            return None
        if shown.is_filling or not shown.is_controlled or not side.sale.is_settled:
            return None
        return self._give(visit, order, self._authorisation(order))

    def _authorisation(self, order: Order) -> list[bytes]:
        gun, scales, steps = order.gun, self._settings, []
        if order.preset_quantity_milli:
            volume = scales.volume(order.preset_quantity_milli)
            steps.append(
                frames.request(gun, Command.PRESET_VOLUME, volume, _PRESET_BYTES)
            )
        if order.preset_amount_e4:
            amount = scales.amount(order.preset_amount_e4)
            steps.append(
                frames.request(gun, Command.PRESET_AMOUNT, amount, _PRESET_BYTES)
            )
        return [*steps, frames.request(gun, Command.START)]

    def _give(
        self, visit: Visit, order: Order, steps: Sequence[bytes]
    ) -> Script[bytes, OrderOutcome]:
        """Send each step once; without an answer go no further and look."""
        side = self.points[visit.gun]
        try:
            for step in steps:
                yield from asked(Ask(step, FRAME_BYTES, answer_may_repeat=True))
        except NoAnswer:
            shown = yield from self._look(visit, side)
            wanted = order.kind is OrderKind.AUTHORISE
            shows = shown.is_filling == wanted and step == steps[-1]
            return OrderOutcome.DONE if shows else OrderOutcome.UNKNOWN
        side.stop_taken = order.kind is OrderKind.STOP
        return OrderOutcome.DONE

    def _ask(self, gun: int, command: Command, tries: int = 1) -> Script[bytes, bytes]:
        data = frames.request(gun, command)
        repeats = command is not Command.STATUS
        ask = Ask(data, FRAME_BYTES, tries, answer_may_repeat=repeats)
        return (yield from asked(ask))


def _status_of(shown: Shown, figures: Figures) -> NozzleStatus:
    if shown.is_filling:
        state = FuellingState.FUELLING
    else:
        state = FuellingState.CALLING if shown.is_out else FuellingState.IDLE
    return status_without_card(
        state,
        raw=figures.raw,
        price_e4=figures.price_e4,
        quantity_milli=figures.quantity_milli if shown.is_filling else 0,
        amount_e4=figures.amount_e4 if shown.is_filling else 0,
    )

"""The rules of one transaction at a simulated dispenser: who may fill, how much, what.

Pure functions over the card, the order and the open transaction; `jxv4_nozzle` moves
the card and the gas. Quantity in 0.01 unit, money in fen, pressure in 0.01 MPa.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from cngstation.simulators import jxv4_memory as stages
from cngstation.simulators.jxv4_frames import DebitRequest, Decision, Record, wire_time
from cngstation.simulators.jxv4_lists import Holdings
from cngstation.simulators.jxv4_memory import Counters, OpenTransaction
from cngstation.simulators.purse_on_card import (
    LARGEST_MODE,
    LAST_GEN,
    LAST_PSEQ,
    QUANTITY_MODES,
    STORED_VALUE_MODES,
    CardInfo,
    CardRefused,
    Purse,
)
from cngstation.units import divide_half_up

NORMAL, GREY = 0, 1
STOPPED_BY_HAND, POWER_LOST, QUANTITY_REACHED = 0, 5, 6
CARD_REMOVED, ACCOUNT_EMPTY, ONE_FILL_LIMIT = 13, 14, 15
STORED_VALUE_CARD, ACCOUNT_CARD = 1, 2
MAKE_UP, NOT_STOPPED = 2, 0xFF
NO_DATE = "000000"
# Whether the host is asked about a card: 5CH, or 56H for either list.
NOTHING, CHECK, BLACKLIST, WHITELIST = "nothing", "check", "blacklist", "whitelist"
OWN, PETROCHINA = "own", "petrochina"


@dataclass(frozen=True, slots=True)
class GunSettings:
    """One gun as a technician sets it up; prices in fen by price level."""

    gun: int
    station_no: str
    prices: tuple[int, ...]
    unit_code: int = 1
    device_type: int = 1
    density_e4: int = 7174
    equivalent_e4: int = 10_000
    return_quantity: int = 0  # of every fill, 0.01
    blacklist: frozenset[str] = frozenset()
    # What is done with a card before the gas flows, beside the dispenser's own rules.
    unlocks_grey: bool = False
    asks_about_cards: str = NOTHING
    variant: str = OWN


@dataclass(frozen=True, slots=True)
class FillOrder:
    """What the driver and the gas do; the flow is per second of loop time."""

    limit: int
    flow_per_s: float
    pressure_start: int
    pressure_end: int


@dataclass(frozen=True, slots=True)
class Preset:
    """What the host has authorised: 0.01 unit, or fen, or no limit."""

    quantity: int | None = None
    amount: int | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """Gas that flows from `began` on until its target."""

    order: FillOrder
    began: float
    target: int
    reason_at_target: int

    def quantity(self, now: float) -> int:
        """Return what has flowed by now."""
        # A hair above: 100 per second for 5.1 s is 510 in floats too.
        flowed = self.order.flow_per_s * (now - self.began) + 1e-6
        return min(self.target, int(flowed))

    def pressure(self, quantity: int) -> int:
        """Return the cylinder's pressure, rising with the share of the target."""
        rise = self.order.pressure_end - self.order.pressure_start
        part = divide_half_up(rise * quantity, self.target) if self.target else 0
        return self.order.pressure_start + part


def in_force(settings: GunSettings, held: Holdings) -> GunSettings:
    """Return a gun's settings with the prices and the blacklist of now."""
    return replace(
        settings,
        prices=tuple(held.prices) or settings.prices,
        blacklist=settings.blacklist | held.blacklist(),
    )


def within(order: FillOrder, preset: Preset | None, price: int) -> FillOrder:
    """Return an order that ends at what was authorised."""
    limits = [order.limit]
    if preset is not None and preset.quantity is not None:
        limits.append(preset.quantity)
    if preset is not None and preset.amount is not None:
        limits.append(largest_quantity(preset.amount, price))
    return replace(order, limit=min(limits))


def amount_fen(quantity: int, price: int) -> int:
    """Price a quantity to the nearest fen, halves up."""
    return divide_half_up(quantity * price, 100)


def largest_quantity(money_fen: int, price: int) -> int:
    """Return the largest quantity whose amount is not above the money."""
    return max((100 * money_fen + 49) // price, 0)


def printed_no(purse: Purse, info: CardInfo) -> str:
    """Return the card number as JX carries it: 16 digits, ours padded on the left."""
    return f"0000{info.area_no}{purse.card_no}"


def admit(purse: Purse, info: CardInfo, settings: GunSettings, when: datetime) -> None:
    """Let a genuine card fill.

    Raises:
        CardRefused: with the code of the first rule that says no.
    """
    due = purse.cylinder_due
    refusals = (
        ("blacklist", printed_no(purse, info) in settings.blacklist),
        ("grey", purse.grey is not None),
        ("payment_mode", purse.payment_mode > LARGEST_MODE),
        ("price_level", purse.price_level >= len(settings.prices)),
        ("worn_out", purse.gen > LAST_GEN or purse.pseq > LAST_PSEQ),
        ("cylinder_due", due != NO_DATE and _has_passed(due, when)),
    )
    for code, holds in refusals:
        if holds:
            raise CardRefused(code)
    price = settings.prices[purse.price_level]
    if purse.is_stored_value and not _affordable(
        purse.payment_mode, purse.balance, price
    ):
        raise CardRefused("balance")


def _has_passed(due: str, when: datetime) -> bool:
    # A date that is no decimal cannot be shown to lie ahead.
    return not due.isdecimal() or due < when.strftime("%y%m%d")


def _affordable(payment_mode: int, balance: int, price: int) -> int:
    if payment_mode in QUANTITY_MODES:
        return max(balance, 0)
    return largest_quantity(balance, price)


def opened(
    purse: Purse,
    info: CardInfo,
    *,
    uid: bytes,
    trans_no: int,
    price: int,
    when: datetime,
) -> OpenTransaction:
    """Return the transaction of an admitted card, before the card is written grey."""
    return OpenTransaction(
        trans_no=trans_no,
        stage=stages.ACCEPTING,
        uid=uid.hex(),
        card=printed_no(purse, info),
        plate=info.plate.rjust(9, b"\x00").hex(),
        payment_mode=purse.payment_mode,
        price=price,
        balance=purse.balance,
        wseq=purse.wseq,
        pseq=purse.pseq + 1,
        topped_up=purse.topped_up,
        consumed=purse.consumed,
        limit_per_fill_fen=info.limit_per_fill_yuan * 100,
        started_at=wire_time(when).hex(),
    )


def flow_of(order: FillOrder, transaction: OpenTransaction, now: float) -> Flow:
    """Return the flow that ends at the driver's limit, the card's, or the balance."""
    ends = [(order.limit, QUANTITY_REACHED)]
    price = transaction.price
    if transaction.limit_per_fill_fen:
        most = largest_quantity(transaction.limit_per_fill_fen, price)
        ends.append((most, ONE_FILL_LIMIT))
    if transaction.payment_mode in STORED_VALUE_MODES:
        most = _affordable(transaction.payment_mode, transaction.balance, price)
        ends.append((most, ACCOUNT_EMPTY))
    target, reason = min(ends)
    return Flow(order, now, target, reason)


def unlocking(
    opened: OpenTransaction, decision: Decision, when: datetime
) -> OpenTransaction:
    """Return the transaction that collects an earlier fill: it moves no gas."""
    return replace(
        opened,
        stage=stages.UNLOCKING,
        real_debit=decision.real_debit,
        related_grey_id=decision.related_grey_id,
        stop_reason=NOT_STOPPED,
        ended_at=wire_time(when).hex(),
    )


def balance_after(transaction: OpenTransaction, real_debit: int) -> int:
    """Return the purse after a debit; account cards add it."""
    is_stored = transaction.payment_mode in STORED_VALUE_MODES
    return transaction.balance + (-real_debit if is_stored else real_debit)


def decision_fits(
    decision: Decision, transaction: OpenTransaction, kind: int = 0
) -> bool:
    """Tell whether a debit decision can be written to this transaction's card."""
    after = balance_after(transaction, decision.real_debit)
    return (
        (decision.found, decision.kind) == (1, kind)
        and decision.card.hex() == transaction.card
        and decision.balance_before == transaction.balance
        and decision.balance_after == after
        and (after >= 0 or transaction.payment_mode not in STORED_VALUE_MODES)
    )


def unlock_request(purse: Purse, card: str) -> DebitRequest:
    """Return what the dispenser asks about a card that is still grey."""
    assert purse.grey is not None
    return DebitRequest(
        card_type=STORED_VALUE_CARD if purse.is_stored_value else ACCOUNT_CARD,
        card=bytes.fromhex(card),
        quantity=0,
        amount=0,
        balance=purse.balance,
        station=bytes.fromhex(purse.grey.station_no),
        gun=purse.grey.gun,
        trans_no=purse.grey.trans_no,
        kind=1,
    )


def debit_request(transaction: OpenTransaction, settings: GunSettings) -> DebitRequest:
    """Return what the dispenser asks the host after a fill."""
    return DebitRequest(
        card_type=_card_type(transaction),
        card=bytes.fromhex(transaction.card),
        quantity=transaction.quantity,
        amount=transaction.amount,
        balance=transaction.balance,
        station=bytes.fromhex(settings.station_no),
        gun=settings.gun,
        trans_no=transaction.trans_no,
    )


def record_of(
    transaction: OpenTransaction,
    trans_type: int,
    settings: GunSettings,
    counters: Counters,
) -> Record:
    """Return the record of a transaction that ends; the counters include it."""
    debit = transaction.real_debit if trans_type in (NORMAL, MAKE_UP) else 0
    consumed = transaction.consumed + debit
    is_quantity = transaction.payment_mode in QUANTITY_MODES
    return Record(
        trans_no=transaction.trans_no,
        shift=counters.shift,
        employee=bytes.fromhex(counters.employee),
        trans_type=trans_type,
        card=bytes.fromhex(transaction.card),
        card_type=_card_type(transaction),
        plate=bytes.fromhex(transaction.plate),
        station=bytes.fromhex(settings.station_no),
        started_at=bytes.fromhex(transaction.started_at),
        ended_at=bytes.fromhex(transaction.ended_at),
        price=transaction.price,
        quantity=transaction.quantity,
        amount=transaction.amount,
        real_debit=debit,
        balance_before=transaction.balance,
        balance_after=balance_after(transaction, debit),
        top_up_count=transaction.wseq,
        topped_up=transaction.topped_up,
        consumption_count=transaction.pseq,
        consumed_quantity=consumed if is_quantity else 0,
        consumed_money=0 if is_quantity else consumed,
        gun_total_quantity=counters.total_quantity,
        gun_total_amount=counters.total_amount,
        pressure_before=transaction.pressure_before,
        pressure_after=transaction.pressure_after,
        density=settings.density_e4,
        equivalent=settings.equivalent_e4,
        device_type=settings.device_type,
        unit_code=settings.unit_code,
        stop_reason=transaction.stop_reason,
        related_grey_id=transaction.related_grey_id,
        shift_record_id=counters.on_duty_record_id,
        return_quantity=settings.return_quantity if transaction.quantity else 0,
    )


def _card_type(transaction: OpenTransaction) -> int:
    is_stored = transaction.payment_mode in STORED_VALUE_MODES
    return STORED_VALUE_CARD if is_stored else ACCOUNT_CARD


def card_is_untouched(purse: Purse | None, transaction: OpenTransaction) -> bool:
    """Tell, after a power cut, whether the card never was written grey."""
    return purse is not None and purse.pseq < transaction.pseq


def card_is_debited(purse: Purse | None, transaction: OpenTransaction) -> bool:
    """Tell, after a power cut, whether the debit had reached the card."""
    if purse is None or purse.grey is not None:
        return False
    after = balance_after(transaction, transaction.real_debit)
    seen = (purse.wseq, purse.pseq, purse.balance)
    return seen == (transaction.wseq, transaction.pseq, after)

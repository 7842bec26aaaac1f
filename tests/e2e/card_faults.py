"""Card faults as scripts: what is done to a card, and what must be said of it."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from cngstation.domain.card_life import CardState as Life
from cngstation.domain.causes import Cause
from cngstation.domain.limits import Amount, SpendingLimits
from cngstation.domain.payment import PaymentMode
from cngstation.protocols.card_image.purse import LAST_GEN, SLOT_BYTES, GreyMark
from cngstation.protocols.dispenser.canonical import TransactionType
from cngstation.rpc.contract.counter import CardOnReaderState as Seen
from cngstation.storage import customers, limits, prices
from cngstation.storage.limits import Holder
from cngstation.units import Price, Unit
from tests.e2e.fault_bench import PREPAID, FaultBench, written_for
from tests.furnished_station import fill, top_up
from tests.issued_cards import UID
from tests.small_station import CASHIER

COPY = "0A0B0C0D"
DAY_MS = 86_400_000
GREY_SEQ = 7
FACTORY = b"\xff" * 6
SOMEBODY = bytes.fromhex("a1b2c3d4e5f6")
Script = Callable[[FaultBench], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    """A fault: its script, the cause on the first line, the page, the balance on it.

    `blocks` says that a top-up must be refused as well.
    """

    script: Script
    cause: Cause
    page: Seen | None = Seen.OURS
    balance: int = PREPAID
    blocks: bool = True
    uid: str = UID.hex()
    rules: dict[str, Any] = field(default_factory=dict)


def _in_state(state: Life) -> Script:
    async def script(bench: FaultBench) -> None:
        await bench.state(await bench.issued(), state)

    return script


def _forged(**changes: Any) -> Script:
    async def script(bench: FaultBench) -> None:
        await bench.issued()
        bench.forge(**changes)

    return script


def _info(**changes: Any) -> Script:
    async def script(bench: FaultBench) -> None:
        await bench.issued()
        bench.forge_info(**changes)

    return script


async def nothing(bench: FaultBench) -> None:
    """No card at all."""


async def unplugged(bench: FaultBench) -> None:
    """The reader's cable comes out."""
    hand = bench.device.hand
    bench.tasks.append(
        asyncio.create_task(
            asyncio.to_thread(hand, "fault", kind="unplugged", for_ms=1_500)
        )
    )
    await bench.reader_is_away()


async def silent(bench: FaultBench) -> None:
    """The reader hangs with a card on it."""
    await bench.issued()
    bench.device.hand("fault", kind="silent")
    await bench.reader_is_away()


async def pulled(bench: FaultBench) -> None:
    """The card leaves in the middle of the reading."""
    await bench.issued()
    await bench.laid()
    bench.device.hand("tear", after_commands=4, block="before", reader_reports=True)


async def foreign(bench: FaultBench) -> None:
    """A card of another issuer: other keys in every sector."""
    bench.device.hand("blank", uid=COPY)
    image = bench.image(COPY)
    for sector in range(16):
        key = slice(64 * sector + 48, 64 * sector + 54)
        image[key] = SOMEBODY
    bench.put_image(bytes(image), COPY)


async def bank_card(bench: FaultBench) -> None:
    """A card that opens with the keys of a new one and is full of something."""
    bench.device.hand("blank", uid=COPY)
    for sector in (1, 2, 3):
        data = random.Random(sector).randbytes(SLOT_BYTES)
        bench.put_sector(sector, data, COPY)


async def shut(bench: FaultBench) -> None:
    """A card of ours whose sectors have got other keys."""
    await bench.issued()
    image = bench.image()
    for sector in (1, 2, 3):
        start = 64 * sector + 48
        image[start : start + 16] = SOMEBODY + bytes.fromhex("ff078069") + SOMEBODY
    bench.put_image(bytes(image))


async def blank(bench: FaultBench) -> None:
    """A new card."""
    bench.device.hand("blank", uid=COPY)


async def emptied(bench: FaultBench) -> None:
    """A chip with the number of a card of ours and nothing on it."""
    await bench.issued()
    bench.device.card_file(UID.hex()).unlink()
    bench.device.hand("blank", uid=UID.hex())


async def torn_issue(bench: FaultBench) -> None:
    """An issue that was cut off and given back."""
    key = await bench.issued()
    await bench.state(key, Life.CANCELLED)
    bench.put_sector(1, bytes(SLOT_BYTES))


async def torn_elsewhere(bench: FaultBench) -> None:
    """An issue that another counter of the company began."""
    await bench.issued()
    image = bench.image()
    bench.device.hand("blank", uid=COPY)
    bench.put_image(bytes(image), UID.hex())
    copied = bytes.fromhex(COPY)
    info_only = bytearray(bench.image(COPY))
    info_only[192:240] = image[192:240]
    info_only[:4] = copied
    bench.put_image(bytes(info_only), COPY)


async def both_bad(bench: FaultBench) -> None:
    """Random bytes in both slots."""
    await bench.issued()
    for sector in (1, 2):
        bench.put_sector(sector, random.Random(sector).randbytes(SLOT_BYTES))


async def no_info(bench: FaultBench) -> None:
    """A whole purse, and the info sector is damaged."""
    await bench.issued()
    bench.put_sector(3, random.Random(3).randbytes(16))


async def cloned(bench: FaultBench) -> None:
    """Another chip with the same number, sealed for its own UID."""
    await bench.issued()
    purse, info = bench.purse(), bench.info()
    assert purse is not None
    written_for(COPY, purse, info, bench)


async def rolled_back(bench: FaultBench) -> None:
    """An old dump put back after a top-up."""
    key = await bench.issued()
    old = bytes(bench.image())
    await bench.topped_up(key, 5_000)
    bench.put_image(old)


async def half_read(bench: FaultBench) -> None:
    """The slot that holds the last top-up does not open any more."""
    key = await bench.issued()
    await bench.topped_up(key, 5_000)
    sector = bench.current_sector()
    image = bench.image()
    start = 64 * sector + 48
    image[start : start + 16] = SOMEBODY + bytes.fromhex("ff078069") + SOMEBODY
    bench.put_image(bytes(image))


async def act_disagrees(bench: FaultBench) -> None:
    """A card that was written by a stranger while an act with it was open."""
    key = await bench.issued()
    await bench.held(_held(key))
    bench.forge(wseq=3)


async def open_act(bench: FaultBench) -> None:
    """An act of another screen is open with the card that lies there."""
    key = await bench.issued()
    await bench.laid()
    await bench.held(_held(key))


def _held(key: str) -> Any:
    return top_up(
        "TOPUP2",
        key,
        uid=UID.hex().upper(),
        before_balance=PREPAID,
        after_balance=PREPAID + 5_000,
        before_wseq=1,
    )


def _grey(station: str = "00000001", *, booked: bool) -> Script:
    async def script(bench: FaultBench) -> None:
        key = await bench.issued()
        bench.forge(grey=GreyMark(station, 1, GREY_SEQ), pseq=1)
        if booked:
            unpaid = {
                "transaction_type": TransactionType.GREY,
                "station_no": station,
                "debited_hundredths": 0,
                "balance_before_hundredths": PREPAID,
                "balance_after_hundredths": PREPAID,
                "card_consumption_count": 1,
                "card_top_up_count": 1,
            }
            await bench.sold(fill(GREY_SEQ, key, **unpaid))

    return script


async def overdue(bench: FaultBench) -> None:
    """The inspection's date has passed."""
    await bench.issued()
    bench.clock.forward(900 * DAY_MS)


async def other_unit(bench: FaultBench) -> None:
    """A card that counts m³ at a station that sells kg only."""
    await bench.issued(mode=PaymentMode.PREPAID_QUANTITY)


async def old_day_limit(bench: FaultBench) -> None:
    """All was filled that the card says for a day; the register says more by now."""
    key = await bench.issued()
    paid = {
        "balance_before_hundredths": PREPAID,
        "balance_after_hundredths": PREPAID - 900,
        "card_top_up_count": 1,
    }
    await bench.sold(fill(1, key, **paid))
    bench.forge(balance=PREPAID - 900, consumed_total=900, pseq=1)
    bench.forge_info(limit_per_day_yuan=9)


async def month_limit(bench: FaultBench) -> None:
    """The register's own bound for a month is used up."""
    key = await bench.issued()
    paid = {
        "balance_before_hundredths": PREPAID,
        "balance_after_hundredths": PREPAID - 900,
        "card_top_up_count": 1,
    }
    await bench.sold(fill(1, key, **paid))
    bench.forge(balance=PREPAID - 900, consumed_total=900, pseq=1)
    bound = SpendingLimits(month=Amount(e4=9_0000))
    await bench.register(
        lambda tx: limits.set_limits(tx, Holder.CARD, key, bound, CASHIER)
    )


async def fill_limit(bench: FaultBench) -> None:
    """The card may fill for less than a unit costs, and the register wants it so."""
    key = await bench.issued()
    bound = SpendingLimits(fill=Amount(e4=3_0000))
    await bench.register(
        lambda tx: limits.set_limits(tx, Holder.CARD, key, bound, CASHIER)
    )
    bench.forge_info(limit_per_fill_yuan=3)


async def limits_old(bench: FaultBench) -> None:
    """The company's limit was set after the card was written."""
    await bench.issued()
    bound = SpendingLimits(day=Amount(e4=500_0000))
    await bench.register(
        lambda tx: limits.set_limits(tx, Holder.COMPANY, "0001", bound, CASHIER)
    )


async def plate_old(bench: FaultBench) -> None:
    """The vehicle got another plate by an edit of its other card."""
    await bench.issued()
    await bench.register(
        lambda tx: customers.change_vehicle(tx, 1, reason="edit", plate="川B54321")
    )


async def price_old(bench: FaultBench) -> None:
    """The level's price went up since the card was written."""
    await bench.issued()
    await bench.register(
        lambda tx: prices.plan(
            tx, level=0, price=Price(4_5000), unit=Unit.M3, from_ms=1, operator_no="01"
        )
    )


async def no_price(bench: FaultBench) -> None:
    """The station has gone over to kg, and its prices are not planned yet."""
    await bench.issued()
    answers = bench.answers.diagnosis
    answers._rules = replace(bench.rules, gas_unit=Unit.KG)


async def sound(bench: FaultBench) -> None:
    """A card that has nothing."""
    await bench.issued()


async def empty(bench: FaultBench) -> None:
    """A card issued without money."""
    await bench.issued(fen=0)


async def too_low(bench: FaultBench) -> None:
    """A card with less than a unit of gas costs."""
    await bench.issued(fen=399)


KG = {"sold_units": frozenset({Unit.KG})}
FAULTS: dict[str, Fault] = {
    "no card": Fault(nothing, Cause.NO_CARD, None),
    "cable out": Fault(unplugged, Cause.READER_AWAY, None),
    "reader hangs": Fault(silent, Cause.READER_AWAY, None),
    "pulled while read": Fault(pulled, Cause.CARD_LEFT, None),
    "other issuer": Fault(foreign, Cause.FOREIGN, Seen.FOREIGN, 0, uid=COPY),
    "bank card": Fault(bank_card, Cause.FOREIGN, Seen.FOREIGN, 0, uid=COPY),
    "keys changed": Fault(shut, Cause.SHUT, Seen.FOREIGN, 0),
    "new card": Fault(blank, Cause.BLANK, Seen.BLANK, 0, uid=COPY),
    "wiped": Fault(emptied, Cause.EMPTIED, Seen.BLANK, 0),
    "issue torn": Fault(torn_issue, Cause.TORN_ISSUE, Seen.TORN_ISSUE, 0),
    "issue torn elsewhere": Fault(
        torn_elsewhere, Cause.TORN_ELSEWHERE, Seen.TORN_ISSUE, 0, uid=COPY
    ),
    "both copies bad": Fault(both_bad, Cause.BOTH_BAD, Seen.UNREADABLE, 0),
    "info damaged": Fault(no_info, Cause.NO_INFO, Seen.UNREADABLE, 0),
    "cloned": Fault(cloned, Cause.OTHER_CHIP, uid=COPY),
    "rolled back": Fault(rolled_back, Cause.OLDER_IMAGE),
    "one copy dead": Fault(half_read, Cause.HALF_READ),
    "money added": Fault(_forged(balance=99_999), Cause.OTHER_CONTENT, balance=99_999),
    "unknown counter": Fault(_forged(wseq=2), Cause.UNKNOWN_COUNTER),
    "act disagrees": Fault(act_disagrees, Cause.ACT_DISAGREES),
    "act open": Fault(open_act, Cause.OPEN_ACT),
    "replaced": Fault(_in_state(Life.REPLACED), Cause.REPLACED),
    "cancelled": Fault(_in_state(Life.CANCELLED), Cause.CANCELLED),
    "waste": Fault(_in_state(Life.WASTE), Cause.WASTE),
    "lost": Fault(_in_state(Life.LOST), Cause.LOST),
    "black": Fault(_in_state(Life.BLACK), Cause.BLACK),
    "not activated": Fault(_in_state(Life.INACTIVE), Cause.INACTIVE),
    "other area": Fault(_info(area_no="0755"), Cause.OTHER_AREA, Seen.UNREGISTERED),
    "other issue point": Fault(
        _forged(card_no="77000001"), Cause.OTHER_ISSUE_POINT, Seen.UNREGISTERED
    ),
    "never given out": Fault(
        _forged(card_no="01999999"), Cause.UNREGISTERED, Seen.UNREGISTERED
    ),
    "grey": Fault(_grey(booked=True), Cause.GREY),
    "grey, no record": Fault(_grey(booked=False), Cause.GREY_NO_RECORD),
    "grey elsewhere": Fault(_grey("00000009", booked=False), Cause.GREY_ELSEWHERE),
    "cylinder overdue": Fault(overdue, Cause.CYLINDER_OVERDUE, blocks=False),
    "old date on card": Fault(
        _forged(cylinder_due="2026-01-31"), Cause.CYLINDER_ON_CARD, blocks=False
    ),
    "worn out": Fault(_forged(gen=LAST_GEN), Cause.WORN_OUT),
    "other mode": Fault(_forged(payment_mode=2), Cause.OTHER_MODE, blocks=False),
    "mode unknown": Fault(_forged(payment_mode=9), Cause.OTHER_MODE, blocks=False),
    "other unit": Fault(other_unit, Cause.OTHER_UNIT, blocks=False, rules=KG),
    "no price": Fault(no_price, Cause.NO_PRICE, blocks=False),
    "empty": Fault(empty, Cause.EMPTY, balance=0, blocks=False),
    "too low": Fault(too_low, Cause.TOO_LOW, balance=399, blocks=False),
    "old limit of a day": Fault(
        old_day_limit, Cause.LIMITS_OLD, balance=PREPAID - 900, blocks=False
    ),
    "month's limit": Fault(
        month_limit, Cause.STOPPED, balance=PREPAID - 900, blocks=False
    ),
    "limit per fill": Fault(fill_limit, Cause.FILL_LIMIT, blocks=False),
    "old limit per fill": Fault(
        _info(limit_per_fill_yuan=3), Cause.LIMITS_OLD, blocks=False
    ),
    "old limits": Fault(limits_old, Cause.LIMITS_OLD, blocks=False),
    "old plate": Fault(plate_old, Cause.PLATE_OLD, blocks=False),
    "old price": Fault(price_old, Cause.PRICE_OLD, blocks=False),
}

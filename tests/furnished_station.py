"""A station's file with some of everything that the books prove, for verify's tests."""

from pathlib import Path

from cngstation.domain.payment import PaymentMode
from cngstation.protocols.dispenser.canonical import (
    CardKind,
    DeviceKind,
    SaleRecord,
    StopReason,
    TransactionType,
)
from cngstation.services.act_on_card import CardActs
from cngstation.services.book_sale import SaleBook
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.check_sale import NozzleSetting
from cngstation.storage import audit, cards, findings, journal, operators, prices
from cngstation.storage.database import Transaction
from cngstation.storage.journal import Intent, IntentState
from cngstation.storage.sales import NozzleKey
from cngstation.units import Price, Unit
from tests.small_station import (
    CARD,
    CASHIER,
    MORNING,
    HandClock,
    a_card,
    a_session,
    hire,
    opened,
    register_card,
    sight,
)

GAS_CARD = "510100000002"
NOZZLE = NozzleSetting(NozzleKey("51010001", 1, 1), Unit.M3)
__all__ = ["CARD", "GAS_CARD", "NOZZLE", "fill", "furnish", "top_up"]


def fill(
    number: int, card_key: str = CARD, *, total: int | None = None, **changes: object
) -> SaleRecord:
    """Return a fill of 2.000 m³ at 4.50, 9.00 yuan, as a dispenser stored it."""
    given: dict[str, object] = {
        "protocol": "jxv4",
        "device_seq": number,
        "transaction_type": TransactionType.NORMAL,
        "transaction_code": 0,
        "card_no": f"0000{card_key}",
        "card_kind": CardKind.STORED_VALUE,
        "plate": "川A12345",
        "station_no": "51010001",
        "shift_no": 1,
        "employee_card": "12",
        "started_at": f"2026-11-21 09:{number:02d}:00",
        "ended_at": f"2026-11-21 09:{number:02d}:30",
        "device_kind": DeviceKind.CNG,
        "unit": Unit.M3,
        "unit_code": 0,
        "quantity_milli": 2_000,
        "price_e4": 4_5000,
        "amount_e4": 9_0000,
        "debited_hundredths": 900,
        "balance_before_hundredths": 0,
        "balance_after_hundredths": 0,
        "card_top_up_count": 2,
        "card_top_up_total_hundredths": 0,
        "card_consumption_count": number,
        "card_consumed_quantity_milli": 0,
        "card_consumed_total_hundredths": 0,
        "gun_total_quantity_milli": 2_000 * number if total is None else total,
        "gun_total_amount_e4": 9_0000 * number,
        "pressure_before_kpa": 3_000,
        "pressure_after_kpa": 20_000,
        "density_e4": 0,
        "equivalent_e4": 0,
        "stop_reason": StopReason.MANUAL,
        "stop_code": 0,
        "related_grey_seq": None,
        "shift_record_seq": number,
        "raw_frame": bytes([0x5A, number]),
        **changes,
    }
    return SaleRecord(**given)  # type: ignore[arg-type]


def top_up(intent_id: str, card_key: str = CARD, **changes: object) -> Intent:
    """Return an act that puts 50.00 yuan, or 10.00 m³ for 45.00, on a card."""
    gas = card_key == GAS_CARD
    mode = PaymentMode.PREPAID_QUANTITY if gas else PaymentMode.PREPAID_MONEY
    given: dict[str, object] = {
        "intent_id": intent_id,
        "kind": "top_up",
        "card_key": card_key,
        "uid": "DEADBEEF" if not gas else "CAFE0001",
        "state": IntentState.PREPARED,
        "amount": 10_000 if gas else 50_0000,
        "unit": "m3" if gas else "CNY",
        "cash_e4": 45_0000 if gas else 50_0000,
        "fee_e4": 0,
        "bonus": 0,
        "price_e4": 4_5000,
        "before_balance": 0,
        "before_wseq": 1,
        "before_pseq": 0,
        "before_grey": "",
        "after_balance": 1_000 if gas else 5_000,
        "operator_no": "01",
        "terminal": "till-1",
        "till": "till-1",
        "plan": f'{{"payment_mode": "{mode}"}}',
        **changes,
    }
    return Intent(**given)  # type: ignore[arg-type]


async def furnish(path: Path) -> None:
    """Fill a file: two cards topped up, fills, an open act, findings, an epoch."""
    async with opened(path, HandClock()) as db:
        acts = CardActs(db, every_kind(), cut_off_minute=0, prints_wanted=1)
        sales = SaleBook(db, acts, cut_off_minute=0)

        def register(tx: Transaction) -> None:
            hire(tx)
            register_card(tx)
            gas = a_card(
                GAS_CARD,
                uid="CAFE0001",
                payment_mode=PaymentMode.PREPAID_QUANTITY,
                unit=Unit.M3,
            )
            cards.add(tx, gas)
            prices.plan(
                tx, level=0, price=Price(4_5000), unit=Unit.M3, from_ms=MORNING,
                operator_no="01",
            )  # fmt: skip
            audit.record(tx, CASHIER, "company.register", "0001", after="蜀都出租")

        def finish(tx: Transaction, intent: Intent) -> None:
            acts.hold(tx, intent)
            acts.finish(tx, intent, "written and read back")

        await db.write(register)
        await db.write(lambda tx: finish(tx, top_up("T1")))
        await db.write(lambda tx: finish(tx, top_up("T2", GAS_CARD)))
        paid = {"balance_before_hundredths": 5_000, "balance_after_hundredths": 4_100}
        await sales.book(NOZZLE, fill(1, **paid), "online")
        gas_fill = {
            "debited_hundredths": 200,
            "balance_before_hundredths": 1_000,
            "balance_after_hundredths": 800,
            "card_consumption_count": 1,
        }
        await sales.book(NOZZLE, fill(2, GAS_CARD, **gas_fill), "online")
        await db.write(lambda tx: findings.open_once(tx, "odd", "nozzle 1", {"a": 1}))
        await db.write(lambda tx: findings.close_finding(tx, tx.tip.seq, "seen", "01"))
        await sales.counter_fell(NOZZLE, 0, 2)
        paid = {"balance_before_hundredths": 4_100, "balance_after_hundredths": 3_200}
        again = fill(1, **paid, total=9_999, card_consumption_count=2)
        await sales.book(NOZZLE, again, "online")
        await db.write(lambda tx: cards.seen(tx, sight(3_200, wseq=2, pseq=2)))
        open_act = top_up("T3", GAS_CARD, before_wseq=2, before_pseq=1)
        await db.write(lambda tx: acts.hold(tx, open_act))
        doubt = {"state": IntentState.INDOUBT, "attempts": 1}
        await db.write(lambda tx: journal.change(tx, open_act, "card left", **doubt))
        await db.write(lambda tx: operators.add_session(tx, a_session()))

"""A book to fill: a station's file with cards, and fills of them that fit together."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from cngstation.domain.card_life import CardState
from cngstation.domain.ledger import Entry, card_account, move, till_account
from cngstation.domain.payment import PaymentMode
from cngstation.moments import SystemClock, business_day
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
from cngstation.storage import cards, customers, facts
from cngstation.storage.database import Database, Transaction
from cngstation.storage.sales import NozzleKey
from cngstation.units import Unit

STATION_NO = "03160001"
PRICE_FEN = 400
QUANTITY_HUNDREDTHS = 1_250
AMOUNT_FEN = PRICE_FEN * QUANTITY_HUNDREDTHS // 100
FILLS_A_CARD = 2_000
_E4_PER_FEN = 100
_RAW = bytes(range(139))  # as long as a record on the wire


def card_key(number: int) -> str:
    """Return the key of a card."""
    return f"0316{number:08d}"


async def open_books(path: Path, card_count: int) -> Database:
    """Make a station's file with one vehicle and so many topped-up cards."""
    database = await Database.open(path, SystemClock())
    await database.write(_register_vehicle)
    for first in range(0, card_count, 500):
        numbers = range(first, min(first + 500, card_count))
        await database.write(lambda tx, numbers=numbers: _issue(tx, numbers))
    return database


def sale_book(database: Database) -> SaleBook:
    """Return the book as the dispenser daemon has it."""
    acts = CardActs(database, every_kind(), cut_off_minute=0, prints_wanted=0)
    return SaleBook(database, acts, cut_off_minute=0)


@dataclass(slots=True)
class FillingNozzle:
    """A nozzle at which cards are filled in turn, every fill the same."""

    nozzle_no: int
    card_numbers: range
    setting: NozzleSetting = field(init=False)
    _done: int = 0

    def __post_init__(self) -> None:
        key = NozzleKey(STATION_NO, (self.nozzle_no + 1) // 2, self.nozzle_no)
        self.setting = NozzleSetting(key, Unit.M3)

    def records(self, count: int) -> list[SaleRecord]:
        """Return the next records; every figure continues the one before."""
        return list(islice(self._records(), count))

    def _records(self) -> Iterator[SaleRecord]:
        while True:
            turn, place = divmod(self._done, len(self.card_numbers))
            self._done += 1
            yield self._record(self._done, self.card_numbers[place], turn + 1)

    def _record(self, device_seq: int, card: int, of_card: int) -> SaleRecord:
        before = (FILLS_A_CARD - of_card + 1) * AMOUNT_FEN
        return SaleRecord(
            protocol="jxv4",
            device_seq=device_seq,
            transaction_type=TransactionType.NORMAL,
            transaction_code=0,
            card_no=card_key(card).zfill(16),
            card_kind=CardKind.STORED_VALUE,
            plate="川A12345",
            station_no=STATION_NO,
            shift_no=1,
            employee_card="0000000000001001",
            started_at="2026-11-21 09:42:17",
            ended_at="2026-11-21 09:45:17",
            device_kind=DeviceKind.CNG,
            unit=Unit.M3,
            unit_code=0,
            quantity_milli=QUANTITY_HUNDREDTHS * 10,
            price_e4=PRICE_FEN * _E4_PER_FEN,
            amount_e4=AMOUNT_FEN * _E4_PER_FEN,
            debited_hundredths=AMOUNT_FEN,
            balance_before_hundredths=before,
            balance_after_hundredths=before - AMOUNT_FEN,
            card_top_up_count=1,
            card_top_up_total_hundredths=0,
            card_consumption_count=of_card,
            card_consumed_quantity_milli=0,
            card_consumed_total_hundredths=0,
            gun_total_quantity_milli=device_seq * QUANTITY_HUNDREDTHS * 10,
            gun_total_amount_e4=device_seq * AMOUNT_FEN * _E4_PER_FEN,
            pressure_before_kpa=3_000,
            pressure_after_kpa=19_500,
            density_e4=0,
            equivalent_e4=0,
            stop_reason=StopReason.MANUAL,
            stop_code=0,
            related_grey_seq=None,
            shift_record_seq=0,
            raw_frame=_RAW,
        )


def _register_vehicle(tx: Transaction) -> None:
    customers.add_company(
        tx, customers.Company("0001", "测试出租车公司", "", "", "csczcgs")
    )
    plain = dict.fromkeys(
        ("route_no", "fleet_name", "driver", "owner", "cylinder_no", "initials"), ""
    )
    sealed = dict.fromkeys(
        (
            "id_no_sealed",
            "id_no_digest",
            "phone_sealed",
            "phone_digest",
            "phone_tail_digest",
        ),
        b"",
    )
    customers.add_vehicle(
        tx,
        customers.Vehicle(
            vehicle_id=1, plate="川A12345", plate_overridden=0, fleet_no=None,
            vehicle_type="01", company_no="0001", cylinder_due="2039-12-31",
            **plain, **sealed,
        ),
    )  # fmt: skip


def _issue(tx: Transaction, numbers: range) -> None:
    """Register cards and top each up by as much as its fills will take."""
    for number in numbers:
        key = card_key(number)
        cards.add(tx, _card(key, number, tx.now.wall_ms))
        facts.post(
            tx,
            Entry(
                entry_id=f"bench-{number}",
                kind="top_up",
                business_day=business_day(tx.now.wall_ms),
                operator_no="1001",
                terminal="bench",
                postings=move(
                    card_account(key),
                    till_account("bench", "cash"),
                    Unit.CNY,
                    FILLS_A_CARD * AMOUNT_FEN * _E4_PER_FEN,
                ),
            ),
        )


def _card(key: str, number: int, now_ms: int) -> cards.Card:
    return cards.Card(
        card_key=key,
        area_no="0316",
        card_no=f"{number:08d}",
        uid=f"{number:08X}",
        kind="taxi",
        payment_mode=PaymentMode.PREPAID_MONEY,
        unit=Unit.CNY,
        price_level=0,
        price_e4=PRICE_FEN * _E4_PER_FEN,
        vehicle_id=1,
        state=CardState.NORMAL,
        issued_at_ms=now_ms,
        cylinder_due="2039-12-31",
        remark="",
        wseq=1,
        pseq=0,
        seen_balance=0,
        seen_wseq=0,
        seen_pseq=0,
        seen_grey="",
        seen_at_ms=0,
    )

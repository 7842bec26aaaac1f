"""A station's file and clock for tests: opened, filled by real functions, closed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cngstation.domain.card_life import CardState
from cngstation.domain.evidence import Evidence
from cngstation.domain.ledger import Entry, Posting, move
from cngstation.domain.payment import PaymentMode
from cngstation.moments import Instant
from cngstation.storage import audit, cards, customers, facts, operators
from cngstation.storage.audit import Actor
from cngstation.storage.cards import Card
from cngstation.storage.customers import Company, Vehicle
from cngstation.storage.database import Database, Transaction
from cngstation.storage.operators import Operator, SessionRow
from cngstation.units import Unit

MORNING = 1_795_225_337_000  # 2026-11-21 09:42:17 in China
CASHIER = Actor("01", "till-1")
CARD = "510100000001"


class HandClock:
    """A clock that stands until a test moves it."""

    def __init__(self) -> None:
        self.wall_ms = MORNING
        self.mono_ms = 1_000_000
        self.boot_id = "boot-1"

    def now(self) -> Instant:
        """Return the three readings."""
        return Instant(self.wall_ms, self.mono_ms, self.boot_id)

    def forward(self, ms: int) -> None:
        """Let time pass on both clocks."""
        self.wall_ms += ms
        self.mono_ms += ms


@asynccontextmanager
async def opened(path: Path, clock: HandClock | None = None) -> AsyncIterator[Database]:
    """Open a station's file for a block."""
    database = await Database.open(path, clock or HandClock())
    try:
        yield database
    finally:
        await database.close()


def cash_sale(entry_id: str, e4: int = 50_0000) -> Entry:
    """Return a small entry that balances."""
    return Entry(
        entry_id=entry_id,
        kind="test",
        business_day="2026-11-21",
        operator_no="01",
        terminal="till-1",
        postings=move("income:gas", "till:till-1:cash", Unit.CNY, e4),
    )


def posted(entry_id: str, *postings: Posting) -> Entry:
    """Return an entry of given postings."""
    return Entry(entry_id, "test", "2026-11-21", "01", "till-1", postings)


async def everybody(_session: object) -> bool:
    """Let everybody see a card."""
    return True


def somebody(operator_no: str = "01", **changes: str | int) -> Operator:
    """Return an operator."""
    given: dict[str, str | int] = {
        "operator_no": operator_no,
        "login_name": f"op{operator_no}",
        "full_name": "Wang Fang",
        "role": "junior",
        "password_hash": "",
        "must_change": 0,
        "state": "active",
        **changes,
    }
    return Operator(**given)  # type: ignore[arg-type]


def a_vehicle(plate: str = "川A12345", **changes: str | int | bytes | None) -> Vehicle:
    """Return a vehicle as the storage takes it."""
    given: dict[str, str | int | bytes | None] = {
        "vehicle_id": 0,
        "plate": plate,
        "plate_overridden": 0,
        "fleet_no": None,
        "route_no": "12",
        "fleet_name": "first",
        "vehicle_type": "01",
        "company_no": "0001",
        "driver": "李雷",
        "owner": "李雷",
        "id_no_sealed": b"sealed",
        "id_no_digest": b"id",
        "phone_sealed": b"sealed",
        "phone_digest": b"phone",
        "phone_tail_digest": b"tail",
        "cylinder_no": "C-1",
        "cylinder_due": "2028-01-31",
        "initials": "ll",
        **changes,
    }
    return Vehicle(**given)  # type: ignore[arg-type]


def a_card(card_key: str = CARD, **changes: object) -> Card:
    """Return a prepaid-money card as the register has it."""
    given: dict[str, object] = {
        "card_key": card_key,
        "area_no": card_key[:4],
        "card_no": card_key[4:],
        "uid": "DEADBEEF",
        "kind": "taxi",
        "payment_mode": PaymentMode.PREPAID_MONEY,
        "unit": Unit.CNY,
        "price_level": 0,
        "price_e4": 4_5000,
        "vehicle_id": 1,
        "state": CardState.NORMAL,
        "issued_at_ms": MORNING,
        "cylinder_due": "2028-01-31",
        "remark": "",
        "wseq": 1,
        "pseq": 0,
        "seen_balance": 0,
        "seen_wseq": 0,
        "seen_pseq": 0,
        "seen_grey": "",
        "seen_at_ms": 0,
        **changes,
    }
    return Card(**given)  # type: ignore[arg-type]


def register_card(tx: Transaction, card: Card | None = None) -> None:
    """Register a company, a vehicle and its card."""
    customers.add_company(tx, Company("0001", "蜀都出租", "", "", "sdcz"))
    customers.add_vehicle(tx, a_vehicle())
    cards.add(tx, card or a_card())


def hire(tx: Transaction, **changes: str | int) -> None:
    """Register an operator with its audit row."""
    operator = somebody(**changes)  # type: ignore[arg-type]
    operators.add(tx, operator)
    audit.record(tx, CASHIER, "operator.add", operator.operator_no)


def a_session(**changes: str | int | bytes) -> SessionRow:
    """Return a login of operator 01."""
    given: dict[str, str | int | bytes] = {
        "token_hash": bytes(range(32)),
        "operator_no": "01",
        "uid": 1000,
        "terminal": "till-1",
        "state": "active",
        "started_at_ms": MORNING,
        "ends_mono_ms": 9_000_000,
        "boot_id": "boot-1",
        **changes,
    }
    return SessionRow(**given)  # type: ignore[arg-type]


def sight(balance: int, *, wseq: int = 1, pseq: int = 0, grey: str = "") -> Evidence:
    """Return how the card of `CARD` presents itself."""
    return Evidence("DEADBEEF", CARD, balance, wseq, pseq, grey)


def book(tx: Transaction, entry_id: str) -> int:
    """Book a small entry."""
    return facts.post(tx, cash_sale(entry_id))

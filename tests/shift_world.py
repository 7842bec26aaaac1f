"""Two nozzles, two crews and a till: a forecourt that hands its shifts over."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from cngstation.domain.fill_marks import FillMark
from cngstation.domain.tenders import Tender
from cngstation.services.act_on_card import CardActs
from cngstation.services.book_sale import SaleBook
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.change_duty import Arriving, Meter, go_on_duty
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.count_refusals import RefusalLog
from cngstation.services.hand_over_shift import (
    Handover,
    hand_over,
    leave_nozzles,
    settle_shift,
)
from cngstation.services.mark_fill import MarkOrder, mark_fill
from cngstation.services.station_rules import StationRules
from cngstation.storage import crews, findings, receipts
from cngstation.storage.crews import Crew
from cngstation.storage.database import Database, Transaction
from cngstation.storage.operators import Operator
from cngstation.storage.receipts import Receipt
from cngstation.storage.sales import NozzleKey
from cngstation.units import ZERO, Money, Unit
from tests.furnished_station import fill
from tests.small_station import CARD, CASHIER, HandClock, opened, register_card

ONE = NozzleSetting(NozzleKey("51010001", 1, 1), Unit.M3)
TWO = NozzleSetting(NozzleKey("51010001", 1, 2), Unit.M3)
BOTH = (ONE, TWO)
AMOUNT_FEN = 900  # of every fill: 2.000 at 4.50
RULES = StationRules(
    station_no="51010001",
    area_no="5101",
    issue_point_no="01",
    till="till-1",
    gas_unit=Unit.M3,
    single_lower=ZERO,
    single_upper=ZERO,
    balance_ceiling=ZERO,
    card_fee=ZERO,
    cylinder_warning_days=10,
    business_day_starts_minute=0,
)


class NoGate:
    """Nobody signs here."""

    second = None
    outlet_no = ""

    @property
    def database(self) -> Database:
        """Never asked."""
        raise AssertionError

    @property
    def refusals(self) -> RefusalLog:
        """Never asked."""
        raise AssertionError

    async def identify(
        self, login_name: str, password: SecretStr, terminal: str
    ) -> Operator:
        """Never asked."""
        raise AssertionError(login_name)

    async def require_right(self, operator: Operator, right: str) -> None:
        """Never asked."""
        raise AssertionError(right)


@dataclass
class ShiftWorld:
    """The file, and where each nozzle's own counters stand."""

    path: Path
    db: Database
    book: SaleBook
    clock: HandClock
    number: dict[NozzleKey, int] = field(default_factory=dict)
    total: dict[NozzleKey, int] = field(default_factory=dict)
    money: dict[NozzleKey, int] = field(default_factory=dict)
    consumed: int = 0
    acts: int = 0
    boot: str = ""

    def meter(self, nozzle: NozzleSetting) -> Meter:
        """Return what a nozzle's totaliser says."""
        key = nozzle.key
        number = self.number.get(key, 0)
        return Meter(key, self.total.get(key, 0), 0, number, "meter")

    async def sell(self, nozzle: NozzleSetting = ONE, *, by_card: bool = False) -> int:
        """Sell 2.000 for 9.00; return the seq of the fill."""
        key = nozzle.key
        self.number[key] = self.number.get(key, 0) + 1
        self.total[key] = self.total.get(key, 0) + 2_000
        changes: dict[str, Any] = {"card_no": None, "card_consumption_count": 0}
        if by_card:
            self.consumed += 1
            card = {"card_no": f"0000{CARD}", "card_consumption_count": self.consumed}
            changes |= card
        record = fill(
            self.number[key],
            total=self.total[key],
            raw_frame=bytes([key.nozzle_no]),
            **changes,
        )
        return (await self.book.book(nozzle, record, "online")).seq

    async def on_duty(
        self, crew_no: str, nozzles: tuple[NozzleSetting, ...] = BOTH
    ) -> int:
        """Put a crew on duty; return its shift."""
        arriving = Arriving(crew_no, [self.meter(nozzle) for nozzle in nozzles])
        return await self.db.write(
            lambda tx: go_on_duty(tx, arriving, CASHIER, cut_off_minute=0)
        )

    async def off_duty(self, shift_no: int) -> None:
        """Leave every nozzle of a shift."""
        meters = {nozzle.key: self.meter(nozzle) for nozzle in BOTH}
        left = await self.db.write(
            lambda tx: leave_nozzles(tx, shift_no, meters, CASHIER)
        )
        assert left == []

    async def hand_over(
        self,
        shift_no: int,
        act_id: str = "",
        cash: int | None = 0,
        wechat: int | None = None,
        **changes: Any,
    ) -> Receipt:
        """Hand a shift over with so many fen; None is not counted."""
        given = {Tender.CASH: cash, Tender.WECHAT: wechat}
        counted = {
            tender: Money.from_fen(fen)
            for tender, fen in given.items()
            if fen is not None
        }
        order = Handover(
            act_id or f"HAND-{shift_no:04d}",
            shift_no,
            **{"counted": counted, **changes},
        )
        number = await self.db.write(
            lambda tx: hand_over(tx, RULES, order, CASHIER, prints_wanted=1)
        )
        found = await self.db.read(lambda c: receipts.find(c, number))
        assert found is not None
        return found

    async def settle(self, shift_no: int, cash: int, act_id: str = "SETTLE-1") -> None:
        """Bring what an ended shift owes."""
        order = Handover(act_id, shift_no, {Tender.CASH: Money.from_fen(cash)})
        await self.db.write(lambda tx: settle_shift(tx, RULES, order, CASHIER))

    async def mark(self, seq: int, mark: FillMark, shift_no: int = 0) -> None:
        """Mark a fill."""
        order = MarkOrder(
            f"MARK-{seq}-{mark}".upper(), seq, mark, "because", "", shift_no
        )
        await self.db.write(lambda tx: mark_fill(tx, order, CASHIER, cut_off_minute=0))

    async def mark_anew(self, seq: int, mark: FillMark) -> None:
        """Mark a fill as often as somebody changes their mind."""
        self.acts += 1
        order = MarkOrder(f"{self.boot}-MARK-{self.acts}", seq, mark, "because")
        await self.db.write(lambda tx: mark_fill(tx, order, CASHIER, cut_off_minute=0))

    async def confirm_marks(self) -> None:
        """Let operator 02 close the row of every mark."""

        def unit(tx: Transaction) -> None:
            for row in findings.open_findings(tx.connection):
                if row.kind == "fill_marked":
                    findings.close_finding(tx, row.seq, "seen", "02")

        await self.db.write(unit)

    async def explain_all(self) -> None:
        """Close every row of a totaliser."""

        def unit(tx: Transaction) -> None:
            for row in findings.open_findings(tx.connection):
                if row.kind == "totaliser_break":
                    findings.close_finding(tx, row.seq, "explained", "01")

        await self.db.write(unit)

    async def accounts(self) -> dict[str, int]:
        """Return every account that is not zero, in fen."""
        sql = "SELECT name, balance / 100 FROM account WHERE unit='CNY'"
        return dict(await self.db.read(lambda c: c.execute(sql).fetchall()))

    async def kinds(self) -> list[str]:
        """Return the open findings."""
        return [row.kind for row in await self.db.read(findings.open_findings)]


@asynccontextmanager
async def shift_world(path: Path) -> AsyncIterator[ShiftWorld]:
    """Open a world; in a file that is there already everything goes on."""
    fresh, clock = not path.exists(), HandClock()
    async with opened(path, clock) as db:
        if fresh:
            await db.write(register_card)
            for crew_no in ("1", "2"):
                crew = Crew(crew_no, f"{crew_no}班")
                await db.write(lambda tx, crew=crew: crews.add_crew(tx, crew))
        acts = CardActs(db, every_kind(), cut_off_minute=0, prints_wanted=0)
        book = SaleBook(db, acts, cut_off_minute=0)
        world = ShiftWorld(path, db, book, clock)
        world.boot = str(await db.read(lambda c: c.execute(_ENTRIES).fetchone()[0]))
        yield world


_ENTRIES = "SELECT count(*) FROM entry"

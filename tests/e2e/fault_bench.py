"""A counter over a simulated PN532 with its cards as files, for cards with faults.

Reader driver, watch, stage, acts and books are the product's own, in this process; the
reader is a process of its own on a pty. A card is spoilt in its file, as a forger's
tool or a worn chip would leave it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr

from cngstation.config.sections import Reader
from cngstation.domain import ledger
from cngstation.domain.card_life import CardState as Life
from cngstation.domain.payment import PaymentMode
from cngstation.drivers.card_reader import CardReader
from cngstation.drivers.open_reader import open_reader
from cngstation.drivers.pn532_reader import Pn532Reader
from cngstation.drivers.serial_link import SerialSettings, open_serial
from cngstation.drivers.whichever_card import cards_on
from cngstation.protocols.card_image.diversification import CardKeys
from cngstation.protocols.card_image.purse import (
    SLOT_BYTES,
    CardInfo,
    Purse,
    choose_slot,
    decode_info,
    decode_slot,
    encode_info,
    encode_slot,
)
from cngstation.protocols.dispenser.canonical import SaleRecord
from cngstation.rpc.authority import CallContext, Peer
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.counter import ActState, CardView
from cngstation.rpc.contract.figures import DeviceState
from cngstation.rpc.session import Nothing
from cngstation.services.act_on_card import CardActs
from cngstation.services.answer_counter import CounterAnswers
from cngstation.services.book_sale import SaleBook
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.counter_parts import CounterParts
from cngstation.services.issue_card import CardIssue
from cngstation.services.log_in import StaffSession
from cngstation.services.serve_card import CardService
from cngstation.services.stage_counter import CounterStage, Signboard
from cngstation.services.top_up_card import TopUps
from cngstation.services.watch_reader import ReaderWatch
from cngstation.storage import cards, customers, facts, prices
from cngstation.storage.customers import Company
from cngstation.storage.database import Database, Transaction
from cngstation.storage.journal import Intent
from cngstation.storage.sales import NozzleKey
from cngstation.units import Price, Unit
from tests.e2e.live_station import until
from tests.issued_cards import MASTER, UID
from tests.simulated_devices import SimulatedReader
from tests.simulation.money_world import RULES
from tests.small_station import HandClock, a_vehicle, everybody, hire

Kind = Literal["pn532", "gnetplus"]
PRICE_FEN = 400
PREPAID = 10_000  # fen on a card of these tests
FEE_FEN = RULES.card_fee.fen
NOZZLE = NozzleSetting(NozzleKey(RULES.station_no, 1, 1), Unit.M3)
_SESSION = StaffSession(
    session_id="s",
    operator="cashier",
    terminal="till-1",
    rights=(),
    expires_at_ms=0,
    token=SecretStr("t"),
    operator_no="01",
)
CALL = CallContext(session=_SESSION, peer=Peer(1, 1, 1), connection_id=1)


class FaultBench:
    """One counter, one reader, and hands that spoil cards."""

    def __init__(
        self, device: SimulatedReader, database: Database, kind: Kind, **rules: Any
    ) -> None:
        self.device = device
        self.kind = kind
        self.database = database
        self.clock = database_clock(database)
        self.rules = replace(RULES, **{"sold_units": frozenset({Unit.M3}), **rules})
        self.acts = CardActs(database, every_kind(), cut_off_minute=0, prints_wanted=0)
        self.book = SaleBook(database, self.acts, cut_off_minute=0)
        service = CardService(database, self.acts, self.rules, self.clock)
        self.stage = CounterStage(
            database,
            service,
            self.rules,
            Signboard("", "", ""),
            self.clock,
            has_printer=False,
            watch=lambda: self.watch,
            may_read=everybody,
        )
        self.watch = ReaderWatch(self._open_reader, cards_on(MASTER), self.stage)
        common: dict[str, Any] = {"rules": self.rules, "folder": device.cards}
        parts: dict[str, Any] = dict.fromkeys(CounterParts.__dataclass_fields__)
        parts |= {
            "database": database,
            "acts": self.acts,
            "top_ups": TopUps(database, self.acts, **common, clock=self.clock),
            "issues": CardIssue(database, self.acts, **common),
            "cards": service,
            "watch": self.watch,
            "rules": self.rules,
            "clock": self.clock,
        }
        self.answers = CounterAnswers(CounterParts(**parts))
        self.tasks: list[asyncio.Task[Any]] = []
        self._ids = count(1)

    async def _open_reader(self) -> CardReader:
        if self.kind != "pn532":
            settings = Reader(kind=self.kind, port=str(self.device.link))
            return await open_reader(settings)
        # Faster than any that can be configured: it is not the wire that is tested.
        fast = SerialSettings(str(self.device.link), 921_600)
        reader = Pn532Reader(partial(open_serial, fast))
        await reader.open()
        return reader

    # What the cashier does.

    async def issued(
        self,
        uid: str = UID.hex(),
        fen: int = PREPAID,
        mode: PaymentMode = PaymentMode.PREPAID_MONEY,
    ) -> str:
        """Issue a new card, take it off the reader, return its key."""
        self.device.hand("blank", uid=uid)
        await self.laid(uid)
        request = counter.Issue(
            intent_id=f"ISSUE{uid.upper()}",
            vehicle_id=1,
            kind="taxi",
            payment_mode=str(mode),
            price_level=0,
            money_fen=0 if mode.in_quantity else fen,
            quantity_hundredths=fen if mode.in_quantity else 0,
            cash_fen=FEE_FEN + (fen * PRICE_FEN // 100 if mode.in_quantity else fen),
            remark="",
        )
        reply = await self.answers.cards.issue(request, CALL)
        assert reply.state is ActState.DONE
        await until(lambda: self.shown("standing") == "normal", "the issued card")
        await self.lifted()
        return reply.card_key

    async def topped_up(self, key: str, fen: int, uid: str = UID.hex()) -> None:
        """Top a card up and take it off the reader."""
        view = await self.laid(uid)
        reply = await self.top_up(key, view.balance_purse, fen)
        assert reply.state is ActState.DONE
        await until(
            lambda: self.shown("balance_purse") == view.balance_purse + fen, "top-up"
        )
        await self.lifted()

    async def top_up(self, key: str, shown: int, fen: int) -> counter.ActReply:
        """Ask for a top-up of whatever lies on the reader."""
        request = counter.TopUp(
            intent_id=f"TOPUP{next(self._ids):08d}",
            card_key=key,
            before_purse=shown,
            money_fen=fen,
            quantity_hundredths=0,
            cash_fen=fen,
        )
        return await self.answers.cards.top_up(request, CALL)

    async def laid(self, uid: str = UID.hex()) -> CardView:
        """Lay a card on the reader; return its page."""
        self.device.hand("insert", uid=uid)
        await until(lambda: self.shown("uid") == uid.upper(), "the page")
        view = self.stage._card
        assert view is not None
        return view

    async def lifted(self) -> None:
        """Take the card off the reader."""
        self.device.hand("remove")
        await until(lambda: self.stage._card is None, "the empty reader")

    async def why(self) -> counter.Diagnosis:
        """Ask why the card will not fill."""
        return await self.answers.diagnosis.why(Nothing(), CALL)

    def shown(self, name: str) -> Any:
        """Return what the page shows now."""
        return getattr(self.stage._card, name, None)

    async def reader_is_away(self) -> None:
        """Wait until the watch has found out that the reader is lost."""
        state = DeviceState.OFFLINE
        await until(lambda: self.stage._reader.state is state, "the lost reader")

    async def cash(self) -> int:
        """Return what the till took, in 1/10 000 yuan."""
        account = ledger.till_account(self.rules.till, "cash")
        return await self.database.read(lambda db: facts.balance(db, account, Unit.CNY))

    # What the register and the forecourt do.

    async def register(self, unit: Callable[[Transaction], None]) -> None:
        """Change the register."""
        await self.database.write(unit)

    async def state(self, key: str, state: Life) -> None:
        """Put a card into a state of its life."""
        await self.register(
            lambda tx: cards.change(tx, key, reason="scripted", state=state)
        )

    async def sold(self, record: SaleRecord) -> None:
        """Book a fill."""
        await self.book.book(NOZZLE, record, "online")

    async def held(self, intent: Intent) -> None:
        """Hold an act, as another till would."""
        await self.register(lambda tx: self.acts.hold(tx, intent))

    # What forgers and wear do to a card that is not in the field.

    def image(self, uid: str = UID.hex()) -> bytearray:
        """Return the bytes of a card."""
        return bytearray(self.device.card_file(uid).read_bytes())

    def put_image(self, image: bytes, uid: str = UID.hex()) -> None:
        """Put bytes on a card."""
        self.device.hand("blank", uid=uid)
        self.device.card_file(uid).write_bytes(image)

    def purse(self, uid: str = UID.hex()) -> Purse | None:
        """Return the purse that counts, by the layout alone."""
        slots = [
            decode_slot(self._sector(n, uid), CardKeys(MASTER, bytes.fromhex(uid)))
            for n in (1, 2)
        ]
        current = choose_slot(*slots)
        return None if current is None else slots[current]

    def info(self, uid: str = UID.hex()) -> CardInfo:
        """Return the info sector, by the layout alone."""
        info = decode_info(self._sector(3, uid), CardKeys(MASTER, bytes.fromhex(uid)))
        assert info is not None
        return info

    def forge(self, uid: str = UID.hex(), **changes: Any) -> None:
        """Change the purse in its slot, under a MAC that fits."""
        keys = CardKeys(MASTER, bytes.fromhex(uid))
        sector = self.current_sector(uid)
        purse = decode_slot(self._sector(sector, uid), keys)
        assert purse is not None
        self.put_sector(sector, encode_slot(replace(purse, **changes), keys), uid)

    def forge_info(self, uid: str = UID.hex(), **changes: Any) -> None:
        """Change the info sector, under a MAC that fits."""
        keys = CardKeys(MASTER, bytes.fromhex(uid))
        info = replace(self.info(uid), **changes)
        self.put_sector(3, encode_info(info, keys), uid)

    def current_sector(self, uid: str = UID.hex()) -> int:
        """Return the sector of the slot that counts."""
        keys = CardKeys(MASTER, bytes.fromhex(uid))
        current = choose_slot(
            *(decode_slot(self._sector(n, uid), keys) for n in (1, 2))
        )
        assert current is not None
        return 1 + current

    def put_sector(self, sector: int, data: bytes, uid: str = UID.hex()) -> None:
        """Put bytes into a sector, from its first block on; the trailer may stay."""
        image = self.image(uid)
        image[64 * sector : 64 * sector + len(data)] = data
        self.put_image(bytes(image), uid)

    def _sector(self, sector: int, uid: str) -> bytes:
        start = 64 * sector
        return bytes(self.image(uid)[start : start + SLOT_BYTES])


def database_clock(database: Database) -> HandClock:
    """Return the clock that a test's database was opened with."""
    clock = database._clock
    assert isinstance(clock, HandClock)
    return clock


def written_for(uid: str, purse: Purse, info: CardInfo, other: FaultBench) -> None:
    """Make another chip that carries a purse under its own keys: a clever copy."""
    keys = CardKeys(MASTER, bytes.fromhex(uid))
    other.device.hand("blank", uid=uid)
    for sector, data in (
        (1, encode_slot(purse, keys)),
        (2, bytes(SLOT_BYTES)),
        (3, encode_info(info, keys)),
    ):
        key_a, key_b = (keys.sector_key(sector, kind) for kind in ("A", "B"))
        trailer = key_a + bytes.fromhex("78778869") + key_b
        other.put_sector(sector, data + trailer, uid)


async def furnish(database: Database) -> None:
    """Register an operator, a company, a vehicle and a price."""

    def unit(tx: Transaction) -> None:
        hire(tx)
        customers.add_company(tx, Company("0001", "公司", "", "", "gs"))
        customers.add_vehicle(tx, a_vehicle())
        prices.plan(
            tx,
            level=0,
            price=Price(100 * PRICE_FEN),
            unit=Unit.M3,
            from_ms=0,
            operator_no="01",
        )

    await database.write(unit)


@asynccontextmanager
async def fault_bench(
    device: SimulatedReader, folder: Path, *, kind: Kind = "pn532", **rules: Any
) -> AsyncIterator[FaultBench]:
    """Open a counter on a reader whose field is empty."""
    async with AsyncExitStack() as stack:
        database = await Database.open(folder / "station.db", HandClock())
        stack.push_async_callback(database.close)
        await furnish(database)
        bench = FaultBench(device, database, kind, **rules)
        stack.callback(_mended, device)
        stack.push_async_callback(bench.watch.close)
        watching = asyncio.create_task(bench.watch.run())
        stack.push_async_callback(_ended, watching, bench.tasks)
        await until(lambda: bench.watch._reader is not None, "the open reader")
        yield bench


async def _ended(watching: asyncio.Task[None], others: list[asyncio.Task[Any]]) -> None:
    watching.cancel()
    await asyncio.gather(watching, *others, return_exceptions=True)


def _mended(device: SimulatedReader) -> None:
    device.hand("fault", kind="none")
    if device.hand("state")["card"] is not None:
        device.hand("remove")

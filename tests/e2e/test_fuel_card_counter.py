"""A fuel card at the counter, through a real PC/SC service: issued, torn, freed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr
from ulid import ULID

from cngstation.cli.demo_station import AREA_NO, STATION_NO, DemoStation
from cngstation.domain.card_life import CardStateRefused
from cngstation.domain.numbers import check_digit
from cngstation.moments import SystemClock
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.card_acts import (
    ACT_QUOTE,
    CARD_ACTS,
    ActOrder,
    ActQuoteRequest,
)
from cngstation.rpc.contract.counter import ActState, CardView, CounterBoard
from cngstation.rpc.contract.marks import Approval
from cngstation.services.keep_operators import add_operator
from cngstation.services.log_in import ACTIVE
from cngstation.services.number_card import ModeNotOnCard
from cngstation.services.passwords import Passwords
from cngstation.services.settle_grey_card import NoGreyRecord
from cngstation.services.verify_books import verify_file
from cngstation.storage.audit import STATION
from cngstation.storage.database import Database
from cngstation.storage.operators import Operator
from tests.e2e.live_station import (
    Daemon,
    Screen,
    counter_screen,
    daemons,
    prepared_station,
    query,
)
from tests.fuel_cards import MASTERS
from tests.pcsc_service import READER, pcsc_service, slot
from tests.simulated_devices import SimulatedProcess

pytestmark = pytest.mark.needs("pcscd", "vpcd-config")
UID = "04A1B2C3D4E5F6"
NUMBER = f"0001{AREA_NO}20000017"
CARD_KEY = NUMBER[4:]
SECOND = ("second", "another-long-password")
ISSUED_FEN, ADDED_FEN, OWED_FEN = 50_000, 10_000, 1_230


@asynccontextmanager
async def running(
    folder: Path,
) -> AsyncIterator[tuple[DemoStation, Daemon, SimulatedProcess, Screen[CounterBoard]]]:
    """Run a counter whose reader is the virtual one, with two operators."""
    context = pcsc_service(folder)
    service = await asyncio.to_thread(context.__enter__)
    try:
        async with prepared_station(folder) as station:
            await _furnish(station)
            with slot(service, folder) as device:
                async with (
                    daemons(station, "counter") as (daemon,),
                    counter_screen(station) as desk,
                ):
                    yield station, daemon, device, desk
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)


async def _furnish(station: DemoStation) -> None:
    keys = station.folder / "fuel-card-keys"
    names = ("load", "unload", "unlock", "maintenance")
    keys.write_text("".join(MASTERS[name].hex() for name in names), "ascii")
    text = station.config_file.read_text("utf-8")
    begin, end = text.index("[reader]"), text.index("[printer]")
    reader = f'[reader]\nkind = "pcsc"\nname = "{READER}"\n\n'
    text = text[:begin] + reader + text[end:]
    text = text.replace("[paths]\n", f'[paths]\nfuel_card_keys = "{keys}"\n')
    station.config_file.write_text(text, "utf-8")
    database = await Database.open(station.database, SystemClock())
    try:
        operator = Operator(
            operator_no="1009", login_name=SECOND[0], full_name="复核员",
            role="administrator", password_hash="", must_change=0, state=ACTIVE,
        )  # fmt: skip
        await add_operator(database, Passwords(8, 1), operator, SECOND[1], STATION)
    finally:
        await database.close()


class Counter:
    """A cashier with one card in the hand."""

    def __init__(
        self, desk: Screen[CounterBoard], device: SimulatedProcess, password: str
    ) -> None:
        self.desk = desk
        self._password = password
        self._device = device

    async def hand(self, do: str, **arguments: object) -> dict[str, object]:
        """Do something with the card."""
        return await asyncio.to_thread(self._device.hand, do, **arguments)

    async def lay(self, standing: str) -> CardView:
        """Lay the card down; return its page when it stands so."""
        self.desk.forget()
        await self.hand("insert", uid=UID)
        return await self.shown(standing)

    async def shown(self, standing: str) -> CardView:
        """Wait for the card's page."""
        return await self.desk.until(
            counter.CARD_PRESENTED,
            lambda view: (view.uid, view.standing) == (UID, standing),
        )

    async def take(self) -> dict[str, object]:
        """Take the card away; return what it holds."""
        self.desk.forget(counter.CARD_REMOVED)
        await self.hand("remove")
        await self.desk.until(counter.CARD_REMOVED)
        return await self.hand("memory", uid=UID)

    async def register(self) -> int:
        """Register a company and a vehicle; return its number."""
        body = "11010519491231002"
        company = counter.CompanyDraft(name="蜀都出租", address="", phone="")
        row = await self.desk.client.call(counter.COMPANY_REGISTER, company)
        draft = counter.VehicleDraft(
            plate="川A12345", accept_plate=False, id_no=body + check_digit(body),
            accept_id_no=False, driver="李雷", phone="", owner="李雷",
            vehicle_type="01", company_no=row.company_no, cylinder_no="Q000001",
            cylinder_due="2039-12-31", fleet_no="", route_no="", fleet_name="",
        )  # fmt: skip
        vehicle = await self.desk.client.call(counter.VEHICLE_REGISTER, draft)
        return vehicle.vehicle_id

    def issue(self, vehicle_id: int, mode: str, money_fen: int) -> counter.Issue:
        """Return the order of an issue."""
        return counter.Issue(
            intent_id=str(ULID()), vehicle_id=vehicle_id, kind="taxi",
            payment_mode=mode, price_level=0, money_fen=money_fen,
            quantity_hundredths=0, cash_fen=money_fen + 2_000, remark="",
        )  # fmt: skip

    async def top_up(self) -> counter.ActReply:
        """Quote and make a top-up."""
        question = counter.QuoteRequest(
            card_key=CARD_KEY, money_fen=ADDED_FEN, quantity_hundredths=0
        )
        quote = await self.desk.client.call(counter.CARD_QUOTE, question)
        self.desk.forget()
        order = counter.TopUp(
            intent_id=str(ULID()), card_key=CARD_KEY, before_purse=quote.before_purse,
            money_fen=ADDED_FEN, quantity_hundredths=0, cash_fen=quote.cash_fen,
        )  # fmt: skip
        return await self.desk.client.call(counter.CARD_TOP_UP, order, timeout_s=120)

    async def settle_by_hand(self) -> counter.ActReply:
        """Free the grey card with what two people typed."""
        asked = ActQuoteRequest(
            kind="settle_grey_by_hand", card_key=CARD_KEY, amount_purse=OWED_FEN,
            of_intent_id="", fields=(),
        )  # fmt: skip
        quote = await self.desk.client.call(ACT_QUOTE, asked)
        assert (quote.two_people, quote.before_purse - quote.after_purse) == (
            True,
            OWED_FEN,
        )
        self.desk.forget()
        order = ActOrder(
            intent_id=str(ULID()), card_key=CARD_KEY, before_purse=quote.before_purse,
            amount_purse=OWED_FEN, cash_fen=quote.cash_fen,
            refund_fen=quote.refund_fen, of_intent_id="", reason="没有加气记录",
            fields=(),
            approval=Approval(
                login_name=SECOND[0],
                password=SecretStr(SECOND[1]),
                own_password=SecretStr(self._password),
            ),
        )  # fmt: skip
        method = CARD_ACTS["settle_grey_by_hand"]
        return await self.desk.client.call(method, order, timeout_s=120)


async def test_a_fuel_card_lives_at_the_counter(tmp_path: Path) -> None:
    """Issued under its maker's number, topped up, torn in mid-load, locked and freed.

    A load that was cut off is finished by the next tap, and the money is on it once.
    """
    async with running(tmp_path) as (station, daemon, device, desk):
        counter_ = Counter(desk, device, station.password)
        await counter_.hand("make", uid=UID, number=NUMBER, on_line=3, off_line=9)
        vehicle_id = await counter_.register()
        await counter_.lay("new")
        with pytest.raises(ModeNotOnCard):
            await desk.client.call(
                counter.CARD_ISSUE, counter_.issue(vehicle_id, "credit_money", 0)
            )
        desk.forget()
        order = counter_.issue(vehicle_id, "prepaid_money", ISSUED_FEN)
        reply = await desk.client.call(counter.CARD_ISSUE, order, timeout_s=120)
        assert (reply.state, reply.card_key) == (ActState.DONE, CARD_KEY)
        view = await counter_.shown("normal")
        assert (view.balance_purse, view.plate) == (ISSUED_FEN, "川A12345")
        assert (await counter_.top_up()).state is ActState.DONE
        held = ISSUED_FEN + ADDED_FEN
        assert await counter_.take() == {
            "balance": held, "on_line": 5, "off_line": 9, "lock_state": 0,
        }  # fmt: skip
        for done in (False, True):
            held = await _torn(counter_, held, done=done)
        await _freed(counter_, held)
        log, book = daemon.text, station.database.read_bytes()
        await counter_.hand("lock", uid=UID, terminal=f"{STATION_NO}0002")
        await counter_.hand("debit", uid=UID, fen=700)
        view = await counter_.lay("normal")
        assert (view.balance_purse, view.warnings) == (held - OWED_FEN - 700, ())
    findings = [row["kind"] for row in query(station, "SELECT kind FROM finding")]
    assert findings == ["ungrey_without_record"]
    assert verify_file(station.database).proved
    for name in MASTERS:
        assert MASTERS[name].hex() not in log.lower()
        assert MASTERS[name] not in book
        assert MASTERS[name].hex().encode() not in book.lower()


async def _torn(counter_: Counter, held: int, *, done: bool) -> int:
    """Tear a load before or after the card did it; the next tap finishes it."""
    desk = counter_.desk
    await counter_.lay("normal")
    await counter_.hand("tear", after_commands=1, done=done, only_changes=True)
    reply = await counter_.top_up()
    assert reply.state is ActState.PENDING
    assert (await counter_.hand("state"))["pulled"] == "8052"
    shown = await desk.until(counter.OPEN_ROWS_CHANGED, lambda shown: bool(shown.rows))
    row = shown.rows[0]
    assert (row.kind, row.intent_id) == ("top_up", reply.intent_id)
    await desk.until(counter.CARD_REMOVED)
    now = (await counter_.hand("memory", uid=UID))["balance"]
    assert now == held + (ADDED_FEN if done else 0)
    desk.forget()
    await counter_.hand("insert", uid=UID)
    settled = await desk.until(counter.ACT_SETTLED)
    assert (settled.intent_id, settled.state) == (reply.intent_id, ActState.DONE)
    view = await counter_.shown("normal")
    assert view.balance_purse == held + ADDED_FEN
    assert (await counter_.take())["balance"] == held + ADDED_FEN
    return held + ADDED_FEN


async def _freed(counter_: Counter, held: int) -> None:
    """Locked at a dispenser and left: named, refused, and freed by two people."""
    call = counter_.desk.client.call
    await counter_.hand("lock", uid=UID, terminal=f"{STATION_NO}0003")
    view = await counter_.lay("grey")
    assert (view.grey, view.balance_purse) == (f"{STATION_NO}/3/9", held)
    with pytest.raises(CardStateRefused, match="settle it first"):
        await counter_.top_up()
    by_record = ActQuoteRequest(
        kind="settle_grey", card_key=CARD_KEY, amount_purse=0, of_intent_id="",
        fields=(),
    )  # fmt: skip
    with pytest.raises(NoGreyRecord, match="nozzle 3"):
        await call(ACT_QUOTE, by_record)
    assert (await counter_.settle_by_hand()).state is ActState.DONE
    view = await counter_.shown("normal")
    assert view.balance_purse == held - OWED_FEN
    memory = await counter_.take()
    assert (memory["balance"], memory["lock_state"]) == (held - OWED_FEN, 0)
    assert (memory["on_line"], memory["off_line"]) == (8, 10)

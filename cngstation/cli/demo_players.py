"""Cashiers and drivers of a headless demo: the same sockets and cards that people use.

The cashier works over the daemons' sockets as the screen does; a driver has hands at
the simulators. X multiplies people and gas flow only.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from pydantic import SecretStr
from ulid import ULID

from cngstation.cli.demo_script import Act, FillVehicle, IssueCard, TopUpCard, needs
from cngstation.cli.demo_station import LOGIN_NAME, DemoStation
from cngstation.errors import StationError
from cngstation.rpc.client import RpcClient
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.counter import COUNTER, ActState, CounterBoard
from cngstation.rpc.method import Method
from cngstation.rpc.session import LOGIN, Login, Nothing
from cngstation.simulators.control import ControlClient
from cngstation.units import E4_PER_FEN, Price, Quantity, Unit, amount_of

FLOW_HUNDREDTHS_PER_S = 8  # 15 m³ in a little over three minutes
WALK_S = 12.0  # from the car to the counter or the nozzle
PATIENCE_S = 60.0
_LOOK_S = 0.02


# A debit and a record each wait for a poll; 9600 baud polls a nozzle every second.
SETTLE_S = 5.0


def longest_s(act: Act, speed: float) -> float:
    """Return how long an act takes at most when nothing goes wrong."""
    walk_s = 2 * WALK_S / speed
    if isinstance(act, FillVehicle):
        return walk_s + act.hundredths / (FLOW_HUNDREDTHS_PER_S * speed) + SETTLE_S
    return walk_s + SETTLE_S


class PlayFailed(Exception):
    """An act of the script could not be done; the sentence says why."""


class Cashier:
    """Issues and tops up over the counter's socket, one customer after the other."""

    def __init__(self, station: DemoStation, speed: float) -> None:
        self._station = station
        self._walk_s = WALK_S / speed
        self._client: RpcClient[CounterBoard] | None = None
        self._reader = ControlClient(station.reader_control)
        self._choices: counter.Choices | None = None
        self._company_no = ""
        self._uids = station.card_uids()
        self._keys: dict[int, str] = {}

    def uid(self, card: int) -> str:
        """Return the chip of a card of the script."""
        return self._uids[card]

    async def begin(self) -> None:
        """Log in and register the company whose vehicles come."""
        client = RpcClient(self._station.run_dir / "counter.sock", COUNTER)
        await client.connect()
        self._client = client
        await client.call(
            LOGIN,
            Login(
                login_name=LOGIN_NAME,
                password=SecretStr(self._station.password),
                terminal="demo",
            ),
            timeout_s=10,
        )
        self._choices = await client.call(counter.CHOICES, Nothing(), timeout_s=10)
        company = await client.call(
            counter.COMPANY_REGISTER,
            counter.CompanyDraft(name="演示出租车公司", address="", phone=""),
            timeout_s=10,
        )
        self._company_no = company.company_no

    async def end(self) -> None:
        """Close the counter."""
        if self._client is not None:
            await self._client.close()
        await self._reader.close()

    async def issue(self, act: IssueCard) -> None:
        """Register the vehicle of an act and issue its card."""
        vehicle = await self._call_register(act)
        fee = self._need_choices().card_fee_fen
        quantity = act.prepaid if act.mode.in_quantity else 0
        money = 0 if act.mode.in_quantity else act.prepaid
        request = counter.Issue(
            intent_id=str(ULID()),
            vehicle_id=vehicle.vehicle_id,
            kind="taxi",
            payment_mode=str(act.mode),
            price_level=act.level,
            money_fen=money,
            quantity_hundredths=quantity,
            cash_fen=money + self._price_of(act, quantity) + fee,
            remark="",
        )
        async with self._card_on_reader(self.uid(act.card)):
            reply = await self._act(counter.CARD_ISSUE, request)
        self._keys[act.card] = reply.card_key

    async def top_up(self, act: TopUpCard) -> None:
        """Quote and make a top-up."""
        key = self._keys[act.card]
        quantity = act.added if act.mode.in_quantity else 0
        money = 0 if act.mode.in_quantity else act.added
        async with self._card_on_reader(self.uid(act.card)):
            quote = await self._call_quote(key, money, quantity)
            request = counter.TopUp(
                intent_id=str(ULID()),
                card_key=key,
                before_purse=quote.before_purse,
                money_fen=money,
                quantity_hundredths=quantity,
                cash_fen=quote.cash_fen,
            )
            await self._act(counter.CARD_TOP_UP, request)

    async def _act(
        self,
        method: Method[Any, counter.ActReply],
        request: counter.Issue | counter.TopUp,
    ) -> counter.ActReply:
        client = self._need_client()
        reply: counter.ActReply = await client.call(method, request, timeout_s=20)
        if reply.state is not ActState.DONE:
            raise PlayFailed(f"{reply.kind} is {reply.state}: {reply.facts}")
        return reply

    async def _call_quote(self, key: str, money: int, quantity: int) -> counter.Quote:
        return await self._need_client().call(
            counter.CARD_QUOTE,
            counter.QuoteRequest(
                card_key=key, money_fen=money, quantity_hundredths=quantity
            ),
            timeout_s=10,
        )

    async def _call_register(self, act: IssueCard) -> counter.VehicleRow:
        draft = counter.VehicleDraft(
            plate=act.plate,
            accept_plate=False,
            id_no=act.id_no,
            accept_id_no=False,
            driver="演示司机",
            phone="",
            owner="演示车主",
            vehicle_type="01",
            company_no=self._company_no,
            cylinder_no=f"Q{act.card:06d}",
            cylinder_due="2039-12-31",
            fleet_no="",
            route_no="",
            fleet_name="",
        )
        return await self._need_client().call(
            counter.VEHICLE_REGISTER, draft, timeout_s=10
        )

    @contextlib.asynccontextmanager
    async def _card_on_reader(self, uid: str) -> AsyncIterator[None]:
        await asyncio.sleep(self._walk_s)
        await self._reader.call("insert", uid=uid)
        try:
            await self._until_read(uid)
            yield
        finally:
            await self._reader.call("remove")

    async def _until_read(self, uid: str) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE_S
        while loop.time() < until:
            try:
                view = await self._need_client().call(
                    counter.CARD_READ, Nothing(), timeout_s=10
                )
            except StationError:
                await asyncio.sleep(_LOOK_S)
                continue
            if view.uid == uid:
                return
        raise PlayFailed(f"the reader never saw card {uid}")

    def _price_of(self, act: IssueCard, quantity: int) -> int:
        prices = {p.level: p.price_e4 for p in self._need_choices().prices}
        price = Price(prices[act.level])
        return amount_of(Quantity(quantity * 10, Unit.M3), price).e4 // E4_PER_FEN

    def _need_client(self) -> RpcClient[CounterBoard]:
        if self._client is None:
            raise PlayFailed("nobody is logged in at the counter")
        return self._client

    def _need_choices(self) -> counter.Choices:
        if self._choices is None:
            raise PlayFailed("nobody is logged in at the counter")
        return self._choices


class Driver:
    """Drives cards to nozzles and fills."""

    def __init__(self, station: DemoStation, speed: float) -> None:
        self._nozzles = {nozzle.nozzle_no: nozzle for nozzle in station.nozzles}
        self._walk_s = WALK_S / speed
        self._flow = FLOW_HUNDREDTHS_PER_S * speed

    async def fill(self, act: FillVehicle, uid: str) -> None:
        """Fill, and stay until the card is debited and the record is booked."""
        nozzle = self._nozzles[act.nozzle_no]
        line = ControlClient(nozzle.control)
        try:
            await asyncio.sleep(self._walk_s)
            answer = await line.call("card_in", gun=nozzle.gun, uid=uid)
            if not answer["accepted"]:
                raise PlayFailed(
                    f"nozzle {act.nozzle_no} refused card {uid}: {answer['refused']}"
                )
            await line.call(
                "fill",
                gun=nozzle.gun,
                limit_hundredths=act.hundredths,
                flow_hundredths_per_s=self._flow,
                pressure_start_kpa=3_000,
                pressure_end_kpa=19_500,
            )
            await self._until_uploaded(line, nozzle.gun)
            await line.call("card_out", gun=nozzle.gun)
        finally:
            await line.close()

    async def _until_uploaded(self, line: ControlClient, gun: int) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE_S
        while loop.time() < until:
            answer = await line.call("wait", gun=gun, until="uploaded", timeout_s=5)
            if answer["reached"]:
                return
        raise PlayFailed(f"gun {gun} kept its record for {PATIENCE_S} s")


class Play:
    """Starts acts strictly in their order, each as soon as what it takes is free."""

    def __init__(self, cashier: Cashier, driver: Driver) -> None:
        self._cashier = cashier
        self._driver = driver
        self._taken: set[str] = set()
        self._freed = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self.failed: BaseException | None = None
        self.begun = 0

    async def begin(self, act: Act) -> None:
        """Wait until an act can begin, and begin it."""
        while self._taken & needs(act) and self.failed is None:
            self._freed.clear()
            await self._freed.wait()
        self._taken |= needs(act)
        self.begun += 1
        task = asyncio.create_task(self._do(act))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def finish(self) -> None:
        """Wait until everything that has begun is finished."""
        while self._running:
            await asyncio.wait(self._running)

    async def _do(self, act: Act) -> None:
        try:
            match act:
                case IssueCard():
                    await self._cashier.issue(act)
                case TopUpCard():
                    await self._cashier.top_up(act)
                case FillVehicle():
                    await self._driver.fill(act, self._cashier.uid(act.card))
        except Exception as error:  # noqa: BLE001 - told at the end of the play
            self.failed = self.failed or error
        finally:
            self._taken -= needs(act)
            self._freed.set()

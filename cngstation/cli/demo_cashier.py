"""The cashier of a headless demo: works over the counter's socket as the screen does.

A broken connection is made again. An act keeps its id: where it stands is asked
before it is tried again, and a card that was not finished is laid down once more.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TypeVar

from pydantic import SecretStr
from ulid import ULID

from cngstation.cli.demo_driver import WALK_S
from cngstation.cli.demo_hands import LOOK_S, RETRY_S, Patience, PatientHands
from cngstation.cli.demo_script import IssueCard, TopUpCard
from cngstation.cli.demo_station import LOGIN_NAME, DemoStation
from cngstation.domain.card_life import CardStateRefused
from cngstation.errors import (
    CommitUncertain,
    DatabaseBusy,
    DeviceError,
    Disconnected,
    NotLoggedIn,
    Refusal,
    StationError,
)
from cngstation.rpc.client import RpcClient
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.counter import COUNTER, ActState, CounterBoard
from cngstation.rpc.failures import CallTimeout, NotConnected, ServerClosing
from cngstation.rpc.method import Message, Method
from cngstation.rpc.session import LOGIN, Login, Nothing
from cngstation.services.top_up_card import CardChanged, OtherCard
from cngstation.simulators.control import HandsRefused
from cngstation.units import E4_PER_FEN, Price, Quantity, Unit, amount_of

Asked = TypeVar("Asked", bound=Message)
Answered = TypeVar("Answered", bound=Message)

# The counter went away or restarts; what was asked may have been done.
_AWAY = (
    CallTimeout,
    CommitUncertain,
    DatabaseBusy,
    Disconnected,
    NotConnected,
    NotLoggedIn,
    ServerClosing,
)
_LAY_AGAIN_S = 3.0  # a card that lies there unfinished for so long is laid down anew
COMPANY = "演示出租车公司"


class Cashier:
    """Issues and tops up, one customer after the other."""

    def __init__(self, station: DemoStation, speed: float) -> None:
        self._station = station
        self._walk_s = WALK_S / speed
        self._client: RpcClient[CounterBoard] | None = None
        self._reader = PatientHands(station.reader_control)
        self._uids = station.card_uids()
        self._keys: dict[int, str] = {}

    def uid(self, card: int) -> str:
        """Return the chip of a card of the script."""
        return self._uids[card]

    async def begin(self) -> None:
        """Log in and register the company whose vehicles come."""
        self._choices = await self._ask(counter.CHOICES, Nothing())
        patience = Patience("the company cannot be registered")
        while True:
            found = await self._ask(
                counter.COMPANY_SEARCH, counter.Search(text=COMPANY, limit=1)
            )
            if found.rows:
                self._company_no = found.rows[0].company_no
                return
            draft = counter.CompanyDraft(name=COMPANY, address="", phone="")
            with contextlib.suppress(*_AWAY):
                await self._call(counter.COMPANY_REGISTER, draft)
            await patience.wait(0)

    async def end(self) -> None:
        """Close the counter."""
        await self._hang_up()
        await self._reader.close()

    async def issue(self, act: IssueCard) -> bool:
        """Register the vehicle of an act and issue its card; False: not finished.

        Raises:
            PlayFailed: counter or reader do not come back.
            StationError: the counter refused what the script says can be done.
        """
        vehicle = await self._register(act)
        quantity = act.prepaid if act.mode.in_quantity else 0
        money = 0 if act.mode.in_quantity else act.prepaid
        fee = self._choices.card_fee_fen
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
            reply = await self._act(counter.CARD_ISSUE, request, self.uid(act.card))
        self._keys[act.card] = reply.card_key
        return reply.state is ActState.DONE

    async def top_up(self, act: TopUpCard) -> bool:
        """Quote and make a top-up; False: the card cannot be topped up now.

        Raises:
            PlayFailed: counter or reader do not come back.
            StationError: the counter refused what the script says can be done.
        """
        uid = self.uid(act.card)
        patience = Patience(f"card {uid} cannot be topped up")
        async with self._card_on_reader(uid):
            while True:
                try:
                    request = await self._quoted(act, uid)
                    reply = await self._act(counter.CARD_TOP_UP, request, uid)
                except CardStateRefused:
                    return False
                except CardChanged:
                    await patience.wait()
                else:
                    return reply.state is ActState.DONE

    async def _quoted(self, act: TopUpCard, uid: str) -> counter.TopUp:
        quantity = act.added if act.mode.in_quantity else 0
        money = 0 if act.mode.in_quantity else act.added
        patience = Patience(f"card {uid} is not quoted")
        question = counter.QuoteRequest(
            card_key=self._keys.get(act.card, ""),
            money_fen=money,
            quantity_hundredths=quantity,
        )
        while True:
            try:
                quote = await self._ask(counter.CARD_QUOTE, question)
                break
            except (DeviceError, OtherCard):
                await patience.wait()
                await self._lay(uid)
        return counter.TopUp(
            intent_id=str(ULID()),
            card_key=question.card_key,
            before_purse=quote.before_purse,
            money_fen=money,
            quantity_hundredths=quantity,
            cash_fen=quote.cash_fen,
        )

    async def _act(
        self,
        method: Method[Asked, counter.ActReply],
        request: Asked,
        uid: str,
    ) -> counter.ActReply:
        """Have an act done, however often counter and reader go away."""
        intent_id = str(getattr(request, "intent_id", ""))
        patience = Patience(f"act {intent_id} is not begun")
        while True:
            try:
                reply = await self._call(method, request, timeout_s=20)
            except (*_AWAY, DeviceError, OtherCard):
                await patience.wait()
                reply = await self._find(intent_id)
            if reply.state is ActState.PENDING:
                reply = await self._lay_until_settled(uid, intent_id)
            if reply.state is not ActState.UNKNOWN:
                return reply
            await self._lay(uid)

    async def _find(self, intent_id: str) -> counter.ActReply:
        return await self._ask(
            counter.ACT_FIND, counter.ActRequest(intent_id=intent_id)
        )

    async def _lay_until_settled(self, uid: str, intent_id: str) -> counter.ActReply:
        """Lay the card down again until its act is finished by that, or give up."""
        loop = asyncio.get_running_loop()
        reply = await self._find(intent_id)
        for _ in range(3):
            with contextlib.suppress(HandsRefused):
                await self._reader.call("remove")
            await asyncio.sleep(self._walk_s)
            await self._lay(uid)
            until = loop.time() + _LAY_AGAIN_S
            while reply.state is ActState.PENDING and loop.time() < until:
                await asyncio.sleep(LOOK_S)
                reply = await self._find(intent_id)
            if reply.state is not ActState.PENDING:
                break
        return reply

    async def _register(self, act: IssueCard) -> counter.VehicleRow:
        """Register the vehicle once, also when the first answer was lost."""
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
        patience = Patience(f"vehicle {act.plate} cannot be registered")
        while True:
            try:
                return await self._call(counter.VEHICLE_REGISTER, draft)
            except _AWAY:
                search = counter.Search(text=act.plate, limit=1)
                found = await self._ask(counter.VEHICLE_SEARCH, search)
                if found.rows:
                    return found.rows[0]
                await patience.wait()

    @contextlib.asynccontextmanager
    async def _card_on_reader(self, uid: str) -> AsyncIterator[None]:
        await asyncio.sleep(self._walk_s)
        await self._lay(uid)
        try:
            yield
        finally:
            # A reader that was off meanwhile has no card any more.
            with contextlib.suppress(HandsRefused):
                await self._reader.call("remove")

    async def _lay(self, uid: str) -> None:
        """Lay the card down, unless it lies there, and wait until it is read."""
        patience = Patience(f"the reader does not see card {uid}")
        while True:
            try:
                if (await self._reader.call("state"))["card"] != uid:
                    await self._reader.call("insert", uid=uid)
                view = await self._ask(counter.CARD_READ, Nothing())
                if view.uid == uid:
                    return
            except (DeviceError, HandsRefused, Refusal):
                pass  # not read yet, or the card is not out of its last slot yet
            await patience.wait(LOOK_S)

    async def _ask(self, method: Method[Asked, Answered], request: Asked) -> Answered:
        """Ask something that changes nothing, again and again until it is answered."""
        patience = Patience(f"the counter does not answer {method.name}")
        while True:
            try:
                return await self._call(method, request)
            except _AWAY:
                await patience.wait(RETRY_S)

    async def _call(
        self, method: Method[Asked, Answered], request: Asked, *, timeout_s: int = 10
    ) -> Answered:
        client = self._client
        if client is None:
            client = await self._log_in()
        try:
            return await client.call(method, request, timeout_s=timeout_s)
        except _AWAY:
            await self._hang_up()
            raise

    async def _log_in(self) -> RpcClient[CounterBoard]:
        client = RpcClient(self._station.run_dir / "counter.sock", COUNTER)
        login = Login(
            login_name=LOGIN_NAME,
            password=SecretStr(self._station.password),
            terminal="demo",
        )
        try:
            await client.connect()
            await client.call(LOGIN, login)
        except StationError:
            await client.close()
            raise
        self._client = client
        return client

    async def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _price_of(self, act: IssueCard, quantity: int) -> int:
        prices = {p.level: p.price_e4 for p in self._choices.prices}
        price = Price(prices[act.level])
        return amount_of(Quantity(quantity * 10, Unit.M3), price).e4 // E4_PER_FEN

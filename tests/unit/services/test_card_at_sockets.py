"""What a card holds goes over the socket to those alone who may read cards, now."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cngstation.rpc.client import RpcClient
from cngstation.rpc.contract.counter import COUNTER, CardView, CounterBoard
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.refusals import untold
from cngstation.rpc.server import RpcServer
from cngstation.rpc.session import LOGIN, Login
from cngstation.services.act_on_card import CardActs
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.card_on_reader import CardReading, CardState
from cngstation.services.serve_card import CardService
from cngstation.services.stage_counter import READ, CounterStage, Signboard
from cngstation.services.watch_reader import BorrowedReader, ReaderWatch
from cngstation.storage import operators, roles
from cngstation.storage.roles import Role
from tests.small_station import CARD, a_card, register_card
from tests.unit.drivers.fake_mifare import UID, FakeReader
from tests.unit.services.office import CHIEF, OWN, Office, an_office
from tests.unit.services.test_register_customers import RULES
from tests.unit.services.test_watch_reader import CARD_ON, issued

BLANK = CardReading(CardState.BLANK, UID)


@dataclass
class Counter:
    """A counter's socket over the office, and what is laid on its reader."""

    office: Office
    stage: CounterStage
    path: Path
    reader: FakeReader
    reading: CardReading

    async def lay_down(self, reading: CardReading) -> None:
        """Lay a card on the reader."""
        port = BorrowedReader(self.reader, CARD_ON(self.reader))
        await self.stage.card_presented(reading, port)

    @asynccontextmanager
    async def screen(self, name: str) -> AsyncIterator[RpcClient[CounterBoard]]:
        """Log in at the socket."""
        client = RpcClient(self.path, COUNTER)
        await client.connect()
        login = Login(login_name=name, password=OWN, terminal="t")  # type: ignore[arg-type]
        await client.call(LOGIN, login)
        try:
            yield client
        finally:
            await client.close()

    async def rights(self, *held: str) -> None:
        """Give the role of 2 other rights."""
        role = Role("R1", "柜长", " ".join(held))
        await self.office.db.write(
            lambda tx: roles.put_role(tx, role, reason="x", actor=CHIEF)
        )


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    """Open a counter at which 1 is an administrator and 2 has an own role."""
    async with an_office(tmp_path / "s.db") as office:
        db, reader = office.db, FakeReader()
        stored = await office.passwords.hash(OWN)
        for number in ("1", "2"):
            await db.write(
                lambda tx, no=number: operators.set_password(tx, no, stored)  # type: ignore[misc]
            )
        await db.write(lambda tx: register_card(tx, a_card(wseq=1, uid="DEADBEEF")))
        acts = CardActs(db, every_kind(), cut_off_minute=0, prints_wanted=0)
        stage = CounterStage(
            db, CardService(db, acts, RULES, office.clock), RULES,
            Signboard("n", "c", "a"), office.clock, has_printer=False,
            watch=lambda: watch, may_read=partial(office.gate.holds, right=READ),
        )  # fmt: skip
        watch = ReaderWatch(_no_reader, CARD_ON, stage)
        handlers = Handlers()
        for method in COUNTER.methods:
            handlers.add(method, _unasked)
        server = RpcServer(
            tmp_path / "c.sock", COUNTER, handlers, office.gate, stage.snapshot,
            program="t", admits=lambda peer: peer.uid == os.getuid(),
            report=lambda where, error: None, refused=untold,
        )  # fmt: skip
        await server.start({})
        stage.attach(server)
        made = Counter(office, stage, tmp_path / "c.sock", reader, await issued(reader))
        try:
            yield made
        finally:
            await server.close()


async def _no_reader() -> Any:
    raise AssertionError("nobody watches")


async def _unasked(*_: object) -> Any:
    raise AssertionError("nobody asks")


async def _next(screen: RpcClient[CounterBoard]) -> tuple[str, Any]:
    async for happened in screen.events():
        return happened.event.name, happened.body
    raise AssertionError("the connection ended")


async def test_a_card_is_shown_to_those_who_may_read_it(counter: Counter) -> None:
    """One screen gets balance and holder, the other nothing, in the same moment."""
    await counter.rights("card.top_up")
    async with counter.screen("op1") as chief, counter.screen("op2") as other:
        assert (await chief.subscribe()).card is None
        assert (await other.subscribe()).card is None
        await counter.lay_down(counter.reading)
        name, view = await _next(chief)
        assert (name, view.card_no) == ("card.presented", CARD[4:])
        await counter.stage.card_removed()
        assert (await _next(other))[0] == "card.removed"
        await counter.lay_down(BLANK)
        name, view = await _next(other)
        assert (name, str(view.on_reader)) == ("card.presented", "blank")


async def test_the_board_has_no_card_for_who_may_not_read_it(counter: Counter) -> None:
    """Also whose right was taken while they were logged in; and given back."""
    await counter.lay_down(counter.reading)
    async with counter.screen("op2") as screen:
        board = await screen.subscribe()
        assert isinstance(board.card, CardView)
        assert board.card.card_no == CARD[4:]
        await counter.rights("card.top_up")
        assert (await screen.subscribe()).card is None
        await counter.lay_down(counter.reading)
        await counter.rights("card.read")
        await counter.lay_down(counter.reading)
        assert (await _next(screen))[1].balance_purse == counter.reading.purse.balance  # type: ignore[union-attr]
        await counter.stage.card_removed()
        assert (await _next(screen))[0] == "card.removed"
    lines = await counter.office.acts("%status%")
    assert lines == []

"""New books: the old ones kept whole, the station's own carried, nothing in between."""

import asyncio
import json
import os
import shutil
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

import pytest
from pydantic import SecretStr

from cngstation.domain.card_life import CardState
from cngstation.domain.ledger import OPENING, SAFE, Posting, card_account
from cngstation.domain.tenders import Tender
from cngstation.errors import Refusal
from cngstation.services import carry_over, initialise_station, verify_epochs
from cngstation.services.approve import Approval, Approvals, Paper, Wish
from cngstation.services.carry_over import NotAtRest
from cngstation.services.initialise_station import (
    ACT,
    NewBooks,
    NotProved,
    StillRunning,
    initialise,
)
from cngstation.services.log_in import Gate
from cngstation.services.passwords import Passwords
from cngstation.services.station_rules import GateRules
from cngstation.services.verify_books import verify_file
from cngstation.storage import (
    cards,
    chain,
    downloads,
    epochs,
    facts,
    operators,
    prices,
    registers,
    roles,
    shifts,
    staff_cards,
    tills,
)
from cngstation.storage.audit import Actor
from cngstation.storage.chain import Tip
from cngstation.storage.database import Database, Transaction
from cngstation.storage.roles import Role
from cngstation.storage.sqlite import connect
from cngstation.storage.staff_cards import StaffCardRow
from cngstation.storage.tills import Count, Session
from cngstation.units import Price, Unit
from tests.small_station import (
    CARD,
    HandClock,
    a_card,
    hire,
    opened,
    posted,
    register_card,
)

BOSS = Actor("01", "test")
DAY_MS = 86_400_000
CASH = Posting(SAFE, Unit.CNY, 1_234_0000)
FOREIGN = "9999000000000001"
STAFF_CARDS = [
    StaffCardRow("00000002", "02", "二", "AABBCCD2", "by_token", "blocked", "h", "", 1),
    StaffCardRow("00000001", "01", "一", "AABBCCD1", "by_token", "active", "g", "", 1),
]
PASSWORD = "a good long one"


def _trial(tx: Transaction) -> None:
    """A trial run that has come to rest: one card, cancelled; money in the safe."""
    stored = Passwords(8, 1)._hasher.hash(PASSWORD)
    for number in ("01", "02"):
        hire(tx, operator_no=number, role="administrator", password_hash=stored)
    roles.put_role(tx, Role("R1", "夜班", "card.read"), reason="trial", actor=BOSS)
    for card in STAFF_CARDS:
        staff_cards.add(tx, card, actor=BOSS)
    register_card(tx, a_card(state=CardState.CANCELLED))
    facts.post(tx, posted("A", CASH, Posting(OPENING, Unit.CNY, -CASH.amount)))
    prices.plan(
        tx, level=0, price=Price(3_9800), unit=Unit.M3, from_ms=0, operator_no="01"
    )
    seq = prices.plan(
        tx, level=0, price=Price(9_9900), unit=Unit.M3, from_ms=1, operator_no="01"
    )
    taken = {"price_seq": seq, "reason": "x", "operator_no": "01", "terminal": "t"}
    facts.prove_row(tx, "price_cancelled", str(seq), taken)
    downloads.list_number(tx, FOREIGN, "black", source="file", reason="head office")
    downloads.publish_list(tx, "base", 7, [FOREIGN], cause="trial")
    tx.tip = Tip(
        tx.tip.epoch, tx.tip.seq, tx.tip.head, tx.tip.outbox_seq, tx.tip.receipt_no, 41
    )


@asynccontextmanager
async def trial(folder: Path) -> AsyncIterator[Database]:
    """Open the books of the trial run."""
    async with opened(folder / "station.db") as database:
        if not await database.read(operators.every):
            await database.write(_trial)
        yield database


async def begin(
    folder: Path,
    *,
    networked: bool = False,
    clock: HandClock | None = None,
    paper: Paper | None = None,
) -> NewBooks:
    """Begin new books as two people do."""
    path, clock = folder / "station.db", clock or HandClock()
    async with opened(path, clock) as database:
        gate = Gate(database, Passwords(8, 1), clock, GateRules(3, 12, 15))
        epoch = await database.read(epochs.epoch_of)
        second = Approval("op02", SecretStr(PASSWORD))
        approved = await Approvals(gate, paper, first_is_asked=True).approve(
            second, Wish(ACT, str(epoch + 1)), BOSS, "end of the trial"
        )
    return await initialise(
        path, folder / "archive", clock, BOSS, approved, networked=networked
    )


async def test_new_books_begin_and_the_old_ones_stay(tmp_path: Path) -> None:
    """Archive proved and read-only; people, prices, safe and numbers go on."""
    async with trial(tmp_path) as database:
        old = await database.read(chain.read_tip)
    made = await begin(tmp_path)
    assert (made.epoch, made.head) == (2, old.head.hex())
    archived = verify_file(made.archive)
    assert archived.proved
    assert archived.head == made.head
    assert stat.S_IMODE(made.archive.stat().st_mode) == 0o440
    told = json.loads(made.archive.with_suffix(".json").read_text("utf-8"))
    assert told["sha256"] == sha256(made.archive.read_bytes()).hexdigest()
    assert told["ledger_head"] == made.head
    path = tmp_path / "station.db"
    assert verify_file(path).proved
    assert not list(tmp_path.glob("station.db.next*"))
    async with opened(path) as database:
        start = await database.read(epochs.find)
        assert start is not None
        assert start.previous_head == made.head
        assert start.archive_sha256 == told["sha256"]
        assert (start.operator_no, start.second_no) == ("01", "02")
        assert start.carried == {SAFE: CASH.amount}
        tip = await database.read(chain.read_tip)
        assert (tip.epoch, tip.card_serial) == (2, 41)
        gate = Gate(database, Passwords(8, 1), HandClock(), GateRules(3, 12, 15))
        assert (await gate.identify("op02", SecretStr(PASSWORD), "x")).role
        refused = await database.read(downloads.refused_numbers)
        assert refused == {FOREIGN, CARD.rjust(downloads.WIRE_DIGITS, "0")}
        newest = await database.read(lambda c: downloads.newest_list(c, "base"))
        assert newest is not None
        assert newest.version == 7
        in_force = await database.read(lambda c: prices.in_force(c, Unit.M3, 1))
        assert in_force == {0: Price(3_9800)}
        assert await database.read(lambda c: facts.balance(c, SAFE, "CNY")) == 12340000
        assert await database.read(lambda c: roles.find_role(c, "R1"))
        assert await database.read(lambda c: cards.find(c, CARD)) is None
        assert await database.read(staff_cards.every) == STAFF_CARDS
        acts = await database.read(
            lambda c: c.execute("SELECT act, operator_no FROM audit").fetchall()
        )
    assert (ACT, "01") in acts
    assert any(act.startswith(f"{ACT}.") and who == "02" for act, who in acts)


async def test_books_begin_anew_again(tmp_path: Path) -> None:
    """A third epoch begins like the second."""
    async with trial(tmp_path):
        pass
    first = await begin(tmp_path)
    second = await begin(tmp_path)
    assert (second.epoch, second.archive == first.archive) == (3, False)
    assert verify_file(tmp_path / "station.db").proved
    assert verify_file(second.archive).proved


def _card_out(tx: Transaction) -> None:
    cards.change(tx, CARD, reason="test", state=CardState.LOST)


def _owed(tx: Transaction) -> None:
    account = card_account(CARD)
    facts.post(
        tx, posted("B", Posting(account, Unit.CNY, -1), Posting(SAFE, Unit.CNY, 1))
    )


def _till_money(tx: Transaction) -> None:
    till = Posting("till:till-1:cash", Unit.CNY, 1)
    facts.post(tx, posted("B", till, Posting(SAFE, Unit.CNY, -1)))


def _open_till(tx: Transaction) -> None:
    counts = [Count(Tender.CASH, 0, 0)]
    tills.record(tx, Session("till-1", 1, tills.OPENED), counts, BOSS)


def _open_shift(tx: Transaction) -> None:
    crew = {"crew_no": "1", "name": "一班", "retired": 0}
    registers.add(tx, "crew", crew)
    shifts.open_shift(tx, "1", "2026-11-21", BOSS)


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (_card_out, "1 cards are out"),
        (_owed, "1 accounts are not empty"),
        (_till_money, "till:till-1:cash"),
        (_open_till, "1 tills are open"),
        (_open_shift, "1 shifts are open"),
    ],
)
async def test_nothing_begins_while_something_is_open(
    tmp_path: Path, what: Callable[[Transaction], None], says: str
) -> None:
    """No balance is carried, so none can be lost: it is settled first."""
    async with trial(tmp_path) as database:
        await database.write(what)
    await _refused(tmp_path, NotAtRest, says)


async def _refused(
    folder: Path, why: type[Refusal], says: str, *, networked: bool = False
) -> None:
    path = folder / "station.db"
    before = verify_file(path)
    with pytest.raises(why) as caught:
        await begin(folder, networked=networked)
    assert says in caught.value.sentence()
    assert "Nothing was changed" in caught.value.sentence()
    assert verify_file(path) == before
    assert not (folder / "archive").exists()
    assert not list(folder.glob("*.next*"))


async def test_what_head_office_has_not_got_is_not_archived_away(
    tmp_path: Path,
) -> None:
    """A networked station sends first; a single one has nobody to send to."""
    async with trial(tmp_path):
        pass
    await _refused(tmp_path, NotAtRest, "wait for head office", networked=True)
    await begin(tmp_path)


@pytest.mark.parametrize("years", [1, -1])
async def test_a_wrong_clock_begins_no_books(tmp_path: Path, years: int) -> None:
    """The new ones would take every day from it; set right they begin."""
    async with trial(tmp_path):
        pass
    clock = HandClock()
    clock.wall_ms += years * 365 * DAY_MS
    with pytest.raises(NotAtRest, match="clock of the station is wrong"):
        await begin(tmp_path, clock=clock)
    assert not (tmp_path / "archive").exists()
    await begin(tmp_path)


async def test_what_is_carried_is_of_the_stations_day(tmp_path: Path) -> None:
    """A day that begins at noon is still yesterday in the morning."""
    async with trial(tmp_path):
        pass
    await begin(tmp_path, paper=Paper(cut_off_minute=720))
    async with opened(tmp_path / "station.db") as database:
        days = await database.read(
            lambda c: c.execute("SELECT DISTINCT business_day FROM entry").fetchall()
        )
    assert days == [("2026-11-20",)]


async def test_a_running_station_is_left_alone(tmp_path: Path) -> None:
    """One daemon that only has the file open is enough."""
    async with trial(tmp_path) as database:
        await database.read(operators.every)
        await _refused(tmp_path, StillRunning, "Stop the services")
        await database.write(lambda tx: tx.stamp())


async def test_books_that_are_not_proved_are_not_left_behind(tmp_path: Path) -> None:
    """Who changed a row cannot hide it in an archive."""
    async with trial(tmp_path):
        pass
    connection = connect(tmp_path / "station.db")
    connection.execute("UPDATE card SET remark='x'")
    connection.close()
    await _refused(tmp_path, NotProved, "card")


async def test_the_second_person_is_asked_again_in_the_new_books(
    tmp_path: Path,
) -> None:
    """What was approved is this epoch's beginning and no other."""
    async with trial(tmp_path):
        pass
    path, clock = tmp_path / "station.db", HandClock()
    async with opened(path, clock) as database:
        gate = Gate(database, Passwords(8, 1), clock, GateRules(3, 12, 15))
        approved = await Approvals(gate, first_is_asked=True).approve(
            Approval("op02", SecretStr(PASSWORD)), Wish(ACT, "9"), BOSS, "why"
        )
    before = verify_file(path)
    with pytest.raises(Refusal, match="approved something else"):
        await initialise(
            path, tmp_path / "archive", clock, BOSS, approved, networked=False
        )
    assert verify_file(path) == before
    assert not list(tmp_path.glob("*.next*"))


def _die(*_: object) -> NoReturn:
    os._exit(9)


def _killed(folder: Path, at: int) -> int:
    """Run in a process of its own that is killed at its n-th step; return its code."""
    child = os.fork()
    if child == 0:
        left = iter(range(at))

        def stepping(real: Callable[..., object]) -> Callable[..., object]:
            def step(*given: object, **named: object) -> object:
                if next(left, None) is None:
                    _die()
                return real(*given, **named)

            return step

        for owner, names in (
            (os, ("fsync", "chown")),
            (Path, ("replace", "unlink", "chmod", "touch", "mkdir")),
            (shutil, ("copymode",)),
            (carry_over, ("begin_epoch",)),
            (initialise_station, ("record", "_require_proof", "verify")),
        ):
            for name in names:
                setattr(owner, name, stepping(getattr(owner, name)))
        try:
            asyncio.run(begin(folder))
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize(
    "stride", [4, pytest.param(1, marks=pytest.mark.campaign)], ids=["sample", "every"]
)
def test_killed_anywhere_the_books_are_the_old_or_the_new(
    tmp_path: Path, stride: int
) -> None:
    """At every step; after the old ones it is begun again, and works."""
    whole = tmp_path / "whole"
    whole.mkdir()

    async def make() -> None:
        async with trial(whole):
            pass

    asyncio.run(make())
    epochs_seen = []
    for at in range(0, 200, stride):
        folder = tmp_path / str(at)
        shutil.copytree(whole, folder)
        code = _killed(folder, at)
        path = folder / "station.db"
        assert verify_file(path).proved
        connection = connect(path)
        epochs_seen.append(epochs.epoch_of(connection))
        connection.close()
        if code == 0:
            break
        if at % 8 == 0:
            asyncio.run(begin(folder))
            assert verify_file(path).proved
    assert code == 0
    assert epochs_seen == sorted(epochs_seen)
    assert epochs_seen[0] == 1
    assert epochs_seen[-1] == 2
    assert len(epochs_seen) > 24 / stride


async def test_a_beginning_that_was_changed_is_named(tmp_path: Path) -> None:
    """Head, money or place of the beginning: verify compares what was carried."""
    async with trial(tmp_path):
        pass
    await begin(tmp_path)
    changes = (
        ("UPDATE epoch_start SET carried='{}'", "not what was taken over"),
        ("UPDATE epoch_start SET previous_epoch=4", "their beginning another"),
        ("DELETE FROM epoch_start", "has no beginning"),
        ("UPDATE entry SET entry_id='x' WHERE entry_id='epoch.carried'", "taken over"),
    )
    for sql, says in changes:
        copy = tmp_path / "copy.db"
        shutil.copy(tmp_path / "station.db", copy)
        connection = connect(copy)
        table = sql.split()[2 if sql.startswith("DELETE") else 1]
        for belt in ("fixed", "kept"):
            connection.execute(f"DROP TRIGGER {table}_{belt}")
        connection.execute(sql)
        found = verify_epochs.first_difference(connection)
        connection.close()
        assert says in str(found)
        assert not verify_file(copy).proved

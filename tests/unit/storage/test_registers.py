"""Cards, customers, prices, receipts, sales, operators: each table's own rules."""

from pathlib import Path

import pytest

from cngstation.domain.card_life import CardState
from cngstation.domain.evidence import Evidence
from cngstation.errors import StorageError
from cngstation.storage import (
    cards,
    chain,
    customers,
    facts,
    journal,
    operators,
    prices,
    receipts,
    sales,
)
from cngstation.storage.database import Transaction
from cngstation.storage.journal import IntentState
from cngstation.storage.sales import NozzleKey
from cngstation.units import Price, Unit
from tests.furnished_station import top_up
from tests.small_station import (
    CARD,
    MORNING,
    a_card,
    a_vehicle,
    book,
    hire,
    opened,
    posted,
    register_card,
    sight,
)


async def test_a_card_comes_back_as_it_was_registered(tmp_path: Path) -> None:
    """Enumerations and numbers survive; the state, counters and sights are kept."""
    async with opened(tmp_path / "s.db") as db:
        await db.write(register_card)
        assert await db.read(lambda c: cards.find(c, CARD)) == a_card()
        await db.write(
            lambda tx: cards.change(tx, CARD, reason="", state=CardState.LOST)
        )
        await db.write(lambda tx: cards.written(tx, CARD, 5))
        await db.write(lambda tx: cards.filled(tx, CARD, 9))
        await db.write(lambda tx: cards.filled(tx, CARD, 8))
        await db.write(lambda tx: cards.seen(tx, sight(77, wseq=4, pseq=3, grey="g")))
        stranger = Evidence("X", "510100000009", 1, 1, 1)
        await db.write(lambda tx: cards.seen(tx, stranger))
        found = await db.read(lambda c: cards.find(c, CARD))
        assert await db.read(lambda c: cards.find(c, "510100000009")) is None
        assert await db.read(lambda c: cards.newest(c, 5)) == [found]
    assert found == a_card(
        state=CardState.LOST, wseq=5, pseq=9, seen_balance=77, seen_wseq=4,
        seen_pseq=3, seen_grey="g", seen_at_ms=MORNING,
    )  # fmt: skip


async def test_a_card_needs_its_vehicle(tmp_path: Path) -> None:
    """Foreign keys are in force."""
    async with opened(tmp_path / "s.db") as db:
        with pytest.raises(StorageError, match="FOREIGN KEY"):
            await db.write(lambda tx: cards.add(tx, a_card()))


async def test_companies_are_numbered_and_searched(tmp_path: Path) -> None:
    """The next number follows the highest; % and _ are letters in a search."""
    names = ["蜀都出租", "100% gas", "a_b"]

    def register(tx: Transaction) -> None:
        for name in names:
            number = customers.next_company_no(tx.connection)
            customers.add_company(
                tx, customers.Company(number, name, "", "", name[:1].lower())
            )

    async def search(text: str, limit: int = 9) -> list[str]:
        found = await db.read(lambda c: customers.search_companies(c, text, limit))
        return [company.company_no for company in found]

    async with opened(tmp_path / "s.db") as db:
        await db.write(register)
        assert await search("") == ["0001", "0002", "0003"]
        assert await search("", 2) == ["0001", "0002"]
        assert await search("出租") == ["0001"]
        assert await search("%") == ["0002"]
        assert await search("_") == ["0003"]
        assert await search("\\") == []
        assert await search("'; DROP TABLE company; --") == []
        assert await search("0003") == ["0003"]
        named = await db.read(lambda c: customers.company_named(c, "a_b"))
        assert named is not None
        assert await db.read(lambda c: customers.company_named(c, "axb")) is None
        assert await db.read(lambda c: customers.find_company(c, "0009")) is None


async def test_vehicles_are_found_by_whole_numbers(tmp_path: Path) -> None:
    """Plate and own number as they stand; sealed numbers by digest alone."""
    nothing = {"id_no": b"\0", "phone": b"\0", "tail": b"\0"}

    def register(tx: Transaction) -> None:
        customers.add_company(tx, customers.Company("0001", "a", "", "", ""))
        assert customers.add_vehicle(tx, a_vehicle()) == 1
        second = a_vehicle("川B00001", fleet_no="77", driver="韩梅", initials="hm",
                           phone_tail_digest=b"4321")  # fmt: skip
        assert customers.add_vehicle(tx, second) == 2

    async def search(text: str, **digests: bytes) -> list[int]:
        asked = {**nothing, **digests}
        found = await db.read(lambda c: customers.vehicles_with_number(c, text, asked))
        return [vehicle.vehicle_id for vehicle in found]

    async with opened(tmp_path / "s.db") as db:
        await db.write(register)
        assert await search("川B00001") == [2]
        assert await search("川B0000") == []
        assert await search("77") == [2]
        assert await search("none", tail=b"4321") == [2]
        assert await search("none", id_no=b"id") == [1, 2]
        assert await search("none") == []
        by_plate = await db.read(lambda c: customers.vehicle_with_plate(c, "川A12345"))
        assert by_plate == a_vehicle(vehicle_id=1)
        by_no = await db.read(lambda c: customers.vehicle_with_fleet_no(c, "77"))
        assert by_no is not None
        assert by_no.vehicle_id == 2
        assert await db.read(lambda c: customers.cards_of_vehicles(c, [1, 2])) == {}
        with pytest.raises(StorageError, match="UNIQUE"):
            await db.write(lambda tx: customers.add_vehicle(tx, a_vehicle()))
        types = dict(await db.read(customers.vehicle_types))
        assert types["01"] == "出租车"


async def test_the_newest_price_that_has_begun_is_in_force(tmp_path: Path) -> None:
    """By date, and of one date the one recorded last; each unit for itself."""

    def plan(level: int, e4: int, from_ms: int, unit: Unit = Unit.M3) -> None:
        nonlocal planned
        planned.append((level, e4, from_ms, unit))

    planned: list[tuple[int, int, int, Unit]] = []
    plan(0, 4_0000, 100)
    plan(0, 5_0000, 300)
    plan(0, 4_5000, 200)
    plan(0, 4_6000, 200)
    plan(1, 9_0000, 250)
    plan(0, 7_0000, 50, Unit.KG)

    def unit(tx: Transaction) -> None:
        for level, e4, from_ms, gas in planned:
            prices.plan(
                tx, level=level, price=Price(e4), unit=gas, from_ms=from_ms,
                operator_no="01",
            )  # fmt: skip

    async def at(ms: int, gas: Unit = Unit.M3) -> dict[int, int]:
        found = await db.read(lambda c: prices.in_force(c, gas, ms))
        return {level: price.e4 for level, price in found.items()}

    async with opened(tmp_path / "s.db") as db:
        await db.write(unit)
        assert await at(99) == {}
        assert await at(100) == {0: 4_0000}
        assert await at(200) == {0: 4_6000}
        assert await at(299) == {0: 4_6000, 1: 9_0000}
        assert await at(300) == {0: 5_0000, 1: 9_0000}
        assert await at(300, Unit.KG) == {0: 7_0000}
        for wrong in (
            {"level": 20, "price": Price(1)},
            {"level": 0, "price": Price(0)},
        ):
            with pytest.raises(StorageError, match="CHECK"):
                await db.write(
                    lambda tx, w=wrong: prices.plan(  # type: ignore[misc]
                        tx, unit=Unit.M3, from_ms=0, operator_no="01", **w
                    )
                )


async def test_receipts_have_one_original_and_counted_copies(tmp_path: Path) -> None:
    """A print is counted before the paper; what was not printed is given back."""

    def make(tx: Transaction) -> int:
        book(tx, "a")
        return receipts.make(tx, "a", "top_up", {"川": 1}, wanted=1)

    async def state() -> tuple[int, int, int, str]:
        found = await db.read(lambda c: receipts.find(c, 1))
        assert found is not None
        return found.originals, found.copies, found.wanted, found.outcome

    async with opened(tmp_path / "s.db") as db:
        assert await db.write(make) == 1
        first = await db.write(lambda tx: receipts.begin_print(tx, 1))
        assert first is not None
        assert (first.originals, first.content) == (0, {"川": 1})
        assert await state() == (1, 0, 0, "printing")
        await db.write(lambda tx: receipts.give_back(tx, first))
        assert await state() == (0, 0, 1, "waiting")
        await db.write(lambda tx: receipts.begin_print(tx, 1))
        await db.write(lambda tx: receipts.end_print(tx, 1, "printed"))
        assert await db.write(lambda tx: receipts.begin_print(tx, 1)) is None
        assert await db.read(receipts.oldest_wanted) is None
        assert await db.write(lambda tx: receipts.ask_for_print(tx, 1))
        # However often it is wished for while it waits.
        assert not await db.write(lambda tx: receipts.ask_for_print(tx, 1))
        waiting = await db.read(receipts.oldest_wanted)
        assert waiting is not None
        copy = await db.write(lambda tx: receipts.begin_print(tx, 1))
        assert copy is not None
        assert copy.originals == 1
        assert await state() == (1, 1, 0, "printing")
        await db.write(receipts.doubt_printing)
        assert await state() == (1, 1, 0, "unknown")
        assert await db.read(lambda c: receipts.of_entry(c, "a")) is not None
        assert await db.read(lambda c: receipts.find(c, 2)) is None
        assert await db.write(lambda tx: receipts.begin_print(tx, 2)) is None


async def test_receipt_numbers_have_no_gap_after_a_failed_unit(tmp_path: Path) -> None:
    """The number of a unit that failed goes to the next receipt."""

    def make(tx: Transaction, entry_id: str) -> int:
        book(tx, entry_id)
        return receipts.make(tx, entry_id, "top_up", {}, wanted=0)

    def failing(tx: Transaction) -> None:
        make(tx, "b")
        raise ValueError("no")

    async with opened(tmp_path / "s.db") as db:
        assert await db.write(lambda tx: make(tx, "a")) == 1
        with pytest.raises(ValueError, match="no"):
            await db.write(failing)
        assert await db.write(lambda tx: make(tx, "c")) == 2
        tip = await db.read(chain.read_tip)
    assert tip.receipt_no == 2


async def test_one_act_of_a_card_is_open_at_a_time(tmp_path: Path) -> None:
    """Also the first fact of a file can be an act; a second one waits for its end."""
    async with opened(tmp_path / "s.db") as db:
        await db.write(lambda tx: journal.hold(tx, top_up("A")))
        with pytest.raises(StorageError, match="UNIQUE"):
            await db.write(lambda tx: journal.hold(tx, top_up("B")))
        held = await db.read(lambda c: journal.open_for_card(c, CARD))
        assert held == top_up("A")
        assert await db.read(lambda c: journal.open_for_uid(c, "DEADBEEF")) == held
        doubt = await db.write(
            lambda tx: journal.change(tx, held, "left", state=IntentState.INDOUBT)
        )
        assert doubt.state is IntentState.INDOUBT
        assert await db.read(journal.open_intents) == [doubt]
        await db.write(
            lambda tx: journal.change(tx, doubt, "done", state=IntentState.DONE)
        )
        await db.write(lambda tx: journal.hold(tx, top_up("B")))
        assert [i.intent_id for i in await db.read(journal.open_intents)] == ["B"]
        history = await db.read(
            lambda c: c.execute(
                "SELECT intent_id, state, reason FROM intent_change ORDER BY seq"
            ).fetchall()
        )
    assert history == [
        ("A", "PREPARED", ""),
        ("A", "INDOUBT", "left"),
        ("A", "DONE", "done"),
        ("B", "PREPARED", ""),
    ]


async def test_lots_left_are_what_was_bought_less_what_was_used(tmp_path: Path) -> None:
    """Used-up lots disappear; the others are in the order they were bought."""

    def buy(tx: Transaction, entry_id: str, milli: int) -> None:
        lot = {"card_key": CARD, "unit": "m3", "quantity_milli": milli,
               "money_e4": milli * 3, "price_e4": 1}  # fmt: skip
        facts.post(tx, posted(entry_id), lots=[lot])

    def use(tx: Transaction, entry_id: str, lot_seq: int, milli: int) -> None:
        used = {"lot_seq": lot_seq, "quantity_milli": milli, "money_e4": milli * 3}
        facts.post(tx, posted(entry_id), lot_uses=[used])

    async def left() -> list[tuple[int, int, int]]:
        found = await db.read(lambda c: sales.lots_left(c, CARD))
        return [(lot.seq, lot.quantity_milli, lot.money_e4) for lot in found]

    async with opened(tmp_path / "s.db") as db:
        await db.write(lambda tx: buy(tx, "a", 10))
        await db.write(lambda tx: buy(tx, "b", 20))
        await db.write(lambda tx: use(tx, "c", 1, 4))
        assert await left() == [(1, 6, 18), (2, 20, 60)]
        await db.write(lambda tx: use(tx, "d", 1, 6))
        assert await left() == [(2, 20, 60)]
        assert await db.read(lambda c: sales.lots_left(c, "other")) == []


async def test_a_counter_that_begins_anew_has_a_new_epoch(tmp_path: Path) -> None:
    """Until a row says otherwise the first epoch is in force, per nozzle."""
    one, two = NozzleKey("51010001", 1, 1), NozzleKey("51010001", 1, 2)
    async with opened(tmp_path / "s.db") as db:
        await db.write(lambda tx: book(tx, "a"))
        assert await db.read(lambda c: sales.current_epoch(c, one)) == 1
        await db.write(lambda tx: sales.begin_epoch(tx, one, 2, 1))
        assert await db.read(lambda c: sales.current_epoch(c, one)) == 2
        assert await db.read(lambda c: sales.current_epoch(c, two)) == 1
        assert await db.read(lambda c: sales.last_device_seq(c, one, 1)) is None
        assert await db.read(lambda c: sales.find(c, one, 1, 1)) is None
        assert await db.read(lambda c: sales.newest(c, 5)) == []
        assert await db.read(lambda c: sales.newest_of_card(c, CARD, 5)) == []


async def test_operators_are_found_by_name_and_number(tmp_path: Path) -> None:
    """Login names are unique and their letter case counts."""
    async with opened(tmp_path / "s.db") as db:
        await db.write(hire)
        found = await db.read(lambda c: operators.with_login_name(c, "op01"))
        assert found == await db.read(lambda c: operators.find(c, "01"))
        assert await db.read(lambda c: operators.with_login_name(c, "OP01")) is None
        await db.write(lambda tx: operators.set_password(tx, "01", "hash"))
        changed = await db.read(lambda c: operators.find(c, "01"))
        assert changed is not None
        assert (changed.password_hash, changed.must_change) == ("hash", 0)
        with pytest.raises(StorageError, match="UNIQUE"):
            await db.write(lambda tx: hire(tx, operator_no="02", login_name="op01"))

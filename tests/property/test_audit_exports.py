"""An auditor's file: the checker and the station agree on it, whole or damaged.

Histories of a till and of a forecourt are exported again and again while they go on,
whole and by days. The campaign takes 200 files; a sample runs every day.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cngstation import audit_checker
from cngstation.domain.payment import PaymentMode
from cngstation.moments import MS_PER_HOUR, business_day
from cngstation.services.export_audit import Wanted, record
from cngstation.services.recognise_export import first_difference
from cngstation.services.verify_books import verify_file
from tests import audit_files
from tests.audit_files import DAMAGES, KEY, Fact, anew, damaged, found_wrong
from tests.property.test_money_machine import MoneyMachine
from tests.property.test_shifts_add_up import Model, step
from tests.shift_world import shift_world
from tests.simulation.money_cards import Fault
from tests.small_station import CASHIER, MORNING

COMPARED = ("cards", "fills", "shifts", "readings", "receipts", "papers")
STEPS = ("sell", "sell", "by_card", "skip", "late", "test", "wechat", "on", "hand_over")
MODES = (PaymentMode.PREPAID_MONEY, PaymentMode.PREPAID_QUANTITY)


@dataclass
class Made:
    """A file that was made, and what the station said of its books then."""

    text: bytes
    path: Path
    database: Path
    anchor: tuple[int, str]
    whole: bool


async def forecourt(seed: int, folder: Path, files: int) -> AsyncIterator[Made]:
    """Two nozzles, two crews and a few days; half of the files are of some days."""
    chance = random.Random(seed)
    path = folder / f"forecourt{seed}.db"
    async with shift_world(path) as world:
        model = Model()
        for number in range(files):
            for _ in range(8):
                what = chance.choice(STEPS)
                which = {"on": chance.choice([1, 2]), "hand_over": 0}.get(what)
                pick = chance.randrange(2) if which is None else which
                await step(world, model, what, pick)
                world.clock.forward(chance.randrange(5 * MS_PER_HOUR))
            days = {}
            if number % 2:
                span = world.clock.wall_ms - MORNING
                ends = sorted(MORNING + chance.randrange(span) for _ in range(2))
                days = {
                    "from_day": business_day(ends[0]),
                    "to_day": business_day(ends[1]),
                }
            target = folder / f"forecourt{seed}-{number}.jsonl"
            target = target.with_suffix(".jsonl.gz") if number % 3 == 0 else target
            key = KEY if number % 4 else None
            made = await audit_files.export(world.db, path, target, key=key, **days)
            yield _made(target, path, made)


def till(seed: int, folder: Path, files: int) -> Iterator[Made]:
    """Cards, faults and power cuts of the state machine, by chance."""
    chance = random.Random(seed)
    machine: Any = MoneyMachine()
    world = machine.world
    try:
        machine.first_card(chance.choice(MODES), 5_000)
        for number in range(files):
            for _ in range(5):
                _one_act(machine, chance)
            target = folder / f"till{seed}-{number}.jsonl"
            key = KEY if number % 2 else None
            wanted = Wanted("00000001", "till", MORNING)
            made = audit_files.written(world.path, target, wanted, key)
            world.must(
                world.database.write(lambda tx, made=made: record(tx, CASHIER, made))
            )
            yield _made(target, world.path, made)
    finally:
        world.close()


def _one_act(machine: Any, chance: random.Random) -> None:
    fault = None
    if chance.random() < 0.3:
        fault = ("write", chance.choice(list(Fault)), chance.randrange(4))
    which = chance.randrange(2)
    act = chance.choice(
        ["issue", "top_up", "top_up", "fill", "fill", "upload", "present", "settle"]
    )
    if act == "issue" and len(machine.proof.holders) < 3:
        machine.issue(chance.choice(MODES), 5_000, fault)
    elif act == "top_up":
        machine.top_up(which, chance.choice([5_000, 333]), fault)
    elif act == "fill":
        machine.fill(which, chance.choice([1_000, 333]), 0, chance.random() < 0.2)
    elif act == "upload" and machine.waiting:
        machine.upload(chance.randrange(len(machine.waiting)), None, False)
    elif act in {"present", "settle"}:
        getattr(machine, act)(which, None)


def _made(target: Path, database: Path, made: Any) -> Made:
    with audit_checker.opened(str(target)) as file:
        text = file.read()
    anchor = (made.last, made.head[:16])
    return Made(text, target, database, anchor, b'"whole":true' in text[:1_000])


def agree(made: Made, seen: Counter[str]) -> None:
    """A clean file is clean for all three: verify, the checker and the station."""
    assert verify_file(made.database).first_bad is None
    key = KEY.public_key if KEY.public_key.hex().encode() in made.text[:1_000] else b""
    assert found_wrong(made.text, anchors=[made.anchor], key=key) is None
    assert first_difference(made.database, made.path) is None
    seen["clean"] += 1
    seen["signed"] += bool(key)
    seen["part"] += not made.whole
    checker = audit_files.checked(made.text)
    for name in COMPARED:
        seen[name] += checker.counts[name]


def damage_all(made: Made, chance: random.Random, seen: Counter[str]) -> None:
    """Each class of damage is seen by the checker and by the station."""
    for name in DAMAGES:
        text = damaged(made.text, name, chance)
        spoiled = made.path.with_name("spoiled.jsonl")
        spoiled.write_bytes(text)
        wrong = found_wrong(text)
        assert wrong is not None, (name, made.path.name)
        differs = first_difference(made.database, spoiled)
        assert differs is not None, (name, made.path.name)
        seen[name] += 1


async def _forecourts(
    seeds: range, folder: Path, files: int, seen: Counter[str]
) -> None:
    for seed in seeds:
        chance = random.Random(seed)
        async for made in forecourt(seed, folder, files):
            agree(made, seen)
            damage_all(made, chance, seen)


def _tills(seeds: range, folder: Path, files: int, seen: Counter[str]) -> None:
    for seed in seeds:
        chance = random.Random(seed)
        for made in till(seed, folder, files):
            agree(made, seen)
            damage_all(made, chance, seen)


def test_a_sample_of_files(tmp_path: Path) -> None:
    """No false alarm, no damage overlooked; everything that is compared came up."""
    seen: Counter[str] = Counter()
    asyncio.run(_forecourts(range(2), tmp_path, 4, seen))
    _tills(range(2), tmp_path, 3, seen)
    assert seen["clean"] == 14
    for name in (
        "signed",
        "part",
        "cards",
        "fills",
        "shifts",
        "readings",
        "receipts",
        "papers",
    ):
        assert seen[name], name


@pytest.mark.campaign
@pytest.mark.timeout(1_200)
def test_two_hundred_files(tmp_path: Path) -> None:
    """The same over longer and more histories: 200 clean, 2 200 damaged."""
    seen: Counter[str] = Counter()
    asyncio.run(_forecourts(range(10, 20), tmp_path, 12, seen))
    _tills(range(10, 18), tmp_path, 10, seen)
    assert seen["clean"] == 200
    print(dict(seen))


# Somebody who has program and database, and hashes everything anew.
def _posting(facts: list[Fact]) -> list[Fact]:
    """One line of an entry."""
    entry = next(fact for fact in facts if "postings" in fact)
    entry["postings"][0][2] += 100
    return facts


def _both_lines(facts: list[Fact]) -> list[Fact]:
    """Both lines of the newest entry that debits a card."""
    for fact in reversed(facts):
        lines = fact.get("postings", [])
        if any(account.startswith("card:") for account, _, _ in lines):
            lines[0][2] += 100
            lines[1][2] -= 100
            return facts
    raise AssertionError("no such entry")


def _card_line(facts: list[Fact]) -> list[Fact]:
    """A line of each card, balanced by a loss."""
    changed = set()
    for fact in facts:
        lines = fact.get("postings", [])
        for line in [one for one in lines if one[0].startswith("card:")]:
            if line[0] not in changed:
                changed.add(line[0])
                line[2] += 100
                lines.append(["expense:loss", line[1], -100])
    return facts


def _quantity(facts: list[Fact]) -> list[Fact]:
    """What a fill moved, and its totaliser not."""
    sales = [fact["sale"] for fact in facts if "sale" in fact]
    assert sales[0]["nozzle_no"] == sales[1]["nozzle_no"]
    sales[1]["quantity_milli"] -= 500
    return facts


def _fill_gone(facts: list[Fact]) -> list[Fact]:
    """A fill, with all that it posted."""
    entries = [n for n, fact in enumerate(facts) if "sale" in fact]
    return facts[: entries[3]] + facts[entries[3] + 1 :]


def _receipt_gone(facts: list[Fact]) -> list[Fact]:
    """A receipt in the middle."""
    made = [n for n, fact in enumerate(facts) if fact["fact"] == "receipt"]
    return facts[: made[0]] + facts[made[0] + 1 :]


def _audit_row(facts: list[Fact]) -> list[Fact]:
    """Who did it."""
    rows = [fact for fact in facts if fact["fact"] == "audit"]
    rows[-1]["operator_no"] = "99"
    return facts


def _tail(facts: list[Fact]) -> list[Fact]:
    """The newest facts, all of them audit rows."""
    return facts[:-1]


# What the sums of the file betray, and what an anchor or the signature alone does.
BY_SUMS = {
    "sum": (_posting, False),
    "balance": (_both_lines, False),
    "totaliser": (_quantity, True),
    "sheet": (_fill_gone, True),
    "receipt": (_receipt_gone, True),
}
BY_ANCHOR_ALONE = {"audit": _audit_row, "tail": _tail}


@pytest.fixture(scope="module")
def insider(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A signed file of a station with fills by card, a handover and an audit row."""
    folder = tmp_path_factory.mktemp("insider")

    async def make() -> Made:
        async with shift_world(folder / "s.db") as world:
            model = Model()
            for what, which in (
                ("sell", 1), ("sell", 1), ("on", 1), ("by_card", 0), ("sell", 0),
                ("sell", 0), ("sell", 1), ("hand_over", 0), ("on", 2),
                ("sell", 0), ("hand_over", 0),
            ):  # fmt: skip
                await step(world, model, what, which)
            target = folder / "f.jsonl"
            made = await audit_files.export(world.db, folder / "s.db", target)
            made = await audit_files.export(world.db, folder / "s.db", target, key=KEY)
            return _made(target, folder / "s.db", made)

    return asyncio.run(make())


@pytest.mark.parametrize("codes", BY_SUMS)
def test_what_sums_betray_of_books_that_were_hashed_anew(
    insider: Made, codes: str
) -> None:
    """No anchor, no key: what is left of the truth contradicts the change."""
    change, balances = BY_SUMS[codes]
    wrong = found_wrong(_unsigned(anew(insider.text, change, balances=balances)))
    assert wrong is not None
    assert wrong.code in codes.split()


def test_slips_betray_who_forgot_them(insider: Made) -> None:
    """A handover slip carries a head; whoever hashes anew has to print it anew."""
    forgotten = anew(insider.text, _both_lines, balances=True, papers=False)
    assert found_wrong(_unsigned(forgotten)).code == "paper"
    assert found_wrong(_unsigned(anew(insider.text, list))) is None


def test_a_card_betrays_its_account(tmp_path: Path) -> None:
    """What was last seen on the card contradicts an account that was made to fit."""
    files = list(till(0, tmp_path, 2))
    texts = [one.text for one in files]
    text = next(one for one in texts if audit_files.checked(one).counts["cards"])
    changed = _unsigned(anew(text, _card_line, balances=True))
    assert found_wrong(changed).code == "card"


@pytest.mark.parametrize("name", BY_ANCHOR_ALONE)
def test_what_only_an_anchor_or_the_signature_tells(insider: Made, name: str) -> None:
    """A whole history that never happened adds up; paper and key say otherwise."""
    text = anew(insider.text, BY_ANCHOR_ALONE[name])
    assert found_wrong(_unsigned(text)) is None
    on_paper = found_wrong(_unsigned(text), anchors=[insider.anchor])
    assert on_paper is not None
    assert on_paper.code in {"anchor", "anchor_gone"}
    assert found_wrong(text).code == "signature"
    assert found_wrong(_unsigned(text), key=KEY.public_key).code == "unsigned"


def _unsigned(text: bytes) -> bytes:
    """Return a file without its signature, as somebody without the key makes it."""
    end = text.rindex(b'{"end"')
    bare = text[:end].replace(KEY.public_key.hex().encode(), b"", 1)
    return anew(bare + b'{"end":{"facts":0,"sha256":"","signature":""}}\n', list)

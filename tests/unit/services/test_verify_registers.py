"""The proof of the registers: each row is what the chain says of it."""

import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest

from cngstation.domain.card_life import CardState
from cngstation.errors import StorageError
from cngstation.services.act_on_card import CardActs
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.card_keys import MASTER, KeySet, note_keys
from cngstation.services.verify_books import verify_file
from cngstation.services.verify_registers import first_difference
from cngstation.storage import (
    cards,
    crews,
    customers,
    downloads,
    migrations,
    operators,
    parameters,
    registers,
    roles,
    second_cards,
    staff_cards,
    vendor_tickets,
)
from cngstation.storage.crews import Crew, Staff
from cngstation.storage.database import Transaction
from cngstation.storage.migrations import known_migrations, migrate
from cngstation.storage.register_rows import REGISTERS
from cngstation.storage.roles import Role
from cngstation.storage.second_cards import ASKED, AskedCard
from cngstation.storage.sqlite import connect
from cngstation.storage.staff_cards import ACTIVE, StaffCardRow
from cngstation.storage.vendor_tickets import VendorTicket
from tests.furnished_station import GAS_CARD, furnish, top_up
from tests.small_station import (
    CARD,
    CASHIER,
    MORNING,
    a_session,
    a_vehicle,
    opened,
    register_card,
)
from tests.unit.services.whole_books import columns_of, furnished, named, tamper

STAFF_CARD = StaffCardRow(
    card_no="900001", operator_no="01", holder="张三", uid="04A1B2C3",
    kind="token", state=ACTIVE, token_hash="00" * 32, pending_hash="", issued_at_ms=1,
)  # fmt: skip
ASKED_CARD = AskedCard(
    0, "card.refund", "row 7", first_no="01", second_no="02", terminal="T1",
    state=ASKED, staff_card_no="", boot_id="boot", until_mono_ms=1,
)  # fmt: skip
TABLES = [register.table for register in REGISTERS]


async def _furnish_whole(path: Path) -> None:
    await furnish(path)
    async with opened(path) as db:
        await db.write(
            lambda tx: registers.add(
                tx,
                "card_replacement",
                {
                    "intent_id": "R1", "old_card_key": CARD, "new_card_key": GAS_CARD,
                    "state": "undone", "proof": "proved", "missing": "[]",
                },
            )
        )  # fmt: skip
        role = Role("R1", "夜班", "card.read")
        await db.write(lambda tx: roles.put_role(tx, role, reason="", actor=CASHIER))
        await db.write(lambda tx: staff_cards.add(tx, STAFF_CARD, actor=CASHIER))
        await db.write(lambda tx: second_cards.ask(tx, ASKED_CARD, actor=CASHIER))
        await db.write(lambda tx: parameters.put(tx, "station.name", "某站"))
        ticket = VendorTicket("aa", "V1", "Zhao", "card.read", 1, 2, "why", "")
        await db.write(lambda tx: vendor_tickets.add(tx, ticket, actor=CASHIER))
        await note_keys(db, [KeySet(MASTER, (bytes(16),))])
        await db.write(lambda tx: crews.add_crew(tx, Crew("1", "甲班")))
        await db.write(lambda tx: crews.put_staff(tx, Staff("12", "1", "Zhao Yi")))
        await db.write(
            lambda tx: downloads.list_number(
                tx, "0" * 16, "black", source="hand", reason="a test"
            )
        )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a row in every register; tests change copies of it."""
    path = tmp_path_factory.mktemp("registers") / "s.db"
    return furnished(path, _furnish_whole(path))


@pytest.mark.parametrize("table", TABLES)
def test_a_deleted_row_of_a_register_is_named(books: Path, table: str) -> None:
    """A row that the chain knows has to be there."""
    tamper(books, f"DELETE FROM {table}")
    assert "missing" in (said := named(books)) or f"{table} " in said


@pytest.mark.parametrize(
    ("table", "key", "other"),
    [
        ("company", "company_no", "'0009'"),
        ("vehicle_type", "code", "'09'"),
        ("vehicle", "vehicle_id", "9"),
        ("card", "card_key", "'510100000009'"),
        ("operator", "operator_no", "'09'"),
        ("session", "token_hash", "x'0909'"),
        ("device_epoch", "epoch", "9"),
    ],
)
def test_an_inserted_row_of_a_register_is_named(
    books: Path, table: str, key: str, other: str
) -> None:
    """A row that no fact made is a way in: a session most of all."""
    unique = {"plate", "login_name"}
    shown = ", ".join(
        other if name == key else f"{name} || '9'" if name in unique else name
        for name, _, _ in columns_of(books, table)
    )
    tamper(books, f"INSERT INTO {table} SELECT {shown} FROM {table} LIMIT 1")
    said = named(books)
    assert said.startswith(f"{table} ")
    assert said.endswith("was added outside the chain")


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("UPDATE card SET wseq = 1, seen_wseq = 1", f"card {CARD} has wseq 1"),
        ("UPDATE card SET wseq = wseq + 1", f"card {CARD} has wseq 3"),
        ("UPDATE card SET pseq = 0", f"card {CARD} has pseq 0, the books say 2"),
        ("UPDATE card SET pseq = 7", f"card {CARD} has pseq 7, the books say 2"),
    ],
)
def test_counters_of_a_card_are_what_acts_and_fills_made_them(
    books: Path, sql: str, text: str
) -> None:
    """An older image of a card would be taken for the newest."""
    tamper(books, sql)
    assert text in named(books)


async def test_changes_through_the_program_stay_proved(tmp_path: Path) -> None:
    """Every way in which the program changes a register tells the chain."""
    path = tmp_path / "s.db"
    await furnish(path)
    token = a_session().token_hash

    async with opened(path) as db:
        acts = CardActs(db, every_kind(), cut_off_minute=0, prints_wanted=1)
        await db.write(
            lambda tx: cards.change(
                tx, CARD, reason="lost", state=CardState.LOST, price_e4=1, wseq=9
            )
        )
        await db.write(
            lambda tx: customers.change_vehicle(
                tx, 1, reason="sold", driver="韩梅梅", phone_sealed=b"other"
            )
        )
        await db.write(
            lambda tx: customers.change_company(tx, "0001", reason="", name="x")
        )
        await db.write(lambda tx: operators.set_password(tx, "01", "hash"))
        await db.write(lambda tx: operators.set_tries(tx, "01", 3, 5))
        await db.write(lambda tx: operators.change(tx, "01", reason="", role="manager"))
        await db.write(lambda tx: operators.set_session_state(tx, token, "ended"))
        intent = top_up("T8", before_wseq=9, before_pseq=2)

        def whole_act(tx) -> None:  # type: ignore[no-untyped-def]
            acts.hold(tx, intent)
            acts.finish(tx, intent, "written")

        await db.write(whole_act)
        card = await db.read(lambda c: cards.find(c, CARD))
    assert card is not None
    assert (card.state, card.price_e4, card.wseq) == (CardState.LOST, 1, 10)
    assert verify_file(path).first_bad is None
    tamper(path, "UPDATE session SET state = 'active'")
    assert named(path).startswith("session ")


def test_a_fact_of_no_register_is_a_row_that_is_gone(books: Path) -> None:
    """Whatever table it names."""
    tamper(
        books,
        "INSERT INTO register_change SELECT 99999, 'nothing', 'x', '{}', '', '', '', 0,"
        " 0, '' FROM register_change LIMIT 1",
    )
    with closing(connect(books, read_only=True)) as connection:
        newest = connection.execute("SELECT max(version) FROM schema_migration")
        (version,) = newest.fetchone()
        found = first_difference(connection, version)
        assert str(found) == "nothing x was deleted"


async def test_a_large_station_is_not_held_in_memory(tmp_path: Path) -> None:
    """What the facts say of two thousand vehicles takes more than their proof."""
    path = tmp_path / "s.db"
    async with opened(path) as db:

        def unit(tx: Transaction) -> None:
            register_card(tx)
            for number in range(2_000):
                customers.add_vehicle(tx, a_vehicle(plate=f"川B{number:05}"))

        await db.write(unit)
    with closing(connect(path, read_only=True)) as connection:
        told = "SELECT sum(length(content)) FROM register_change"
        size = connection.execute(told).fetchone()[0]
        newest = connection.execute("SELECT max(version) FROM schema_migration")
        (version,) = newest.fetchone()
        tracemalloc.start()
        try:
            assert first_difference(connection, version) is None
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < size


async def test_a_row_that_is_not_there_is_not_changed(tmp_path: Path) -> None:
    """A change of nothing is a mistake of the program, not a fact."""
    async with opened(tmp_path / "s.db") as db:
        with pytest.raises(StorageError, match="card has no row 5101"):
            await db.write(lambda tx: cards.change(tx, "5101", reason="", wseq=1))


def at_version(path: Path, version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make an empty file as a program of a version made it."""
    known = [entry for entry in known_migrations() if entry[0] <= version]
    with monkeypatch.context() as then:
        then.setattr(migrations, "known_migrations", lambda: known)
        connection = connect(path)
        migrate(connection, path, MORNING)
        connection.close()


FIRST_DAY_ROWS = (
    "INSERT INTO company VALUES ('0001', '蜀都出租', '', '', 'sdcz')",
    "INSERT INTO operator VALUES ('01', 'op01', 'Wang', 'junior', 'h', 0, 'active',"
    " 0, 0, '')",
    "UPDATE vehicle_type SET name = 'taxi' WHERE code = '01'",
)


def test_a_file_of_the_first_version_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows become facts once, marked; before that there is nothing to compare."""
    path = tmp_path / "s.db"
    at_version(path, 1, monkeypatch)
    connection = connect(path)
    for statement in FIRST_DAY_ROWS:
        connection.execute(statement)
    assert verify_file(path).proved
    migrate(connection, path, MORNING)
    facts = connection.execute(
        "SELECT register, row_key, reason FROM register_change ORDER BY seq"
    ).fetchall()
    assert facts == [
        ("company", "0001", "schema 2"),
        ("vehicle_type", "01", "schema 2"),
        ("operator", "01", "schema 2"),
    ]
    assert verify_file(path).first_bad is None
    connection.execute("UPDATE operator SET role = 'manager'")
    migrate(connection, path, MORNING)
    connection.close()
    assert named(path) == "operator 01 was changed"


async def test_a_column_that_came_later_holds_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Facts from before a column know nothing of it; a changed seed is a fact."""
    path = tmp_path / "s.db"
    async with opened(path) as db:
        await db.write(register_card)
    number = known_migrations()[-1][0] + 1
    sql = (
        "ALTER TABLE company ADD COLUMN grade TEXT NOT NULL DEFAULT 'A';\n"
        "INSERT INTO vehicle_type VALUES ('77', 'boat', 0);\n"
        "UPDATE vehicle SET plate = '川A00000';\n"
    )
    known = [*known_migrations(), (number, "later", sql)]
    monkeypatch.setattr(migrations, "known_migrations", lambda: known)
    monkeypatch.setattr(
        "cngstation.services.verify_books.known_migrations", lambda: known
    )
    connection = connect(path)
    migrate(connection, path, MORNING)
    told = connection.execute(
        "SELECT register, row_key FROM register_change WHERE reason=?",
        (f"schema {number}",),
    )
    assert told.fetchall() == [("vehicle", "1")]
    assert verify_file(path).first_bad is None
    connection.execute("UPDATE company SET grade = 'B'")
    connection.close()
    assert named(path) == "company 0001 was changed"


async def test_no_personal_data_is_in_a_fact(tmp_path: Path) -> None:
    """A fact stays for ever and goes to head office: it has digests in their place."""
    path = tmp_path / "s.db"
    await furnish(path)
    connection = connect(path)
    async with opened(path) as db:
        await db.write(lambda tx: operators.set_password(tx, "01", "argon-hash"))
    bodies = [row[0] for row in connection.execute("SELECT body FROM chain")]
    connection.close()
    said = "\n".join(bodies)
    for personal in ("李雷", "argon-hash", b"sealed".hex(), b"tail".hex()):
        assert personal not in said

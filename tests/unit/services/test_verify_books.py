"""The proof of the books: whatever is changed, deleted, added or swapped is named."""

import random
import shutil
from pathlib import Path

import pytest

from cngstation.errors import StorageError
from cngstation.services.verify_books import verify_file
from cngstation.storage import chain, facts
from cngstation.storage.sqlite import connect
from tests.unit.services.whole_books import columns_of, content, named, tamper

PROVED = (
    "chain",
    "entry",
    "posting",
    "sale",
    "gas_lot",
    "gas_lot_use",
    "intent_change",
    "audit",
    "finding",
    "finding_closed",
    "price",
    "receipt",
    "register_change",
)


def test_clean_books_are_proved(books: Path) -> None:
    """Nothing is wrong, the rows are counted, and what is open is no failure."""
    proof = verify_file(books)
    assert proof.first_bad is None
    assert proof.proved
    assert proof.rows == 30
    assert proof.open_rows == 2
    assert len(proof.head) == 64


SWAPPED = {
    "chain": (10, 12),
    "entry": (10, 12),
    "sale": (19, 20),
    "intent_change": (9, 11),
    "audit": (2, 8),
    "receipt": (13, 18),
    "finding": (21, 25),
}


def swap(table: str, column: str, first: int, second: int) -> list[str]:
    """Return the statements that let two rows change places."""
    steps = ((first, -1), (second, first), (-1, second))
    return [
        f"UPDATE {table} SET {column} = {new} WHERE {column} = {old}"
        for old, new in steps
    ]


@pytest.mark.parametrize("table", SWAPPED)
def test_swapped_rows_are_named(books: Path, table: str) -> None:
    """Two rows of a table that change places are found, the first of them named."""
    first, second = SWAPPED[table]
    tamper(books, *swap(table, "seq", first, second))
    owner = "entry" if table in {"sale", "chain"} else table
    assert f"{owner} row {first} " in named(books)


def test_swapped_rows_of_the_outbox_are_named(books: Path) -> None:
    """Facts are sent in the order in which they happened."""
    tamper(books, *swap("outbox", "chain_seq", 10, 12))
    assert "outbox row 11" in named(books)


def test_swapped_postings_are_named(books: Path) -> None:
    """Two lines of an entry that change places are found."""
    tamper(
        books,
        "UPDATE posting SET line = 99 WHERE seq = 12 AND line = 0",
        "UPDATE posting SET line = 0 WHERE seq = 12 AND line = 1",
        "UPDATE posting SET line = 1 WHERE seq = 12 AND line = 99",
    )
    assert named(books) == "entry row 12 (T1.finish) was changed"


TAMPERINGS = {
    "UPDATE tip SET seq = seq + 1": "the chain ends at",
    "UPDATE tip SET head = zeroblob(32)": "the chain ends at",
    "UPDATE tip SET epoch = epoch + 1": "the tip says epoch 2",
    "UPDATE tip SET outbox_seq = outbox_seq + 1": "the outbox has",
    "UPDATE tip SET receipt_no = receipt_no + 1": "receipt numbers are not gapless",
    "DELETE FROM tip": "the tip is missing",
    "DELETE FROM outbox WHERE seq = 8": "the outbox has 29 rows",
    "DELETE FROM outbox WHERE seq = (SELECT max(seq) FROM outbox)": "the outbox has",
    "UPDATE outbox SET kind = 'price' WHERE seq = 8": "outbox row 8",
    "UPDATE outbox SET chain_seq = 500 WHERE seq = 27": "table outbox names a row",
    "DELETE FROM receipt WHERE receipt_no = 1": "receipt row 18 (1) is missing",
    "UPDATE receipt SET content = '{}' WHERE receipt_no = 2": "receipt row 18 (2)",
    "UPDATE receipt SET receipt_no = 9 WHERE receipt_no = 2": "receipt row 18 (2)",
    "UPDATE posting SET amount = 1 WHERE seq = 12 AND line = 0": "entry row 12",
    "UPDATE card SET seen_balance = 1 WHERE pseq = 2": "card 510100000001",
    "UPDATE card SET seen_wseq = 9 WHERE pseq = 2": "card 510100000001",
    "UPDATE card SET payment_mode = 'free'": "card 510100000001",
    "DROP INDEX sale_card": "index sale_card is missing",
    "CREATE TRIGGER extra AFTER INSERT ON sale BEGIN SELECT 1; END": "trigger extra is",
    "UPDATE schema_migration SET name = 'x'": "the record of schema versions",
    "INSERT INTO intent SELECT 'T9', kind, 'x', uid, 'DONE', amount, unit, cash_e4,"
    " fee_e4, bonus, price_e4, before_balance, before_wseq, before_pseq, before_grey,"
    " after_balance, operator_no, terminal, till, plan, attempts, changed_seq FROM"
    " intent LIMIT 1": "intent T9 differs",
}  # fmt: skip


@pytest.mark.parametrize("sql", TAMPERINGS)
def test_what_an_insider_would_try_is_named(books: Path, sql: str) -> None:
    """Tip, outbox, receipts, cards, schema: each change is named for what it is."""
    tamper(books, sql)
    assert TAMPERINGS[sql] in named(books)


LATE_AUDIT = (
    "INSERT INTO audit SELECT 29, act, subject, outcome, operator_no, terminal, reason,"
    " before, after, at_ms, mono_ms, boot_id FROM audit LIMIT 1"
)


def test_a_row_on_another_facts_place_is_named(books: Path) -> None:
    """A row added behind the last of its kind, under a number that exists."""
    tamper(books, LATE_AUDIT)
    assert named(books) == "audit row 29 was added outside the chain"


def test_a_fact_removed_with_all_its_traces_is_named(books: Path) -> None:
    """A row, its link and its place in the outbox gone: the number is missing."""
    tables = {"audit": "seq", "chain": "seq", "outbox": "chain_seq"}
    tamper(books, *(f"DELETE FROM {t} WHERE {key} = 8" for t, key in tables.items()))
    assert named(books) == "chain row 8 is missing"


def test_a_card_number_above_the_tip_is_named(books: Path) -> None:
    """The next card would get a number that is in use."""
    tamper(books, "UPDATE intent SET kind = 'issue' WHERE intent_id = 'T2'")
    assert named(books) == "card serial 2 is in use, the tip says 0"


def test_renumbered_lines_are_named(books: Path) -> None:
    """The order alone is not all: lines are 0, 1, 2 ..."""
    tamper(books, "UPDATE posting SET line = 5 WHERE seq = 12 AND line = 1")
    assert named(books) == "the posting lines of entry row 12 were renumbered"


def test_text_that_is_none_is_named_in_the_registers_too(books: Path) -> None:
    """What is not proved can at least be read."""
    tamper(books, "UPDATE company SET name = CAST(x'ff' AS TEXT)")
    assert "damaged" in named(books)


def test_what_is_named_steers_no_terminal(books: Path) -> None:
    """Whoever changed the file chose the names in it."""
    tamper(books, "UPDATE chain SET ref = char(27) || '[2J' WHERE seq = 8")
    assert named(books) == "audit row 8 (�[2J) was changed"


def test_every_column_of_an_act_is_held_by_its_history(
    whole: Path, tmp_path: Path
) -> None:
    """What an open act will book when it is finished cannot be changed unnoticed."""
    unseen = []
    for column, kind, _ in columns_of(whole, "intent"):
        path = Path(shutil.copy(whole, tmp_path / f"{column}.db"))
        changed = f"{column} + 1" if kind == "INTEGER" else f"{column} || 'x'"
        changed = "'DONE'" if column == "state" else changed
        tamper(path, f"UPDATE intent SET {column} = {changed} WHERE intent_id = 'T3'")
        if verify_file(path).proved:
            unseen.append(column)
    assert unseen == []


@pytest.mark.parametrize(
    ("unit", "said"), [("CNY", "T1.hold does not sum"), ("m3", "in m3: 1")]
)
def test_an_entry_that_does_not_balance_is_named(
    books: Path, unit: str, said: str
) -> None:
    """Even with a chain made anew over it, money or gas from nothing is found."""
    first = f"SELECT seq, line FROM posting WHERE unit = '{unit}' LIMIT 1"
    relink(
        books,
        f"UPDATE posting SET amount = amount + 1 WHERE (seq, line) = ({first})",
    )
    assert said in named(books)


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        (
            "UPDATE posting SET account = 'till:x' WHERE seq = 12"
            " AND account = 'suspense:T1'",
            "suspense:T1 still holds",
        ),
        (
            "UPDATE posting SET amount = amount * 2 WHERE seq ="
            " (SELECT max(seq) FROM posting)",
            "suspense:T3 holds",
        ),
        (
            "UPDATE sale SET total_quantity_milli = 5000 WHERE device_seq = 2",
            "nozzle 1: fill 2 does not continue the totaliser",
        ),
    ],
)
def test_a_chain_made_anew_does_not_hide_what_disagrees(
    books: Path, sql: str, text: str
) -> None:
    """Suspense and totalisers are checked for themselves, not only by the chain."""
    relink(books, sql)
    assert text in named(books)


def relink(path: Path, sql: str) -> None:
    """Change rows and make the whole chain anew over them, as a clever thief would."""
    tamper(path, sql)
    connection = connect(path)
    kinds = {kind: facts.stored_bodies(connection, kind) for kind in facts.PLAIN_FACTS}
    kinds["entry"] = facts.stored_bodies(connection, "entry")
    head, made = bytes(32), []
    for seq, epoch, kind, ref in connection.execute(
        "SELECT seq, epoch, kind, ref FROM chain ORDER BY seq"
    ).fetchall():
        text = chain.fact_text(kind, ref, epoch, seq, next(kinds[kind])[1])
        head = chain.link(head, text)
        made.append((text.decode(), head, seq))
    connection.close()
    text_of = {seq: (text, head.hex()) for text, head, seq in made}
    tamper(
        path,
        *(
            f"UPDATE chain SET body = '{text.replace(chr(39), chr(39) * 2)}',"
            f" head = x'{head_hex}' WHERE seq = {seq}"
            for seq, (text, head_hex) in text_of.items()
        ),
        f"UPDATE tip SET head = x'{head.hex()}'",
    )


def test_another_name_of_a_key_s_own_index_is_named(books: Path) -> None:
    """The schema is what it was, word by word, where it has no words of its own too."""
    name = b"sqlite_autoindex_sale_1"
    books.write_bytes(books.read_bytes().replace(name, name.replace(b"ind", b"Ind")))
    assert "index sqlite_auto" in named(books)


def test_a_flipped_bit_is_reported_or_without_effect(
    whole: Path, tmp_path: Path
) -> None:
    """Wherever one bit of the file flips, wrong books are never called proved."""
    connection = connect(whole, read_only=True)
    right = list(content(connection))
    connection.close()
    data = whole.read_bytes()
    used = [at for at, byte in enumerate(data) if byte]
    chance = random.Random(1121)
    path = tmp_path / "s.db"
    reported, wrong = 0, []
    for at in chance.sample(used, 900) + chance.sample(range(len(data)), 50):
        flipped = bytearray(data)
        flipped[at] ^= 1 << chance.randrange(8)
        for old in tmp_path.glob("s.db*"):
            old.unlink()
        path.write_bytes(flipped)
        try:
            proved = verify_file(path).proved
        except StorageError:
            proved = False
        if not proved:
            reported += 1
            continue
        connection = connect(path, read_only=True)
        if list(content(connection)) != right:
            wrong.append(at)
        connection.close()
    assert wrong == []
    assert reported > 500

"""Anchors: where the books stood, kept outside of them; an older copy disagrees."""

import asyncio
import fcntl
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cngstation.cli import verify as command
from cngstation.rpc.session import Nothing
from cngstation.services.anchor_books import EVERY_MS, EVERY_ROWS, AnchorKeeper
from cngstation.services.answer_receipts import ReceiptAnswers
from cngstation.services.check_anchors import (
    Anchor,
    NoAnchor,
    anchor_of,
    compare,
    file_of,
    line_of,
    read_anchors,
    tell,
)
from cngstation.services.explain_row import BY_TWO
from cngstation.services.verify_books import verify_file
from cngstation.storage import (
    audit,
    checkpoints,
    facts,
    findings,
    receipts,
    shifts,
)
from cngstation.storage.audit import STATION
from cngstation.storage.database import Database, Transaction
from cngstation.storage.sqlite import connect
from tests.simulation.money_world import CALL
from tests.small_station import CASHIER, HandClock, cash_sale, opened

STATION_NO = "51010001"


def keeper(db: Database, path: Path, clock: HandClock, **more: object) -> AnchorKeeper:
    """Return the keeper of a test's books."""
    return AnchorKeeper(db, file_of(path), STATION_NO, clock, **more)  # type: ignore[arg-type]


def acts(count: int) -> Callable[[Transaction], None]:
    """Return a unit that writes so many facts."""

    def unit(tx: Transaction) -> None:
        for number in range(count):
            audit.record(tx, CASHIER, "test", str(number))

    return unit


async def test_a_checkpoint_is_due_by_time_by_rows_and_by_a_shift(
    tmp_path: Path,
) -> None:
    """Each cause once; without new rows none; it is a fact that waits for office."""
    path, clock = tmp_path / "s.db", HandClock()
    async with opened(path, clock) as db:
        anchors = keeper(db, path, clock)
        clock.forward(EVERY_MS)
        assert await anchors.look_once() is None, "nothing has happened"
        await db.write(acts(3))
        first = await anchors.look_once()
        assert first is not None
        assert first.of_seq == 3
        clock.forward(EVERY_MS)
        assert await anchors.look_once() is None, "a checkpoint alone is no news"
        await db.write(acts(1))
        assert (await anchors.look_once()) is not None
        await db.write(acts(EVERY_ROWS - 1))
        assert await anchors.look_once() is None
        await db.write(acts(1))
        assert (await anchors.look_once()) is not None
        no = await db.write(
            lambda tx: shifts.open_shift(tx, "1", "2026-11-21", STATION)
        )
        assert await anchors.look_once() is None

        def end(tx: Transaction) -> None:
            shift = shifts.find(tx.connection, no)
            assert shift is not None
            shifts.end_shift(
                tx, shift, shifts.HANDED_OVER, STATION, sheet={}, reason=""
            )

        await db.write(end)
        assert (await anchors.look_once()) is not None
        causes = await db.read(
            lambda c: c.execute(
                "SELECT cause, kind, json_extract(body, '$.station_no')"
                " FROM checkpoint JOIN chain USING (seq) ORDER BY seq"
            ).fetchall()
        )
        assert [row[0] for row in causes] == ["time", "time", "rows", "shift"]
        assert {row[1:] for row in causes} == {("checkpoint", STATION_NO)}
        assert await db.read(
            lambda c: c.execute(
                "SELECT count(*) FROM outbox WHERE kind='checkpoint'"
            ).fetchone()
        ) == (4,)
    assert verify_file(path).proved
    written = read_anchors(file_of(path))
    assert len(written) == 4
    assert written[0] == Anchor(3, first.of_head, 1, 1)


async def test_a_key_signs_place_and_head(tmp_path: Path) -> None:
    """What is signed can be made again from the fact alone."""
    path, clock = tmp_path / "s.db", HandClock()
    key = Ed25519PrivateKey.generate()
    async with opened(path, clock) as db:
        await db.write(acts(1))
        anchors = keeper(db, path, clock, signer=key)
        clock.forward(EVERY_MS)
        await anchors.look_once()
        body = await db.read(
            lambda c: c.execute(
                "SELECT body FROM chain WHERE kind='checkpoint'"
            ).fetchone()[0]
        )
    fact = json.loads(body)
    names = ["at_ms", "boot_id", "epoch", "mono_ms", "of_head", "of_seq", "station_no"]
    text = json.dumps({name: fact[name] for name in names}, separators=(",", ":"))
    key.public_key().verify(bytes.fromhex(fact["signature"]), text.encode())
    assert fact["of_seq"] == 1


async def _books_and_backup(tmp_path: Path) -> tuple[Path, Path]:
    """Return books with an anchor, and a copy of them from before it."""
    path, clock = tmp_path / "s.db", HandClock()
    backup = tmp_path / "backup.db"
    async with opened(path, clock) as db:
        await db.write(acts(3))
    shutil.copy(path, backup)
    async with opened(path, clock) as db:
        await db.write(acts(3))
        anchors = keeper(db, path, clock)
        clock.forward(EVERY_MS)
        await anchors.look_once()
    return path, backup


async def test_an_old_backup_is_told_of_at_the_start_once(tmp_path: Path) -> None:
    """A row that two people close; until then verify proves nothing."""
    path, backup = await _books_and_backup(tmp_path)
    shutil.copy(backup, path)
    clock = HandClock()
    async with opened(path, clock) as db:
        for _ in range(2):
            await keeper(db, path, clock).compare()
        rows = await db.read(findings.open_findings)
        assert [(row.kind, row.subject) for row in rows] == [("older_books", "books")]
        said = json.loads(rows[0].facts)
        assert (said["seq"], said["last"], said["lines"]) == (6, 3, 1)
        assert "older_books" in BY_TWO
        # The books go on and anchor again; put back once more, it is a new row.
        await db.write(acts(2))
        clock.forward(2 * EVERY_MS)
        assert await keeper(db, path, HandClock()).look_once() is None
        clock.boot_id = "boot-2"
        anchors = keeper(db, path, clock)
        clock.forward(EVERY_MS)
        assert await anchors.look_once() is not None
        await anchors.compare()
        assert len(await db.read(findings.open_findings)) == 1
    shutil.copy(backup, path)
    async with opened(path, clock) as db:
        await keeper(db, path, clock).compare()
        (row,) = await db.read(findings.open_findings)
    assert json.loads(row.facts)["lines"] == 2


async def test_books_of_another_epoch_are_not_compared(tmp_path: Path) -> None:
    """Anchors of archived books are about the archive."""
    path, _ = await _books_and_backup(tmp_path)
    connection = connect(path)
    later = [Anchor(99, "0" * 64, 2, 1)]
    assert tell(connection, [Anchor(2, "0" * 64, 0, 1)]) is not None
    assert tell(connection, later) is not None, "books of an earlier epoch put back"
    connection.execute("UPDATE tip SET epoch = 3")
    assert tell(connection, later) is None
    connection.close()


def ended(capsys: pytest.CaptureFixture[str], *given: object) -> tuple[int, str]:
    """Run `cngstation verify`; return its code and what it said."""
    code = command.run([*(str(argument) for argument in given), "--language", "en"])
    said = capsys.readouterr()
    return code, said.out + said.err


async def test_verify_compares_with_paper_and_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An older copy proves itself, and is caught by either anchor, with what to do."""
    path, backup = await _books_and_backup(tmp_path)
    (anchor,) = read_anchors(file_of(path))
    paper = f"{anchor.seq}:{anchor.head[:8]}"
    code, said = ended(capsys, "--database", path, "--anchor", paper)
    assert code == 0
    assert "2 anchors agree" in said
    assert ended(capsys, "--database", backup)[0] == 0
    file_of(path).rename(tmp_path / "away")
    code, said = ended(capsys, "--database", path)
    assert code == 0
    assert "The file of anchors was not found" in said
    (tmp_path / "away").rename(file_of(path))
    old = tmp_path / "elsewhere" / "s.db"
    old.parent.mkdir()
    shutil.copy(backup, old)
    code, said = ended(capsys, "--database", old, "--anchor", paper)
    assert code == command.WRONG
    assert "end at row 3, the anchor is of row 6" in said
    assert "call the manager" in said
    code, said = ended(capsys, "--database", old, "--anchors", file_of(path), "--json")
    assert code == command.WRONG
    assert json.loads(said)["verify"] == "failed"
    shutil.copy(backup, path)
    assert ended(capsys, "--database", path)[0] == command.WRONG, "the usual file"
    async with opened(path) as db:
        await keeper(db, path, HandClock()).compare()
        (row,) = await db.read(findings.open_findings)
        assert ended(capsys, "--database", path)[0] == command.WRONG, "told, not closed"
        await db.write(lambda tx: findings.close_finding(tx, row.seq, "why", "01"))
        assert ended(capsys, "--database", path)[0] == 0


async def test_books_made_anew_have_another_head(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A whole chain over other rows proves itself and is not that of the slip."""
    path, _ = await _books_and_backup(tmp_path)
    other = tmp_path / "other.db"
    async with opened(other) as db:
        await db.write(lambda tx: audit.record(tx, CASHIER, "other", "x"))
        await db.write(acts(9))
    (anchor,) = read_anchors(file_of(path))
    code, said = ended(
        capsys, "--database", other, "--anchor", f"{anchor.seq}:{anchor.head[:8]}"
    )
    assert code == command.WRONG
    assert f"the anchor says {anchor.head[:8]}" in said
    assert verify_file(other).proved


async def test_a_kept_head_alone_does_not_satisfy_a_slip(tmp_path: Path) -> None:
    """From the screen every row up to the slip's is linked anew."""
    path, _ = await _books_and_backup(tmp_path)
    (anchor,) = read_anchors(file_of(path))
    paper = Anchor(anchor.seq, anchor.head[:8])
    assert compare(path, paper) is None
    connection = connect(path)
    connection.execute("DROP TRIGGER chain_fixed")
    connection.execute("UPDATE chain SET body = replace(body, 'test', 'best')")
    connection.close()
    assert compare(path, paper) is not None


@pytest.mark.parametrize(
    "typed",
    ["", "12", "12:123", "12:xyzxyzxyz", "-1:12345678", "1" * 90, "1:" + "a" * 65],
)
def test_what_is_no_anchor_is_refused(
    typed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is compared with half a head."""
    with pytest.raises(NoAnchor):
        anchor_of(typed)
    code, said = ended(capsys, "--database", tmp_path / "s.db", f"--anchor={typed}")
    assert code == command.USAGE
    assert "no anchor" in said


async def test_half_a_line_is_no_end_of_the_file(tmp_path: Path) -> None:
    """A power cut in the middle of a line: that one is left out, the next is whole."""
    path, clock = tmp_path / "s.db", HandClock()
    async with opened(path, clock) as db:
        await db.write(acts(1))
        anchors = keeper(db, path, clock)
        clock.forward(EVERY_MS)
        made = await anchors.look_once()
        assert made is not None
        file = file_of(path)
        file.write_text(line_of(made) + line_of(made)[:20])
        assert len(read_anchors(file)) == 1
        await db.write(acts(1))
        clock.forward(EVERY_MS)
        next_one = await anchors.look_once()
        assert next_one is not None
        assert [anchor.head for anchor in read_anchors(file)] == [
            made.of_head,
            next_one.of_head,
        ]
        with file.open("a") as more:
            more.write("nonsense\n" + line_of(made))
        with pytest.raises(NoAnchor, match=r"s\.txt:3"):
            read_anchors(file)


async def test_a_first_line_that_was_cut_off_is_written_anew(tmp_path: Path) -> None:
    """There is nothing before it to keep."""
    path, clock = tmp_path / "s.db", HandClock()
    async with opened(path, clock) as db:
        file = file_of(path)
        file.parent.mkdir()
        file.write_text("1 17 0")
        await db.write(acts(1))
        anchors = keeper(db, path, clock)
        clock.forward(EVERY_MS)
        made = await anchors.look_once()
        assert made is not None
        assert file.read_text() == line_of(made)


@pytest.mark.parametrize("spoil", ["gone", "nonsense", "folder"])
async def test_a_file_that_says_nothing_is_told_of_at_the_start(
    tmp_path: Path, spoil: str
) -> None:
    """Whoever puts an older copy back and takes its anchors away leaves a row."""
    path, _ = await _books_and_backup(tmp_path)
    file, clock = file_of(path), HandClock()
    whole = file.read_text()
    file.unlink()
    if spoil == "nonsense":
        file.write_text(f"nonsense\n{whole}")
    elif spoil == "folder":
        file.mkdir()
    async with opened(path, clock) as db:
        for _ in range(2):
            await keeper(db, path, clock).compare()
        (row,) = await db.read(findings.open_findings)
        assert (row.kind, row.kind in BY_TWO) == ("anchors_unread", True)
        assert json.loads(row.facts)["why"]
    assert verify_file(path).proved


async def test_a_station_without_checkpoints_has_no_file_yet(tmp_path: Path) -> None:
    """Its first start is no row."""
    path, clock = tmp_path / "s.db", HandClock()
    async with opened(path, clock) as db:
        await db.write(acts(1))
        await keeper(db, path, clock).compare()
        assert await db.read(findings.open_findings) == []


async def test_every_hundredth_receipt_has_the_head(tmp_path: Path) -> None:
    """The customer takes an anchor home."""
    async with opened(tmp_path / "s.db") as db:

        def unit(tx: Transaction) -> None:
            for number in range(1, 102):
                entry = cash_sale(f"E{number}")
                facts.post(tx, entry)
                receipts.make(tx, entry.entry_id, "top_up", {}, wanted=0)

        await db.write(unit)
        kept = await db.read(
            lambda c: [receipts.find(c, number) for number in (99, 100, 101)]
        )
        contents = [receipt.content for receipt in kept if receipt]
        assert contents[0] == contents[2] == {}
        seq = int(contents[1]["books_seq"])
        head = await db.read(lambda c: checkpoints.head_at(c, seq))
    assert str(head).startswith(contents[1]["books_head"])
    assert len(contents[1]["books_head"]) == 16


async def test_one_that_stands_by_writes_what_nobody_else_does(tmp_path: Path) -> None:
    """Without the uploader the counter anchors, a look later; with it never twice."""
    path, clock = tmp_path / "s.db", HandClock()
    async with opened(path, clock) as db:
        first, aside = keeper(db, path, clock), keeper(db, path, clock, stands_by=True)
        await db.write(acts(1))
        clock.forward(EVERY_MS)
        assert await aside.look_once() is None
        assert await first.look_once() is not None
        assert await aside.look_once() is None, "it was written meanwhile"
        await db.write(acts(1))
        clock.forward(EVERY_MS)
        assert await aside.look_once() is None
        made = await aside.look_once()
        assert made is not None, "the uploader is not there"
        assert await first.look_once() is None
        assert [each.seq for each in read_anchors(file_of(path))][-1] == made.of_seq


async def test_who_writes_holds_the_file(tmp_path: Path) -> None:
    """Another daemon that finds it held leaves it, and the checkpoint, alone."""
    path, clock = tmp_path / "s.db", HandClock()
    async with opened(path, clock) as db:
        anchors, file = keeper(db, path, clock), file_of(path)
        await db.write(acts(1))
        clock.forward(EVERY_MS)
        file.parent.mkdir()
        with file.open("ab") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            assert await anchors.look_once() is None
            assert await db.read(checkpoints.newest) is None
        assert await anchors.look_once() is not None


async def test_before_the_first_anchor_the_file_is_there(tmp_path: Path) -> None:
    """A daemon that starts between checkpoint and line takes it for no lost file."""
    path, clock = tmp_path / "s.db", HandClock()
    async with opened(path, clock) as db:
        anchors = keeper(db, path, clock)
        await db.write(acts(1))
        clock.forward(EVERY_MS)
        anchors._append = lambda *_: None  # type: ignore[method-assign]
        assert await anchors.look_once() is not None
        await keeper(db, path, clock).compare()
        assert await db.read(findings.open_findings) == []


async def test_several_daemons_tell_of_an_old_backup_once(tmp_path: Path) -> None:
    """They start together, and each compares."""
    path, backup = await _books_and_backup(tmp_path)
    shutil.copy(backup, path)
    clock = HandClock()
    async with opened(path, clock) as db, opened(path, clock) as other:
        await asyncio.gather(
            *(keeper(each, path, clock).compare() for each in (db, other))
        )
        rows = await db.read(findings.open_findings)
    assert [row.kind for row in rows] == ["older_books"]


async def test_the_screen_compares_with_the_file_too(tmp_path: Path) -> None:
    """Books that prove themselves and are older than an anchor are not proved."""
    path, backup = await _books_and_backup(tmp_path)
    shutil.copy(backup, path)
    clock = HandClock()
    async with opened(path, clock) as db:
        parts: Any = SimpleNamespace(
            database=db, path=path, file=None, clock=clock, verified=lambda _: None
        )
        told = await ReceiptAnswers(parts).verify(Nothing(), CALL)
    assert not told.proved
    assert "an older copy" in told.text

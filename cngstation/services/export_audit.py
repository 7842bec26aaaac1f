"""Writes the books, or a period of them, into one file that an auditor checks alone.

Lines of JSON in the form in which the chain hashes, plain or gzip; described in full
in cngstation/audit_checker.py, which reads it. Facts are copied from the chain byte by
byte: what is personal is in no fact, so it is in no export. What `verify` says of the
same snapshot stands in the header. The digest of each export is in the audit, so that
the station knows its own files again. Names of keys are for programs; what is wrong
with the books is told in the language of whoever asked.
"""

import gzip
import hashlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import orjson

from cngstation.errors import Refusal, StorageError
from cngstation.hygiene import clean
from cngstation.moments import day_bounds_ms
from cngstation.services.new_file import HeldFile
from cngstation.services.tell_wrong import Wrong
from cngstation.services.verify_books import verify
from cngstation.storage import audit, chain_period
from cngstation.storage.audit import Actor
from cngstation.storage.chain_period import Balance, Period
from cngstation.storage.database import Transaction
from cngstation.storage.sqlite import FAILURES, Connection, connect

FORMAT = 2  # a checker that knows no fill without a totaliser says so
SIGNED_AS = b"cngstation audit export 1\n"
RIGHT = ACT = "audit.export"
PROVED = "proved"
_PACKED = ".gz"
_FASTEST = 1  # a third of the time of the usual level, for files a tenth larger


class NothingInPeriod(Refusal):
    """No fact of the books is of these days."""

    code = "refusal.nothing_in_period"
    text = (
        "The books have nothing from {from_day} to {to_day}. No file was written. "
        "Choose other days."
    )


class Signer(Protocol):
    """The station's own key."""

    @property
    def public_key(self) -> bytes: ...

    def sign(self, message: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which days are exported, all where they are empty, and whose books they are."""

    station_no: str
    station: str
    made_at_ms: int
    from_day: str = ""
    to_day: str = ""
    cut_off_minute: int = 0
    language: str = ""  # of what is told in the header; "": the one in use


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: facts, their last place and head, the file's size."""

    name: str
    first: int
    last: int
    head: str
    size: int
    sha256: str
    is_signed: bool
    wrong: Wrong | None  # what verify says of the books

    @property
    def first_bad(self) -> str | None:
        """What is wrong, in English."""
        return None if self.wrong is None else str(self.wrong)


def export_file(
    database: Path, held: HeldFile, wanted: Wanted, signer: Signer | None = None
) -> Exported:
    """Export from a snapshot of the station's file into one that has no name yet.

    Raises:
        NothingInPeriod: there is nothing to export.
        StorageError: the books cannot be read.
        OSError: the file cannot be written.
    """
    try:
        with closing(connect(database, read_only=True)) as connection:
            connection.execute("BEGIN")
            period = _period(connection, wanted)
            wrong = verify(connection).wrong
            header = _header(period, wanted, wrong, signer)
            lines = _lines(connection, period, header)
            with held.opened() as file:
                packed = held.path.suffix == _PACKED
                sha256 = _write(file, lines, period, signer, packed=packed)
    except FAILURES as error:
        raise StorageError(why=str(error)) from error
    return Exported(
        name=held.path.name,
        first=period.first,
        last=period.last,
        head=period.head.hex(),
        size=held.beside.stat().st_size,
        sha256=sha256,
        is_signed=signer is not None,
        wrong=wrong,
    )


def record(tx: Transaction, actor: Actor, made: Exported) -> None:
    """Write down who took the books out, which part of them, and name, size, digest.

    The digest is of all lines but the last, which tells it.
    """
    outcome = "done" if made.first_bad is None else "books_not_proved"
    what, file = f"{made.first}-{made.last}", f"{clean(made.name)}, {made.size} B"
    audit.record(tx, actor, ACT, what, outcome=outcome, reason=file, after=made.sha256)


def _period(connection: Connection, wanted: Wanted) -> Period:
    if not wanted.from_day and not wanted.to_day:
        return chain_period.whole(connection)
    from_day = wanted.from_day or wanted.to_day
    to_day = wanted.to_day or wanted.from_day
    from_ms, _ = day_bounds_ms(from_day, cut_off_minute=wanted.cut_off_minute)
    _, until_ms = day_bounds_ms(to_day, cut_off_minute=wanted.cut_off_minute)
    found = chain_period.of_days(connection, from_day, to_day, from_ms, until_ms)
    if found is None:
        raise NothingInPeriod(from_day=from_day, to_day=to_day)
    return found


def _write(
    file: BinaryIO,
    lines: Iterator[bytes],
    period: Period,
    signer: Signer | None,
    *,
    packed: bool,
) -> str:
    """Write the lines and the one that ends the file; return the digest."""
    out: Any = gzip.GzipFile("", "wb", _FASTEST, file, mtime=0) if packed else file
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line)
        out.write(line)
    signature = signer.sign(SIGNED_AS + digest.digest()).hex() if signer else ""
    end = {
        "facts": period.last - period.first + 1,
        "sha256": digest.hexdigest(),
        "signature": signature,
    }
    out.write(_line({"end": end}))
    if packed:
        out.close()
    return digest.hexdigest()


def _header(
    period: Period, wanted: Wanted, wrong: Wrong | None, signer: Signer | None
) -> dict[str, Any]:
    return {
        "audit_export": FORMAT,
        "station_no": wanted.station_no,
        "station": wanted.station,
        "made_at_ms": wanted.made_at_ms,
        "from_day": wanted.from_day,
        "to_day": wanted.to_day,
        "epoch": period.epoch,
        "first": period.first,
        "last": period.last,
        "before": period.before.hex(),
        "head": period.head.hex(),
        "whole": period.whole,
        "books": wrong.told(wanted.language) if wrong else PROVED,
        "key": signer.public_key.hex() if signer else "",
    }


def _lines(
    connection: Connection, period: Period, header: dict[str, Any]
) -> Iterator[bytes]:
    """Yield header, facts and statements."""
    yield _line(header)
    if not period.whole:
        opening = chain_period.balances_up_to(connection, period.first - 1)
        yield from _balances("opening", opening)
    for body, head in chain_period.links(connection, period):
        yield b'{"fact":%b,"head":"%b"}\n' % (body, head.hex().encode())
    yield from _balances("balance", chain_period.closing_balances(connection, period))
    if period.whole:
        for card in chain_period.cards_as_seen(connection):
            yield _line({"card": card})


def _balances(name: str, balances: Iterator[Balance]) -> Iterator[bytes]:
    for balance in balances:
        yield _line({name: balance})


def _line(content: object) -> bytes:
    option = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(content, option=option)

"""The quick look over the books: whether all is right, in bulk.

Nothing is named here. Where a look fails or says no, the check behind it goes through
the rows one by one and names the first; what a look says yes to is proved.
"""

import hashlib
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from cngstation.services import compare_bodies, verify_accounts
from cngstation.services.name_breaks import COLLECTION
from cngstation.services.verify_accounts import Sums
from cngstation.storage import chain
from cngstation.storage.second_reader import Look, Reader, ReaderGone, asked
from cngstation.storage.sqlite import Connection

# A second process is worth its start from so many facts on.
MANY = 50_000


@dataclass(frozen=True, slots=True)
class Overview:
    """What the quick look found right; `sums` is what each account's postings sum to.

    `related` is about the tables that `bodies` does not bind. `bodies` says: each fact
    is once in the chain, in the outbox and in its tables; the bodies are what the
    tables say; the postings are numbered and balance.
    """

    whole: bool = False
    related: bool = False
    linked: bool = False
    bodies: bool = False
    continued: bool = False
    sums: Sums | None = None


def look_over(connection: Connection, other: Reader | None = None) -> Overview:
    """Look at everything; `other` sees the same and takes its share."""
    comparing = compare_bodies.looks(connection)
    # The longest first: what is short fills the gap at the end.
    said = _answers(
        connection,
        other,
        [
            _is_whole,
            compare_bodies.is_related,
            _is_linked,
            verify_accounts.summed,
            _fills_go_on,
            compare_bodies.counted,
            *comparing,
        ],
    )
    whole, related, linked, sums, continued, counted, *compared = said
    return Overview(
        whole=whole is True,
        related=related is True,
        linked=linked is True,
        continued=continued is True,
        # The chain's rows are counted by linking them.
        bodies=linked is True
        and isinstance(counted, Counter)
        and compare_bodies.agree(connection, counted, compared),
        sums=sums if isinstance(sums, dict) else None,
    )


def _answers(
    connection: Connection, other: Reader | None, looks: list[Look]
) -> list[object]:
    """Ask all; None where a look failed: the check behind it meets it again."""
    waiting = deque(range(len(looks)))
    said: list[object] = [None] * len(looks)

    def ask(reader: Reader) -> None:
        while waiting:
            with suppress(IndexError):
                number = waiting.popleft()
                try:
                    said[number] = reader(looks[number])
                except ReaderGone:
                    waiting.appendleft(number)
                    return

    def here(look: Look) -> object:
        return asked(look, connection)

    if other is not None:
        with ThreadPoolExecutor(1) as thread:
            there = thread.submit(ask, other)
            ask(here)
            there.result()
    ask(here)  # all, or what a reader left behind that is gone
    return said


def _is_whole(connection: Connection) -> bool:
    ok: bool = connection.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok"
    return ok


def _is_linked(connection: Connection) -> bool:
    """Link all bodies from the first to the tip's head, and number them."""
    sha256 = hashlib.sha256
    head, number = bytes(32), 0
    for seq, text, found in connection.execute(
        "SELECT seq, CAST(body AS BLOB), head FROM chain ORDER BY seq"
    ):
        number += 1
        head = sha256(b"\0" + head + text).digest()
        if head != found or seq != number:
            return False
    tip = chain.read_tip(connection)
    return (tip.seq, tip.head) == (number, head)


def _fills_go_on(connection: Connection) -> bool:
    """Every fill begins where the one with the number before it ended."""
    moved = f"iif(s.transaction_type = '{COLLECTION}', 0, s.quantity_milli)"
    row = connection.execute(
        "SELECT 1 FROM sale s CROSS JOIN sale before"  # noqa: S608 - our names
        " USING (station_no, dispenser_no, nozzle_no, epoch)"
        " WHERE before.device_seq = s.device_seq - 1"
        f" AND s.total_quantity_milli - {moved} <> before.total_quantity_milli LIMIT 1"
    ).fetchone()
    return row is None

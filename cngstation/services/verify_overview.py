"""The quick look over the books: whether all is right, in bulk.

Nothing is named here. Where a look fails or says no, the check behind it goes through
the rows one by one and names the first; what a look says yes to is proved.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from cngstation.services import compare_bodies, verify_accounts
from cngstation.services.name_breaks import COLLECTION
from cngstation.services.verify_accounts import Sums
from cngstation.storage import chain
from cngstation.storage.sqlite import FAILURES, Connection

# More connections than one are worth it from so many facts on.
MANY = 20_000

Look = Callable[[Connection], object]


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


def look_over(connections: Sequence[Connection]) -> Overview:
    """Look at everything, on connections that see the same."""
    first = connections[0]
    comparing = compare_bodies.looks(first)
    # The longest first: what is short fills the gap at the end.
    said = _answers(
        connections,
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
        and compare_bodies.agree(first, counted, compared),
        sums=sums if isinstance(sums, dict) else None,
    )


def _answers(connections: Sequence[Connection], looks: list[Look]) -> list[object]:
    """Ask all, each connection on a thread of its own; None where a look failed."""
    waiting: SimpleQueue[int] = SimpleQueue()
    for number in range(len(looks)):
        waiting.put(number)
    said: list[object] = [None] * len(looks)

    def ask(connection: Connection) -> None:
        while True:
            try:
                number = waiting.get_nowait()
            except Empty:
                return
            try:
                said[number] = looks[number](connection)
            except (*FAILURES, TypeError, ValueError):
                continue  # the check behind the look meets it again, and names it

    if len(connections) == 1:
        ask(connections[0])
    else:
        with ThreadPoolExecutor(len(connections)) as threads:
            list(threads.map(ask, connections))
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

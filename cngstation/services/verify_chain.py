"""Proves the chain row by row: bodies, links, entries, and the queue for head office.

Slower than the quick look by far, and needed only where that says no: it names.
"""

from cngstation.storage import chain, facts
from cngstation.storage.register_rows import has_table
from cngstation.storage.sqlite import Connection


def first_difference(connection: Connection) -> str | None:
    """Make and link every body again; say where the first one differs."""
    tip = chain.read_tip(connection)
    stored = {
        kind: facts.stored_bodies(connection, kind)
        for kind in (*facts.PLAIN_FACTS, "entry")
        if has_table(connection, kind)
    }
    head, expected = bytes(32), 1
    links = connection.execute(
        "SELECT seq, epoch, kind, ref, CAST(body AS BLOB), head FROM chain ORDER BY seq"
    )
    for seq, epoch, kind, ref, text, found_head in links:
        if seq != expected:
            return f"chain row {expected} is missing"
        if kind not in stored:
            return f"chain row {seq} has an unknown kind {kind!r}"
        row_seq, body = next(stored[kind], (None, None))
        if row_seq != seq or body is None:
            where = "is missing" if row_seq is None or row_seq > seq else "was added"
            return f"{kind} row {row_seq or seq} ({ref}) {where}"
        with_life = "epoch" not in body or b'"life":' in text
        made = chain.fact_text(kind, ref, epoch, seq, body, with_life=with_life)
        if made != text:
            return f"{kind} row {seq} ({ref}) was changed"
        head = chain.link(head, made)
        if head != found_head:
            return f"chain row {seq} ({kind} {ref}) does not continue the chain"
        expected += 1
    for kind, bodies in stored.items():
        extra = next(bodies, None)
        if extra is not None:
            return f"{kind} row {extra[0]} was added outside the chain"
    if (tip.seq, tip.head) != (expected - 1, head):
        return f"the chain ends at {expected - 1}, the tip says {tip.seq}"
    return None


def unbalanced(connection: Connection) -> str | None:
    """Say which entry does not sum to zero."""
    row = connection.execute(
        "SELECT e.entry_id, p.unit, sum(p.amount) FROM posting p JOIN entry e"
        " USING (seq) GROUP BY p.seq, p.unit HAVING sum(p.amount) <> 0 LIMIT 1"
    ).fetchone()
    if row is not None:
        return f"entry {row[0]} does not sum to zero in {row[1]}: {row[2]}"
    return None


def renumbered(connection: Connection) -> str | None:
    """Say of which entry the lines are not 0, 1, 2 ..."""
    row = connection.execute(
        "SELECT seq FROM posting GROUP BY seq"
        " HAVING min(line) <> 0 OR max(line) <> count(*) - 1 LIMIT 1"
    ).fetchone()
    if row is not None:
        return f"the posting lines of entry row {row[0]} were renumbered"
    return None


def not_queued(connection: Connection) -> str | None:
    """Say which fact is not where it belongs among those for head office."""
    tip = chain.read_tip(connection)
    count, last = connection.execute(
        "SELECT count(*), coalesce(max(seq), 0) FROM outbox"
    ).fetchone()
    if not count == last == tip.outbox_seq:
        return (
            f"the outbox has {count} rows, the last is {last},"
            f" the tip says {tip.outbox_seq}"
        )
    row = connection.execute(
        "SELECT seq FROM chain WHERE seq NOT IN (SELECT chain_seq FROM outbox) LIMIT 1"
    ).fetchone()
    if row is not None:
        return f"chain row {row[0]} was never put in the outbox"
    row = connection.execute(
        "SELECT o.seq FROM (SELECT *, lag(chain_seq, 1, 0) OVER (ORDER BY seq) AS"
        " earlier FROM outbox) o LEFT JOIN chain c ON c.seq = o.chain_seq"
        " WHERE c.seq IS NULL OR c.kind <> o.kind OR o.chain_seq <= o.earlier"
        " ORDER BY o.seq LIMIT 1"
    ).fetchone()
    if row is not None:
        return f"outbox row {row[0]} is not the fact that was queued there"
    return None

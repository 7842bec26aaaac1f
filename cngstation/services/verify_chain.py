"""Proves the chain row by row: bodies, links, entries, and the queue for head office.

Slower than the quick look by far, and needed only where that says no: it names.
"""

from cngstation.language import mark
from cngstation.services.tell_wrong import Wrong, wrong
from cngstation.storage import chain, facts
from cngstation.storage.register_rows import has_table
from cngstation.storage.sqlite import Connection


def first_difference(connection: Connection) -> Wrong | None:
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
    for seq, epoch, kind, ref, found, found_head in links:
        if seq != expected:
            return wrong(mark("chain row {seq} is missing"), seq=expected)
        if kind not in stored:
            text = mark("chain row {seq} has an unknown kind {kind}")
            return wrong(text, seq=seq, kind=repr(kind))
        row_seq, body = next(stored[kind], (None, None))
        if row_seq != seq or body is None:
            missing = row_seq is None or row_seq > seq
            return wrong(
                mark("{kind} row {seq} ({ref}) is missing")
                if missing
                else mark("{kind} row {seq} ({ref}) was added"),
                kind=kind,
                seq=row_seq or seq,
                ref=ref,
            )
        with_life = "epoch" not in body or b'"life":' in found
        made = chain.fact_text(kind, ref, epoch, seq, body, with_life=with_life)
        if made != found:
            text = mark("{kind} row {seq} ({ref}) was changed")
            return wrong(text, kind=kind, seq=seq, ref=ref)
        head = chain.link(head, made)
        if head != found_head:
            text = mark("chain row {seq} ({kind} {ref}) does not continue the chain")
            return wrong(text, seq=seq, kind=kind, ref=ref)
        expected += 1
    for kind, bodies in stored.items():
        extra = next(bodies, None)
        if extra is not None:
            text = mark("{kind} row {seq} was added outside the chain")
            return wrong(text, kind=kind, seq=extra[0])
    if (tip.seq, tip.head) != (expected - 1, head):
        text = mark("the chain ends at {last}, the tip says {tip}")
        return wrong(text, last=expected - 1, tip=tip.seq)
    return None


def unbalanced(connection: Connection) -> Wrong | None:
    """Say which entry does not sum to zero."""
    row = connection.execute(
        "SELECT e.entry_id, p.unit, sum(p.amount) FROM posting p JOIN entry e"
        " USING (seq) GROUP BY p.seq, p.unit HAVING sum(p.amount) <> 0 LIMIT 1"
    ).fetchone()
    if row is not None:
        text = mark("entry {entry} does not sum to zero in {unit}: {total}")
        return wrong(text, entry=row[0], unit=row[1], total=row[2])
    return None


def renumbered(connection: Connection) -> Wrong | None:
    """Say of which entry the lines are not 0, 1, 2 ..."""
    row = connection.execute(
        "SELECT seq FROM posting GROUP BY seq"
        " HAVING min(line) <> 0 OR max(line) <> count(*) - 1 LIMIT 1"
    ).fetchone()
    if row is not None:
        text = mark("the posting lines of entry row {seq} were renumbered")
        return wrong(text, seq=row[0])
    return None


def not_queued(connection: Connection) -> Wrong | None:
    """Say which fact is not where it belongs among those for head office."""
    tip = chain.read_tip(connection)
    count, last = connection.execute(
        "SELECT count(*), coalesce(max(seq), 0) FROM outbox"
    ).fetchone()
    if not count == last == tip.outbox_seq:
        text = mark(
            "the outbox has {count} rows, the last is {last}, the tip says {tip}"
        )
        return wrong(text, count=count, last=last, tip=tip.outbox_seq)
    row = connection.execute(
        "SELECT seq FROM chain WHERE seq NOT IN (SELECT chain_seq FROM outbox) LIMIT 1"
    ).fetchone()
    if row is not None:
        return wrong(mark("chain row {seq} was never put in the outbox"), seq=row[0])
    row = connection.execute(
        "SELECT o.seq FROM (SELECT *, lag(chain_seq, 1, 0) OVER (ORDER BY seq) AS"
        " earlier FROM outbox) o LEFT JOIN chain c ON c.seq = o.chain_seq"
        " WHERE c.seq IS NULL OR c.kind <> o.kind OR o.chain_seq <= o.earlier"
        " ORDER BY o.seq LIMIT 1"
    ).fetchone()
    if row is not None:
        text = mark("outbox row {seq} is not the fact that was queued there")
        return wrong(text, seq=row[0])
    return None

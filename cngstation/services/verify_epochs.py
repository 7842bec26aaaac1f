"""Proves that an epoch begins with the head and the money of the books before."""

import json

from cngstation.domain.ledger import OPENING
from cngstation.language import mark
from cngstation.services.tell_wrong import Wrong, wrong
from cngstation.storage import epochs
from cngstation.storage.sqlite import Connection


def first_difference(connection: Connection) -> Wrong | None:
    """Say what is wrong with the beginning of the epoch; None for nothing."""
    starts, epoch = epochs.every(connection), epochs.epoch_of(connection)
    if epoch == 1:
        return None
    if not starts:
        return wrong(mark("epoch {epoch} has no beginning"), epoch=epoch)
    start = starts[0]
    if start["previous_epoch"] + 1 != epoch:
        text = mark("the books say epoch {epoch}, their beginning another")
        return wrong(text, epoch=epoch)
    earlier = connection.execute(
        "SELECT count(*) FROM chain WHERE seq < ? AND kind <> 'register_change'",
        (start["seq"],),
    ).fetchone()
    if earlier[0]:
        return wrong(mark("something was booked before the epoch began"))
    booked = dict(
        connection.execute(
            "SELECT account, amount FROM posting p JOIN entry e USING (seq)"
            " WHERE e.entry_id = ? AND p.account <> ?",
            (epochs.ENTRY_ID, OPENING),
        ).fetchall()
    )
    if booked != json.loads(start["carried"]):
        return wrong(mark("what the epoch began with is not what was taken over"))
    return None

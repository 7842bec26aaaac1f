"""Who has seen which alarm first, and when: open rows and events of dispensers."""

from collections.abc import Iterable
from dataclasses import dataclass

from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.facts import prove_row
from cngstation.storage.sqlite import Connection


@dataclass(frozen=True, slots=True)
class Seen:
    """The first who marked an alarm as seen."""

    operator_no: str
    name: str
    at_ms: int


def exists(connection: Connection, of_seq: int) -> bool:
    """Tell whether a place in the chain is an alarm's."""
    row = connection.execute(
        "SELECT 1 FROM finding WHERE seq=?1 UNION SELECT 1 FROM device_event"
        " WHERE seq=?1",
        (of_seq,),
    ).fetchone()
    return row is not None


def mark_seen(tx: Transaction, of_seq: int, actor: Actor) -> bool:
    """Record who has seen an alarm; False when somebody has already."""
    if seen_by(tx.connection, [of_seq]):
        return False
    row = {
        "of_seq": of_seq,
        "operator_no": actor.operator_no,
        "terminal": actor.terminal,
    }
    prove_row(tx, "alarm_seen", str(of_seq), row)
    return True


def seen_by(connection: Connection, seqs: Iterable[int]) -> dict[int, Seen]:
    """Return who has seen which of these alarms."""
    wanted = list(seqs)
    marks = ", ".join("?" * len(wanted))
    found = connection.execute(
        "SELECT a.of_seq, a.operator_no, coalesce(o.full_name, ''), a.at_ms"  # noqa: S608 - marks
        " FROM alarm_seen a LEFT JOIN operator o USING (operator_no)"
        f" WHERE a.of_seq IN ({marks})",
        wanted,
    )
    return {of_seq: Seen(no, name, at_ms) for of_seq, no, name, at_ms in found}

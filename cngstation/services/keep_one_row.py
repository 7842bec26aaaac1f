"""One row of a kind about a subject, with its facts as they are now."""

from collections.abc import Mapping

from cngstation.storage import findings
from cngstation.storage.chain import canonical
from cngstation.storage.database import Transaction

_CHANGED = "it has changed"


def keep_one_row(
    tx: Transaction,
    kind: str,
    subject: str,
    facts: Mapping[str, str | int] | None,
    *,
    why: str = "",
    operator_no: str = "",
) -> None:
    """Leave one row with these facts open, or none; one with other facts is closed.

    `why` and `operator_no` say what has closed it where none is left.
    """
    is_named = False
    for row in findings.open_findings(tx.connection, subject):
        if row.kind != kind:
            continue
        if facts is not None and row.facts == canonical(facts):
            is_named = True
        else:
            reason = _CHANGED if facts is not None else why
            findings.close_finding(tx, row.seq, reason, operator_no)
    if facts is not None and not is_named:
        findings.open_finding(tx, kind, subject, facts)

"""Proves the kept balances: each is what the postings of its account sum to."""

from cngstation.language import mark
from cngstation.services.tell_wrong import Wrong, wrong
from cngstation.storage.register_rows import has_table
from cngstation.storage.sqlite import Connection

Sums = dict[tuple[str, str], int]


def summed(connection: Connection) -> Sums:
    """Sum all postings by account and unit; what is zero is left out.

    An account of an act comes back to zero, so that few are held at a time.
    """
    sums: Sums = {}
    for account, unit, amount in connection.execute(
        "SELECT account, unit, amount FROM posting ORDER BY seq, line"
    ):
        key = (account, unit)
        total = sums.get(key, 0) + amount
        if total:
            sums[key] = total
        else:
            sums.pop(key, None)
    return sums


def first_difference(connection: Connection, sums: Sums) -> Wrong | None:
    """Say which kept balance is wrong first; None for none.

    A file of a version before them keeps no balances.
    """
    if not has_table(connection, "account"):
        return None
    left = dict(sums)
    for name, unit, balance in connection.execute("SELECT * FROM account"):
        total = left.pop((name, unit), 0)
        if total != balance or not balance:
            return wrong(
                mark("account {name} is kept as {balance} {unit}, it has {total}"),
                name=name,
                balance=balance,
                unit=unit,
                total=total,
            )
    for (name, unit), total in left.items():
        text = mark("account {name} is not kept, it has {total} {unit}")
        return wrong(text, name=name, total=total, unit=unit)
    return None

"""How long a password that somebody gave is good: hours, by either clock.

The station's own, of its first administrator, does not end: nobody could give another.
"""

from cngstation.errors import Refusal
from cngstation.moments import MS_PER_HOUR, Instant
from cngstation.services.one_hand import ran_since
from cngstation.storage import audit, operators
from cngstation.storage.operators import Operator
from cngstation.storage.sqlite import Connection


class OneTimeOver(Refusal):
    """A given password was not used in time."""

    code = "refusal.one_time_over"
    text = (
        "The password that was given to operator {operator} for one login was good for "
        "{hours} hours, and they are over. You are not logged in. Let an administrator "
        "give a new one (Operators, r)."
    )


def one_time_over(
    connection: Connection, operator: Operator, now: Instant, hours: int
) -> OneTimeOver | None:
    """Say why a given password opens nothing any more.

    By the wall clock, or by the time that the station ran: a clock that is set back
    gives nobody more.
    """
    given = audit.password_given(connection, operator.operator_no)
    if not operator.must_change or given is None:
        return None
    if operators.find(connection, given.by) is None:
        return None
    age_ms = max(
        now.wall_ms - audit.wall_ms_of(connection, given.seq),
        ran_since(connection, given, now),
    )
    if age_ms < hours * MS_PER_HOUR:
        return None
    return OneTimeOver(operator=operator.operator_no, hours=hours)

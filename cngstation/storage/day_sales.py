"""What a business day sold, by the clock hour in which it was booked."""

from dataclasses import dataclass

from cngstation.moments import CHINA, MS_PER_HOUR
from cngstation.storage.sqlite import Connection
from cngstation.units import Unit

_ZONE = CHINA.utcoffset(None)
_ZONE_MS = int(_ZONE.total_seconds()) * 1000
# What collects an earlier fill is no `sale`; test fills sell nothing.
_BY_HOUR = (
    "SELECT (e.at_ms + ?3) / ?4 % 24 AS hour,"
    " sum(iif(s.unit=?2, s.quantity_milli, 0)), sum(s.amount_e4), count(*)"
    " FROM entry e JOIN sale s USING (seq) WHERE e.business_day=?1 AND e.kind='sale'"
    " AND coalesce((SELECT c.kind FROM entry c WHERE c.corrects<>''"
    "  AND c.corrects=e.entry_id ORDER BY c.seq DESC LIMIT 1), '')"
    " NOT IN ('fill.test', 'fill.calibration') GROUP BY hour"
)


@dataclass(frozen=True, slots=True)
class HourSold:
    """Fills of one clock hour: gas of one unit, money of all."""

    hour: int
    quantity_milli: int
    amount_e4: int
    fills: int


def by_hour(connection: Connection, business_day: str, unit: Unit) -> list[HourSold]:
    """Return the hours of a business day in which something was sold."""
    values = (business_day, str(unit), _ZONE_MS, MS_PER_HOUR)
    return [HourSold(*row) for row in connection.execute(_BY_HOUR, values)]

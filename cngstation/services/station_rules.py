"""What the configuration says that the services need: who we are, limits, the till."""

from dataclasses import dataclass

from cngstation.units import Money, Unit


@dataclass(frozen=True, slots=True)
class StationRules:
    """The station's own numbers and limits; money limits of zero mean none."""

    station_no: str
    area_no: str
    issue_point_no: str
    till: str
    gas_unit: Unit
    single_lower: Money
    single_upper: Money
    balance_ceiling: Money
    card_fee: Money
    cylinder_warning_days: int
    business_day_starts_minute: int
    lowest_disk_bytes: int = 64 * 1024 * 1024

"""What the configuration says that the services need: who we are, limits, the till."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cngstation.config import StationConfig
from cngstation.config.sections import Security
from cngstation.domain.fill_marks import ALWAYS_TWO, MarkedAlone
from cngstation.services.price_levels import levels_shown, only_levels
from cngstation.storage.sales import NozzleKey
from cngstation.units import ZERO, Money, Unit


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
    loss_effective_hours: int = 0
    replace_hold_hours: int = 48
    cancel_wait_hours: int = 0
    by_hand: Money = ZERO
    negative_top_up: bool = False
    nozzles: tuple[NozzleKey, ...] = ()
    lowest_disk_bytes: int = 64 * 1024 * 1024
    marks_alone: MarkedAlone = ALWAYS_TWO
    is_count_blind: bool = True
    wrong_tries: int = 3
    shift_ends_session: bool = True
    one_time_hours: int = 24
    sold_units: frozenset[Unit] = frozenset()  # of the nozzles; empty without nozzles
    nozzle_units: Mapping[NozzleKey, Unit] = field(default_factory=dict, hash=False)
    # The level of each nozzle that shows one alone.
    only_levels: Mapping[NozzleKey, int] = field(default_factory=dict, hash=False)
    # Price levels by unit; a unit of which some nozzle shows all is not in it.
    levels_shown: Mapping[Unit, frozenset[int]] = field(
        default_factory=dict, hash=False
    )


@dataclass(frozen=True, slots=True)
class GateRules:
    """How often a login may fail, and how long a session lasts."""

    wrong_tries: int
    session_hours: int
    idle_minutes: int
    one_time_hours: int = 24


@dataclass(frozen=True, slots=True)
class StaffCardRules:
    """Whose login takes a staff card: "off", "administrators" or "all" of them.

    `also` are the numbers of further operators.
    """

    needed_by: str = "off"
    also: frozenset[str] = frozenset()


def staff_card_rules(security: Security) -> StaffCardRules:
    """Return what a configuration says of the second step of a login."""
    also = frozenset(security.staff_card_operators)
    return StaffCardRules(security.require_staff_card, also)


def gate_rules(security: Security) -> GateRules:
    """Return what a configuration says of logins."""
    return GateRules(
        wrong_tries=security.wrong_tries,
        session_hours=security.session_hours,
        idle_minutes=security.idle_lock_minutes,
        one_time_hours=security.one_time_hours,
    )


def rules_of(config: StationConfig) -> StationRules:
    """Return the rules that a configuration sets.

    Gas on cards is counted in the unit of the first nozzle; m³ where there is none.
    """
    units = {
        NozzleKey(
            config.station.station_no, nozzle.dispenser_no, nozzle.nozzle_no
        ): nozzle.unit
        for line in config.lines
        for nozzle in line.nozzles
    }
    limits = config.limits
    return StationRules(
        station_no=config.station.station_no,
        wrong_tries=config.security.wrong_tries,
        area_no=config.station.area_no,
        issue_point_no=config.station.issue_point_no,
        till=config.till.name,
        gas_unit=next(iter(units.values()), Unit.M3),
        single_lower=limits.top_up_lower_yuan,
        single_upper=limits.top_up_upper_yuan,
        balance_ceiling=limits.balance_ceiling_yuan,
        card_fee=limits.card_fee_yuan,
        cylinder_warning_days=limits.cylinder_warning_days,
        loss_effective_hours=limits.loss_effective_hours,
        replace_hold_hours=limits.replace_hold_hours,
        cancel_wait_hours=limits.cancel_wait_hours,
        by_hand=limits.by_hand_yuan,
        negative_top_up=limits.negative_top_up,
        marks_alone=MarkedAlone(
            config.shifts.marks_alone, config.shifts.marks_alone_yuan.e4
        ),
        is_count_blind=config.shifts.blind_count,
        nozzles=tuple(units),
        nozzle_units=units,
        one_time_hours=config.security.one_time_hours,
        shift_ends_session=config.security.shift_ends_session,
        business_day_starts_minute=config.station.cut_off_minute,
        sold_units=frozenset(units.values()),
        levels_shown=levels_shown(config.lines),
        only_levels=only_levels(config.station.station_no, config.lines),
    )

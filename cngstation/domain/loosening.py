"""Which changes of the station's settings loosen a guard: those are given a reason."""

from collections.abc import Mapping
from enum import Enum, auto

ON, OFF = "true", "false"


class Loosens(Enum):
    """The direction in which a setting holds back less."""

    UP = auto()
    DOWN = auto()
    ON = auto()
    OFF = auto()
    ANY = auto()
    NONE_IS_MOST = auto()  # a number, of which 0 switches the guard off


GUARDS: Mapping[str, Loosens] = {
    "limits.top_up_lower_yuan": Loosens.DOWN,
    "limits.top_up_upper_yuan": Loosens.UP,
    "limits.balance_ceiling_yuan": Loosens.UP,
    "limits.card_fee_yuan": Loosens.DOWN,
    "limits.cylinder_warning_days": Loosens.DOWN,
    "limits.loss_effective_hours": Loosens.DOWN,
    "limits.replace_hold_hours": Loosens.DOWN,
    "limits.cancel_wait_hours": Loosens.DOWN,
    "limits.by_hand_yuan": Loosens.UP,
    "limits.negative_top_up": Loosens.ON,
    "downloads.late_hours": Loosens.NONE_IS_MOST,
    "printer.daily_digest": Loosens.OFF,
    "shifts.open_hours": Loosens.NONE_IS_MOST,
    "shifts.marks_alone": Loosens.UP,
    "shifts.marks_alone_yuan": Loosens.UP,
    "shifts.blind_count": Loosens.OFF,
    "security.session_hours": Loosens.UP,
    "security.wrong_tries": Loosens.UP,
    "security.idle_lock_minutes": Loosens.UP,
    "security.shift_ends_session": Loosens.OFF,
    "security.one_time_hours": Loosens.UP,
    "security.clock_bound_s": Loosens.UP,
    "security.require_staff_card": Loosens.DOWN,
    "security.staff_card_operators": Loosens.ANY,
    "enrolment.head_office_key": Loosens.ANY,
}
_RANKS = {"off": 0, "administrators": 1, "all": 2}


def loosens(name: str, before: str, after: str) -> bool:
    """Tell whether a setting holds back less than before; both as they are typed."""
    if before == after:
        return False
    match GUARDS.get(name):
        case None:
            return False
        case Loosens.ON:
            return after == ON
        case Loosens.OFF:
            return after == OFF
        case Loosens.ANY:
            return before not in {"", "[]"}  # nothing held nothing back
        case Loosens.UP | Loosens.DOWN | Loosens.NONE_IS_MOST as direction:
            try:
                return _goes(direction, _rank(before), _rank(after))
            except ValueError:
                return True  # written by another version: a person looks at it


def _goes(direction: Loosens, before: int, after: int) -> bool:
    if direction is Loosens.DOWN:
        return after < before
    if direction is Loosens.NONE_IS_MOST and 0 in {before, after}:
        return after == 0
    return after > before


def _rank(text: str) -> int:
    """Return what a setting is compared by: a number, or its place."""
    if text in _RANKS:
        return _RANKS[text]
    whole, _, part = text.partition(".")
    return int(whole or "0") * 10_000 + int(part.ljust(4, "0")[:4] or "0")

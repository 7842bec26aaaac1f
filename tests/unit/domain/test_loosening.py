"""Which changes of a setting hold back less."""

import pytest

from cngstation.config.sections import StationConfig
from cngstation.domain.loosening import GUARDS, loosens


@pytest.mark.parametrize(
    ("name", "before", "after", "less"),
    [
        ("limits.top_up_upper_yuan", "9.00", "10.00", True),
        ("limits.top_up_upper_yuan", "10.00", "9.00", False),
        ("limits.top_up_upper_yuan", "10.00", "10.01", True),
        ("shifts.open_hours", "14", "0", True),
        ("shifts.open_hours", "0", "14", False),
        ("shifts.open_hours", "14", "15", True),
        ("downloads.late_hours", "12", "0", True),
        ("downloads.late_hours", "12", "6", False),
        ("security.require_staff_card", "all", "administrators", True),
        ("security.require_staff_card", "off", "all", False),
        ("security.require_staff_card", "all", "true", True),
        ("security.staff_card_operators", "[]", '["1003"]', False),
        ("security.staff_card_operators", '["1003"]', "[]", True),
        ("enrolment.head_office_key", "", "AB", False),
        ("enrolment.head_office_key", "AB", "CD", True),
        ("shifts.blind_count", "true", "false", True),
        ("limits.negative_top_up", "true", "false", False),
        ("station.name", "a", "b", False),
    ],
)
def test_what_holds_back_less(name: str, before: str, after: str, less: bool) -> None:
    """Numbers by their size, not by their letters."""
    assert loosens(name, before, after) is less


def test_every_guard_is_a_key_of_the_file() -> None:
    """A renamed key would be watched no more."""
    for name in GUARDS:
        section, key = name.split(".")
        of_section = StationConfig.model_fields[section].annotation
        assert of_section is not None
        assert key in of_section.model_fields

"""The rule for tests that drive Debian programs."""

from types import SimpleNamespace

import pytest

from tests.conftest import pytest_runtest_setup


def test_a_missing_program_fails_the_test() -> None:
    """A program that is not there fails its test in words; one that is lets it run."""
    item = SimpleNamespace(
        iter_markers=lambda _: [pytest.mark.needs("sh", "no-such-program").mark]
    )
    with pytest.raises(pytest.fail.Exception, match="drives no-such-program, which"):
        pytest_runtest_setup(item)
    item.iter_markers = lambda _: [pytest.mark.needs("sh").mark]
    pytest_runtest_setup(item)

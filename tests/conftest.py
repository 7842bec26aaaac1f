"""Rules for every test: programs that it needs are there; new files are copies."""

import shutil

import pytest

from tests.new_files import copy_new_files

copy_new_files()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail, rather than skip, a test whose Debian programs are missing."""
    for marker in item.iter_markers("needs"):
        missing = [name for name in marker.args if shutil.which(name) is None]
        if missing:
            pytest.fail(
                f"This test drives {', '.join(missing)}, which this machine does not "
                "have. The project's test command installs it.",
                pytrace=False,
            )

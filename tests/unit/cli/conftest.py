"""A command speaks the station's language; the next test speaks English again."""

from collections.abc import Iterator

import pytest

from cngstation.language import use_language


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    use_language("en")

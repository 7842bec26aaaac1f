"""The station that most simulations run on."""

from collections.abc import Iterator

import pytest

from tests.simulation.money_world import World


@pytest.fixture
def world() -> Iterator[World]:
    """A station with a file of its own."""
    made = World()
    yield made
    made.close()

"""Every named mutant of the money acts is killed by its directed example."""

import pytest

from tests.property.mutants import MUTANTS, Mutant
from tests.simulation.money_world import World

EXAMPLES = list(dict.fromkeys(mutant.example for mutant in MUTANTS))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.__name__)
def test_example_holds_for_the_product(example: object) -> None:
    """The product as it is passes every directed example."""
    world = World()
    try:
        example(world)  # type: ignore[operator]
    finally:
        world.close()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutant_is_killed(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    """The directed example fails under the mutant."""
    world = World()
    try:
        mutant.patch(monkeypatch)
        with pytest.raises(AssertionError):
            mutant.example(world)
    finally:
        monkeypatch.undo()
        world.close()


def test_mutants_have_names_of_their_own() -> None:
    """The list names each mutant once."""
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)

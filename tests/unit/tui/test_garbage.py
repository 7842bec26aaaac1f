"""Full collections wait until nobody types."""

import gc
from collections.abc import Iterator

import pytest

from tui.garbage import Garbage

CALM, APART, MOST = 40, 1_200, 12_000


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """What was collected; the thresholds are put back."""
    before, calls = gc.get_threshold(), list[int]()
    monkeypatch.setattr(gc, "collect", lambda: calls.append(1))
    monkeypatch.setattr(gc, "freeze", lambda: None)
    yield calls
    gc.set_threshold(*before)


def test_the_collector_itself_never_collects_everything(collected: list[int]) -> None:
    """Only the young generations go by count."""
    Garbage().begin()
    assert collected == [1]
    assert gc.get_threshold()[2] >= 1_000_000
    assert gc.isenabled()


def test_a_minute_and_a_calm_moment(collected: list[int]) -> None:
    """A collection waits for the minute, and then for two seconds without a key."""
    waiting = Garbage()
    for _ in range(APART - 1):
        waiting.take_turn()
    waiting.key_pressed()
    for _ in range(CALM - 1):
        waiting.take_turn()
    assert not collected
    waiting.take_turn()
    assert collected == [1]
    for _ in range(APART - 1):
        waiting.take_turn()
    assert collected == [1]


def test_without_any_calm_it_comes_all_the_same(collected: list[int]) -> None:
    """Somebody who types for ten minutes does not fill the memory."""
    waiting = Garbage()
    for _ in range(MOST):
        waiting.key_pressed()
        waiting.take_turn()
    assert collected == [1]

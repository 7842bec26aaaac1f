"""The file of a virtual card: made once, and in one place at a time."""

from pathlib import Path

import pytest

from cngstation.simulators.held_file import CardElsewhere, HeldFile, make_file


def test_a_card_that_is_there_is_not_made_anew(tmp_path: Path) -> None:
    """What it holds stays; its folder is made where it is missing."""
    path = make_file(tmp_path / "cards" / "A.card", b"first")
    assert make_file(path, b"second").read_bytes() == b"first"
    assert [found.name for found in path.parent.iterdir()] == ["A.card"]


def test_a_card_is_in_one_place_at_a_time(tmp_path: Path) -> None:
    """Whoever lets go of it, once or twice, gives it to the next."""
    path = make_file(tmp_path / "A.card", b"card")
    with HeldFile(path) as held:
        with pytest.raises(CardElsewhere, match="A"):
            HeldFile(path)
        held.leave()
        HeldFile(path).leave()


def test_there_is_no_card_without_a_file(tmp_path: Path) -> None:
    """Taking a card does not make one."""
    with pytest.raises(FileNotFoundError):
        HeldFile(tmp_path / "A.card")
    assert not list(tmp_path.iterdir())

"""What a daemon leaves beside its socket, in a folder where others may write."""

import os
from pathlib import Path

from cngstation.rpc import last_words


def test_they_are_heard_until_they_are_taken_back(tmp_path: Path) -> None:
    """A later sentence replaces the one before."""
    socket = tmp_path / "counter.sock"
    assert last_words.heard(socket) == ""
    for sentence in ("the file is wrong", "the disk is full"):
        last_words.leave(socket, sentence)
        assert last_words.heard(socket) == sentence
    last_words.take_back(socket)
    assert last_words.heard(socket) == ""


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    """Whoever may write there could point it at the books."""
    socket, books = tmp_path / "counter.sock", tmp_path / "station.db"
    books.write_text("the books")
    last_words.path_of(socket).symlink_to(books)
    assert last_words.heard(socket) == "", "nor is it read through one"
    last_words.leave(socket, "the file is wrong")
    assert books.read_text() == "the books"
    assert last_words.heard(socket) == "the file is wrong"


def test_a_pipe_keeps_no_screen_waiting(tmp_path: Path) -> None:
    """And a folder in its place is no reason to fail."""
    socket = tmp_path / "counter.sock"
    path = last_words.path_of(socket)
    os.mkfifo(path)
    assert last_words.heard(socket) == ""
    path.unlink()
    path.mkdir()
    last_words.leave(socket, "the file is wrong")
    last_words.take_back(socket)
    assert last_words.heard(socket) == ""

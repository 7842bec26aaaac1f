"""Where an act came from: what the kernel says, and not what a client tells."""

import os
from pathlib import Path

import pytest

from cngstation.rpc.authority import Peer
from cngstation.services.name_terminal import terminal_of

UID = os.getuid()
PEER = Peer(pid=77, uid=UID, gid=1)


def machine(tmp_path: Path, tty: int | None) -> dict[str, Path]:
    """Return a /proc with one process at a terminal, if any, and a /dev."""
    for name in ("proc", "dev/pts"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "dev/pts/9").touch()
    if tty is not None:
        (tmp_path / "proc/77").mkdir()
        stat = f"77 (od d) name) S 1 77 77 {tty} 77 4194304"
        (tmp_path / "proc/77/stat").write_text(stat)
    return {"proc": tmp_path / "proc", "dev": tmp_path / "dev"}


def device(named: str) -> str:
    """Return the part after the user."""
    return named.partition("@")[2]


@pytest.mark.parametrize(
    ("tty", "expected"),
    [
        (os.makedev(136, 3), "pts/3"),
        (os.makedev(137, 1), "pts/257"),
        (os.makedev(4, 2), "tty2"),
        (os.makedev(4, 65), "ttyS1"),
        (0, "none"),
    ],
)
def test_the_kernel_is_believed_and_not_the_client(
    tmp_path: Path, tty: int, expected: str
) -> None:
    """Whatever device a client names, that of its process counts."""
    assert device(terminal_of(PEER, "pts/9", **machine(tmp_path, tty))) == expected


def test_a_hidden_process_may_name_a_device_of_its_own_user(tmp_path: Path) -> None:
    """A device of that user counts; of another, or none at all, stays in doubt."""
    places = machine(tmp_path, None)
    assert device(terminal_of(PEER, "pts/9", **places)) == "pts/9"
    stranger = Peer(pid=77, uid=UID + 1, gid=1)
    assert device(terminal_of(stranger, "pts/9", **places)) == "pts/9?"
    assert device(terminal_of(PEER, "pts/10", **places)) == "pts/10?"
    assert device(terminal_of(PEER, "../dev/pts/9", **places)) == "../dev/pts/9?"
    assert device(terminal_of(PEER, "", **places)) == "unknown?"


def test_a_number_taken_by_another_process_tells_nothing(tmp_path: Path) -> None:
    """A process that has ended may have left its number to somebody else's."""
    places = machine(tmp_path, os.makedev(136, 3))
    gone = Peer(pid=77, uid=UID + 1, gid=1)
    assert device(terminal_of(gone, "pts/9", **places)) == "pts/9?"


def test_the_user_is_the_kernels_and_the_whole_fits(tmp_path: Path) -> None:
    """A uid without a name is told as a number; escapes and length do no harm."""
    places = machine(tmp_path, None)
    named = terminal_of(Peer(1, 54321, 1), "\x1b[31m" + "x" * 99, **places)
    assert named.startswith("54321@[31m".replace("[", ""))
    assert len(named) <= 40
    assert named.isprintable()
    mine = terminal_of(PEER, "x", **places)
    assert mine == "root@x?" if UID == 0 else mine.endswith("@x?")

"""A second process that reads the same snapshot, and looks where it is told.

A thread in its place would stand in the way: SQLite counts the memory that it uses
under one lock, and each of two threads takes more than half as long again.
"""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

from cngstation.errors import StationError
from cngstation.storage.sqlite import FAILURES, Connection, connect, sqlite3

Look = Callable[[Connection], object]
Reader = Callable[[Look], object]

# A look that meets one of these has no answer, and says None.
UNANSWERED = (*FAILURES, TypeError, ValueError)


class ReaderGone(StationError):
    """The second process was ended."""

    code = "verify.reader_gone"
    text = (
        "A process that helped to read the books was ended. Nothing was changed and no "
        "money moved. The books are read without it."
    )


def asked(look: Look, connection: Connection) -> object:
    """Look; None where the file gives no answer."""
    try:
        return look(connection)
    except UNANSWERED:
        return None


@contextmanager
def second_reader(path: Path, connection: Connection) -> Iterator[Reader]:
    """Begin to read on `connection` and in a process of its own, in one snapshot.

    `connection` is in no transaction. What is asked of the process is a function of a
    module, or a partial of one; its answer is pickled.

    Raises:
        ReaderGone: here or from what is yielded: the process was ended.
    """
    spawn = multiprocessing.get_context("spawn")
    try:
        ours, theirs = spawn.Pipe()
    except OSError as gone:
        raise ReaderGone from gone
    process = spawn.Process(target=_serve, args=(path, theirs), daemon=True)
    try:
        process.start()
    except OSError as gone:  # no memory for it, or too many processes
        ours.close()
        raise ReaderGone from gone
    finally:
        theirs.close()

    def ask(look: Look) -> object:
        try:
            ours.send(look)
            return ours.recv()
        except (EOFError, OSError) as gone:
            raise ReaderGone from gone

    try:
        ask(_nothing)  # it is there, and beginning takes no longer than two messages
        begin_together(path, connection, ask)
        yield ask
    finally:
        ours.close()
        process.kill()
        process.join()


def begin_together(path: Path, connection: Connection, ask: Reader) -> None:
    """Begin on both; anew until nothing was committed meanwhile."""
    with closing(connect(path, read_only=True)) as witness:
        while True:
            before = version_seen(witness)
            begin(connection)
            if not ask(begin):
                raise ReaderGone
            # Nothing was committed before, between and until the second one began.
            if version_seen(witness) == before:
                return
            connection.execute("ROLLBACK")
            ask(roll_back)


def begin(connection: Connection) -> bool:
    """Begin to read: from here on the connection sees no later commit."""
    connection.execute("BEGIN")
    connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
    return True


def version_seen(connection: Connection) -> int:
    """Return a number that changes with the next commit of another connection."""
    connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
    version: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return version


def roll_back(connection: Connection) -> None:
    """End the reading."""
    connection.execute("ROLLBACK")


def _nothing(_: Connection) -> None:
    return None


def _serve(path: Path, pipe: Pipe) -> None:
    """Look for as long as somebody asks; the one who asks ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with (
        suppress(EOFError, OSError, sqlite3.Error),
        closing(connect(path, read_only=True)) as connection,
    ):
        while True:
            pipe.send(asked(pipe.recv(), connection))

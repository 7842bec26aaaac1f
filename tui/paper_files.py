"""Papers that come and go as files: on a USB key, in a folder, or typed."""

from pathlib import Path

from cngstation.errors import Refusal
from cngstation.hygiene import clean

LONGEST = 16_000
CERTIFICATES, TICKETS = "*.certificate.txt", "*.ticket.txt"
_STARTS = ("/", "~", "./", "../")
_MOST_FILES = 200


class NoSuchPaper(Refusal):
    """There is no such file, or no paper of this station in the folder."""

    code = "tui.no_such_paper"
    text = (
        "There is no paper for this station in {path} (files {names}), or it cannot be "
        "read. Nothing was done. Name the file itself."
    )


class SeveralPapers(Refusal):
    """Nobody can tell which file is meant."""

    code = "tui.several_papers"
    text = "There are {count} papers in {path}. Nothing was done. Name the one file."


class FileNotMade(Refusal):
    """The folder or the disk refuses the file, or there is another one."""

    code = "tui.file_not_made"
    text = (
        "The file {path} cannot be written: it is there already, or the folder refuses "
        "it. Nothing was done. Choose another name."
    )


def paper_of(typed: str, names: str, station_no: str) -> str:
    """Return a code: what was typed, or what stands in the file that was named.

    A folder, as of a USB key, is searched for the one file of this station.

    Raises:
        NoSuchPaper, SeveralPapers: there is not just one.
    """
    if not typed.startswith(_STARTS):
        return typed
    path = Path(typed).expanduser()
    try:
        return _read(_file_in(path, names, station_no) if path.is_dir() else path)
    except OSError:
        raise NoSuchPaper(path=clean(typed), names=names) from None


def write_paper(typed: str, name: str, text: str) -> Path:
    """Write a paper into a folder under its name, or as a file; return which.

    Raises:
        FileNotMade: nothing is written over.
    """
    path = Path(typed).expanduser()
    try:
        if path.is_dir():
            path /= name
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        raise FileNotMade(path=clean(str(path))) from None
    return path


def _file_in(folder: Path, names: str, station_no: str) -> Path:
    mine = f"station {station_no},"
    found = sorted(folder.glob(names))[:_MOST_FILES]
    ours = [path for path in found if mine in _read(path)]
    if len(ours) > 1:
        raise SeveralPapers(count=len(ours), path=clean(str(folder)))
    if not ours:
        raise NoSuchPaper(path=clean(str(folder)), names=names)
    return ours[0]


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(LONGEST).decode("utf-8", "replace")

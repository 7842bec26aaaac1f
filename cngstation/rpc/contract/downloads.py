"""Lists and prices on their way to the dispensers, and numbers listed by hand."""

from typing import Annotated

from pydantic import Field

from cngstation.rpc.contract.figures import Word
from cngstation.rpc.contract.marks import Approval
from cngstation.rpc.method import LOGGED_IN, Event, Message, Method, Text
from cngstation.rpc.session import Nothing

# A page of them is a message of 50 KiB; a message has at most 64.
MOST_NOZZLES, _KINDS = 24, 6
MOST_ROWS = MOST_NOZZLES * _KINDS
MOST_NUMBERS = 200


class ListFigure(Message):
    """A list as it was published last; `cause` is books, hand or anew."""

    kind: Word
    version: int
    count: int
    at_ms: int
    cause: Word


class DownloadRow(Message):
    """What a nozzle holds of one kind: in_force, sending, waiting, refused or no_way.

    `wanted` and `held` are versions, 0 is none known; `count` is cards or levels. The
    last try was at `tried_ms` (0: none yet) and ended as `result`: sent, taken or
    refused; `why` begins with the reason as a word. `ahead` is there or waits where the
    prices that follow are sent before their time, else empty.
    """

    nozzle_no: int
    dispenser_no: int
    kind: Word
    state: Word
    wanted: int
    held: int
    sent: int
    count: int
    held_since_ms: int
    tried_ms: int = 0
    result: Word = ""
    why: Word = ""
    ahead: Word = ""


class NumberQuery(Message):
    """Numbers that contain digits, of a list (empty: both), behind a place.

    `after` is a reply's `next_place`, empty for the first page.
    """

    digits: Annotated[str, Field(pattern=r"^[0-9]{0,16}$")] = ""
    list: Annotated[str, Field(pattern=r"^(black|white)?$")] = ""
    after: Word = ""


class ListedNumber(Message):
    """A number on the black or the white list, and where it came from.

    `source` is own (a card of the station, with its state), hand, file or centre.
    """

    card_no: Word
    list: Word
    source: Word
    state: Word


class ListedNumbers(Message):
    """A page of numbers in their order; `next_place` is empty on the last."""

    rows: Annotated[tuple[ListedNumber, ...], Field(max_length=MOST_NUMBERS)]
    next_place: Word


class BoardQuery(Message):
    """The nozzles behind this number; 0 begins."""

    after_nozzle: Annotated[int, Field(ge=0, le=10**6)] = 0


class ClockRow(Message):
    """How far a dispenser's own clock is ahead of ours, as of its last fill."""

    nozzle_no: int
    ahead_ms: int
    at_ms: int


class ListsBoard(Message):
    """The downloads, with a page of nozzles; `next_nozzle` is 0 on the last."""

    lists: Annotated[tuple[ListFigure, ...], Field(max_length=4)]
    nozzles: Annotated[tuple[DownloadRow, ...], Field(max_length=MOST_ROWS)]
    clocks: Annotated[tuple[ClockRow, ...], Field(max_length=64)] = ()
    next_nozzle: int = 0


class SendOrder(Message):
    """Send lists and prices now: `whole` as a new base, else what has changed.

    `nozzles` are those that are told now, none is all; the others follow with the next
    news.
    """

    whole: bool
    nozzles: Annotated[tuple[int, ...], Field(max_length=64)] = ()


class NumberOrder(Message):
    """Put a number on the black or the white list, or on none.

    Taking one off the blacklist takes two people.
    """

    card_no: Annotated[str, Field(pattern=r"^[0-9]{8,16}$")]
    list: Annotated[str, Field(pattern=r"^(black|white|none)$")]
    reason: Text
    approval: Approval | None


class FileRow(Message):
    """A file in the import folder."""

    name: Annotated[str, Field(max_length=120)]
    bytes: int
    at_ms: int


class FileRows(Message):
    """The files of the import folder, newest first; `folder` is where they lie."""

    folder: Text
    rows: Annotated[tuple[FileRow, ...], Field(max_length=100)]


class FileName(Message):
    """A file of the import folder."""

    name: Annotated[str, Field(max_length=120)]


class FileFault(Message):
    """A row that cannot be used; `value` is put into the sentence."""

    row: int
    text: Text
    value: Word


class FileChanges(Message):
    """What a file would change."""

    on_black: int
    off_black: int
    others: int
    own: int
    black: int


class FileLook(Message):
    """A file: its faults, and what it would change as changes and whole."""

    name: Text
    digest: Text
    rows: int
    faults: Annotated[tuple[FileFault, ...], Field(max_length=20)]
    as_changes: FileChanges
    as_whole: FileChanges


class FileOrder(Message):
    """Put a file on the lists; `digest` is that of the file that was looked at.

    Where the blacklist loses a number it takes two people.
    """

    name: Annotated[str, Field(max_length=120)]
    digest: Text
    whole: bool
    reason: Text
    approval: Approval | None


DOWNLOADS_SHOW = Method("lists.show", BoardQuery, ListsBoard, LOGGED_IN, changes=False)
LISTS_SEND = Method("lists.send", SendOrder, ListsBoard, "lists.send", changes=True)
LISTS_NUMBER = Method(
    "lists.number", NumberOrder, ListsBoard, "lists.number", changes=True
)
LISTS_NUMBERS = Method(
    "lists.numbers", NumberQuery, ListedNumbers, LOGGED_IN, changes=False
)
LISTS_FILES = Method("lists.files", Nothing, FileRows, LOGGED_IN, changes=False)
LISTS_LOOK = Method("lists.look", FileName, FileLook, "lists.send", changes=False)
LISTS_FILE = Method("lists.file", FileOrder, FileChanges, "lists.number", changes=True)
DOWNLOADS_CHANGED = Event("lists.changed", Nothing, replaceable=True)

DOWNLOAD_METHODS = (
    DOWNLOADS_SHOW,
    LISTS_SEND,
    LISTS_NUMBER,
    LISTS_NUMBERS,
    LISTS_FILES,
    LISTS_LOOK,
    LISTS_FILE,
)

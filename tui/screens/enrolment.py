"""Enrolment with head office (注册): the state, the request, the certificate."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from cngstation.errors import StationError
from cngstation.language import _, mark
from cngstation.moments import time_text
from cngstation.rpc.contract.parameters import (
    ENROLMENT_ACCEPT,
    ENROLMENT_REQUEST,
    ENROLMENT_SHOW,
    LONGEST_CODE,
    EnrolmentAccept,
    EnrolmentAsk,
    EnrolmentBoard,
)
from cngstation.rpc.session import Nothing
from tui.desk import Desk
from tui.paper_files import CERTIFICATES, paper_of, write_paper
from tui.screens.form_screen import Field, FormScreen
from tui.screens.mark_card import BOTH_PEOPLE, REASON, approval_of, hide_passwords
from tui.texts import filled
from tui.widgets.key_line import Keys
from tui.widgets.lines import Drawn, line, stacked
from tui.words import word

_GROUPS_A_LINE = 10
_GROUPS_A_FILE_LINE = 6
_REQUEST = mark("Request {code}, to be typed or sent:")
_STATION = mark("Station {station}, area {area}, runs as {runs}.")
_ENROLLED = mark("Certificate {serial}, edition {edition}, key {office}.")
_UNTIL = mark("Good from {begins} until {until}: {days} days left.")
_DIFFERS = mark("The edition is {edition}, but the station runs as {runs}.")
_DONE = mark("Certificate {serial} is accepted, good until {until}.")
_MADE = mark("Request {code} is made. Read the eight letters out to head office.")
_WRITTEN = mark("Request {code} is written to {path}.")
_TWO = mark("a new key: two people")


class EnrolmentScreen(FormScreen):
    """What head office knows of the station, and the fields for its answer."""

    TITLE_TEXT = mark("Enrolment with head office")
    HELP = mark(
        "A single station needs none of this. Ctrl+N makes a request and the station's "
        "own key; its groups stand here, its short code is read out over the phone, "
        "and Ctrl+W writes it to a file or a USB key. Head office's certificate: name "
        "its file or the folder of the USB key, or type its groups; a wrong group is "
        "named. The first time compare the fingerprint of head office's key by phone, "
        "and give it with a reason and a second operator."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field(
            "certificate",
            mark("Certificate"),
            mark("file, USB folder, or groups"),
            LONGEST_CODE,
        ),
        Field("fingerprint", mark("Fingerprint"), mark("the first time only"), 19),
        replace(REASON, hint=mark("the first time only")),
        *BOTH_PEOPLE,
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+n", "request", show=False, priority=True),
        Binding("ctrl+w", "write", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    EnrolmentScreen #state { height: auto; padding: 0 1; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.board: EnrolmentBoard | None = None

    def parts(self) -> Iterable[Widget]:
        """The state above the form."""
        yield Drawn(self._state, id="state")
        yield from super().parts()

    def on_mount(self) -> None:
        """Fetch the state; hide what is secret."""
        super().on_mount()
        hide_passwords(self)
        self.run_worker(self._fetch())

    async def _fetch(self) -> None:
        try:
            self.show(await self.desk.link.call(ENROLMENT_SHOW, Nothing()))
        except StationError as error:
            self.say_error(error)

    def show(self, board: EnrolmentBoard) -> None:
        """Show how the station stands now."""
        self.board = board
        self.redraw()

    def offered_keys(self) -> Keys:
        """Name what the request can do, too."""
        asked = self.board is not None and self.board.request
        write = [("Ctrl+W", _("request to a file"))] if asked else []
        return [*super().offered_keys()[:-1], ("Ctrl+N", _("request")), *write,
                ("Esc", _("back"))]  # fmt: skip

    def action_request(self) -> None:
        """Open the form that makes a request."""
        if self.board is not None:
            self.app.push_screen(RequestScreen(self.desk, self))

    def action_write(self) -> None:
        """Open the form that writes the request to a file."""
        if self.board is not None and self.board.request:
            self.app.push_screen(WriteRequestScreen(self.desk, self))

    def _state(self) -> Content:
        board = self.board
        if board is None:
            return line(_("asking ..."))
        lines = list(_told(board))
        if board.request:
            lines.append(line((filled(_REQUEST, code=board.call_code), "bold")))
            groups = board.request.split()
            for at in range(0, len(groups), _GROUPS_A_LINE):
                lines.append(line(" ".join(groups[at : at + _GROUPS_A_LINE])))
        return stacked(lines)

    async def save(self) -> str:
        """Give the certificate to the station."""
        station_no = self.board.station_no if self.board else ""
        wanted = EnrolmentAccept(
            certificate=code_of(self.value("certificate"), CERTIFICATES, station_no),
            fingerprint=self.value("fingerprint"),
            reason=self.value("reason"),
            approval=approval_of(self),
        )
        board = await self.desk.link.call(ENROLMENT_ACCEPT, wanted)
        until = time_text(board.until_ms)
        return filled(_DONE, serial=str(board.serial), until=until)


class BesideEnrolment(FormScreen):
    """A form that goes back to the page of the enrolment."""

    def __init__(self, desk: Desk, behind: EnrolmentScreen) -> None:
        super().__init__(desk)
        self.behind = behind

    def leave_saved(self, done: str) -> None:
        """Say at the page what was done."""
        self.station_app.back_to(self.behind)
        self.behind.say(done, self.outcome)

    def action_leave(self) -> None:
        """Go back to the page."""
        self.station_app.back_to(self.behind)


class RequestScreen(BesideEnrolment):
    """Makes a request, and the station's own key where there is none."""

    TITLE_TEXT = mark("Make a request to head office")
    HELP = mark(
        "The request is signed with the station's own key, which is made if there is "
        "none. Another key than before takes a reason and a second operator; before "
        "there is one, the only operator does it alone, once."
    )
    FIELDS: ClassVar[Sequence[Field]] = (replace(REASON, hint=_TWO), *BOTH_PEOPLE)

    def on_mount(self) -> None:
        """Hide what is secret."""
        super().on_mount()
        hide_passwords(self)

    async def save(self) -> str:
        """Make it."""
        asked = EnrolmentAsk(reason=self.value("reason"), approval=approval_of(self))
        board = await self.desk.link.call(ENROLMENT_REQUEST, asked)
        self.behind.show(board)
        return filled(_MADE, code=board.call_code)


class WriteRequestScreen(BesideEnrolment):
    """Writes the request to a file."""

    TITLE_TEXT = mark("Write the request to a file")
    HELP = mark(
        "The name of a file, or a folder such as that of a USB key. Nothing is written "
        "over. There is no secret in a request."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("path", mark("File or folder"), mark("such as /media/usb"), 200),
    )

    async def save(self) -> str:
        """Write it."""
        board = self.behind.board
        assert board is not None, "the page was filled before"
        name = f"{board.station_no}.request.txt"
        path = write_paper(self.value("path"), name, request_file(board))
        return filled(_WRITTEN, code=board.call_code, path=str(path))


def code_of(typed: str, names: str, station_no: str) -> str:
    """Return the groups of a paper, typed or from a file; its remarks are left out."""
    rows = paper_of(typed, names, station_no).splitlines()
    return " ".join(row.strip() for row in rows if not row.startswith("#"))


def request_file(board: EnrolmentBoard) -> str:
    """Return a request as head office's program reads it, and people too."""
    groups = board.request.split()
    rows = [
        "# cngstation enrolment request",
        f"# station {board.station_no}, area {board.area_no}",
        f"# to read over the phone: {board.call_code}",
    ]
    for at in range(0, len(groups), _GROUPS_A_FILE_LINE):
        rows.append(" ".join(groups[at : at + _GROUPS_A_FILE_LINE]))
    return "\n".join(rows) + "\n"


def _told(board: EnrolmentBoard) -> Iterable[Content]:
    runs = word(board.runs)
    facts = {"station": board.station_no, "area": board.area_no, "runs": runs}
    yield line(filled(_STATION, **facts))
    if not board.serial:
        yield line(_("Not enrolled. A single station needs nothing of it."))
        return
    edition, serial = word(board.edition), str(board.serial)
    yield line(filled(_ENROLLED, serial=serial, edition=edition, office=board.office))
    days = {"days": str(board.days_left)}
    moments = {"begins": time_text(board.from_ms), "until": time_text(board.until_ms)}
    style = "" if board.days_left > 0 else "bold $warning"
    yield line((filled(_UNTIL, **moments, **days), style))
    if not board.edition_fits:
        yield line((filled(_DIFFERS, edition=edition, runs=runs), "bold $warning"))

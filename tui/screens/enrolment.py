"""Enrolment with head office (注册): the state, the request's code, the certificate."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.content import Content
from textual.widget import Widget

from cngstation.errors import StationError
from cngstation.language import _, mark
from cngstation.moments import time_text
from cngstation.rpc.contract.parameters import (
    ENROLMENT_ACCEPT,
    ENROLMENT_SHOW,
    LONGEST_CODE,
    EnrolmentAccept,
    EnrolmentBoard,
)
from cngstation.rpc.session import Nothing
from tui.desk import Desk
from tui.screens.form_screen import Field, FormScreen
from tui.texts import filled
from tui.widgets.lines import Drawn, line, stacked

_GROUPS_A_LINE = 10
_REQUEST = mark("Request {code}, to be typed or sent:")
_ENROLLED = mark(
    "Enrolled: certificate {serial}, {edition}, until {until}, key {office}."
)
_DONE = mark("Certificate {serial} is accepted, good until {until}.")


class EnrolmentScreen(FormScreen):
    """What head office knows of the station, and the field for its answer."""

    TITLE_TEXT = mark("Enrolment with head office")
    HELP = mark(
        "A single station needs none of this. The request is made by cngstation enrol "
        "request; its groups stand here, and its short code is read out over the "
        "phone. Head office's certificate is typed here group by group, or imported "
        "from a file or USB key by cngstation enrol accept. A wrong group is named. "
        "The first time, compare the fingerprint of head office's key by phone."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("certificate", mark("Certificate"), mark("groups of 6"), LONGEST_CODE),
        Field("fingerprint", mark("Fingerprint"), mark("the first time only"), 19),
    )

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._board: EnrolmentBoard | None = None

    def parts(self) -> Iterable[Widget]:
        """The state above the form."""
        yield Drawn(self._state, id="state")
        yield from super().parts()

    def on_mount(self) -> None:
        """Fetch the state."""
        super().on_mount()
        self.run_worker(self._fetch())

    async def _fetch(self) -> None:
        try:
            self._board = await self.desk.link.call(ENROLMENT_SHOW, Nothing())
        except StationError as error:
            self.say_error(error)
        self.redraw()

    def _state(self) -> Content:
        board = self._board
        if board is None:
            return line(_("asking ..."))
        lines = [line(_said(board))]
        if board.request:
            code = filled(
                mark("Request {code}, to be typed or sent:"), code=board.call_code
            )
            lines.append(line(code))
            groups = board.request.split()
            for at in range(0, len(groups), _GROUPS_A_LINE):
                lines.append(line(" ".join(groups[at : at + _GROUPS_A_LINE])))
        return stacked(lines)

    async def save(self) -> str:
        """Give the certificate to the station."""
        board = await self.desk.link.call(
            ENROLMENT_ACCEPT,
            EnrolmentAccept(
                certificate=self.value("certificate"),
                fingerprint=self.value("fingerprint"),
            ),
        )
        until = time_text(board.until_ms)
        return filled(_DONE, serial=str(board.serial), until=until)


def _said(board: EnrolmentBoard) -> str:
    if not board.serial:
        return _("Not enrolled. A single station needs nothing of it.")
    return filled(
        _ENROLLED,
        serial=str(board.serial),
        edition=board.edition,
        until=time_text(board.until_ms),
        office=board.office,
    )

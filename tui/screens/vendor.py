"""Lets a technician of the vendor in (厂家维护): the ticket, by file or typed."""

from collections.abc import Sequence
from typing import ClassVar

from cngstation.language import mark
from cngstation.moments import time_text
from cngstation.rpc.contract.operators import OneTimePassword
from cngstation.rpc.contract.parameters import LONGEST_CODE
from cngstation.rpc.contract.vendor import VENDOR_ACCEPT, VendorPaper
from tui.paper_files import TICKETS
from tui.screens.enrolment import code_of
from tui.screens.form_screen import Field
from tui.screens.people_forms import PeopleForm
from tui.texts import filled

_LET_IN = mark("{holder} may work until {until}.")


class VendorScreen(PeopleForm):
    """The ticket of head office; the password of its holder is shown once."""

    TITLE_TEXT = mark("Let the vendor's technician in")
    HELP = mark(
        "Head office signs a ticket for one technician, this station and some time. "
        "Name its file or the folder of a USB key, or type its groups. The technician "
        "gets a login of the own kind with few rights: no money, no gas, no price, "
        "nobody's data. It ends by itself; a ticket is good once."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field(
            "ticket", mark("Ticket"), mark("file, USB folder, or groups"), LONGEST_CODE
        ),
    )

    async def save(self) -> str:
        """Give the ticket to the station."""
        station = self.desk.picture.station
        station_no = station.station_no if station else ""
        code = code_of(self.value("ticket"), TICKETS, station_no)
        done = await self.desk.link.call(VENDOR_ACCEPT, VendorPaper(ticket=code))
        self.given = OneTimePassword(
            operator_no=done.operator_no,
            login_name=done.login_name,
            password=done.password,
            hours=done.password_hours,
        )
        return filled(_LET_IN, holder=done.holder, until=time_text(done.until_ms))

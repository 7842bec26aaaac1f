"""Registering a company; its number is made by the system."""

from collections.abc import Sequence
from typing import ClassVar

from cngstation.language import mark
from cngstation.rpc.contract.counter import COMPANY_REGISTER, CompanyDraft
from tui.screens.form_screen import Field, FormScreen
from tui.texts import filled

_DONE = mark("Registered company {company_no} {name}.")


class RegisterCompanyScreen(FormScreen):
    """Name, address, phone."""

    TITLE_TEXT = mark("Register a company")
    HELP = mark(
        "Type the fields; Enter goes to the next one and saves from the last. The "
        "number of the company is made by the system."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("name", mark("Company name"), longest=60),
        Field("address", mark("Address"), longest=60),
        Field("phone", mark("Phone"), longest=20),
    )

    async def save(self) -> str:
        """Register the company."""
        draft = CompanyDraft(
            name=self.value("name"),
            address=self.value("address"),
            phone=self.value("phone"),
        )
        row = await self.desk.link.call(COMPANY_REGISTER, draft)
        return filled(_DONE, company_no=row.company_no, name=row.name)

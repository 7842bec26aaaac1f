"""Comparing the books with row and head as they stand on a slip."""

from collections.abc import Sequence
from typing import ClassVar

from cngstation.errors import StationError
from cngstation.language import mark
from cngstation.rpc.contract.counter import BOOKS_ANCHOR, AnchorTyped
from tui.screens.discounts import NotOfTheForm
from tui.screens.form_screen import Field, FormScreen
from tui.texts import sentence

_COMPARE_TIMEOUT_S = 300  # every row up to the slip's is linked anew


class OtherBooks(StationError):
    """The books are not those of the slip."""

    code = "tui.other_books"
    text = "{said}"


class AnchorScreen(FormScreen):
    """Row and head of a slip; Enter compares."""

    TITLE_TEXT = mark("Compare the books with a slip")
    HELP = mark(
        "Every handover slip, and every hundredth receipt, says the row at which the "
        "books stood and the head that they had. Type the row and the first eight "
        "digits of the head: an older copy of the books, or one that was written anew, "
        "has another head there."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field(
            "typed",
            mark("Row and head"),
            mark("as on the slip: 1234 9f2c01ab"),
            longest=80,
        ),
    )

    async def save(self) -> str:
        """Compare; say what came out."""
        typed = self.value("typed")
        if not typed:
            raise NotOfTheForm(typed="-", field=mark("Row and head"))
        said = await self.desk.link.call(
            BOOKS_ANCHOR, AnchorTyped(typed=typed), timeout_s=_COMPARE_TIMEOUT_S
        )
        told = sentence(said.text, said.facts)
        if not said.proved:
            raise OtherBooks(said=told)
        return told

"""Issuing a crew card (班组卡): the new card on the reader, and who holds it."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.content import Content
from textual.widget import Widget

from cngstation.errors import StationError
from cngstation.hygiene import clean
from cngstation.language import _, mark
from cngstation.rpc.contract.counter import (
    CARD_CREW_ISSUE,
    ActState,
    CardOnReaderState,
    CrewIssue,
)
from tui.act_form import ActForm
from tui.acts import carry_out
from tui.screens.form_screen import Field
from tui.texts import error_sentence, labelled, sentence
from tui.widgets.lines import Drawn, line


class IssueCrewScreen(ActForm):
    """Holder and remark; the number is made by the system."""

    TITLE_TEXT = mark("Issue a crew card")
    HELP = mark(
        "Put a new card on the reader and type its holder's name. The number is made "
        "by the system. A crew card says who works: it takes no money, holds none and "
        "fills nothing."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("holder", mark("Holder"), mark("who is handed the card"), longest=40),
        Field("remark", mark("Remark"), longest=60),
    )
    DEFAULT_CSS = "IssueCrewScreen #chip { padding: 0 1; height: 1; }"

    def parts(self) -> Iterable[Widget]:
        """The form, and what lies on the reader."""
        yield from super().parts()
        yield Drawn(self._chip, id="chip")

    def _chip(self) -> Content:
        picture = self.desk.picture
        card = picture.card if picture.card_is_there else None
        if card is None:
            return line((_("Put a new card on the reader."), "bold $warning"))
        blank = CardOnReaderState.BLANK, CardOnReaderState.TORN_ISSUE
        if card.on_reader not in blank:
            text = _("The card on the reader is not a new one.")
            return line((text, "bold $warning"))
        return line((labelled(_("New card, chip"), clean(card.uid)), "bold"))

    def card_waits(self) -> None:
        """A card that comes while the form is open may be the one to issue."""
        card = self.desk.picture.card
        if card is not None and card.on_reader != CardOnReaderState.BLANK:
            super().card_waits()
        self.redraw()

    async def save(self) -> str:
        """Issue the card; what is not finished is said as such."""
        request = CrewIssue(
            intent_id=self.act_id,
            holder=self.value("holder"),
            remark=self.value("remark"),
        )
        reply = await carry_out(
            self.desk.link,
            CARD_CREW_ISSUE,
            request,
            self.act_id,
            still_asking=self._still_asking,
        )
        self.outcome = "done" if reply.state is ActState.DONE else "failed"
        counter = self.station_app.counter()
        await counter.read_card_again()
        return sentence(reply.text, reply.facts)

    def _still_asking(self, error: StationError) -> None:
        self.say(error_sentence(error), "failed")

"""Staff cards (员工卡): who has one, a new one issued, a lost or returned one ended."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from textual.binding import Binding, BindingType
from textual.content import Content

from cngstation.hygiene import clean
from cngstation.language import _, mark
from cngstation.rpc.contract.counter import (
    STAFF_CARD_END,
    STAFF_CARD_ISSUE,
    STAFF_CARD_LIST,
    StaffCard,
    StaffCardEnd,
    StaffCardIssue,
)
from cngstation.rpc.session import Nothing
from tui.desk import Desk
from tui.figures import minute_text
from tui.screens.form_screen import Field
from tui.screens.list_screen import ListScreen
from tui.screens.people_forms import REASON, PeopleForm
from tui.texts import filled
from tui.widgets.key_line import Keys
from tui.widgets.lazy_table import Column
from tui.widgets.lines import line
from tui.words import word

End = Literal["lost", "withdrawn"]
_ISSUED = mark("Staff card {card_no} of {name} is issued.")
_TITLES = {
    "lost": mark("Report a staff card lost"),
    "withdrawn": mark("Withdraw a staff card"),
}
_DONE = {
    "lost": mark("Staff card {card_no} is reported lost; its sessions have ended."),
    "withdrawn": mark("Staff card {card_no} is withdrawn; its sessions have ended."),
}
_KINDS = {"mifare": "MIFARE", "desfire": "DESFire"}


class StaffCardsScreen(ListScreen):
    """n issues the card on the reader, l and x end the marked one."""

    TITLE_TEXT = mark("Staff cards")
    HELP = mark(
        "Put a new card on the reader; n issues it to an operator: number and full "
        "name are written on it. l reports the marked card lost, x withdraws it: "
        "whoever works with it is logged out. A chip that was withdrawn can be issued "
        "again. Whose login takes a card stands in the configuration."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "issue", show=False),
        Binding("l", "end('lost')", show=False),
        Binding("x,delete", "end('withdrawn')", show=False),
    ]
    COLUMNS = (
        Column(mark("Number"), 9, lambda r: r.card_no),
        Column(mark("Job no"), 6, lambda r: r.operator_no, right=True),
        Column(mark("Full name"), 14, lambda r: r.holder),
        Column(mark("Kind"), 8, lambda r: _KINDS.get(r.kind, "")),
        Column(mark("State"), 12, lambda r: word(r.state)),
        Column(mark("Issued"), 12, lambda r: minute_text(r.issued_at_ms)),
    )

    def offered_keys(self) -> Keys:
        """Name what helps here."""
        return [
            ("n", _("issue")),
            ("l", _("report lost")),
            ("x", _("withdraw")),
            ("Esc", _("back")),
        ]

    async def rows(self) -> Sequence[Any]:
        """Return the cards, newest first."""
        return (await self.desk.link.call(STAFF_CARD_LIST, Nothing())).rows

    def key_of(self, row: StaffCard) -> str:
        """Return the card's number."""
        return row.card_no

    def action_issue(self) -> None:
        """Ask whose card it is."""
        self.app.push_screen(IssueStaffCardScreen(self.desk, self))

    def action_end(self, how: End) -> None:
        """Ask for the reason."""
        if self.chosen is not None:
            self.app.push_screen(EndStaffCardScreen(self.desk, self, how, self.chosen))


class IssueStaffCardScreen(PeopleForm):
    """Makes the card on the reader an operator's."""

    TITLE_TEXT = mark("Issue a staff card")
    HELP = mark("Put the card on the reader and type the operator's job number.")
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("operator_no", mark("Job no"), mark("whose card it is"), longest=9),
    )

    async def save(self) -> str:
        """Issue it."""
        request = StaffCardIssue(operator_no=self.value("operator_no"))
        made = await self.desk.link.call(STAFF_CARD_ISSUE, request)
        return filled(_ISSUED, card_no=made.card_no, name=made.holder)


class EndStaffCardScreen(PeopleForm):
    """Ends a card, with the reason."""

    HELP = mark("Write down why; Enter does it.")
    FIELDS: ClassVar[Sequence[Field]] = (REASON,)

    def __init__(
        self, desk: Desk, behind: StaffCardsScreen, how: End, card: StaffCard
    ) -> None:
        super().__init__(desk, behind)
        self._how, self._card = how, card

    def title_line(self) -> Content:
        """Name the act and the card."""
        card = self._card
        whose = f"   {card.card_no} {clean(card.holder)}"
        return line((_(_TITLES[self._how]), "bold"), whose)

    async def save(self) -> str:
        """End it."""
        card_no, reason = self._card.card_no, self.value("reason")
        request = StaffCardEnd(card_no=card_no, state=self._how, reason=reason)
        await self.desk.link.call(STAFF_CARD_END, request)
        return filled(_DONE[self._how], card_no=card_no)

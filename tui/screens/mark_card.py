"""Says something of one card: reason, and the second person where it takes two."""

from collections.abc import Sequence

from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input

from cngstation.hygiene import clean
from cngstation.language import _, mark
from cngstation.rpc.contract.counter import CardRow
from cngstation.rpc.contract.marks import (
    CARD_ACTIVATE,
    CARD_BLACKLIST,
    CARD_REPORT_LOSS,
    CARD_SUSPEND,
    CARD_UNBLACKLIST,
    CARD_WITHDRAW_LOSS,
    Approval,
    MarkOrder,
)
from tui.desk import Desk
from tui.screens.form_screen import Field, FormScreen
from tui.screens.second_card import is_by_card
from tui.texts import sentence
from tui.widgets.lines import line
from tui.words import word

TITLES = {
    "report_loss": mark("Report a card lost"),
    "withdraw_loss": mark("Withdraw a loss"),
    "blacklist": mark("Put a card on the blacklist"),
    "unblacklist": mark("Take a card off the blacklist"),
    "activate": mark("Activate a card"),
    "suspend": mark("Suspend a card"),
}
_METHODS = {
    "report_loss": CARD_REPORT_LOSS,
    "withdraw_loss": CARD_WITHDRAW_LOSS,
    "blacklist": CARD_BLACKLIST,
    "unblacklist": CARD_UNBLACKLIST,
    "activate": CARD_ACTIVATE,
    "suspend": CARD_SUSPEND,
}
_TWO_PEOPLE = {"unblacklist"}
OWN_PASSWORD = Field(
    "own_password", mark("Your password"), mark("of whoever is logged in"), longest=128
)
SECOND_LOGIN = Field(
    "second_login", mark("Second operator"), mark("login name"), longest=40
)
SECOND_PASSWORD = Field(
    "second_password", mark("Password"), mark("of the second operator"), longest=128
)
BOTH_PEOPLE = (OWN_PASSWORD, SECOND_LOGIN, SECOND_PASSWORD)
REASON = Field("reason", mark("Reason"), longest=60)


def hide_passwords(form: Screen[None]) -> None:
    """Show the passwords of both people as dots."""
    for field in form.query("#own_password, #second_password").results(Input):
        field.password = True


def approval_of(form: Screen[None]) -> Approval | None:
    """Return the two people that were typed into a form, if a second one was.

    A name alone is nobody: it would be counted as a wrong password.
    """
    own = form.query_one("#own_password", Input).value
    login = form.query_one("#second_login", Input).value.strip()
    password = form.query_one("#second_password", Input).value
    if not (login and password):
        return None
    given = {"login_name": login, "password": password, "by_card": is_by_card(form)}
    return Approval.model_validate(given | {"own_password": own or None})


class MarkCardScreen(FormScreen):
    """Enter at the last field does it."""

    HELP = mark(
        "Write down why; Enter at the last field does it. An act that takes two "
        "people wants your own password again, and the name and the password of a "
        "second operator with this right; "
        "Ctrl+R reads the second operator's staff card."
    )

    def __init__(self, desk: Desk, act: str, card: CardRow) -> None:
        super().__init__(desk)
        self._act, self._card = act, card
        fields: Sequence[Field] = (REASON,)
        if act in _TWO_PEOPLE:
            fields = (REASON, *BOTH_PEOPLE)
        self.FIELDS = fields  # type: ignore[misc]  # by act, not by class
        self.TITLE_TEXT = TITLES[act]  # type: ignore[misc]

    def title_line(self) -> Content:
        """Name the act and the card."""
        card = self._card
        facts = (card.card_no, clean(card.plate), word(card.state))
        return line((_(self.TITLE_TEXT), "bold"), "   " + "  ".join(facts))

    def on_mount(self) -> None:
        """Hide what is secret."""
        hide_passwords(self)

    async def save(self) -> str:
        """Do it; say what was done."""
        order = MarkOrder.model_construct(
            card_key=self._card.card_key,
            reason=self.value("reason"),
            approval=approval_of(self) if self._act in _TWO_PEOPLE else None,
        )
        checked = MarkOrder.model_validate(dict(order))
        done = await self.desk.link.call(_METHODS[self._act], checked)
        return sentence(done.text, done.facts)

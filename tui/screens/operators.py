"""The operators: who there is, and what can be done with one by a letter each."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, ClassVar

from pydantic import SecretStr
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input

from cngstation.hygiene import clean
from cngstation.language import _, mark
from cngstation.rpc.contract.counter import (
    OPERATOR_LIST,
    OPERATOR_LOCK,
    OPERATOR_RESET,
    OPERATOR_RETIRE,
    OPERATOR_UNLOCK,
    OPERATOR_VOUCH,
    OPERATORS_A_PAGE,
    OUTLET_LIST,
    ROLE_LIST,
    OperatorOrder,
    OperatorQuery,
    OperatorRow,
    OutletRow,
    RoleRow,
    Vouch,
)
from cngstation.rpc.session import Nothing
from tui.desk import Desk
from tui.screens.form_screen import Field
from tui.screens.list_screen import ListScreen
from tui.screens.people_forms import (
    REASON,
    EditOperatorScreen,
    EditOutletScreen,
    OperatorScreen,
    OutletScreen,
    PeopleForm,
)
from tui.screens.vendor import VendorScreen
from tui.texts import filled
from tui.widgets.key_line import Keys
from tui.widgets.lazy_table import Column, LazyTable
from tui.widgets.lines import line
from tui.words import word

_TITLES = {
    "lock": mark("Lock an operator"),
    "unlock": mark("Unlock an operator"),
    "retire": mark("Retire an operator"),
    "reset": mark("Give a new password for one login"),
}
_METHODS = {
    "lock": OPERATOR_LOCK,
    "unlock": OPERATOR_UNLOCK,
    "retire": OPERATOR_RETIRE,
}
_DONE = {
    "lock": mark("Operator {operator_no} {name} is locked; what was open is ended."),
    "unlock": mark("Operator {operator_no} {name} may work again."),
    "retire": mark("Operator {operator_no} {name} is retired; the number is kept."),
}
_WAITS = mark("waits {seconds} s")
_OF_HAND = mark("made by {hand}")
_VOUCHED = mark("You have vouched for operator {operator_no} {name}.")


def _state(row: OperatorRow) -> str:
    if row.state == "active" and row.blocked_s:
        return filled(_WAITS, seconds=row.blocked_s)
    if row.state == "active" and row.must_change:
        return _("first login")
    if row.state == "active" and row.hand:
        return filled(_OF_HAND, hand=row.hand)
    return word(row.state)


class OperatorsScreen(ListScreen):
    """Enter changes the marked operator."""

    TITLE_TEXT = mark("Operators")
    HELP = mark(
        "n hires, Enter changes the marked one. l locks, u unlocks and forgets wrong "
        "passwords, r gives a new password for one login, x retires for good. Each "
        "wants a reason and is written down. Nobody does this to themselves or to "
        "somebody who may do more; one administrator stays. v vouches for one whose "
        "password another gave: until then both count as one person where two are "
        "needed. t lets a technician of the vendor in by a signed ticket. * shows a "
        "phone number whole, - clears it of who is retired."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "hire", show=False),
        Binding("l", "ask('lock')", show=False),
        Binding("u", "ask('unlock')", show=False),
        Binding("r", "ask('reset')", show=False),
        Binding("x,delete", "ask('retire')", show=False),
        Binding("v", "vouch", show=False),
        Binding("t", "ticket", show=False),
        Binding("asterisk", "personal('RevealScreen')", show=False),
        Binding("minus", "personal('ForgetScreen')", show=False),
    ]
    COLUMNS = (
        Column(mark("Job no"), 6, lambda r: r.operator_no, right=True),
        Column(mark("Full name"), 10, lambda r: r.full_name),
        Column(mark("Login name"), 12, lambda r: r.login_name),
        Column(mark("Role"), 14, lambda r: word(r.role_name)),
        Column(mark("Outlet"), 6, lambda r: r.outlet_no),
        Column(mark("State"), 11, _state),
        Column(mark("Phone"), 13, lambda r: r.phone_masked),
        Column(mark("Sex"), 4, lambda r: word(r.sex) if r.sex else ""),
    )

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._roles: Sequence[RoleRow] = ()
        self._outlets: Sequence[OutletRow] = ()

    def offered_keys(self) -> Keys:
        """Name what helps here."""
        return [
            ("Enter", _("change")),
            ("n", _("hire")),
            ("l", _("lock")),
            ("u", _("unlock")),
            ("r", _("new password")),
            ("x", _("retire")),
            ("v", _("vouch")),
            ("t", _("vendor")),
            ("Esc", _("back")),
        ]

    def action_ticket(self) -> None:
        """Open the form that takes a vendor's ticket."""
        self.app.push_screen(VendorScreen(self.desk, self))

    async def rows(self) -> Sequence[Any]:
        """Return the operators; roles and outlets are for the forms."""
        link = self.desk.link
        self._roles = (await link.call(ROLE_LIST, Nothing())).rows
        self._outlets = (await link.call(OUTLET_LIST, Nothing())).rows
        found: list[OperatorRow] = []
        while len(found) % OPERATORS_A_PAGE == 0:
            query = OperatorQuery(skip=len(found))
            page = (await link.call(OPERATOR_LIST, query)).rows
            found += page
            if not page:
                break
        return found

    def key_of(self, row: OperatorRow) -> str:
        """Return the job number."""
        return row.operator_no

    def action_hire(self) -> None:
        """Open the form of a new operator."""
        self.app.push_screen(
            OperatorScreen(self.desk, self, self._roles, self._outlets)
        )

    def on_lazy_table_chosen(self, chosen: LazyTable.Chosen) -> None:
        """Open the form that changes an operator."""
        self.app.push_screen(
            EditOperatorScreen(self.desk, self, self._roles, self._outlets, chosen.row)
        )

    def action_ask(self, act: str) -> None:
        """Ask for the reason."""
        row = self.chosen
        if row is not None:
            self.app.push_screen(OperatorReasonScreen(self.desk, self, act, row))

    def action_personal(self, form: str) -> None:
        """Show the phone of the marked one whole, or clear it of who has left."""
        if self.chosen is not None:
            screen = getattr(import_module("tui.screens.reveal"), form)
            self.app.push_screen(screen(self.desk, self.chosen))

    def action_vouch(self) -> None:
        """Ask for the own password and the reason."""
        if self.chosen is not None:
            self.app.push_screen(VouchScreen(self.desk, self, self.chosen))


class VouchScreen(PeopleForm):
    """Takes somebody's word that an operator is another person."""

    HELP = mark(
        "You say that this operator is another person than who gave the password: you "
        "have seen them here, working under this name. Give your own password and "
        "write down how you know. It stands in the digest under your name."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("own", mark("My password"), longest=128),
        REASON,
    )

    def __init__(self, desk: Desk, behind: OperatorsScreen, row: OperatorRow) -> None:
        super().__init__(desk, behind)
        self._row = row

    def on_mount(self) -> None:
        """Show dots for the password."""
        self.query_one("#own", Input).password = True

    def title_line(self) -> Content:
        """Name the operator."""
        who = f"   {self._row.operator_no} {clean(self._row.full_name)}"
        return line((_("Vouch for an operator"), "bold"), who)

    async def save(self) -> str:
        """Vouch."""
        row = self._row
        vouch = Vouch(
            operator_no=row.operator_no,
            reason=self.value("reason"),
            own_password=SecretStr(self.query_one("#own", Input).value),
        )
        await self.desk.link.call(OPERATOR_VOUCH, vouch)
        return filled(_VOUCHED, operator_no=row.operator_no, name=row.full_name)


class OperatorReasonScreen(PeopleForm):
    """Does it with the reason."""

    HELP = mark("Write down why; Enter does it.")
    FIELDS: ClassVar[Sequence[Field]] = (REASON,)

    def __init__(
        self, desk: Desk, behind: OperatorsScreen, act: str, row: OperatorRow
    ) -> None:
        super().__init__(desk, behind)
        self._act, self._row = act, row

    def title_line(self) -> Content:
        """Name the act and the operator."""
        row = self._row
        who = f"   {row.operator_no} {clean(row.full_name)}  {word(row.role_name)}"
        return line((_(_TITLES[self._act]), "bold"), who)

    async def save(self) -> str:
        """Do it."""
        row, link = self._row, self.desk.link
        order = OperatorOrder(operator_no=row.operator_no, reason=self.value("reason"))
        if self._act == "reset":
            self.given = await link.call(OPERATOR_RESET, order)
            return ""
        await link.call(_METHODS[self._act], order)
        return filled(_DONE[self._act], operator_no=row.operator_no, name=row.full_name)


class OutletsScreen(ListScreen):
    """n registers an outlet, Enter changes the marked one."""

    TITLE_TEXT = mark("Outlets")
    HELP = mark(
        "n registers an outlet, Enter renames or retires the marked one. An operator "
        "belongs to an outlet: sees and keeps the operators of that one alone, and "
        "takes money and writes cards only at its till, unless the role has 'Work for "
        "every outlet'."
    )
    BINDINGS: ClassVar[list[BindingType]] = [Binding("n", "add", show=False)]
    COLUMNS = (
        Column(mark("Number"), 6, lambda r: r.outlet_no, right=True),
        Column(mark("Name"), 24, lambda r: r.name),
        Column(mark("Operators"), 9, lambda r: str(r.operators), right=True),
        Column(mark("Till"), 12, lambda r: _("this till") if r.has_till else ""),
        Column(mark("State"), 10, lambda r: word("retired") if r.retired else ""),
    )

    def offered_keys(self) -> Keys:
        """Name what helps here."""
        return [("Enter", _("change")), ("n", _("new outlet")), ("Esc", _("back"))]

    async def rows(self) -> Sequence[Any]:
        """Return the outlets."""
        return (await self.desk.link.call(OUTLET_LIST, Nothing())).rows

    def action_add(self) -> None:
        """Open the form of a new outlet."""
        self.app.push_screen(OutletScreen(self.desk, self))

    def on_lazy_table_chosen(self, chosen: LazyTable.Chosen) -> None:
        """Open the form that changes an outlet."""
        self.app.push_screen(EditOutletScreen(self.desk, self, chosen.row))

"""Forms of operators and outlets, a reason, the own password, a password told once."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from pydantic import SecretStr
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from cngstation.errors import Refusal
from cngstation.hygiene import clean, cut, width
from cngstation.language import _, mark
from cngstation.rpc.contract.counter import (
    OPERATOR_ADD,
    OPERATOR_CHANGE_PASSWORD,
    OPERATOR_EDIT,
    OUTLET_WRITE,
    OneTimePassword,
    OperatorDraft,
    OperatorEdit,
    OperatorRow,
    OutletDraft,
    OutletRow,
    PasswordChange,
    RoleRow,
)
from tui.desk import Desk
from tui.screens.form_screen import Field, FormScreen
from tui.screens.list_screen import ListScreen
from tui.screens.station_screen import StationScreen
from tui.texts import filled
from tui.widgets.key_line import Keys
from tui.widgets.lines import Drawn, line, stacked
from tui.words import word

_HINT_ROOM = 28
_YES, _NO = "y", "n"
_SEXES = {"": "", "1": "female", "2": "male"}
REASON = Field("reason", mark("Reason"), mark("must be filled in"), longest=60)
_OUTLET_DONE = mark("Outlet {outlet} {name} is registered.")
_EDITED = mark("Operator {operator_no} {name} is changed.")
_GIVEN = mark("The password of operator {operator_no} was shown once.")
_ONCE = mark(
    "It is shown this once, and is good for {hours} hours. At the first login the "
    "operator must change it."
)
_CHANGED = mark("Your password is changed. You are logged out everywhere else.")


class NoneOfTheList(Refusal):
    """A field that chooses from a list holds nothing of it."""

    code = "tui.none_of_these"
    text = "{field}: {typed} is none of the list. Nothing was changed."


class PeopleForm(FormScreen):
    """Goes back to the list it was opened from."""

    def __init__(self, desk: Desk, behind: ListScreen) -> None:
        super().__init__(desk)
        self.behind = behind
        self.given: OneTimePassword | None = None

    def leave_saved(self, done: str) -> None:
        """Say at the list what was done; a password is shown on a page first."""
        app = self.station_app
        app.back_to(self.behind)
        if self.given is None:
            self.behind.came_back(done)
        else:
            app.push_screen(OneTimeScreen(self.desk, self.behind, self.given))

    def action_leave(self) -> None:
        """Go back to the list."""
        self.station_app.back_to(self.behind)


def _rows(label: str, items: Sequence[str], columns: int) -> list[str]:
    """Put items behind a label, in as many rows as they need, none broken."""
    rows = [f" {label}:"]
    indent = " " * width(rows[0])
    for item in items:
        if width(rows[-1]) + width(item) + 2 > columns:
            rows.append(indent)
        rows[-1] += f" {item} "
    return rows


def role_name(row: RoleRow) -> str:
    """Return a role's name; those of the ready-made ones are words of the contract."""
    return word(row.name) if row.ready_made else clean(row.name)


class OperatorScreen(PeopleForm):
    """Hires an operator, or changes one; the login name stays then."""

    TITLE_TEXT = mark("New operator")
    HELP = mark(
        "Login name: letters and digits, typed at every login. Role and outlet: the "
        "number before the name in the list below. Nobody gives a role that has more "
        "than the own one. The station gives the job number and a password for one "
        "login, which is shown once; at the first login it must be changed."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("login_name", mark("Login name"), mark("letters and digits"), 20),
        Field("full_name", mark("Full name"), longest=20),
        Field("role", mark("Role"), longest=3),
        Field("outlet", mark("Outlet"), mark("its four-digit number"), longest=4),
        Field("sex", mark("Sex"), mark("1 female, 2 male, or nothing"), longest=1),
        Field("phone", mark("Phone"), longest=20),
    )

    def __init__(
        self,
        desk: Desk,
        behind: ListScreen,
        roles: Sequence[RoleRow],
        outlets: Sequence[OutletRow],
    ) -> None:
        super().__init__(desk, behind)
        self._roles = roles
        self._outlets = [outlet for outlet in outlets if not outlet.retired]

    def parts(self) -> Iterable[Widget]:
        """The form, and below it what can be chosen."""
        yield from super().parts()
        yield Drawn(self._choices, id="choices")

    def _choices(self) -> Content:
        roles = [f"{n} {role_name(r)}" for n, r in enumerate(self._roles, 1)]
        outlets = [f"{o.outlet_no} {clean(o.name)}" for o in self._outlets]
        room = self.app.size.width
        rows = [*_rows(_("Role"), roles, room), *_rows(_("Outlet"), outlets, room)]
        return stacked([line((row, "$text-muted")) for row in rows])

    def initial(self) -> dict[str, str]:
        """Begin in the first outlet, which is mostly the only one."""
        return {"outlet": self._outlets[0].outlet_no if self._outlets else ""}

    def hint(self, field: Field) -> Content:
        """Show what a choosing field has found so far."""
        found = ""
        if field.name == "role" and (role := self._role()):
            found = role_name(role)
        if field.name == "outlet":
            typed = self.value("outlet")
            named = (o.name for o in self._outlets if o.outlet_no == typed)
            found = clean(next(named, ""))
        if field.name == "sex":
            found = word(_SEXES.get(self.value("sex"), ""))
        if found:
            return line((cut(found, _HINT_ROOM), "$accent"))
        return super().hint(field)

    def _role(self) -> RoleRow | None:
        typed = self.value("role")
        for number, role in enumerate(self._roles, 1):
            if typed and typed.upper() in {str(number), role.role_no.upper()}:
                return role
        return None

    async def save(self) -> str:
        """Hire; the password is shown on a page of its own."""
        self.given = await self.desk.link.call(OPERATOR_ADD, self.draft())
        return filled(_GIVEN, operator_no=self.given.operator_no)

    def draft(self) -> OperatorDraft:
        """Return what was typed.

        Raises:
            NoneOfTheList: role or sex is none of the list.
        """
        role, sex = self._role(), _SEXES.get(self.value("sex"))
        if role is None:
            raise self._none("role", mark("Role"))
        if sex is None:
            raise self._none("sex", mark("Sex"))
        return OperatorDraft.model_validate(
            {
                "login_name": self.value("login_name"),
                "full_name": self.value("full_name"),
                "sex": sex,
                "phone": self.value("phone"),
                "outlet_no": self.value("outlet"),
                "role": role.role_no,
            }
        )

    def _none(self, name: str, label: str) -> NoneOfTheList:
        self.query_one(f"#{name}", Input).focus()
        typed = clean(self.value(name)) or mark("nothing")
        return NoneOfTheList(field=label, typed=typed)


class EditOperatorScreen(OperatorScreen):
    """Begins with what is there; the phone number is typed only when it changes."""

    TITLE_TEXT = mark("Change an operator")
    HELP = mark(
        "Change what is wrong, give the reason, and save with F2. Another role or "
        "outlet ends what the operator has open; nobody changes the own one. The login "
        "name stays, because it is in the log."
    )
    FIELDS: ClassVar[Sequence[Field]] = (*OperatorScreen.FIELDS[1:], REASON)

    def __init__(
        self,
        desk: Desk,
        behind: ListScreen,
        roles: Sequence[RoleRow],
        outlets: Sequence[OutletRow],
        row: OperatorRow,
    ) -> None:
        super().__init__(desk, behind, roles, outlets)
        self._row = row

    def title_line(self) -> Content:
        """Name the operator."""
        row = self._row
        who = f"   {row.operator_no} {clean(row.login_name)}"
        return line((_(self.TITLE_TEXT), "bold"), who)

    def initial(self) -> dict[str, str]:
        """Begin with the operator as it is."""
        row = self._row
        numbers = {r.role_no: str(n) for n, r in enumerate(self._roles, 1)}
        sexes = {sex: digit for digit, sex in _SEXES.items()}
        return {
            "full_name": row.full_name,
            "role": numbers.get(row.role, ""),
            "outlet": row.outlet_no,
            "sex": sexes[row.sex],
        }

    def hint_text(self, field: Field) -> str:
        """Say of the phone number what is in the register."""
        if field.name == "phone" and self._row.phone_masked:
            return self._row.phone_masked
        return super().hint_text(field)

    def value(self, name: str) -> str:
        """Return what was typed; the login name is not."""
        return self._row.login_name if name == "login_name" else super().value(name)

    async def save(self) -> str:
        """Change the operator."""
        edit = OperatorEdit(
            operator_no=self._row.operator_no,
            draft=self.draft(),
            reason=self.value("reason"),
        )
        row = await self.desk.link.call(OPERATOR_EDIT, edit)
        return filled(_EDITED, operator_no=row.operator_no, name=row.full_name)


class OneTimeScreen(StationScreen):
    """The password stands here until a key is pressed, and nowhere else."""

    HELP = mark(
        "Write the password down for the operator or let them read it. It is good for "
        "one login, at which it must be changed; it cannot be shown again."
    )
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "leave", show=False)]
    DEFAULT_CSS = "OneTimeScreen Drawn { padding: 1 2; }"

    def __init__(self, desk: Desk, behind: ListScreen, given: OneTimePassword) -> None:
        super().__init__(desk)
        self._behind, self._given = behind, given

    def parts(self) -> Iterable[Widget]:
        """Job number, login name, password."""
        yield Drawn(self._page)

    def _page(self) -> Content:
        given = self._given
        rows = (
            (_("Job number"), given.operator_no),
            (_("Login name"), clean(given.login_name)),
            (_("Password"), given.password.get_secret_value()),
        )
        shown = [line((_("Password for one login"), "bold")), Content("")]
        shown += [line(f"{label}  ", (text, "bold $accent")) for label, text in rows]
        note = filled(_ONCE, hours=given.hours)
        return stacked([*shown, Content(""), line((note, "$warning"))])

    def offered_keys(self) -> Keys:
        """Name what goes on."""
        return [("Enter", _("it is written down"))]

    def unfinished(self) -> bool:
        """A card does not push it away before it was read."""
        return True

    def action_leave(self) -> None:
        """Go back to the list."""
        self.station_app.back_to(self._behind)
        self._behind.go_to(self._given.operator_no)
        self._behind.came_back(filled(_GIVEN, operator_no=self._given.operator_no))


class OutletScreen(PeopleForm):
    """Number and name of an outlet; one that there is is changed, with a reason."""

    TITLE_TEXT = mark("Outlet")
    HELP = mark(
        "A number of four digits above 1001, and a name. Operators belong to an "
        "outlet; at a till only those of its outlet take money. A retired outlet is "
        "kept and no longer offered."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("outlet", mark("Number"), mark("four digits, greater than 1001"), 4),
        Field("name", mark("Name"), longest=20),
    )

    def draft(self) -> OutletDraft:
        """Return what was typed."""
        return OutletDraft(outlet_no=self.value("outlet"), name=self.value("name"))

    async def save(self) -> str:
        """Register or change the outlet."""
        draft = self.draft()
        await self.desk.link.call(OUTLET_WRITE, draft)
        return filled(_OUTLET_DONE, outlet=draft.outlet_no, name=draft.name)


class EditOutletScreen(OutletScreen):
    """Name of an outlet; its number stays."""

    FIELDS: ClassVar[Sequence[Field]] = (
        Field("name", mark("Name"), longest=20),
        Field("retired", mark("Retired"), mark("y or n; a retired row is kept"), 1),
        REASON,
    )

    def __init__(self, desk: Desk, behind: ListScreen, row: OutletRow) -> None:
        super().__init__(desk, behind)
        self._row = row

    def title_line(self) -> Content:
        """Name the outlet."""
        return line((_(self.TITLE_TEXT), "bold"), f"   {self._row.outlet_no}")

    def initial(self) -> dict[str, str]:
        """Begin with the outlet as it is."""
        return {"name": self._row.name, "retired": _YES if self._row.retired else _NO}

    def draft(self) -> OutletDraft:
        """Return what was typed.

        Raises:
            NoneOfTheList: retired is neither y nor n.
        """
        typed = self.value("retired").lower() or _NO
        if typed not in {_YES, _NO}:
            raise NoneOfTheList(field=mark("Retired"), typed=clean(typed))
        return OutletDraft(
            outlet_no=self._row.outlet_no,
            name=self.value("name"),
            retired=typed == _YES,
            reason=self.value("reason"),
        )


class OwnPasswordScreen(FormScreen):
    """The old password, and the new one twice."""

    TITLE_TEXT = mark("Change my password")
    HELP = mark(
        "Type the password you have and the new one twice: at least 8 characters, not "
        "the old one. Where else you are logged in, the session ends."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("old", mark("Present password"), longest=128),
        Field("new", mark("New password"), mark("at least 8 characters"), 128),
        Field("again", mark("Once more"), longest=128),
    )

    def on_mount(self) -> None:
        """Show dots."""
        for secret in self.query(Input):
            secret.password = True

    def _go_to(self, name: str) -> None:
        """Type the new password twice again."""
        super()._go_to(name)
        if name == "new":
            self.query_one("#again", Input).clear()

    async def save(self) -> str:
        """Change the password."""
        old, new, again = (
            SecretStr(self.query_one(f"#{field.name}", Input).value)
            for field in self.FIELDS
        )
        request = PasswordChange(old=old, new=new, again=again)
        await self.desk.link.call(OPERATOR_CHANGE_PASSWORD, request)
        return filled(_CHANGED)

"""The roles: what each may do, function by function."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from cngstation.hygiene import clean
from cngstation.language import _, mark
from cngstation.rpc.contract.counter import (
    ROLE_LIST,
    ROLE_RETIRE,
    ROLE_WRITE,
    RightRow,
    RoleDraft,
    RoleOrder,
    RoleRow,
)
from cngstation.rpc.session import Nothing
from tui.desk import Desk
from tui.screens.form_screen import Field
from tui.screens.list_screen import ListScreen
from tui.screens.people_forms import REASON, PeopleForm, role_name
from tui.texts import filled
from tui.widgets.key_line import Keys
from tui.widgets.lazy_table import Column, LazyTable
from tui.widgets.lines import line

_DONE = mark("Role {name} has {count} functions.")
_RETIRED = mark("Role {name} is retired.")
_COUNT = mark("{count} of {all} functions")
_NEW = RoleRow(
    role_no="", name="", ready_made=False, rights=(), outlet_no="", note="",
    operators=0, is_own=False,
)  # fmt: skip


def _note(role: RoleRow) -> str:
    return _("ready-made") if role.ready_made else clean(role.note)


class RolesScreen(ListScreen):
    """Enter opens the functions of the marked role."""

    TITLE_TEXT = mark("Roles")
    HELP = mark(
        "The five levels are ready-made and stay as they are. n makes a role from "
        "nothing, c from a copy of the marked one; Enter shows what a role may do and "
        "changes one of your own making. What is changed counts from the next thing an "
        "operator does. x retires a role that nobody has."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "add", show=False),
        Binding("c", "copy", show=False),
        Binding("x,delete", "retire", show=False),
    ]
    COLUMNS = (
        Column(mark("Role"), 18, role_name),
        Column(mark("Functions"), 9, lambda r: str(len(r.rights)), right=True),
        Column(mark("Operators"), 9, lambda r: str(r.operators), right=True),
        Column(mark("Outlet"), 8, lambda r: r.outlet_no or _("all")),
        Column(mark("Note"), 28, _note),
    )

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._functions: Sequence[RightRow] = ()

    def offered_keys(self) -> Keys:
        """Name what helps here."""
        return [
            ("Enter", _("functions")),
            ("n", _("new role")),
            ("c", _("copy")),
            ("x", _("retire")),
            ("Esc", _("back")),
        ]

    async def rows(self) -> Sequence[Any]:
        """Return the roles."""
        found = await self.desk.link.call(ROLE_LIST, Nothing())
        self._functions = found.rights
        return found.rows

    def on_lazy_table_chosen(self, chosen: LazyTable.Chosen) -> None:
        """Open the functions."""
        self._open(chosen.row)

    def action_add(self) -> None:
        """Begin with no function."""
        self._open(_NEW)

    def action_copy(self) -> None:
        """Begin with what the marked role may do."""
        if self.chosen is not None:
            self._open(_NEW.model_copy(update={"rights": self.chosen.rights}))

    def action_retire(self) -> None:
        """Ask for the reason."""
        if self.chosen is not None:
            self.app.push_screen(RetireRoleScreen(self.desk, self, self.chosen))

    def _open(self, role: RoleRow) -> None:
        if self._functions:
            self.app.push_screen(
                RoleFunctionsScreen(self.desk, self, role, self._functions)
            )


@dataclass(frozen=True, slots=True)
class _Function:
    right: RightRow
    held: bool


class RoleFunctionsScreen(ListScreen):
    """The space bar gives a function and takes it; F2 goes on to name and note."""

    TITLE_TEXT = mark("Functions of a role")
    HELP = mark(
        "The space bar gives the marked function and takes it away, g the whole group. "
        "F2 goes on to name, outlet and note, where it is saved. Nobody gives a "
        "function that they do not have themselves."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "give_or_take", show=False),
        Binding("g", "toggle_group", show=False),
        Binding("c", "copy", show=False),
        Binding("f2,ctrl+s,alt+2", "go_on", show=False, priority=True),
    ]
    COLUMNS = (
        Column("", 3, lambda r: "[x]" if r.held else "[ ]"),
        Column(mark("Group"), 22, lambda r: _(r.right.group)),
        Column(mark("Function"), 48, lambda r: _(r.right.title)),
    )

    def __init__(
        self,
        desk: Desk,
        behind: RolesScreen,
        role: RoleRow,
        functions: Sequence[RightRow],
    ) -> None:
        super().__init__(desk)
        self.behind = behind
        self._role = role
        self._rows = [_Function(f, f.name in role.rights) for f in functions]

    def title_line(self) -> Content:
        """Name the role, and say how much it has."""
        name = role_name(self._role) if self._role.name else _("New role")
        count = filled(_COUNT, count=len(self.held), all=len(self._rows))
        return line((name, "bold"), f"   {count}")

    def offered_keys(self) -> Keys:
        """Name what helps here."""
        if self._role.ready_made:
            return [("c", _("copy to change it")), ("Esc", _("back"))]
        return [
            ("Space", _("give or take")),
            ("g", _("whole group")),
            ("F2/Alt+2", _("on to name and note")),
            ("Esc", _("back, nothing is saved")),
        ]

    @property
    def held(self) -> tuple[str, ...]:
        """The functions that the role is to have."""
        return tuple(row.right.name for row in self._rows if row.held)

    async def rows(self) -> Sequence[Any]:
        """Return the functions."""
        return self._rows

    def unfinished(self) -> bool:
        """Tell whether a function was given or taken."""
        return set(self.held) != set(self._role.rights)

    def on_lazy_table_chosen(self, _chosen: LazyTable.Chosen) -> None:
        """Enter does what the space bar does."""
        self.action_give_or_take()

    def action_give_or_take(self) -> None:
        """Give the marked function, or take it."""
        row: _Function | None = self.chosen
        if row is not None:
            self._set({row.right.name}, held=not row.held)

    def action_toggle_group(self) -> None:
        """Give the whole group, or take it when all of it is given."""
        row: _Function | None = self.chosen
        if row is not None:
            group = [r for r in self._rows if r.right.group == row.right.group]
            names = {each.right.name for each in group}
            self._set(names, held=not all(each.held for each in group))

    def _set(self, names: set[str], *, held: bool) -> None:
        if self._role.ready_made:
            self.say(_("A ready-made role stays as it is. c makes a copy to change."))
            return
        self._rows = [
            replace(row, held=held) if row.right.name in names else row
            for row in self._rows
        ]
        self.query_one(LazyTable).renew_rows(self.COLUMNS, self._rows)
        self.redraw()

    def action_copy(self) -> None:
        """Go on with a role of one's own that has the same functions."""
        self._role = _NEW
        self.say(_("This is a copy now: change it, F2 gives it a name."))
        self.redraw()

    def action_go_on(self) -> None:
        """Ask for name, outlet and note."""
        if not self._role.ready_made:
            screen = EditRoleScreen if self._role.role_no else RoleScreen
            self.app.push_screen(screen(self.desk, self, self._role, self.held))

    def action_leave(self) -> None:
        """Go back to the roles."""
        self.station_app.back_to(self.behind)


class RoleScreen(PeopleForm):
    """Name, outlet and note of a role."""

    TITLE_TEXT = mark("Name and note of the role")
    HELP = mark(
        "A role for one outlet is given to operators of that outlet alone; without a "
        "number it is for all. What it may do counts from the next thing that its "
        "operators do."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("name", mark("Role"), longest=20),
        Field("outlet", mark("Outlet"), mark("its number; empty: for all"), longest=4),
        Field("note", mark("Note"), mark("what it is for"), longest=100),
    )

    def __init__(
        self,
        desk: Desk,
        functions: RoleFunctionsScreen,
        role: RoleRow,
        held: tuple[str, ...],
    ) -> None:
        super().__init__(desk, functions)
        self._role, self._held = role, held

    def initial(self) -> dict[str, str]:
        """Begin with the role as it is."""
        role = self._role
        return {"name": role.name, "outlet": role.outlet_no, "note": role.note}

    @property
    def reason(self) -> str:
        """Why a role is changed; a new one needs none."""
        return ""

    async def save(self) -> str:
        """Make or change the role."""
        draft = RoleDraft(
            role_no=self._role.role_no,
            name=self.value("name"),
            rights=self._held,
            outlet_no=self.value("outlet"),
            note=self.value("note"),
            reason=self.reason,
        )
        await self.desk.link.call(ROLE_WRITE, draft)
        return filled(_DONE, name=draft.name, count=len(self._held))

    def leave_saved(self, done: str) -> None:
        """Say at the roles what was done."""
        assert isinstance(self.behind, RoleFunctionsScreen)
        roles = self.behind.behind
        self.station_app.back_to(roles)
        roles.came_back(done)


class EditRoleScreen(RoleScreen):
    """A role that is there already."""

    FIELDS: ClassVar[Sequence[Field]] = (*RoleScreen.FIELDS, REASON)

    @property
    def reason(self) -> str:
        """Why it is changed."""
        return self.value("reason")


class RetireRoleScreen(PeopleForm):
    """Takes a role out of use."""

    TITLE_TEXT = mark("Retire a role")
    HELP = mark("Write down why; Enter does it.")
    FIELDS: ClassVar[Sequence[Field]] = (REASON,)

    def __init__(self, desk: Desk, behind: RolesScreen, role: RoleRow) -> None:
        super().__init__(desk, behind)
        self._role = role

    def title_line(self) -> Content:
        """Name the role."""
        return line((_(self.TITLE_TEXT), "bold"), f"   {role_name(self._role)}")

    async def save(self) -> str:
        """Retire it."""
        order = RoleOrder(role_no=self._role.role_no, reason=self.value("reason"))
        await self.desk.link.call(ROLE_RETIRE, order)
        return filled(_RETIRED, name=role_name(self._role))

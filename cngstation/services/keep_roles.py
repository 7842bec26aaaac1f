"""Makes roles of the station's own, function by function, and takes them away.

The ready-made roles are part of the program and cannot be changed; a copy of one can.
A role that is for one outlet is given to operators of that outlet alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cngstation.domain.rights import BY_NAME, ROLES
from cngstation.errors import Refusal
from cngstation.hygiene import clean
from cngstation.services import operator_guards as guards
from cngstation.services.approve import reason_of
from cngstation.services.edit_registers import NoFieldChanged
from cngstation.services.operator_guards import OwnRole, UnknownOutlet
from cngstation.services.register_customers import AlreadyRegistered, FieldEmpty
from cngstation.storage import audit, operators, roles
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.roles import Role

LONGEST_NAME, LONGEST_NOTE = 20, 100
MOST_ROLES = 24  # in use at a time; a list of them is one answer


class ReadyMade(Refusal):
    """A level of the trade is the same at every station."""

    code = "refusal.ready_made_role"
    text = (
        "The ready-made roles cannot be changed. Nothing was changed. Make a role of "
        "your own from a copy."
    )


class UnknownRight(Refusal):
    """There is no such function."""

    code = "refusal.unknown_right"
    text = "There is no function {right}. Nothing was changed."


class RoleInUse(Refusal):
    """Operators have the role."""

    code = "refusal.role_in_use"
    text = (
        "{count} operators have this role. Nothing was changed. Give them another one "
        "first."
    )


class TooManyRoles(Refusal):
    """There is room for a number of roles."""

    code = "refusal.too_many_roles"
    text = (
        "There are {count} roles already. Nothing was changed. Retire one that nobody "
        "has."
    )


@dataclass(frozen=True, slots=True)
class RoleDraft:
    """A role as a form has it; without a number it is a new one."""

    name: str
    rights: Sequence[str]
    role_no: str = ""
    outlet_no: str = ""
    note: str = ""


class RoleDesk:
    """Keeps the roles."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, draft: RoleDraft, reason: str, actor: Actor) -> Role:
        """Make a role, or change one; what it allows counts from the next call.

        Raises:
            Refusal: why not; nothing has changed.
        """
        why = reason_of(reason) if draft.role_no else reason.strip()
        name = clean(draft.name, limit=LONGEST_NAME).strip()
        if not name:
            raise FieldEmpty(field="name")
        for right in draft.rights:
            if right not in BY_NAME:
                raise UnknownRight(right=clean(right, limit=40))
        wanted = Role(
            role_no=draft.role_no,
            name=name,
            rights=" ".join(sorted(set(draft.rights))),
            outlet_no=draft.outlet_no,
            note=clean(draft.note, limit=LONGEST_NOTE).strip(),
        )
        return await self._database.write(lambda tx: _write(tx, wanted, why, actor))

    async def retire(self, role_no: str, reason: str, actor: Actor) -> Role:
        """Take a role that nobody has out of use; its row stays.

        Raises:
            Refusal: why not; nothing has changed.
        """
        why = reason_of(reason)

        def unit(tx: Transaction) -> Role:
            was = _changeable(tx, role_no, actor)
            if having := operators.with_role(tx.connection, role_no):
                raise RoleInUse(count=len(having))
            # Its name is free for another role.
            name = f"{was.name} {role_no}"
            role = Role(role_no, name, was.rights, was.outlet_no, was.note, retired=1)
            roles.put_role(tx, role, reason=why, actor=actor)
            audit.record(tx, actor, "role.retire", role_no, reason=why, before=was.name)
            return role

        return await self._database.write(unit)


def _changeable(tx: Transaction, role_no: str, actor: Actor) -> Role:
    if role_no in ROLES:
        raise ReadyMade
    me, mine = guards.acting(tx.connection, actor)
    was = guards.known_role(tx.connection, role_no)
    if me.role == role_no:
        raise OwnRole
    guards.require_own(mine, was.held)
    guards.require_outlet(me, mine, was.outlet_no)
    return was


def _write(tx: Transaction, wanted: Role, why: str, actor: Actor) -> Role:
    me, mine = guards.acting(tx.connection, actor)
    was = _changeable(tx, wanted.role_no, actor) if wanted.role_no else None
    guards.require_own(mine, wanted.held)
    guards.require_outlet(me, mine, wanted.outlet_no)
    if wanted.outlet_no:
        outlet = roles.find_outlet(tx.connection, wanted.outlet_no)
        if outlet is None or outlet.retired:
            raise UnknownOutlet(outlet=wanted.outlet_no)
    others = [r for r in roles.every_role(tx.connection) if r.role_no != wanted.role_no]
    if any(role.name == wanted.name for role in others):
        raise AlreadyRegistered(what=wanted.name)
    if was is None:
        if (count := sum(not role.retired for role in others)) >= MOST_ROLES:
            raise TooManyRoles(count=count)
        number = roles.next_role_no(tx.connection)
        wanted = Role(number, wanted.name, wanted.rights, wanted.outlet_no, wanted.note)
    elif wanted == was:
        raise NoFieldChanged
    else:
        _require_no_stranger(tx, wanted)
    roles.put_role(tx, wanted, reason=why, actor=actor)
    before = was.held if was else frozenset()
    audit.record(
        tx,
        actor,
        "role.edit" if was else "role.add",
        wanted.role_no,
        reason=why,
        before=_told(was.name if was else "", before - wanted.held),
        after=_told(wanted.name, wanted.held - before),
    )
    return wanted


def _told(name: str, rights: frozenset[str]) -> str:
    """Tell a name and the rights that went, or came."""
    return f"{name}: {' '.join(sorted(rights))}" if rights else name


def _require_no_stranger(tx: Transaction, wanted: Role) -> None:
    """Refuse to bind a role to an outlet while others have it."""
    having = operators.with_role(tx.connection, wanted.role_no)
    strange = [o for o in having if wanted.outlet_no not in {"", o.outlet_no}]
    if strange:
        raise RoleInUse(count=len(strange))

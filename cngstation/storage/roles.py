"""Roles made at the station, outlets, and what an operator may do by the file now."""

from dataclasses import asdict, dataclass

from cngstation.domain import rights as ready_made
from cngstation.storage import registers
from cngstation.storage.audit import STATION, Actor
from cngstation.storage.database import Transaction
from cngstation.storage.facts import rows
from cngstation.storage.sqlite import Connection

DEFAULT_OUTLET = "1001"
FIRST_OWN_OUTLET = 1002


@dataclass(frozen=True, slots=True)
class Role:
    """A role made at the station; `outlet_no` is empty for one of every outlet."""

    role_no: str
    name: str
    rights: str
    outlet_no: str = ""
    note: str = ""
    retired: int = 0

    @property
    def held(self) -> frozenset[str]:
        """Its rights, those alone that this program knows."""
        return frozenset(self.rights.split()) & ready_made.BY_NAME.keys()


@dataclass(frozen=True, slots=True)
class Outlet:
    """An outlet (网点); its number is its key and stays."""

    outlet_no: str
    name: str
    retired: int = 0


def rights_of(connection: Connection, role_no: str) -> frozenset[str]:
    """Return the rights of a role; an unknown or retired one has none."""
    if role_no in ready_made.ROLES:
        return ready_made.ROLES[role_no]
    role = find_role(connection, role_no)
    return frozenset() if role is None or role.retired else role.held


def find_role(connection: Connection, role_no: str) -> Role | None:
    """Return a role made at the station."""
    found = rows(connection, "SELECT * FROM role WHERE role_no=?", (role_no,))
    return next((Role(**row) for row in found), None)


def every_role(connection: Connection) -> list[Role]:
    """Return the roles made at the station, the retired ones too, oldest first."""
    found = rows(connection, "SELECT * FROM role ORDER BY length(role_no), role_no")
    return [Role(**row) for row in found]


def next_role_no(connection: Connection) -> str:
    """Return the number of the next role; rows stay, so that none comes twice."""
    row = connection.execute(
        "SELECT coalesce(max(CAST(substr(role_no, 2) AS INTEGER)), 0) FROM role"
    ).fetchone()
    return f"R{row[0] + 1}"


def put_role(tx: Transaction, role: Role, *, reason: str, actor: Actor) -> None:
    """Write a role, a new one or one that there is."""
    row = asdict(role)
    if find_role(tx.connection, role.role_no) is None:
        registers.add(tx, "role", row, reason=reason, actor=actor)
    else:
        key = {"role_no": row.pop("role_no")}
        registers.change(tx, "role", key, row, reason=reason, actor=actor)


def find_outlet(connection: Connection, outlet_no: str) -> Outlet | None:
    """Return an outlet by its number."""
    found = rows(connection, "SELECT * FROM outlet WHERE outlet_no=?", (outlet_no,))
    return next((Outlet(**row) for row in found), None)


def every_outlet(connection: Connection) -> list[Outlet]:
    """Return all outlets, the retired ones too, by number."""
    found = rows(connection, "SELECT * FROM outlet ORDER BY outlet_no")
    return [Outlet(**row) for row in found]


def put_outlet(
    tx: Transaction, outlet: Outlet, *, reason: str = "", actor: Actor = STATION
) -> None:
    """Write an outlet, a new one or one that there is."""
    row = asdict(outlet)
    if find_outlet(tx.connection, outlet.outlet_no) is None:
        registers.add(tx, "outlet", row, reason=reason, actor=actor)
    else:
        key = {"outlet_no": row.pop("outlet_no")}
        registers.change(tx, "outlet", key, row, reason=reason, actor=actor)

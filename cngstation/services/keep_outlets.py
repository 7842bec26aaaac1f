"""Keeps the outlets (网点): a name and a four-digit number above 1001.

The default outlet, 1001, is there from the start and stays.
"""

from cngstation.errors import ConfigError, Refusal
from cngstation.hygiene import clean
from cngstation.language import mark
from cngstation.services import operator_guards as guards
from cngstation.services.approve import reason_of
from cngstation.services.edit_registers import NoFieldChanged
from cngstation.services.register_customers import (
    AlreadyRegistered,
    FieldEmpty,
    FieldWrong,
)
from cngstation.storage import audit, operators, roles
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.roles import DEFAULT_OUTLET, FIRST_OWN_OUTLET, Outlet
from cngstation.storage.sqlite import Connection

LAST_OUTLET = 9999
MOST_OUTLETS = 100  # a list of them is one answer
LONGEST_NAME = 20
_NUMBER_FORM = mark("four digits, greater than 1001")


class OutletInUse(Refusal):
    """Somebody or something belongs to the outlet."""

    code = "refusal.outlet_in_use"
    text = (
        "Outlet {outlet} has a till, or {count} operators or roles. Nothing was "
        "changed. Move them to another outlet first."
    )


class NoSuchTillOutlet(ConfigError):
    """The configuration puts the till into an outlet that is not there."""

    code = "config.till_outlet"
    text = (
        'The configuration says [till] outlet_no = "{outlet}", and the station has no '
        "such outlet in use. Nothing was started. Set it to one of {known}; a new "
        "outlet is registered on the screen first."
    )


class TooManyOutlets(Refusal):
    """There is room for a number of outlets, the retired ones too."""

    code = "refusal.too_many_outlets"
    text = "There are {count} outlets already. Nothing was registered."


class OutletDesk:
    """Keeps the outlets; `till_outlet` is the one that this station's till is of."""

    def __init__(self, database: Database, till_outlet: str) -> None:
        self._database = database
        self.till_outlet = till_outlet

    async def write(self, wanted: Outlet, reason: str, actor: Actor) -> Outlet:
        """Register an outlet; one that there is is renamed or retired, with a reason.

        Raises:
            Refusal: why not; nothing has changed.
        """
        name = clean(wanted.name, limit=LONGEST_NAME).strip()
        if not name:
            raise FieldEmpty(field="name")
        outlet = Outlet(wanted.outlet_no, name, wanted.retired)
        return await self._database.write(
            lambda tx: self._write(tx, outlet, reason, actor)
        )

    def _write(
        self, tx: Transaction, outlet: Outlet, reason: str, actor: Actor
    ) -> Outlet:
        me, mine = guards.acting(tx.connection, actor)
        guards.require_outlet(me, mine, outlet.outlet_no)
        was = roles.find_outlet(tx.connection, outlet.outlet_no)
        others = roles.every_outlet(tx.connection)
        if any(o.name == outlet.name and o != was for o in others):
            raise AlreadyRegistered(what=outlet.name)
        if was is None:
            _require_number(outlet.outlet_no)
            if len(others) >= MOST_OUTLETS:
                raise TooManyOutlets(count=len(others))
        elif was == outlet:
            raise NoFieldChanged
        elif outlet.retired:
            self._require_empty(tx.connection, outlet.outlet_no)
        why = reason_of(reason) if was else reason.strip()
        roles.put_outlet(tx, outlet, reason=why, actor=actor)
        audit.record(
            tx,
            actor,
            "outlet.edit" if was else "outlet.add",
            outlet.outlet_no,
            reason=why,
            before=_told(was) if was else "",
            after=_told(outlet),
        )
        return outlet

    def _require_empty(self, connection: Connection, outlet_no: str) -> None:
        people = operators.every(connection)
        own = roles.every_role(connection)
        count = sum(o.outlet_no == outlet_no and o.state != "retired" for o in people)
        count += sum(r.outlet_no == outlet_no and not r.retired for r in own)
        if count or outlet_no in {self.till_outlet, DEFAULT_OUTLET}:
            raise OutletInUse(outlet=outlet_no, count=count)


def _require_number(outlet_no: str) -> None:
    number = int(outlet_no) if outlet_no.isascii() and outlet_no.isdigit() else 0
    if not FIRST_OWN_OUTLET <= number <= LAST_OUTLET or len(outlet_no) != 4:
        raise FieldWrong(field="outlet", why=_NUMBER_FORM)


def _told(outlet: Outlet) -> str:
    return f"{outlet.name} retired" if outlet.retired else outlet.name


async def require_till_outlet(database: Database, outlet_no: str) -> None:
    """Return if the till's outlet is one of the station's, in use.

    Raises:
        NoSuchTillOutlet: it is not.
    """
    found = await database.read(roles.every_outlet)
    known = [outlet.outlet_no for outlet in found if not outlet.retired]
    if outlet_no not in known:
        raise NoSuchTillOutlet(outlet=outlet_no, known=", ".join(known))

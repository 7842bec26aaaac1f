"""What keeps the station's people: operators, roles, outlets, passwords."""

from dataclasses import dataclass

from cngstation.domain.sealing import PersonalDataSeal
from cngstation.services.approve import Gatekeeper
from cngstation.services.change_password import OwnPasswords
from cngstation.services.keep_operators import OperatorDesk
from cngstation.services.keep_outlets import OutletDesk
from cngstation.services.keep_roles import RoleDesk
from cngstation.services.passwords import Passwords
from cngstation.storage.database import Database


@dataclass(frozen=True, slots=True)
class People:
    """The desks of the people."""

    operators: OperatorDesk
    roles: RoleDesk
    outlets: OutletDesk
    own_passwords: OwnPasswords


def people_of(
    database: Database,
    passwords: Passwords,
    gate: Gatekeeper,
    seal: PersonalDataSeal,
    till_outlet: str,
) -> People:
    """Put the desks together."""
    return People(
        operators=OperatorDesk(database, passwords, seal),
        roles=RoleDesk(database),
        outlets=OutletDesk(database, till_outlet),
        own_passwords=OwnPasswords(database, passwords, gate),
    )

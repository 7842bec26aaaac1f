"""What keeps the station's people: operators, roles, outlets, passwords."""

from dataclasses import dataclass

from cngstation.config import StationConfig
from cngstation.domain.sealing import PersonalDataSeal
from cngstation.services.admit_vendor import VendorDesk
from cngstation.services.approve import Gatekeeper
from cngstation.services.change_password import OwnPasswords
from cngstation.services.keep_operators import OperatorDesk
from cngstation.services.keep_outlets import OutletDesk
from cngstation.services.keep_roles import RoleDesk
from cngstation.services.passwords import Passwords
from cngstation.services.vouch import Vouching
from cngstation.storage.database import Database


@dataclass(frozen=True, slots=True)
class People:
    """The desks of the people."""

    operators: OperatorDesk
    roles: RoleDesk
    outlets: OutletDesk
    own_passwords: OwnPasswords
    vouching: Vouching
    vendors: VendorDesk


def people_of(
    database: Database,
    passwords: Passwords,
    gate: Gatekeeper,
    seal: PersonalDataSeal,
    till_outlet: str,
    *,
    known: tuple[str, ...] = (),
) -> People:
    """Put the desks together; `known` are names and numbers for no password."""
    return People(
        operators=OperatorDesk(database, passwords, seal),
        roles=RoleDesk(database),
        outlets=OutletDesk(database, till_outlet),
        own_passwords=OwnPasswords(database, passwords, gate, known),
        vouching=Vouching(gate),
        vendors=VendorDesk(database, passwords, gate),
    )


def people_at(
    database: Database,
    passwords: Passwords,
    gate: Gatekeeper,
    seal: PersonalDataSeal,
    config: StationConfig,
) -> People:
    """Put the desks of a configured station together."""
    station, outlet_no = config.station, config.till.outlet_no
    known = (station.station_no, station.name, station.company_name)
    return people_of(database, passwords, gate, seal, outlet_no, known=known)

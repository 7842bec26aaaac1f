"""Companies, vehicle types and vehicles; personal numbers are sealed before here."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cngstation.storage import registers
from cngstation.storage.audit import STATION, Actor
from cngstation.storage.database import Transaction
from cngstation.storage.facts import rows
from cngstation.storage.sqlite import Connection


@dataclass(frozen=True, slots=True)
class Company:
    """A company of the register; its number never changes."""

    company_no: str
    name: str
    address: str
    phone: str  # in clear in files of old; sealed and emptied by the service
    initials: str
    retired: int = 0
    phone_sealed: bytes = b""
    phone_digest: bytes = b""


@dataclass(frozen=True, slots=True)
class VehicleType:
    """A type of the register; `vehicles` counts those that have it."""

    code: str
    name: str
    retired: int
    vehicles: int = 0


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle of the register; `sealed` and `digest` fields are opaque here."""

    vehicle_id: int
    plate: str
    plate_overridden: int
    fleet_no: str | None
    route_no: str
    fleet_name: str
    vehicle_type: str
    company_no: str
    driver: str
    owner: str
    id_no_sealed: bytes
    id_no_digest: bytes
    phone_sealed: bytes
    phone_digest: bytes
    phone_tail_digest: bytes
    cylinder_no: str
    cylinder_due: str
    initials: str
    retired: int = 0


def add_company(tx: Transaction, company: Company, actor: Actor = STATION) -> None:
    """Register a company."""
    registers.add(tx, "company", asdict(company), actor=actor)


def change_company(
    tx: Transaction,
    company_no: str,
    *,
    reason: str,
    actor: Actor = STATION,
    **values: Any,
) -> None:
    """Change columns of a company; a fact in the chain says why and by whom.

    Raises:
        StorageError: there is no such company.
    """
    key = {"company_no": company_no}
    registers.change(tx, "company", key, values, reason=reason, actor=actor)


def next_company_no(connection: Connection) -> str:
    """Return the next free four-digit number."""
    row = connection.execute(
        "SELECT coalesce(max(CAST(company_no AS INTEGER)), 0) + 1 FROM company"
    ).fetchone()
    return f"{row[0]:04d}"


def find_company(connection: Connection, company_no: str) -> Company | None:
    """Return a company by its number."""
    found = rows(connection, "SELECT * FROM company WHERE company_no=?", (company_no,))
    row = next(found, None)
    return None if row is None else Company(**row)


def company_named(connection: Connection, name: str) -> Company | None:
    """Return a company by its exact name."""
    found = rows(connection, "SELECT * FROM company WHERE name=?", (name,))
    row = next(found, None)
    return None if row is None else Company(**row)


def companies_in_clear(connection: Connection) -> list[Company]:
    """Return the companies whose phone is not sealed yet."""
    found = rows(connection, "SELECT * FROM company WHERE phone<>''")
    return [Company(**row) for row in found]


def every_company(connection: Connection) -> list[Company]:
    """Return all companies, the retired ones too."""
    return [Company(**row) for row in rows(connection, "SELECT * FROM company")]


def every_vehicle(connection: Connection) -> list[Vehicle]:
    """Return all vehicles, the retired ones too."""
    return [Vehicle(**row) for row in rows(connection, "SELECT * FROM vehicle")]


def newest_sealed(connection: Connection, table: str, column: str, key: str) -> bytes:
    """Return the sealed value of the row with the highest key that has one, or none."""
    row = connection.execute(
        f"SELECT {column} FROM {table} WHERE length({column}) > 0"  # noqa: S608 - ours
        f" ORDER BY {key} DESC LIMIT 1"
    ).fetchone()
    return bytes(row[0]) if row else b""


def search_companies(
    connection: Connection, text: str, limit: int, *, with_retired: bool = False
) -> list[Company]:
    """Return companies whose number, name or initials contain the text."""
    part = _like(text)
    found = rows(
        connection,
        "SELECT * FROM company WHERE (company_no LIKE ?1 ESCAPE '\\'"
        " OR name LIKE ?1 ESCAPE '\\' OR initials LIKE ?1 ESCAPE '\\')"
        " AND retired <= ?3 ORDER BY retired, company_no LIMIT ?2",
        (part, limit, int(with_retired)),
    )
    return [Company(**row) for row in found]


def vehicle_types(connection: Connection) -> list[tuple[str, str]]:
    """Return code and name of the vehicle types in use."""
    return [
        (code, name)
        for code, name in connection.execute(
            "SELECT code, name FROM vehicle_type WHERE retired=0 ORDER BY code"
        )
    ]


def every_vehicle_type(connection: Connection) -> list[VehicleType]:
    """Return all vehicle types with how many vehicles have them."""
    found = rows(
        connection,
        "SELECT code, name, retired, (SELECT count(*) FROM vehicle v"
        " WHERE v.vehicle_type = t.code) AS vehicles FROM vehicle_type t ORDER BY code",
    )
    return [VehicleType(**row) for row in found]


def add_vehicle_type(
    tx: Transaction, code: str, name: str, actor: Actor = STATION
) -> None:
    """Add a vehicle type."""
    row = {"code": code, "name": name, "retired": 0}
    registers.add(tx, "vehicle_type", row, actor=actor)


def change_vehicle_type(
    tx: Transaction,
    code: str,
    *,
    reason: str,
    actor: Actor = STATION,
    **values: Any,
) -> None:
    """Change a vehicle type; a fact in the chain says why and by whom."""
    key = {"code": code}
    registers.change(tx, "vehicle_type", key, values, reason=reason, actor=actor)


def add_vehicle(tx: Transaction, vehicle: Vehicle, actor: Actor = STATION) -> int:
    """Register a vehicle; its id is chosen here and returned."""
    row = asdict(vehicle)
    row["vehicle_id"] = tx.connection.execute(
        "SELECT coalesce(max(vehicle_id), 0) + 1 FROM vehicle"
    ).fetchone()[0]
    registers.add(tx, "vehicle", row, actor=actor)
    vehicle_id: int = row["vehicle_id"]
    return vehicle_id


def change_vehicle(
    tx: Transaction,
    vehicle_id: int,
    *,
    reason: str,
    actor: Actor = STATION,
    **values: Any,
) -> None:
    """Change columns of a vehicle; a fact in the chain says why and by whom.

    Raises:
        StorageError: there is no such vehicle, or the new number is another's.
    """
    key = {"vehicle_id": vehicle_id}
    registers.change(tx, "vehicle", key, values, reason=reason, actor=actor)


def find_vehicle(connection: Connection, vehicle_id: int) -> Vehicle | None:
    """Return a vehicle by its id."""
    found = rows(connection, "SELECT * FROM vehicle WHERE vehicle_id=?", (vehicle_id,))
    return _first(found)


def vehicle_with_plate(connection: Connection, plate: str) -> Vehicle | None:
    """Return a vehicle by its plate."""
    return _first(rows(connection, "SELECT * FROM vehicle WHERE plate=?", (plate,)))


def vehicle_with_fleet_no(connection: Connection, fleet_no: str) -> Vehicle | None:
    """Return a vehicle by its own number."""
    return _first(
        rows(connection, "SELECT * FROM vehicle WHERE fleet_no=?", (fleet_no,))
    )


def vehicles_with_number(
    connection: Connection, text: str, digests: Mapping[str, bytes]
) -> list[Vehicle]:
    """Return the vehicles whose plate, own number, ID number or phone a text is.

    `digests` are those of the text as an ID number, a phone and a phone's tail.
    """
    found = rows(
        connection,
        "SELECT * FROM vehicle WHERE plate = :text OR fleet_no = :text"
        " OR id_no_digest = :id_no OR phone_digest = :phone"
        " OR phone_tail_digest = :tail ORDER BY plate",
        {"text": text, **digests},
    )
    return [Vehicle(**row) for row in found]


def vehicles_of_company(connection: Connection, company_no: str) -> int:
    """Count the vehicles of a company that are not retired."""
    row = connection.execute(
        "SELECT count(*) FROM vehicle WHERE company_no=? AND retired=0", (company_no,)
    ).fetchone()
    count: int = row[0]
    return count


def cards_of_vehicles(
    connection: Connection, vehicle_ids: Sequence[int]
) -> dict[int, int]:
    """Count the cards that were issued for each of these vehicles, if any."""
    marks = ", ".join("?" * len(vehicle_ids))
    return dict(
        connection.execute(
            "SELECT vehicle_id, count(*) FROM card"  # noqa: S608 - marks alone
            f" WHERE vehicle_id IN ({marks}) GROUP BY vehicle_id",
            tuple(vehicle_ids),
        ).fetchall()
    )


def _first(found: Iterator[dict[str, Any]]) -> Vehicle | None:
    row = next(found, None)
    return None if row is None else Vehicle(**row)


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"

"""Edits a card that is in use (修改卡信息, 改瓶检日期), and writes it a new price.

Card and register change together: info first, the purse last, so that a torn edit
reads as it was, with the older date. Each field is in the audit by itself. A cylinder
date wants its certificate.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cngstation.domain import numbers
from cngstation.domain.card_life import Act
from cngstation.errors import Refusal
from cngstation.hygiene import clean
from cngstation.language import mark
from cngstation.protocols.card_image.purse import CardInfo
from cngstation.services import old_on_card
from cngstation.services.act_kind import ActKind
from cngstation.services.card_on_reader import CardPort, CardReading
from cngstation.services.do_card_act import ActOrder, Planned, Sight, write_purse
from cngstation.services.old_on_card import (
    limits_of,
    plate_is_old,
)
from cngstation.services.price_top_up import NoPrice
from cngstation.services.prices_now import in_force_now
from cngstation.services.register_customers import (
    AlreadyRegistered,
    FieldEmpty,
    PlateUnusual,
    date_of,
    initials_of,
)
from cngstation.services.station_rules import StationRules
from cngstation.services.top_up_card import purse_evidence, slip_facts
from cngstation.storage import audit, cards, customers
from cngstation.storage.audit import Actor
from cngstation.storage.customers import Vehicle
from cngstation.storage.database import Transaction
from cngstation.storage.journal import Intent
from cngstation.storage.sqlite import Connection
from cngstation.units import yuan_text

KIND, LIMITS, PRICE = old_on_card.EDIT, old_on_card.LIMITS, old_on_card.PRICE
CYLINDER = "cylinder_date"
_CHANGE = mark("{field}: {old} becomes {new}.")
SHORTEST_CERTIFICATE = 4


class NothingChanged(Refusal):
    """What was typed is what is there."""

    code = "refusal.nothing_changed"
    text = "Nothing would change. Nothing was written."


class CertificateMissing(Refusal):
    """A cylinder date is changed by a certificate."""

    code = "refusal.certificate_missing"
    text = (
        "A cylinder date is changed by the certificate of its inspection. Nothing was "
        "written. Type the number of the certificate."
    )


@dataclass(frozen=True, slots=True)
class Edit:
    """What is to change: columns of the vehicle, of the card, and the image."""

    vehicle: Mapping[str, Any]
    card: Mapping[str, Any]
    told: tuple[tuple[str, str, str], ...]  # field, old, new


@dataclass(frozen=True, slots=True)
class EditCard:
    """Changes what stands on the card and in the register: the plate."""

    kind: ActKind
    act: Act = Act.EDIT
    right: str = "card.edit"
    two_people: bool = False

    def plan(self, connection: Connection, sight: Sight, order: ActOrder) -> Planned:
        """Return old and new plate, of the vehicle and as the card has it."""
        vehicle = _vehicle(connection, sight)
        typed = clean(order.fields.get("plate", ""), limit=20)
        plate = numbers.normal_plate(typed) or vehicle.plate
        regular = numbers.plate_is_regular(plate)
        if not regular and order.fields.get("accept_plate") != "1":
            raise PlateUnusual(plate=plate)
        other = customers.vehicle_with_plate(connection, plate)
        if other is not None and other.vehicle_id != vehicle.vehicle_id:
            raise AlreadyRegistered(what=plate)
        info = sight.reading.info
        on_card = info.plate if info else ""
        columns = {"plate": plate} if plate != vehicle.plate else {}
        told: tuple[tuple[str, str, str], ...] = ()
        if columns or plate_is_old(plate, on_card):
            told = (("plate", vehicle.plate if columns else on_card, plate),)
        return _planned(sight, Edit(columns, {}, told), plate=plate)


@dataclass(frozen=True, slots=True)
class ChangeCylinderDate:
    """Changes the date of the cylinder's inspection by its certificate."""

    kind: ActKind
    act: Act = Act.EDIT
    right: str = "card.edit"
    two_people: bool = False

    def plan(self, connection: Connection, sight: Sight, order: ActOrder) -> Planned:
        """Return old and new date; refuse without a certificate."""
        vehicle = _vehicle(connection, sight)
        certificate = clean(order.fields.get("certificate", ""), limit=40).strip()
        due = date_of(order.fields.get("cylinder_due", ""))
        # Its vehicle's date came by a certificate: another card only follows.
        is_known = bool(due) and due == vehicle.cylinder_due
        if len(certificate) < SHORTEST_CERTIFICATE and not is_known:
            raise CertificateMissing
        if due == sight.card.cylinder_due == vehicle.cylinder_due:
            raise NothingChanged
        told = (
            ("cylinder_due", sight.card.cylinder_due, due),
            ("certificate", "", certificate),
        )
        edit = Edit({"cylinder_due": due}, {"cylinder_due": due}, told)
        return _planned(sight, edit)


@dataclass(frozen=True, slots=True)
class RewritePrice:
    """Writes the price that the card's level has now."""

    kind: ActKind
    rules: StationRules
    act: Act = Act.EDIT
    right: str = "card.top_up"
    two_people: bool = False

    def plan(self, connection: Connection, sight: Sight, order: ActOrder) -> Planned:
        """Return old and new price; refuse when they are the same."""
        card = sight.card
        in_force = in_force_now(connection, self.rules.gas_unit, sight.now_ms)
        price = in_force.get(card.price_level)
        if price is None:
            raise NoPrice(level=card.price_level)
        info = sight.reading.info
        on_card = info.price_fen if info else 0
        if price.e4 == card.price_e4 and on_card == price.e4 // 100:
            raise NothingChanged
        told = (("price", yuan_text(card.price_e4), yuan_text(price.e4)),)
        return _planned(sight, Edit({}, {"price_e4": price.e4}, told))


@dataclass(frozen=True, slots=True)
class RewriteLimits:
    """Writes the bounds per fill and day that card and company have now."""

    kind: ActKind
    act: Act = Act.EDIT
    right: str = "card.edit"
    two_people: bool = False

    def plan(self, connection: Connection, sight: Sight, order: ActOrder) -> Planned:
        """Return old and new bounds; refuse when they are the same."""
        wanted = limits_of(connection, sight.card)
        if wanted is None:
            raise FieldEmpty(field="vehicle")
        info = sight.reading.info or CardInfo(sight.card.area_no, 0, "", 0, 0)
        told = tuple(
            (name, str(getattr(info, name)), str(yuan))
            for name, yuan in wanted.items()
            if getattr(info, name) != yuan
        )
        planned = _planned(sight, Edit({}, {}, told))
        return replace(planned, plan={**planned.plan, "info": wanted})


def edit_kind(name: str) -> ActKind:
    """Return how the engine edits: info first, the purse last."""
    return ActKind(
        name=name,
        evidence=purse_evidence,
        write=_write,
        registers=_registers,
        undoes=lambda tx, intent: None,
        slip=slip_facts,
        takes=True,
    )


async def _write(port: CardPort, intent: Intent, reading: CardReading) -> None:
    plan = json.loads(intent.plan)
    if plan["info"]:
        known = reading.info or CardInfo("0000", 0, "", 0, 0)
        info = replace(known, area_no=intent.card_key[:4], **plan["info"])
        await port.write_info(reading.uid, info)
        reading = await port.read(reading.uid)
    due = plan["card"].get("cylinder_due")
    await write_purse(port, intent, reading, **({"cylinder_due": due} if due else {}))


def _registers(tx: Transaction, intent: Intent) -> None:
    plan = json.loads(intent.plan)
    actor = Actor(intent.operator_no, intent.terminal)
    card = cards.find(tx.connection, intent.card_key)
    vehicle = customers.find_vehicle(tx.connection, card.vehicle_id) if card else None
    if vehicle is not None and plan["vehicle"]:
        columns = dict(plan["vehicle"])
        if plate := columns.get("plate"):
            names = f"{plate} {vehicle.driver} {vehicle.owner}"
            columns |= {
                "initials": initials_of(names),
                "plate_overridden": int(not numbers.plate_is_regular(plate)),
            }
        customers.change_vehicle(
            tx, vehicle.vehicle_id, reason=intent.kind, actor=actor, **columns
        )
    if plan["card"]:
        cards.change(
            tx, intent.card_key, reason=intent.kind, actor=actor, **plan["card"]
        )
    for field, old, new in plan["told"]:
        audit.record(
            tx,
            actor,
            f"card.{intent.kind}.{field}",
            intent.card_key,
            before=old,
            after=new,
        )


def _planned(sight: Sight, edit: Edit, *, plate: str = "") -> Planned:
    if not edit.told:
        raise NothingChanged
    card, info = sight.card, sight.reading.info
    price_fen = edit.card.get("price_e4", card.price_e4) // 100
    on_card = {"plate": plate or (info.plate if info else ""), "price_fen": price_fen}
    return Planned(
        after=sight.seen.balance,
        price_e4=edit.card.get("price_e4", 0),
        plan={
            "vehicle": dict(edit.vehicle),
            "card": dict(edit.card),
            "info": on_card if plate or "price_e4" in edit.card else {},
            "told": [list(row) for row in edit.told],
        },
        notes=tuple(
            (_CHANGE, {"field": field, "old": old or "-", "new": new})
            for field, old, new in edit.told
        ),
    )


def _vehicle(connection: Connection, sight: Sight) -> Vehicle:
    vehicle = customers.find_vehicle(connection, sight.card.vehicle_id)
    if vehicle is None:
        raise FieldEmpty(field="vehicle")
    return vehicle

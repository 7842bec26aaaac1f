"""Nozzles and lines as the screens are told of them."""

from cngstation.protocols.dispenser.canonical import (
    FuellingState,
    Link,
    NozzleStatus,
)
from cngstation.rpc.contract.figures import DeviceHealth, DeviceState
from cngstation.rpc.contract.forecourt import NozzleFigure
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.open_rows import facts_of


def offline(why: str) -> DeviceHealth:
    """Return the health of a line whose port is not open."""
    return DeviceHealth(
        state=DeviceState.OFFLINE, text="{why}", facts=facts_of([("why", why)])
    )


def unheard(setting: NozzleSetting, now_ms: int) -> NozzleFigure:
    """Return a nozzle that nobody has heard yet."""
    return NozzleFigure(
        nozzle_no=setting.key.nozzle_no,
        dispenser_no=setting.key.dispenser_no,
        state="idle",
        link=str(Link.OFFLINE),
        link_since_ms=now_ms,
        locked=False,
        off_duty=False,
        awaiting_debit=False,
        other_side_busy=False,
        faults=(),
        unit=str(setting.unit),
        price_e4=0,
        quantity_milli=0,
        amount_e4=0,
        pressure_kpa=None,
        card_no="",
        plate="",
        crew_card="",
        shift_no=0,
    )


def figure_of(
    setting: NozzleSetting, status: NozzleStatus, old: NozzleFigure, now_ms: int
) -> NozzleFigure:
    """Return a nozzle with a new reading; of a card only while it fills."""
    since = dict(zip(old.faults, old.faults_since_ms, strict=True))
    faults = tuple(sorted(str(fault) for fault in status.faults))
    fuelling = status.state in {
        FuellingState.FUELLING,
        FuellingState.SUSPENDED_FUELLING,
    }
    return NozzleFigure(
        nozzle_no=setting.key.nozzle_no,
        dispenser_no=setting.key.dispenser_no,
        state=status.state.name.lower(),
        link=old.link,
        link_since_ms=old.link_since_ms,
        locked=status.locked,
        off_duty=status.off_duty,
        awaiting_debit=status.awaiting_debit,
        other_side_busy=status.other_side_busy,
        faults=faults,
        faults_since_ms=tuple(since.get(fault, now_ms) for fault in faults),
        unit=str(setting.unit),
        price_e4=status.price_e4,
        quantity_milli=status.quantity_milli,
        amount_e4=status.amount_e4,
        pressure_kpa=status.pressure_kpa if fuelling else None,
        card_no=(status.card_no or "")[-8:] if fuelling else "",
        plate=(status.plate or "") if fuelling else "",
        crew_card=status.employee_card or "",
        shift_no=status.shift_no,
    )

"""Rows and refusals as daemons send them, for the screen's tests."""

from typing import Any

from cngstation.errors import Refusal
from cngstation.rpc.contract import counter as c
from cngstation.rpc.contract import figures as f
from cngstation.rpc.contract import forecourt as g

TENDERS = tuple(
    c.TenderOffer(tender=tender, wants_reference=tender not in {"cash", "company"})
    for tender in (
        "cash", "wechat", "alipay", "bank_card", "transfer", "cheque", "company"
    )
)  # fmt: skip
NOW_MS = 1_795_225_337_000  # 2026-11-21 09:42:17 in China
WELL = f.DeviceHealth(state=f.DeviceState.ONLINE, text="", facts=())


class LoginRefused(Refusal):
    """As the daemons say it."""

    code = "test.login"
    text = "Name or password is wrong. {left} tries are left; then wait {minutes} min."


class TopUpRefused(Refusal):
    """As the daemons say it."""

    code = "test.ceiling"
    text = "The balance would be above {ceiling}. No money was taken."


def nozzle(no: int, **facts: Any) -> g.NozzleFigure:
    """Return an idle nozzle with some facts changed."""
    plain: dict[str, Any] = {
        "nozzle_no": no, "dispenser_no": (no + 1) // 2, "state": "idle",
        "link": "online", "link_since_ms": NOW_MS - 1_200_000, "locked": False,
        "off_duty": False, "awaiting_debit": False, "other_side_busy": False,
        "faults": (), "unit": "m3", "price_e4": 39_800, "quantity_milli": 0,
        "amount_e4": 0, "pressure_kpa": None, "card_no": "", "plate": "",
        "crew_card": "", "shift_no": 12,
    }  # fmt: skip
    return g.NozzleFigure(**{**plain, **facts})


def sale(seq: int, **facts: Any) -> f.SaleRow:
    """Return a booked fill."""
    plain: dict[str, Any] = {
        "seq": seq, "at_ms": NOW_MS - seq * 600_000, "dispenser_no": 2, "nozzle_no": 3,
        "device_seq": seq, "card_no": "01000231", "plate": "川A12345",
        "payment_mode": "prepaid_money", "unit": "m3", "quantity_milli": 8_200,
        "price_e4": 39_800, "amount_e4": 326_400, "balance_after_purse": 2_750,
        "transaction_type": "normal",
    }  # fmt: skip
    return f.SaleRow(**{**plain, **facts})


def card(**facts: Any) -> c.CardView:
    """Return a card of a customer."""
    plain: dict[str, Any] = {
        "uid": "0A0B0C01", "on_reader": c.CardOnReaderState.OURS,
        "card_key": "510101000231", "card_no": "01000231", "kind": "taxi",
        "payment_mode": "prepaid_money", "unit": "CNY", "standing": "normal",
        "way_out": "", "plate": "川A12345", "company_name": "测试出租车公司",
        "driver": "测试甲", "price_level": 0, "price_e4": 39_800,
        "balance_purse": 2_750, "receivable_e4": 0, "cylinder_due": "2027-03-15",
        "cylinder_days": 114, "grey": "", "open_intent_id": "",
        "last_sale": sale(1),
        "last_top_up": c.TopUpRow(
            at_ms=NOW_MS - 172_800_000, amount_purse=10_000, cash_e4=1_000_000
        ),
        "warnings": (),
    }  # fmt: skip
    return c.CardView(**{**plain, **facts})


def blank_card(uid: str = "0A0B0C09") -> c.CardView:
    """Return a factory-new card."""
    return card(
        uid=uid, on_reader=c.CardOnReaderState.BLANK, card_key="", card_no="", kind="",
        payment_mode="", standing="new", plate="", company_name="", driver="",
        cylinder_due="", cylinder_days=None, last_sale=None, last_top_up=None,
    )  # fmt: skip


def vehicle(no: int, plate: str, **facts: Any) -> c.VehicleRow:
    """Return a registered vehicle."""
    plain: dict[str, Any] = {
        "vehicle_id": no, "plate": plate, "id_no_masked": "510101********0018",
        "driver": "测试甲", "phone_masked": "138****0000", "owner": "测试甲",
        "vehicle_type": "taxi", "vehicle_type_name": "出租车", "company_no": "0001",
        "company_name": "测试出租车公司", "cylinder_no": f"CY{no:04d}",
        "cylinder_due": "2027-03-15", "fleet_no": f"{no:03d}", "route_no": "",
        "fleet_name": "", "cards": 0,
    }  # fmt: skip
    return c.VehicleRow(**{**plain, **facts})


def unchecked(kind: Any, rows: tuple[Any, ...]) -> Any:
    """Return rows that a faulty daemon could send: the screen must bear them."""
    return kind(rows=()).model_copy(update={"rows": rows})

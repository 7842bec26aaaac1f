"""A simulated PTS-2 controller: what it answers to each packet.

Source: the jsonPTS specification as public programs use it. UNVERIFIED on hardware.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from cngstation.simulators.pts_point import Fill, Point

NOT_FOUND, NO_POINT, NO_TRANSACTION = 1, 52, 22
BUSY, NOT_FILLING, NOT_ENDED, DUPLICATED = 42, 43, 69, 39
NO_MEASUREMENTS = 4
_NAMES = {
    NOT_FOUND: "JSONPTS_ERROR_NOT_FOUND",
    NO_MEASUREMENTS: "NO_DATA_FOR_RESPONSE",
    NO_TRANSACTION: "JSONPTS_ERROR_PUMP_TRANSACTION_NOT_FOUND",
    DUPLICATED: "JSONPTS_ERROR_DUPLICATED_AUTHORIZATION_REQUEST",
    BUSY: "JSONPTS_ERROR_PUMP_BUSY_FILLING",
    NOT_FILLING: "JSONPTS_ERROR_PUMP_NOT_IN_FILLING_PROCESS",
    NO_POINT: "JSONPTS_ERROR_PUMP_IS_NOT_CONFIGURED",
    NOT_ENDED: "JSONPTS_ERROR_PUMP_STATUS_NOT_END_OF_TRANSACTION",
}

Data = dict[str, Any]
# A type and its data; or the code of an error.
Reply = tuple[str, Data | None] | int


class Controller:
    """All pumps; `clock` is its own reading of the time."""

    def __init__(self, points: list[Point], clock: Callable[[], datetime]) -> None:
        self.points = {point.number: point for point in points}
        self.counts: dict[str, int] = {}
        self.refuses_prices = 0  # the code with which it refuses them
        self.stops_authorised = True  # a stop takes an authorisation back
        self._clock = clock
        self._totals_wanted: set[int] = set()
        self._handlers: dict[str, Callable[[Point, Data], Reply]] = {
            "PumpGetStatus": self._status,
            "PumpGetTransactionInformation": self._transaction,
            "PumpCloseTransaction": self._close,
            "PumpGetTotals": self._totals,
            "PumpSetPrices": self._prices,
            "PumpAuthorize": self._authorise,
            "PumpStop": self._stop,
            "PumpLock": lambda point, _: self._lock(point, is_locked=True),
            "PumpUnlock": lambda point, _: self._lock(point, is_locked=False),
            "PumpGetAdditionalMeasurements": self._measure,
        }

    def answer(self, message: object, now: float) -> Data:
        """Answer a message as the controller does, whatever it is."""
        if not isinstance(message, dict) or message.get("Protocol") != "jsonPTS":
            return {"Protocol": "jsonPTS", "Error": True, "Code": 2}
        packets = message.get("Packets")
        if not isinstance(packets, list):
            return {"Protocol": "jsonPTS", "Error": True, "Code": 2}
        for point in self.points.values():
            point.flow(now, self._clock())
        answers = [self._packet(packet) for packet in packets]
        return {"Protocol": "jsonPTS", "Packets": answers}

    def _packet(self, packet: Mapping[str, Any]) -> Data:
        kind, data = packet.get("Type"), packet.get("Data") or {}
        self.counts[str(kind)] = self.counts.get(str(kind), 0) + 1
        handler = self._handlers.get(str(kind))
        point = self.points.get(data.get("Pump", 0))
        reply: Reply = NOT_FOUND
        if handler is not None:
            reply = NO_POINT if point is None else handler(point, data)
        if isinstance(reply, int):
            return {
                "Id": packet.get("Id"),
                "Type": kind,
                "Error": True,
                "Code": reply,
                "Message": _NAMES[reply],
            }
        answer: Data = {"Id": packet.get("Id"), "Type": reply[0]}
        return answer | ({"Message": "OK"} if reply[1] is None else {"Data": reply[1]})

    def _status(self, point: Point, _data: Data) -> Reply:
        head: Data = {"Pump": point.number}
        if point.is_offline:
            return "PumpOfflineStatus", head | _last(point)
        if point.number in self._totals_wanted and point.fill is None:
            self._totals_wanted.discard(point.number)
            return "PumpTotals", head | {
                "Nozzle": point.nozzle,
                "Volume": point.total_volume / 1000,
                "Amount": point.total_amount / 100,
                "User": "",
            }
        if point.fill is not None:
            return "PumpFillingStatus", head | {
                "Nozzle": point.nozzle,
                "Volume": point.fill.volume / 1000,
                "Price": point.fill.price / 100,
                "Amount": point.fill.amount / 100,
                "Transaction": point.fill.number,
                "DateTimeStart": _time(point.fill.started_at),
                "IsSuspended": False,
                "User": "",
            }
        if point.open is not None:
            return "PumpEndOfTransactionStatus", head | _sale(point, point.open)
        request = "PumpLock" if point.is_locked else ""
        request = "PumpAuthorize" if point.is_authorised else request
        up = point.nozzle if point.is_lifted else 0
        return "PumpIdleStatus", head | {
            "NozzleUp": up,
            "Nozzle": up,
            "Request": request,
            "NozzlePrices": [point.price / 100],
            **_last(point),
            "User": "",
        }

    def _transaction(self, point: Point, data: Data) -> Reply:
        number = data.get("Transaction")
        fill = point.kept.get(number) if isinstance(number, int) else None
        if fill is None and point.fill is not None and point.fill.number == number:
            head = {"Pump": point.number, "Transaction": number, "State": "Filling"}
            return "PumpTransactionInformation", head
        if fill is None:
            return NO_TRANSACTION
        state = "Finished" if fill.is_closed else "EndOfTransaction"
        head = {"Pump": point.number, "State": state}
        return "PumpTransactionInformation", head | _sale(point, fill)

    def _close(self, point: Point, data: Data) -> Reply:
        if not point.close(data.get("Transaction", 0)):
            return NOT_ENDED
        return "PumpCloseTransaction", None

    def _totals(self, point: Point, _data: Data) -> Reply:
        if point.fill is not None:
            return BUSY
        self._totals_wanted.add(point.number)
        return "PumpGetTotals", None

    def _prices(self, point: Point, data: Data) -> Reply:
        if point.fill is not None:
            return BUSY
        if self.refuses_prices:
            return self.refuses_prices
        prices = data.get("Prices") or [0]
        point.price = round(prices[point.nozzle - 1] * 100)
        return "PumpSetPrices", None

    def _authorise(self, point: Point, data: Data) -> Reply:
        if point.fill is not None:
            return BUSY
        if point.is_authorised:
            return DUPLICATED
        kind, dose = data.get("Type"), data.get("Dose", 0)
        number = point.authorise(
            volume=round(dose * 1000) if kind == "Volume" else 0,
            amount=round(dose * 100) if kind == "Amount" else 0,
        )
        confirmed = {"Pump": point.number, "Transaction": number}
        return "PumpAuthorizeConfirmation", confirmed

    def _stop(self, point: Point, _data: Data) -> Reply:
        if point.fill is None:
            if not (point.is_authorised and self.stops_authorised):
                return NOT_FILLING
            point.is_authorised = False
            point.preset_volume = point.preset_amount = 0
            return "PumpStop", None
        point.stop(self._clock())
        return "PumpStop", None

    def _lock(self, point: Point, *, is_locked: bool) -> Reply:
        point.is_locked = is_locked
        return ("PumpLock" if is_locked else "PumpUnlock"), None

    def _measure(self, point: Point, _data: Data) -> Reply:
        if not point.pressure:
            return NO_MEASUREMENTS
        return "PumpAdditionalMeasurements", {
            "Pump": point.number,
            "Pressure": point.pressure / 1000,
            "Temperature": 21.5,
            "Density": 0.717,
            "Mass": 0.0,
        }


def _last(point: Point) -> Data:
    # The number of an authorisation is none of a finished transaction yet.
    number = point.last_number
    if point.is_authorised:
        number = max(number - 1, 0)
    last = point.kept.get(number)
    return {
        "LastNozzle": point.nozzle if last else 0,
        "LastVolume": last.volume / 1000 if last else 0,
        "LastPrice": last.price / 100 if last else 0,
        "LastAmount": last.amount / 100 if last else 0,
        "LastTransaction": number,
        "LastTotalVolume": point.total_volume / 1000,
        "LastTotalAmount": point.total_amount / 100,
    }


def _sale(point: Point, fill: Fill) -> Data:
    assert fill.ended_at is not None
    totals = {
        "TotalVolume": fill.total_volume / 1000,
        "TotalAmount": fill.total_amount / 100,
    }
    return {
        "Transaction": fill.number,
        "Nozzle": point.nozzle,
        "Volume": fill.volume / 1000,
        "TCVolume": fill.volume / 1000,
        "Price": fill.price / 100,
        "Amount": fill.amount / 100,
        **(totals if point.tells_total else {}),
        "DateTimeStart": _time(fill.started_at),
        "DateTime": _time(fill.ended_at),
        "Tag": "",
        "IsOffline": fill.is_offline,
        "UserId": 1,
    }


def _time(clock: datetime) -> str:
    return clock.strftime("%Y-%m-%dT%H:%M:%S")

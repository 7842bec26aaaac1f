"""The driver of a headless demo: cards to nozzles, and gas, by hands at simulators."""

import asyncio
from dataclasses import dataclass

from cngstation.cli.demo_hands import RETRY_S, Patience, PatientHands
from cngstation.cli.demo_script import FillVehicle
from cngstation.cli.demo_station import DemoNozzle, DemoStation
from cngstation.simulators.control import Answer, HandsRefused

FLOW_HUNDREDTHS_PER_S = 8  # 15 m³ in a little over three minutes
WALK_S = 12.0  # from the car to the counter or the nozzle
_WAIT_S = 5.0  # for one look at a gun; it is looked at again


@dataclass(frozen=True, slots=True)
class Filled:
    """How a visit at a nozzle ended.

    `refused` says why the dispenser gave the card back; `power_lost`, that the fill
    ended with the dispenser: whether it was paid stands in its record.
    """

    refused: str = ""
    power_lost: bool = False


class Driver:
    """Drives cards to nozzles and fills."""

    def __init__(self, station: DemoStation, speed: float) -> None:
        self._nozzles = {nozzle.nozzle_no: nozzle for nozzle in station.nozzles}
        self._walk_s = WALK_S / speed
        self._flow = FLOW_HUNDREDTHS_PER_S * speed

    async def fill(self, act: FillVehicle, uid: str) -> Filled:
        """Fill, and stay until the card is debited and the record is uploaded.

        Raises:
            PlayFailed: the dispenser stays off, or keeps its record.
        """
        hands = PatientHands(self._nozzles[act.nozzle_no].control)
        try:
            await asyncio.sleep(self._walk_s)
            return await _Visit(self._nozzles[act.nozzle_no], hands).fill(
                uid, act.hundredths, self._flow
            )
        finally:
            await hands.close()


class _Visit:
    """One card at one nozzle, through any loss of the dispenser's power."""

    def __init__(self, nozzle: DemoNozzle, hands: PatientHands) -> None:
        self._nozzle = nozzle
        self._hands = hands

    async def fill(self, uid: str, hundredths: int, flow: float) -> Filled:
        before = (await self._look())["last_trans_no"]
        patience = Patience(f"nozzle {self._nozzle.nozzle_no} takes no card")
        while True:
            try:
                if refused := await self._begin(uid, hundredths, flow):
                    return Filled(refused=refused)
                await self._until_uploaded(after_power_loss=False)
                break
            except HandsRefused:
                await patience.wait()  # the card is not out of its last slot yet
            except OSError:
                # A fill that the dispenser has closed is not begun once more.
                if (await self._look())["last_trans_no"] != before:
                    await self._until_uploaded(after_power_loss=True)
                    return Filled(power_lost=True)
                await patience.wait()
        await self._hands.call("card_out", gun=self._nozzle.gun)
        return Filled()

    async def _begin(self, uid: str, hundredths: int, flow: float) -> str:
        """Put the card in and open the valve; return why the card was refused."""
        gun = self._nozzle.gun
        answer = await self._hands.once("card_in", gun=gun, uid=uid)
        if not answer["accepted"]:
            return str(answer["refused"])
        await self._hands.once(
            "fill",
            gun=gun,
            limit_hundredths=hundredths,
            flow_hundredths_per_s=flow,
            pressure_start_kpa=3_000,
            pressure_end_kpa=19_500,
        )
        return ""

    async def _until_uploaded(self, *, after_power_loss: bool) -> None:
        wait = self._hands.call if after_power_loss else self._hands.once
        patience = Patience(f"nozzle {self._nozzle.nozzle_no} keeps its record")
        while True:
            answer = await wait(
                "wait", gun=self._nozzle.gun, until="uploaded", timeout_s=_WAIT_S
            )
            if answer["reached"]:
                return
            await patience.wait(RETRY_S)

    async def _look(self) -> Answer:
        return await self._hands.call("state", gun=self._nozzle.gun)

"""The hands of the demonstration: a client of the simulators' control sockets.

One JSON line asks, `{"do": NAME, ...}`; one line answers, `{"ok": true, ...}` or
`{"ok": false, "why": ...}`.
"""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

from cngstation.errors import StationError
from cngstation.hygiene import clean
from cngstation.language import mark
from tui.demo import Demo, GunAt

_TIMEOUT_S = 5
_LONGEST_LINE = 1_000_000
_LOOK_AGAIN_S = 0.3
_MOST_LOOKS = 600  # three minutes; the longest fill of the demonstration takes one
_FLOW_HUNDREDTHS_PER_S = 100
_START_KPA = 6_000
_END_KPA = 20_000
_IDLE = "A1"
CARDS = frozenset({".mfd", ".desfire"})  # files of cards, one for each technology
ON_THE_TABLE = mark("on the table")
ON_THE_READER = mark("on the reader")


class HandsFailed(StationError):
    """A simulated device cannot do what the hands tried."""

    code = "tui.hands"
    text = "The demonstration's device did not do that: {why}"


class HandsClient:
    """Asks one control socket, one request a connection."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def call(self, do: str, **arguments: object) -> dict[str, Any]:
        """Ask and return the answer's facts.

        Raises:
            HandsFailed: nobody answers, or the device said why it cannot.
        """
        request = json.dumps({"do": do, **arguments}).encode() + b"\n"
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                answer = json.loads(await self._exchange(request))
        except (OSError, TimeoutError, ValueError) as error:
            raise HandsFailed(why=f"{self._path.name}: {error}") from error
        if not isinstance(answer, dict) or not answer.pop("ok", False):
            why = answer.get("why", "") if isinstance(answer, dict) else ""
            raise HandsFailed(why=clean(str(why)))
        return answer

    async def _exchange(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_unix_connection(
            self._path, limit=_LONGEST_LINE
        )
        try:
            writer.write(request)
            await writer.drain()
            return await reader.readline()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


class Hands:
    """Moves cards between table, reader and nozzles, and paper in the printer."""

    def __init__(self, demo: Demo) -> None:
        self._demo = demo
        self._reader = HandsClient(demo.reader_control)
        self._printer = HandsClient(demo.printer_control)
        self.guns = {gun.nozzle_no: gun for gun in demo.guns}
        self.places: dict[str, str] = {}
        self.paper = True
        second = (demo.second_login, demo.second_password)
        self.second_operator = " / ".join(second) if all(second) else ""

    def cards(self) -> list[str]:
        """Return the chips of all cards of the demonstration."""
        files = self._demo.cards.iterdir()
        found = sorted(file.stem.upper() for file in files if file.suffix in CARDS)
        for uid in found:
            self.places.setdefault(uid, ON_THE_TABLE)
        return found

    async def look(self) -> None:
        """See which card is on the reader."""
        on_reader = (await self._reader.call("state")).get("card")
        for uid, place in self.places.items():
            if place == ON_THE_READER and uid != on_reader:
                self.places[uid] = ON_THE_TABLE
        if on_reader:
            self.places[str(on_reader).upper()] = ON_THE_READER

    async def put_or_pull(self, uid: str) -> None:
        """Put a card on the reader in place of another, or pull it away.

        A card in a nozzle is pulled out of it, whatever the fill is doing.
        """
        if (place := self.places.get(uid, "")).isdigit():
            await self._pull_out(self.guns[int(place)])
            self.places[uid] = ON_THE_TABLE
            return
        there = self._on_reader()
        if there:
            await self._reader.call("remove")
            self.places[there] = ON_THE_TABLE
        if there != uid:
            await self._reader.call("insert", uid=uid)
            self.places[uid] = ON_THE_READER

    def _on_reader(self) -> str:
        return next((u for u, p in self.places.items() if p == ON_THE_READER), "")

    async def drive(self, uid: str, nozzle_no: int, limit_hundredths: int) -> str:
        """Let a vehicle fill with its card and leave once it has paid.

        Returns the refusal of the dispenser, or nothing when all went well.
        """
        gun = self.guns[nozzle_no]
        line = HandsClient(gun.control)
        if self.places.get(uid) == ON_THE_READER:
            await self.put_or_pull(uid)
        taken = await line.call("card_in", gun=gun.gun, uid=uid)
        if not taken.get("accepted", True):
            await line.call("card_out", gun=gun.gun)
            return clean(str(taken.get("refused", "")))
        self.places[uid] = str(nozzle_no)
        try:
            await self._fill(line, gun, uid, limit_hundredths)
        finally:
            if self._is_in(gun, uid):
                await self._pull_out(gun)
                self.places[uid] = ON_THE_TABLE
        return ""

    def _is_in(self, gun: GunAt, uid: str) -> bool:
        return self.places.get(uid) == str(gun.nozzle_no)

    @staticmethod
    async def _pull_out(gun: GunAt) -> None:
        await HandsClient(gun.control).call("card_out", gun=gun.gun)

    async def _fill(self, line: HandsClient, gun: GunAt, uid: str, limit: int) -> None:
        await line.call(
            "fill",
            gun=gun.gun,
            limit_hundredths=limit,
            flow_hundredths_per_s=_FLOW_HUNDREDTHS_PER_S,
            pressure_start_kpa=_START_KPA,
            pressure_end_kpa=_END_KPA,
        )
        for _look in range(_MOST_LOOKS):
            await asyncio.sleep(_LOOK_AGAIN_S)
            if not self._is_in(gun, uid):
                return
            state = await line.call("state", gun=gun.gun)
            if state.get("stage") is None and state.get("status") == _IDLE:
                return

    async def stop(self, nozzle_no: int) -> None:
        """Stop a fill by hand."""
        gun = self.guns[nozzle_no]
        await HandsClient(gun.control).call("stop", gun=gun.gun)

    async def turn_paper(self) -> None:
        """Take the paper out of the printer, or put it in."""
        await self._printer.call("paper_out" if self.paper else "paper_in")
        self.paper = not self.paper

"""Serves the station in memory on real sockets: `python -m ... FOLDER [HERTZ]`.

For looking at the screen by hand: nozzles fill, and a control socket `hands.sock`
takes the verbs of the card reader.
"""

import asyncio
import contextlib
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from cngstation.rpc.authority import Session
from cngstation.rpc.contract.counter import COUNTER
from cngstation.rpc.contract.forecourt import FORECOURT
from cngstation.rpc.contract.uplink import UPLINK
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.method import Contract
from cngstation.rpc.server import RpcServer
from tests.unit.tui.fake_link import PASSWORD
from tests.unit.tui.fake_rows import LoginRefused, blank_card, card
from tests.unit.tui.fake_station import FakeStation
from tui.link import Part

CONTRACTS: dict[Part, Contract[Any]] = {
    Part.COUNTER: COUNTER,
    Part.FORECOURT: FORECOURT,
    Part.UPLINK: UPLINK,
}
TOKEN = SecretStr("test-token")


class OneOperator:
    """Lets anybody in who knows the password."""

    async def login(self, credentials: Any, peer: Any) -> Session:
        del peer
        if credentials.password.get_secret_value() != PASSWORD:
            raise LoginRefused(left=2, minutes=10)
        return self._session()

    def _session(self) -> Session:
        return Session("1", "王 班组2", "tty", (), 1_900_000_000_000, TOKEN)

    async def resume(self, token: Any, peer: Any) -> Session:
        del token, peer
        return self._session()

    async def allowed(self, session: Any, right: str, call: Any) -> None:
        """Allow everything."""

    async def holds(self, session: Any, right: str) -> bool:
        """Show everything."""
        del session, right
        return True

    async def lock(self, session: Any) -> None:
        """Nothing to do."""

    async def unlock(self, session: Any, password: Any) -> Session:
        del session
        if password.get_secret_value() != PASSWORD:
            raise LoginRefused(left=1, minutes=10)
        return self._session()

    async def logout(self, session: Any) -> None:
        """Nothing to do."""


class Hands:
    """The reader's verbs on the fake station."""

    def __init__(self, station: FakeStation) -> None:
        self._station = station
        self.at: str | None = None

    async def serve(self, reader: Any, writer: Any) -> None:
        """Answer JSON lines."""
        while text := await reader.readline():
            request = json.loads(text)
            answer = {"ok": True, **self.do(request)}
            writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()

    def do(self, request: dict[str, Any]) -> dict[str, Any]:
        """Put a card on the reader, take it away, look."""
        uid = request.get("uid", "")
        if request["do"] == "insert":
            self.at = uid
            known = {"0A0B0C01": card(), "0A0B0C02": gas_card()}
            self._station.put(known.get(uid, blank_card(uid)))
        elif request["do"] == "remove":
            self.at = None
            self._station.take()
        elif request["do"] == "state":
            return {"card": self.at, "stage": None, "status": "A1"}
        return {}


def gas_card() -> Any:
    """Return a card that holds gas, with things to warn of."""
    return card(
        uid="0A0B0C02", card_no="01000117", payment_mode="prepaid_quantity", unit="m3",
        plate="川AD00217", standing="expired", cylinder_due="2026-11-01",
        cylinder_days=-20,
        way_out="Have the cylinder inspected and enter the new date.",
    )  # fmt: skip


async def fill_for_ever(station: FakeStation, hertz: float) -> None:
    """Let half of the nozzles fill."""
    filling = list(station.nozzles)[:: 1 if len(station.nozzles) > 16 else 2]
    for no in filling:
        station.change_nozzle(
            no, state="fuelling", plate="川A12345", card_no="01000231"
        )
    if 6 in station.nozzles:
        station.change_nozzle(
            6, awaiting_debit=True, quantity_milli=8_100, amount_e4=322_400
        )
        station.change_nozzle(8, link="offline")
    milli = 0
    while True:
        await asyncio.sleep(1 / hertz)
        milli = (milli + 40) % 100_000
        for no in filling:
            station.change_nozzle(
                no, quantity_milli=milli, amount_e4=milli * 398 // 1000 * 100,
                pressure_kpa=6_000 + milli // 10,
            )  # fmt: skip


def serve(station: FakeStation, folder: Path) -> dict[Part, RpcServer[Any]]:
    """Make the three servers."""
    servers = {}
    for part, contract in CONTRACTS.items():

        async def handle(request: Any, _context: Any, *, name: str) -> Any:
            return await station.answer(name, request)

        async def snapshot(_context: Any, part: Part = part) -> Any:
            return station.snapshot(part)

        handlers = Handlers()
        for method in contract.methods:
            handlers.add(method, partial(handle, name=method.name))
        servers[part] = RpcServer(
            folder / f"{part}.sock", contract, handlers, OneOperator(), snapshot,
            program="fake", admits=lambda _peer: True,
            report=lambda what, error: print(what, repr(error)),
            refused=lambda peer, error: print(peer, repr(error)),
        )  # fmt: skip
    return servers


async def main(folder: Path, hertz: float, nozzles: int) -> None:
    """Serve until killed."""
    station = FakeStation(nozzles)
    servers = serve(station, folder)
    for server in servers.values():
        await server.start({})
    station.tell = lambda part, event, body: servers[part].publish(
        event, body, key=str(getattr(body, "nozzle_no", ""))
    )
    hands = await asyncio.start_unix_server(Hands(station).serve, folder / "hands.sock")
    async with hands:
        await fill_for_ever(station, hertz)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        words = [*sys.argv[2:], "2", "8"]
        asyncio.run(main(Path(sys.argv[1]), float(words[0]), int(words[1])))

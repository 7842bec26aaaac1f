"""Shows how much waits for head office and for how long; a single station has none."""

import asyncio
from collections.abc import Callable

from cngstation.language import mark
from cngstation.moments import seconds
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract.figures import DeviceHealth, DeviceState
from cngstation.rpc.contract.uplink import UplinkFigure
from cngstation.services.wait_while_busy import while_busy
from cngstation.storage import outbox
from cngstation.storage.database import Database
from cngstation.storage.sqlite import Connection

LOOK_MS = 1_000
_SINGLE = mark("This is a single station: nothing is sent to head office.")
_NO_LINK = mark("There is no link to head office yet; everything is kept for it.")


class OutboxWatch:
    """Tells how many rows wait, whenever that has changed."""

    def __init__(
        self,
        database: Database,
        network: str,
        changed: Callable[[UplinkFigure], None],
    ) -> None:
        self._database = database
        self._network = network
        self._changed = changed
        self._figure: UplinkFigure | None = None

    async def snapshot(self, _: CallContext) -> UplinkFigure:
        """Return the outbox as it is now."""
        return await self._look()

    async def run(self) -> None:
        """Tell of every change, for ever."""
        while True:
            figure = await while_busy(self._look)
            if figure != self._figure:
                self._figure = figure
                self._changed(figure)
            await asyncio.sleep(seconds(LOOK_MS))

    async def _look(self) -> UplinkFigure:
        single = self._network == "single"

        def question(connection: Connection) -> UplinkFigure:
            waiting = outbox.waiting(connection)
            # A planned price alone has no time of its own: the next fact's is near.
            row = connection.execute(
                "SELECT json_extract(body, '$.at_ms') AS at_ms FROM chain"
                " WHERE seq >= ? AND at_ms IS NOT NULL ORDER BY seq LIMIT 1",
                (waiting.chain_seq,),
            ).fetchone()
            return UplinkFigure(
                network=self._network,
                health=DeviceHealth(
                    state=DeviceState.ABSENT if single else DeviceState.OFFLINE,
                    text=_SINGLE if single else _NO_LINK,
                    facts=(),
                ),
                waiting=0 if single else waiting.count,
                oldest_at_ms=None if single or row is None else row[0],
                last_success_at_ms=None,
            )

        return await self._database.read(question)

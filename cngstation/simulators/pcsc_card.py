"""A card in a virtual PC/SC reader as a process: the card's end of vpcd's socket.

`python -m cngstation.simulators.pcsc_card --config FILE.json`, the file holding
`{"port": TCP, "control": PATH, "cards": FOLDER, "masters": {NAME: HEX, ...}}` with the
names load, unload, unlock, maintenance, tac, purchase. Prints one JSON line when
ready; SIGTERM ends it.

Every message of the socket is two bytes of length, big-endian, and so many bytes. One
byte alone is an order (00 power off, 01 on, 02 reset, 04 send the ATR), anything else
an APDU. The card is in the slot as long as the connection lasts.
"""

import argparse
import asyncio
import json
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cngstation.simulators.control import Answer, ControlServer, HandsRefused
from cngstation.simulators.fuel_card import FuelCard
from cngstation.simulators.fuel_card_memory import (
    KEY_NAMES,
    HeldFuelCard,
    card_file,
    make_fuel_card,
)
from cngstation.simulators.fuel_dispenser import (
    FuelDispenser,
    LockRecord,
    NotAtThisCard,
)
from cngstation.simulators.held_file import CardElsewhere
from cngstation.simulators.pcsc_slot import CardInSlot, card_in_slot
from cngstation.simulators.virtual_card import make_blank_card

_POWER_OFF, _POWER_ON, _RESET, _SEND_ATR = b"\x00", b"\x01", b"\x02", b"\x04"
_MOMENT = bytes.fromhex("20261121094217")
_KEPT_COMMANDS = 1_000


@dataclass(frozen=True, slots=True)
class SlotConfig:
    """What the process is told."""

    port: int
    control: Path
    cards: Path
    masters: Mapping[str, bytes]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a JSON file.

        Raises:
            ValueError: it is not JSON, or a key is missing or wrong.
        """
        given = json.loads(path.read_bytes())
        try:
            masters = {
                name: bytes.fromhex(given["masters"][name]) for name in KEY_NAMES
            }
            return cls(
                int(given["port"]),
                Path(given["control"]),
                Path(given["cards"]),
                masters,
            )
        except KeyError as error:
            raise ValueError(f"key {error} is missing") from error


@dataclass(slots=True)
class _Tear:
    """The card goes at the `left`th command from now, carried out or not."""

    left: int
    done: bool
    only_changes: bool


class Slot:
    """The slot: a card in it is a connection to the virtual reader."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._card: CardInSlot | None = None
        self._serving: asyncio.Task[None] | None = None
        self.tear: _Tear | None = None
        self.pulled = ""
        self.commands: list[str] = []

    @property
    def card(self) -> CardInSlot | None:
        """The card in the slot."""
        return self._card

    async def insert(self, card: CardInSlot) -> None:
        """Put a card in; the slot must be empty."""
        streams = await asyncio.open_connection("127.0.0.1", self._port)
        self._card = card
        self._serving = asyncio.create_task(self._serve(card, *streams))

    async def remove(self) -> None:
        """Take the card out."""
        serving = self._serving
        if serving is not None:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    async def _serve(
        self,
        card: CardInSlot,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        try:
            while True:
                _acknowledge_at_once(writer)
                length = int.from_bytes(await reader.readexactly(2), "big")
                answer = self._answer(card, await reader.readexactly(length))
                if answer is None:
                    continue
                if not answer:
                    return
                writer.write(len(answer).to_bytes(2, "big") + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the reader's service has ended
        finally:
            self._card = self._serving = None
            card.leave()
            writer.close()

    def _answer(self, card: CardInSlot, message: bytes) -> bytes | None:
        """Return what the card says; None for nothing, empty when it is pulled."""
        if message == _SEND_ATR:
            return card.atr
        if message in {_POWER_OFF, _POWER_ON, _RESET}:
            card.reset()
            return None
        if len(self.commands) < _KEPT_COMMANDS:
            self.commands.append(message[:5].hex().upper())
        tear = self.tear
        if tear is not None and (card.changes(message) or not tear.only_changes):
            tear.left -= 1
            if tear.left == 0:
                self.tear, self.pulled = None, message[:2].hex().upper()
                if tear.done:
                    card.perform(message)
                return b""
        return card.perform(message)


def _acknowledge_at_once(writer: asyncio.StreamWriter) -> None:
    """Undo a delay: the reader sends length and bytes apart and waits between them."""
    line: socket.socket = writer.get_extra_info("socket")
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


class Hands:
    """The control verbs: what people do to the slot, its cards and at a dispenser.

    make {uid, number, contactless, on_line, off_line}, blank {uid}, insert {uid},
    remove, tear {after_commands, done, only_changes}, commands {clear}, state, memory
    {uid}, lock {uid, terminal}, debit {uid, fen}; the last two at a dispenser, where
    the card is not in the slot.
    """

    def __init__(self, config: SlotConfig, slot: Slot) -> None:
        self._config = config
        self._slot = slot
        self._locked: dict[bytes, tuple[FuelDispenser, LockRecord]] = {}
        self.verbs = {
            "make": self._make,
            "blank": self._blank,
            "insert": self._insert,
            "remove": self._remove,
            "tear": self._tear,
            "commands": self._commands,
            "state": self._state,
            "memory": self._memory,
            "lock": self._lock,
            "debit": self._debit,
        }

    async def _make(self, request: Mapping[str, Any]) -> Answer:
        path = make_fuel_card(
            self._config.cards,
            _uid(request),
            number=str(request["number"]),
            masters=dict(self._config.masters),
            contactless=bool(request.get("contactless", True)),
            first_counts=(
                int(request.get("on_line", 0)),
                int(request.get("off_line", 0)),
            ),
        )
        return {"path": str(path)}

    async def _blank(self, request: Mapping[str, Any]) -> Answer:
        return {"path": str(make_blank_card(self._config.cards, _uid(request)))}

    async def _insert(self, request: Mapping[str, Any]) -> Answer:
        if self._slot.card is not None:
            raise HandsRefused("occupied: a card is here")
        uid = _uid(request)
        try:
            card = card_in_slot(self._config.cards, uid)
        except CardElsewhere as error:
            raise HandsRefused("elsewhere: another device holds the card") from error
        except FileNotFoundError as error:
            raise HandsRefused("unknown: there is no such card") from error
        try:
            await self._slot.insert(card)
        except OSError as error:
            card.leave()
            raise HandsRefused(f"no reader: {error.strerror}") from error
        return {}

    async def _remove(self, _request: Mapping[str, Any]) -> Answer:
        if self._slot.card is None:
            raise HandsRefused("empty: no card is here")
        await self._slot.remove()
        return {}

    async def _tear(self, request: Mapping[str, Any]) -> Answer:
        after = int(request["after_commands"])
        if after < 1:
            raise ValueError("the first following command has number 1")
        self._slot.pulled = ""
        self._slot.tear = _Tear(
            after, bool(request["done"]), bool(request.get("only_changes", False))
        )
        return {}

    async def _commands(self, request: Mapping[str, Any]) -> Answer:
        commands = list(self._slot.commands)
        if request.get("clear"):
            self._slot.commands.clear()
        return {"commands": commands}

    async def _state(self, _request: Mapping[str, Any]) -> Answer:
        card = self._slot.card
        return {
            "card": card.uid.hex().upper() if card else None,
            "pulled": self._slot.pulled,
        }

    async def _memory(self, request: Mapping[str, Any]) -> Answer:
        with self._hold(request) as held:
            memory = held.memory
            return {
                "balance": memory.balance,
                "on_line": memory.on_line,
                "off_line": memory.off_line,
                "lock_state": memory.lock_state,
            }

    async def _lock(self, request: Mapping[str, Any]) -> Answer:
        masters = self._config.masters
        at = FuelDispenser(
            str(request["terminal"]), masters["purchase"], masters["tac"]
        )
        with self._hold(request) as held:
            record = _dispense(lambda: at.lock(FuelCard(held.memory), _MOMENT))
            held.keep()
        self._locked[_uid(request)] = at, record
        return {"number": record.number}

    async def _debit(self, request: Mapping[str, Any]) -> Answer:
        if _uid(request) not in self._locked:
            raise HandsRefused("no dispenser here has locked this card")
        at, record = self._locked[_uid(request)]
        fen = int(request["fen"])
        with self._hold(request) as held:
            card = FuelCard(held.memory)
            _dispense(lambda: at.debit(card, record, fen, _MOMENT))
            held.keep()
        del self._locked[_uid(request)]
        return {}

    def _hold(self, request: Mapping[str, Any]) -> HeldFuelCard:
        try:
            return HeldFuelCard(card_file(self._config.cards, _uid(request)))
        except CardElsewhere as error:
            raise HandsRefused("elsewhere: another device holds the card") from error
        except FileNotFoundError as error:
            raise HandsRefused("unknown: there is no such card") from error


def _dispense(act: Any) -> Any:
    try:
        return act()
    except NotAtThisCard as error:
        raise HandsRefused(f"the dispenser does not take the card: {error}") from error


def _uid(request: Mapping[str, Any]) -> bytes:
    try:
        return bytes.fromhex(request["uid"])
    except (TypeError, ValueError) as error:
        raise HandsRefused("a UID is written in hexadecimal") from error


async def serve(config: SlotConfig) -> None:
    """Be a slot until a signal says stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    slot = Slot(config.port)
    control = ControlServer(config.control, Hands(config, slot).verbs)
    try:
        await control.start()
        sys.stdout.write(json.dumps({"ready": True}) + "\n")
        sys.stdout.flush()
        await stop.wait()
        await control.stop()
    finally:
        await slot.remove()


def main() -> int:
    """Run the process; return its exit code."""
    parser = argparse.ArgumentParser(prog="pcsc_card", description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    path: Path = parser.parse_args().config
    try:
        config = SlotConfig.read(path)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{path}: {error}\n")
        return 2
    asyncio.run(serve(config))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Fuel trade's CPU cards for tests: keys, a card as delivered, and a counter."""

from pathlib import Path

from cngstation.drivers.fuel_card_keys import Key, KeysInMemory
from cngstation.protocols.fuel_card import commands, keys
from cngstation.protocols.fuel_card.answers import Kind, order_covers
from cngstation.protocols.fuel_card.commands import Answer, Command
from cngstation.simulators.fuel_card import FuelCard
from cngstation.simulators.fuel_card_memory import (
    HeldFuelCard,
    Memory,
    make_fuel_card,
)
from cngstation.simulators.fuel_dispenser import FuelDispenser

MASTERS = {
    name: bytes([place]) + b"-master-for-test"[:15]
    for place, name in enumerate(
        ("load", "unload", "unlock", "maintenance", "tac", "purchase"), 1
    )
}
FUEL_UID = bytes.fromhex("04A1B2C3D4E5F6")
NUMBER = "0316320120000017"
COUNTER_TERMINAL = bytes.fromhex("316000010000")
PLACE = "143200000001"  # a dispenser's terminal: station of 8 digits, nozzle of 4
MOMENT = bytes.fromhex("20261121094217")


def new_card(folder: Path, *, contactless: bool = True) -> Path:
    """Make a card as delivered; return its file."""
    return make_fuel_card(
        folder, FUEL_UID, number=NUMBER, masters=MASTERS, contactless=contactless
    )


def memory_in(path: Path) -> Memory:
    """Return what a card that nobody holds keeps."""
    with HeldFuelCard(path) as held:
        return held.memory


def dispenser(place: str = PLACE) -> FuelDispenser:
    """Return a dispenser with the keys of the trade."""
    return FuelDispenser(place, MASTERS["purchase"], MASTERS["tac"])


class Counter:
    """Says commands to a card in hand, with the keys of a counter."""

    def __init__(self, card: FuelCard) -> None:
        self.card = card

    def say(self, command: Command[Answer]) -> Answer:
        """Say a command; FuelCardReported when the card does not do it."""
        return command.read_answer(self.card.perform(command.apdu()))

    def open(self) -> None:
        """Select the application and give the password."""
        self.card.reset()
        self.say(commands.Select())
        self.say(commands.Verify())

    def session(self, name: str, random: bytes, on_line: int) -> bytes:
        """Return the session key that the counter makes."""
        own = keys.diversify(MASTERS[name], bytes.fromhex(self.card.memory.number))
        return keys.session_key(own, random, on_line)

    def load(self, fen: int) -> bytes:
        """Load money; return the TAC."""
        begun = self.say(commands.BeginLoad(fen, COUNTER_TERMINAL))
        session = self.session("load", begun.random, begun.on_line)
        order = order_covers(fen, Kind.LOAD, COUNTER_TERMINAL, MOMENT)
        return self.say(commands.Load(MOMENT, keys.code(session, order)))

    def unload(self, fen: int) -> bytes:
        """Take money off; return MAC3."""
        begun = self.say(commands.BeginUnload(fen, COUNTER_TERMINAL))
        session = self.session("unload", begun.random, begun.on_line)
        order = order_covers(fen, Kind.UNLOAD, COUNTER_TERMINAL, MOMENT)
        return self.say(commands.Unload(MOMENT, keys.code(session, order)))

    def unlock(self, fen: int) -> bytes:
        """Debit what is owed and free a grey card; return MAC3."""
        begun = self.say(commands.BeginUnlock(COUNTER_TERMINAL))
        session = self.session("unlock", begun.random, begun.on_line)
        order = order_covers(fen, Kind.UNLOCK, COUNTER_TERMINAL, MOMENT)
        return self.say(commands.Unlock(fen, MOMENT, keys.code(session, order)))


def counter_keys() -> KeysInMemory:
    """Return the keys of the counter as a credential file gives them."""
    return KeysInMemory(b"".join(MASTERS[key.name.lower()] for key in Key))

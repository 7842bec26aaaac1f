"""A gun without a wire: host frames go straight into its ear, time is a number."""

from datetime import datetime
from pathlib import Path

from fastcrc import crc16

from cngstation.moments import CHINA
from cngstation.simulators.jxv4_dispenser import Dispenser
from cngstation.simulators.jxv4_memory import Counters, Memory
from cngstation.simulators.jxv4_transaction import (
    NOTHING,
    OWN,
    FillOrder,
    GunSettings,
)
from cngstation.simulators.jxv4_uploads import Clock
from tests.unit.simulators.cards import MASTER, STATION, UID

NOW = datetime(2025, 6, 1, 8, 30, 15, tzinfo=CHINA)
POLL_TIME = "20250601083015"
PRICES = (398, 388, 378)


def host_frame(gun: int, command: int, body: bytes = b"") -> bytes:
    covered = bytes([gun, 0, command]) + len(body).to_bytes(2, "big") + body
    crc = crc16.modbus(covered).to_bytes(2, "big")
    return b"\xaa\xff" + covered + crc + b"\xcc\xff"


class BenchGun:
    """Gun 1 of the test station, its memory in `folder`."""

    def __init__(
        self,
        folder: Path,
        *,
        blacklist: frozenset[str] = frozenset(),
        unlocks_grey: bool = False,
        asks_about_cards: str = NOTHING,
        variant: str = OWN,
    ) -> None:
        self.folder = folder
        self.settings = GunSettings(
            1,
            STATION,
            PRICES,
            blacklist=blacklist,
            unlocks_grey=unlocks_grey,
            asks_about_cards=asks_about_cards,
            variant=variant,
        )
        self.now = 0.0
        self.start()

    def start(self) -> None:
        """Switch the power on."""
        fresh = Counters(
            last_trans_no=1026,
            total_quantity=1000,
            total_amount=3980,
            shift=2,
            employee="0000000000001001",
        )
        self.gun = Dispenser(
            self.settings,
            Memory.load(self.folder / "gun-1.json", fresh),
            cards=self.folder / "cards",
            master=MASTER,
            clock=Clock(NOW, self.now),
            now=self.now,
        )

    def kill(self) -> None:
        """Cut the power: nothing more is written, the card is let go."""
        self.gun.nozzle.power_off()

    def ask(self, command: int, body: bytes = b"") -> bytes:
        """Send a frame, run one tick; return the answer's command and body."""
        self.gun.hear(host_frame(1, command, body))
        return self.tick()

    def tick(self) -> bytes:
        self.now += 0.1
        frame = self.gun.tick(self.now)
        return b"" if frame is None else frame[4:5] + frame[7:-4]

    def poll(self, time: str = POLL_TIME, versions: str = "00" * 6) -> bytes:
        return self.ask(0x51, bytes.fromhex(time + versions))

    def insert(self, uid: bytes = UID) -> None:
        self.gun.insert(uid, self.now)

    def begin(self, limit: int = 1234, flow: float = 100.0) -> None:
        self.gun.nozzle.begin(FillOrder(limit, flow, 420, 1985), self.now)

    def fill(self, limit: int = 1234) -> None:
        """Insert the card and let the gas flow to its end."""
        self.insert()
        self.begin(limit, flow=1e6)
        self.tick()

    def take_out(self) -> None:
        self.gun.nozzle.take_out(self.now, self.gun.clock.read(self.now))

    def decide(self, debit: int, before: int, after: int, **changes: int) -> bytes:
        """Answer 55H type 0 as the books would."""
        found, kind = changes.get("found", 1), changes.get("kind", 0)
        card = changes.get("card", 0x0000510100010012)
        body = bytes([found, kind]) + card.to_bytes(8, "big")
        for figure in (debit, debit, before, after):
            body += figure.to_bytes(4, "big", signed=figure < 0)
        return self.ask(0x55, body.ljust(48, b"\x00"))

    def acknowledge(self, trans_no: int, trans_type: int = 0, ok: int = 1) -> bytes:
        return self.ask(0x52, bytes([ok, trans_type]) + trans_no.to_bytes(4, "big"))

"""A line of simulated dispensers as a process of its own: JX-V4, or by `protocol`.

    python -m cngstation.simulators.dispenser_line --config FILE.json

Makes a pty with a link to it, listens on a control socket, prints one line of JSON when
ready and ends on SIGTERM. A killed process is a power cut: the guns' memories stay.
"""

import argparse
import asyncio
import json
import os
import signal
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from cngstation import exact_loop
from cngstation.moments import SystemClock, local_time
from cngstation.simulators.control import ControlServer, Handler, HandsRefused
from cngstation.simulators.dispenser_hands import Hands
from cngstation.simulators.jxv4_dispenser import Dispenser
from cngstation.simulators.jxv4_faults import AnswerFaults
from cngstation.simulators.jxv4_frames import wire_time
from cngstation.simulators.jxv4_memory import Counters, Memory
from cngstation.simulators.jxv4_transaction import GunSettings
from cngstation.simulators.jxv4_uploads import Clock
from cngstation.simulators.line_log import LineLog
from cngstation.simulators.plain_line import PlainConfig, PlainLine
from cngstation.simulators.side_line import SideLine, SideLineConfig
from cngstation.simulators.sinopec_line import SinopecConfig, SinopecLine
from cngstation.simulators.wire import Wire

TICK_S = 0.1
LAST_WORDS_S = 0.2
MASTER_KEY_BYTES = 16
AA = 0xAA

Digits8 = Annotated[str, Field(pattern=r"^\d{8}$")]
Digits16 = Annotated[str, Field(pattern=r"^\d{16}$")]
U8 = Annotated[int, Field(ge=0, le=255)]
U32 = Annotated[int, Field(ge=0, le=0xFFFFFFFF)]
PriceFen = Annotated[int, Field(ge=1, le=0xFFFF)]


class GunConfig(BaseModel):
    """One gun; its shift, totals and last number count until it has a memory file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    gun: Annotated[int, Field(ge=1, le=255)]
    prices: Annotated[tuple[PriceFen, ...], Field(min_length=1, max_length=20)]
    unit_code: U8 = 1
    device_type: Annotated[int, Field(ge=0, le=3)] = 1
    employee_card: Digits16 = "0" * 16
    shift: U8 = 1
    phase_ms: Annotated[int, Field(ge=0, le=99)] = 0
    totals_quantity: U32 = 0
    totals_amount: U32 = 0
    last_trans_no: U32 = 0
    clock_skew_s: int = 0
    return_quantity: int = 0
    unlocks_grey: bool = False
    asks_about_cards: Literal["nothing", "check", "blacklist", "whitelist"] = "nothing"


class LineConfig(BaseModel):
    """The configuration file of one line."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    link: Path
    control: Path
    cards: Path
    memory: Path
    master_key: Path
    station_no: Digits8
    guns: Annotated[tuple[GunConfig, ...], Field(min_length=1)]
    baud: Annotated[int, Field(ge=300, le=115_200)] = 9600
    blacklist: tuple[Digits16, ...] = ()
    seed: int = 0
    faults: dict[str, float] = {}
    variant: Literal["own", "petrochina"] = "own"


def read_master_key(path: Path) -> bytes:
    """Read a key of 16 bytes, raw or as 32 hex digits.

    Raises:
        ValueError: the file holds neither.
    """
    data = path.read_bytes()
    key = data if len(data) == MASTER_KEY_BYTES else bytes.fromhex(data.decode("ascii"))
    if len(key) != MASTER_KEY_BYTES:
        raise ValueError(f"{path} holds no key of {MASTER_KEY_BYTES} bytes")
    return key


class DispenserLine:
    """The wire, its guns, and their main-loop ticks."""

    def __init__(self, config: LineConfig, today: datetime) -> None:
        self._config = config
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        self.wire = Wire(config.link, config.baud, config.seed)
        self.answer_faults = AnswerFaults(config.seed)
        self.set_faults(config.faults)
        self.guns = {
            gun.gun: self._build(gun, today + timedelta(seconds=gun.clock_skew_s), now)
            for gun in config.guns
        }
        self.log = LineLog(frozenset(self.guns), self.wire.byte_s, now)
        self.wire.on_host = self.log.host_sent
        self._ticks: dict[int, asyncio.TimerHandle] = {}
        self._ticked = asyncio.Event()
        self._is_off = False

    def open(self) -> str:
        """Begin to live on the line; return the name of the pts."""
        name = self.wire.open()
        now = self._loop.time()
        for gun in self._config.guns:
            self.wire.listen(gun.gun, self.guns[gun.gun].hear)
            self._tick_at(self.guns[gun.gun], now + gun.phase_ms / 1000)
        return name

    def close(self) -> None:
        """Cut the power."""
        self._is_off = True
        self._ticked.set()
        for tick in self._ticks.values():
            tick.cancel()
        self.wire.close()
        for gun in self.guns.values():
            gun.nozzle.power_off()

    def guns_idling_with_aa(self) -> list[int]:
        """Return the guns whose idle answer holds AA and so deafens the neighbours.

        As on a real line, two guns polled behind such a one miss their polls for as
        long as it idles; another crew card or shift changes the bytes.
        """
        return [n for n, gun in self.guns.items() if AA in gun.status_frame()]

    def verbs(self) -> dict[str, Handler]:
        """Return what hands can do."""
        return Hands(self).verbs()

    def facts(self) -> dict[str, Any]:
        """Return what the line says of itself when it is ready."""
        return {
            "guns": sorted(self.guns),
            "guns_idling_with_aa": self.guns_idling_with_aa(),
        }

    async def next_tick(self) -> None:
        """Wait until some gun has run its main loop once.

        Raises:
            HandsRefused: the power went off meanwhile.
        """
        await self._ticked.wait()
        if self._is_off:
            raise HandsRefused("the power is off")

    def cut_power(self, number: int) -> None:
        """Switch a gun off and on again; what is in its memory stays."""
        now, old = self._loop.time(), self.guns[number]
        old.nozzle.power_off()
        self._ticks[number].cancel()
        gun = next(one for one in self._config.guns if one.gun == number)
        self.guns[number] = self._build(gun, old.clock.read(now), now)
        self.wire.listen(number, self.guns[number].hear)
        self._tick_at(self.guns[number], now + TICK_S)

    def set_faults(self, changes: dict[str, float]) -> None:
        """Change shares of faults, of the wire's bytes and of the answers' content."""
        for name, share in changes.items():
            if name in self.answer_faults.shares:
                self.answer_faults.set(name, share)
            else:
                self.wire.faults.set({name: share})

    def reseed(self, seed: int) -> None:
        """Begin both rows of faults again."""
        self.wire.reseed(seed)
        self.answer_faults.reseed(seed)

    def ignored(self) -> Counter[str]:
        """Count over all guns what was heard and not answered, by kind."""
        return sum((gun.ear.ignored for gun in self.guns.values()), Counter())

    def taken(self) -> Counter[str]:
        """Count over all guns the frames that needed no answer, by kind."""
        return sum((gun.taken for gun in self.guns.values()), Counter())

    def _build(self, gun: GunConfig, reading: datetime, now: float) -> Dispenser:
        config = self._config
        settings = GunSettings(
            gun=gun.gun,
            station_no=config.station_no,
            prices=gun.prices,
            unit_code=gun.unit_code,
            device_type=gun.device_type,
            blacklist=frozenset(config.blacklist),
            return_quantity=gun.return_quantity,
            unlocks_grey=gun.unlocks_grey,
            asks_about_cards=gun.asks_about_cards,
            variant=config.variant,
        )
        fresh = Counters(
            last_trans_no=gun.last_trans_no,
            total_quantity=gun.totals_quantity,
            total_amount=gun.totals_amount,
            shift=gun.shift,
            employee=gun.employee_card,
            shift_started_at=wire_time(reading).hex(),
        )
        dispenser = Dispenser(
            settings,
            Memory.load(config.memory / f"gun-{gun.gun}.json", fresh),
            cards=config.cards,
            master=read_master_key(config.master_key),
            clock=Clock(reading, now),
            now=now,
        )
        dispenser.misses = self.answer_faults.misses
        return dispenser

    def _tick_at(self, gun: Dispenser, when: float) -> None:
        self._ticks[gun.settings.gun] = self._loop.call_at(when, self._tick, gun, when)

    def _tick(self, gun: Dispenser, when: float) -> None:
        now = self._loop.time()
        self._tick_at(gun, when + TICK_S * (1 + int((now - when) / TICK_S)))
        self.wire.deliver(now)
        frame = gun.tick(now)
        self._ticked.set()
        self._ticked = asyncio.Event()
        if frame is None:
            return
        frame = self.answer_faults.spoil(frame)
        sent = self.wire.send(frame, gun.settings.gun)
        if sent is not None:
            self.log.answered_by(gun.settings.gun, sent)


class SimulatedLine(Protocol):
    """What the program asks of a line, whatever its protocol."""

    def open(self) -> str: ...
    def close(self) -> None: ...
    def verbs(self) -> dict[str, Handler]: ...
    def facts(self) -> dict[str, Any]: ...


AnyConfig = LineConfig | SinopecConfig | PlainConfig | SideLineConfig
# By the protocol that a configuration names; one that names none is of JX-V4.
CONFIGS: dict[str, type[SinopecConfig | PlainConfig | SideLineConfig]] = {
    "dart": SideLineConfig,
    "lanfeng": SideLineConfig,
    "sinopec": SinopecConfig,
    "compac": PlainConfig,
    "unipump": PlainConfig,
}


async def serve(config: AnyConfig) -> None:
    """Run a line until SIGTERM or SIGINT."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    config.memory.mkdir(parents=True, exist_ok=True)
    today = local_time(SystemClock().now().wall_ms)
    line: SimulatedLine
    match config:
        case SinopecConfig():
            line = SinopecLine(config, today)
        case PlainConfig():
            line = PlainLine(config)
        case SideLineConfig():
            line = SideLine(config)
        case _:
            line = DispenserLine(config, today)
    control = ControlServer(config.control, line.verbs())
    await control.start()
    try:
        ready: dict[str, Any] = {
            "ready": True,
            "pts": line.open(),
            "link": str(config.link),
            "control": str(config.control),
            **line.facts(),
            "pid": os.getpid(),
        }
        print(json.dumps(ready), flush=True)
        await ended.wait()
    finally:
        line.close()
        await control.stop()
        await _let_connections_end()


def read_config(data: bytes) -> AnyConfig:
    """Read a configuration."""
    protocol = json.loads(data).get("protocol")
    return CONFIGS.get(protocol, LineConfig).model_validate_json(data)


async def _let_connections_end() -> None:
    """Give the handlers of open connections a moment to see that they are closed."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others, timeout=LAST_WORDS_S)


def main() -> None:
    """Read the configuration and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    arguments = parser.parse_args()
    config = read_config(arguments.config.read_bytes())
    exact_loop.run(serve(config))


if __name__ == "__main__":
    main()

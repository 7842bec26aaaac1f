"""A simulated card reader as a process: PN532 on a pty, cards from a folder.

`python -m cngstation.simulators.pn532_reader --config FILE.json`, the file holding
`{"link": PATH, "control": PATH, "cards": FOLDER, "baud": 115200,
"latency_us": {"read_us": 2500, ...}, "seed": 0}`; the last three may be left out.
Prints one JSON line when ready; SIGTERM ends it.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from cngstation import exact_loop
from cngstation.simulators.card_field import CardField, Pull, TornBlock
from cngstation.simulators.control import Answer, ControlServer, HandsRefused
from cngstation.simulators.pn532_chip import Pn532Chip
from cngstation.simulators.pn532_link import Fault, Pn532Link
from cngstation.simulators.pn532_times import ChipTimes
from cngstation.simulators.pty_port import NAMED_RATES, PtyPort
from cngstation.simulators.virtual_cards import UID_BYTES

_UNPLUGGED = "unplugged"
_LONGEST_UNPLUGGED_MS = 60_000


@dataclass(frozen=True, slots=True)
class ReaderConfig:
    """What the process is told."""

    link: Path
    control: Path
    cards: Path
    baud: int = 115_200
    seed: int = 0
    times: ChipTimes = field(default_factory=ChipTimes)

    def __post_init__(self) -> None:
        if self.baud not in NAMED_RATES.values():
            raise ValueError(f"baud is one of {sorted(NAMED_RATES.values())}")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a JSON file.

        Raises:
            ValueError: it is not JSON, or a key is missing, unknown or out of range.
        """
        given = dict(json.loads(path.read_bytes()))
        try:
            return cls(
                link=Path(given.pop("link")),
                control=Path(given.pop("control")),
                cards=Path(given.pop("cards")),
                times=ChipTimes(**given.pop("latency_us", {})),
                **given,
            )
        except KeyError as error:
            raise ValueError(f"key {error} is missing") from error
        except TypeError as error:
            raise ValueError(str(error)) from error


class Hands:
    """The control verbs: what a person does to reader and card.

    insert {uid}, remove, swap {uid}, blank {uid}, state, exchanges {clear},
    tear {after_commands, block, reader_reports}, pull_during_write {nth_write, ..}
    with block before, after or garbage,
    fault {kind, commands} or {kind: unplugged, for_ms}; kinds as in `Fault`.
    """

    def __init__(self, field: CardField, chip: Pn532Chip, link: Pn532Link) -> None:
        self._field = field
        self._chip = chip
        self._link = link
        self.verbs = {
            "insert": self._insert,
            "remove": self._remove,
            "swap": self._swap,
            "state": self._state,
            "blank": self._blank,
            "tear": self._tear,
            "pull_during_write": self._pull_during_write,
            "fault": self._fault,
            "exchanges": self._exchanges,
        }

    async def _insert(self, request: Mapping[str, Any]) -> Answer:
        self._field.insert(_uid(request))
        self._link.card_came()
        return {}

    async def _remove(self, _request: Mapping[str, Any]) -> Answer:
        self._field.remove()
        return {}

    async def _swap(self, request: Mapping[str, Any]) -> Answer:
        self._field.swap(_uid(request))
        self._link.card_came()
        return {}

    async def _state(self, _request: Mapping[str, Any]) -> Answer:
        card = self._field.card
        return {
            "card": card.uid.hex().upper() if card else None,
            "open_sector": card.sector if card else None,
            "pull_armed": self._field.armed is not None,
            "pulled": self._field.pulled,
            "is_awake": self._chip.is_awake,
            "field_is_on": self._field.is_on,
            "baud": self._chip.baud,
            "fault": self._link.fault,
        }

    async def _blank(self, request: Mapping[str, Any]) -> Answer:
        return {"path": str(self._field.make_blank(_uid(request)))}

    async def _tear(self, request: Mapping[str, Any]) -> Answer:
        return self._arm(request, nth=int(request["after_commands"]), writes=False)

    async def _pull_during_write(self, request: Mapping[str, Any]) -> Answer:
        return self._arm(request, nth=int(request["nth_write"]), writes=True)

    def _arm(self, request: Mapping[str, Any], *, nth: int, writes: bool) -> Answer:
        pull = Pull(
            nth=nth,
            block=TornBlock(request.get("block", TornBlock.BEFORE)),
            only_writes=writes,
            reader_reports=bool(request.get("reader_reports", True)),
        )
        self._field.arm(pull)
        return {}

    async def _fault(self, request: Mapping[str, Any]) -> Answer:
        if request["kind"] == _UNPLUGGED:
            away_ms = int(request.get("for_ms", 0))
            if not 0 <= away_ms <= _LONGEST_UNPLUGGED_MS:
                raise ValueError(f"for_ms is 0 to {_LONGEST_UNPLUGGED_MS}")
            if not self._link.is_plugged:
                raise HandsRefused("unplugged: the cable is out already")
            self._link.unplug()
            await asyncio.sleep(away_ms / 1000)
            return {"pty": self._link.plug()}
        commands = request.get("commands")
        self._link.break_down(
            Fault(request["kind"]), None if commands is None else int(commands)
        )
        return {}

    async def _exchanges(self, request: Mapping[str, Any]) -> Answer:
        shown = self._link.log.shown()
        if request.get("clear"):
            self._link.log.clear()
        return shown


def _uid(request: Mapping[str, Any]) -> bytes:
    try:
        uid = bytes.fromhex(request["uid"])
    except (TypeError, ValueError) as error:
        raise HandsRefused("a UID is written in hexadecimal") from error
    if len(uid) not in UID_BYTES:
        raise HandsRefused("a UID has 4 or 7 bytes")
    return uid


async def serve(config: ReaderConfig) -> None:
    """Be a reader until a signal says stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    antenna = CardField(config.cards, seed=config.seed)
    chip = Pn532Chip(antenna, config.times, baud=config.baud)
    link = Pn532Link(PtyPort(config.link, config.baud), chip, seed=config.seed)
    control = ControlServer(config.control, Hands(antenna, chip, link).verbs)
    pty = link.plug()
    try:
        await control.start()
        ready = {"ready": True, "link": str(config.link), "pty": pty}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        await stop.wait()
        await control.stop()
    finally:
        link.unplug()


def main() -> int:
    """Run the process; return its exit code."""
    parser = argparse.ArgumentParser(prog="pn532_reader", description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    path: Path = parser.parse_args().config
    try:
        config = ReaderConfig.read(path)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{path}: {error}\n")
        return 2
    exact_loop.run(serve(config))
    return 0


if __name__ == "__main__":
    sys.exit(main())

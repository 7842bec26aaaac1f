"""Lanfeng in the registry of protocols."""

from collections.abc import Mapping

from cngstation.protocols.dispenser.dialogue import Dialogue
from cngstation.protocols.dispenser.entry import LineSetup, ProtocolEntry
from cngstation.protocols.dispenser.lanfeng.strategy import (
    CAPABILITIES,
    LanfengSettings,
    LanfengStrategy,
)
from cngstation.protocols.dispenser.lanfeng.tap import lanfeng_tap
from cngstation.protocols.dispenser.polled_line import PolledLine


def _dialogue(line: LineSetup) -> Dialogue:
    settings = LanfengSettings.from_mapping(line.options)
    strategy = LanfengStrategy(line.baud, line.nozzles, settings)
    return PolledLine([nozzle.gun for nozzle in line.nozzles], strategy)


def _by_order(options: Mapping[str, int | str]) -> bool:
    return bool(LanfengSettings.from_mapping(options).control)


def _answer_head(gun: int) -> bytes:
    return bytes([gun, 0])


ENTRY = ProtocolEntry(
    "Lanfeng",
    CAPABILITIES,
    _dialogue,
    bauds=(4800, 9600, 19200),
    tap=lanfeng_tap,
    answer_head=_answer_head,
    fills_by_order=_by_order,
)

"""Polls a line for a while with nobody behind it: nothing is booked or acknowledged.

Only while no monitor runs. Where nothing answers, the other speeds and parities are
tried one after another, because a dispenser at another speed hears no poll.
"""

import asyncio
import contextlib
from dataclasses import replace
from typing import Any

from cngstation.config.sections import Line
from cngstation.domain.line_causes import LineCause
from cngstation.drivers.dispenser_line import DispenserLine
from cngstation.drivers.line_link import LineSettings
from cngstation.drivers.line_service import LineState
from cngstation.drivers.serial_link import Parity, SerialSettings
from cngstation.moments import Clock
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.rpc.contract.technician import LikelyCause, LineHealth
from cngstation.services.answer_technician import TechnicianAnswers, health_of
from cngstation.services.line_settings import conceal_of, dialogue_of, settings_of
from cngstation.services.open_rows import facts_of
from cngstation.services.tell_causes import CAUSE_TEXTS

PROBE_S = 6.0
TRIAL_S = 1.5


class Nobody:
    """Takes nothing: a record stays with its dispenser."""

    async def record(self, gun: int, record: Any) -> bool:
        """Leave it."""
        del gun, record
        return False

    async def debit(self, gun: int, request: Any) -> Any:
        """Leave it unanswered."""
        del gun, request
        await asyncio.Event().wait()

    async def shift(self, gun: int, record: Any) -> bool:
        """Leave it."""
        return await self.record(gun, record)

    async def parameter(self, gun: int, change: Any) -> bool:
        """Leave it."""
        return await self.record(gun, change)

    async def event(self, gun: int, event: Any) -> bool:
        """Leave it."""
        return await self.record(gun, event)

    async def card_check(self, gun: int, check: Any) -> Any:
        """Leave it unanswered."""
        return await self.debit(gun, check)

    async def download_asked(self, asked: Any) -> bool:
        """Send it nothing."""
        del asked
        return False

    def status(self, gun: int, status: Any) -> None:
        """Nobody looks."""

    def link(self, gun: int, link: Any) -> None:
        """Nobody looks."""

    def line_state(self, state: LineState) -> None:
        """Nobody looks."""

    def download(self, advanced: Any) -> None:
        """Nobody looks."""

    def totaliser_jumped(self, jumped: Any) -> None:
        """Nobody looks."""

    def fault(self, fault: Any) -> None:
        """The line's watch counts it."""


async def probe(section: Line, clock: Clock, *, seconds: float = PROBE_S) -> LineHealth:
    """Poll a line for so long and return how it fares."""
    settings = settings_of(section)
    line = await _polled(section, settings, clock, seconds)
    health = health_of(section, line)
    is_silent = any(one.code == LineCause.ALL_SILENT for one in health.causes)
    if not is_silent or not isinstance(settings, SerialSettings):
        return health
    for cause, other in _other_settings(section, settings):
        tried = await _polled(section, other, clock, TRIAL_S)
        if any(not burst.missed and burst.data for burst in tried.watch.bursts):
            return _explained(health, cause, other)
    return health


def _other_settings(
    section: Line, settings: SerialSettings
) -> list[tuple[LineCause, SerialSettings]]:
    bauds = [b for b in PROTOCOLS[section.protocol].bauds if b != settings.baud]
    parities = [parity for parity in Parity if parity is not settings.parity]
    return [
        *((LineCause.WRONG_BAUD, replace(settings, baud=baud)) for baud in bauds),
        *((LineCause.WRONG_PARITY, replace(settings, parity=p)) for p in parities),
    ]


def _explained(
    health: LineHealth, cause: LineCause, other: SerialSettings
) -> LineHealth:
    text, cure = CAUSE_TEXTS[cause]
    facts = facts_of([("baud", health.baud)] if "{baud}" in text else [])
    told = LikelyCause(code=cause.value, text=text, cure=cure, facts=facts)
    return health.model_copy(update={"causes": (told, *health.causes)})


async def _polled(
    section: Line, settings: LineSettings, clock: Clock, seconds: float
) -> DispenserLine:
    line = DispenserLine(
        settings,
        dialogue_of(section),
        Nobody(),
        clock=clock,
        conceal=conceal_of(section),
    )
    TechnicianAnswers().serve(section, line)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await line.run()
    return line

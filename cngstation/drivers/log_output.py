"""Log set-up of every daemon: JSON lines for the journal, readable text on a terminal.

What the standard library logs (asyncio's lost exceptions) takes the same way. Each
value passes hygiene; personal data, passwords and keys are dropped by their names,
wherever they stand; an object that is no plain value shows its type only, because
its repr may hold what the names would have dropped.
"""

import dataclasses
import json
import logging
import re
import sys
from collections.abc import Mapping, Sequence, Set
from pathlib import PurePath
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from cngstation import hygiene
from cngstation.moments import Clock, time_text

LONGEST_VALUE = 2_000
LONGEST_TRACEBACK_LINES = 100
MOST_ITEMS = 100
DEEPEST = 6
CUT_OFF = "..."

# The last word of a name decides: card_key is a key, key_version is none.
_PRIVATE_WORDS = {
    "password", "passwords", "phone", "phones", "key", "keys", "token", "tokens",
}  # fmt: skip
_WORDS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_TRACEBACKS = ("exception", "stack")


def set_up_logging(
    *,
    program: str,
    level: Literal["debug", "info", "warning", "error"],
    format: Literal["auto", "json", "console"],  # noqa: A002 - the key's name
    clock: Clock,
    stream: TextIO = sys.stderr,
) -> None:
    """Send all logs of this process to a stream, in one form.

    Call it once, first thing; calling it again replaces what was set up.
    """
    terminal = stream.isatty()
    readable = format == "console" or (format == "auto" and terminal)
    arrive: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        _stamped_by(clock, program),
    ]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=arrive,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # Before the console's own formatter, which would show local variables
                # and their values, and before the text is cleaned.
                structlog.processors.format_exc_info,
                drop_private,
                clean_values,
                _readable_text(colours=terminal) if readable else _json_line,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *arrive,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def drop_private(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Take out what is named as personal or secret, at any depth."""
    kept = _without_private(event, 0)
    assert isinstance(kept, dict)
    return kept


def clean_values(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Make every name and text fit for a terminal and a log, and bounded."""
    cleaned: EventDict = {}
    for name, value in event.items():
        if name in _TRACEBACKS and isinstance(value, str):
            cleaned[name] = _clean_traceback(value)
        else:
            cleaned[hygiene.clean(name)] = _clean_value(value)
    return cleaned


def is_private(name: str) -> bool:
    """Tell whether a value of this name must never be logged."""
    words = [word.lower() for word in _WORDS.findall(name)]
    return words[-2:] == ["id", "no"] or bool(words and words[-1] in _PRIVATE_WORDS)


def _without_private(value: object, depth: int) -> object:
    if depth > DEEPEST:
        return CUT_OFF
    match value:
        case Mapping():
            return {
                str(name): _without_private(inner, depth + 1)
                for name, inner in list(value.items())[:MOST_ITEMS]
                if not is_private(str(name))
            }
        case str() | bytes() | bytearray() | int() | float() | None:
            return value
        case Sequence() | Set():
            return [_without_private(v, depth + 1) for v in list(value)[:MOST_ITEMS]]
    return _object_without_private(value, depth)


def _object_without_private(value: object, depth: int) -> object:
    if isinstance(value, BaseException | PurePath):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return _without_private(fields, depth)
    return f"<{type(value).__name__}>"


def _clean_value(value: object) -> object:
    match value:
        case str():
            return hygiene.clean(value, limit=LONGEST_VALUE)
        case bytes() | bytearray():
            return value[: LONGEST_VALUE // 2].hex()
        case dict():
            return {hygiene.clean(k): _clean_value(v) for k, v in value.items()}
        case list():
            return [_clean_value(inner) for inner in value]
    return value


def _clean_traceback(text: str) -> str:
    # The end of a traceback names the error: the beginning is what is left out.
    lines = text.splitlines()[-LONGEST_TRACEBACK_LINES:]
    return "\n".join(hygiene.clean(line) for line in lines)


def _stamped_by(clock: Clock, program: str) -> Processor:
    def stamp(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        now = clock.now()
        stamps = {"at": time_text(now.wall_ms), "at_ms": now.wall_ms}
        return {**event, **stamps, "program": program}

    return stamp


def _json_line(_: WrappedLogger, __: str, event: EventDict) -> str:
    first = {name: event.pop(name) for name in ("at", "level", "event")}
    return json.dumps({**first, **event}, ensure_ascii=False)


def _readable_text(*, colours: bool) -> Processor:
    render = structlog.dev.ConsoleRenderer(
        colors=colours,
        timestamp_key="at",
    )

    def readable(logger: WrappedLogger, name: str, event: EventDict) -> str:
        event.pop("at_ms")
        event.pop("program")
        return str(render(logger, name, event))

    return readable

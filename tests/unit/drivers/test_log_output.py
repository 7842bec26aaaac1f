"""Logs: one line each, nothing private, nothing that moves a terminal's cursor."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from cngstation.drivers.log_output import (
    CUT_OFF,
    LONGEST_TRACEBACK_LINES,
    LONGEST_VALUE,
    MOST_ITEMS,
    clean_values,
    drop_private,
    is_private,
    set_up_logging,
)
from cngstation.errors import DeviceUnavailable
from cngstation.hygiene import is_clean
from cngstation.moments import Instant

SECRET = "13800000000"


class StoppedClock:
    """A clock that stands at 2026-11-21 09:42:17 local time."""

    def now(self) -> Instant:
        return Instant(wall_ms=1_795_225_337_000, mono_ms=0, boot_id="test")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Put back the process-wide log set-up that a test replaces."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def logged_to(stream: io.StringIO, form: str = "auto", level: str = "info") -> Any:
    set_up_logging(
        program="cng-test",
        level=level,  # type: ignore[arg-type]
        format=form,  # type: ignore[arg-type]
        clock=StoppedClock(),
        stream=stream,
    )
    return structlog.get_logger("station")


def line_of(stream: io.StringIO) -> dict[str, Any]:
    (line,) = stream.getvalue().splitlines()
    shown: dict[str, Any] = json.loads(line)
    return shown


def test_the_journal_gets_json_stamped_by_our_clock() -> None:
    """A pipe gets one JSON object a line, time from the injected clock."""
    stream = io.StringIO()
    logged_to(stream).warning("sale.recorded", nozzle_no=3, plate="川A00001")
    assert list(line_of(stream).items()) == [
        ("at", "2026-11-21 09:42:17"),
        ("level", "warning"),
        ("event", "sale.recorded"),
        ("nozzle_no", 3),
        ("plate", "川A00001"),
        ("at_ms", 1_795_225_337_000),
        ("program", "cng-test"),
    ]


def test_a_terminal_gets_coloured_text() -> None:
    """A person at a terminal reads text; `json` is JSON there too."""
    screen = Terminal()
    logged_to(screen).info("sale.recorded", plate="川A00001")
    assert "\x1b[" in screen.getvalue()
    assert "2026-11-21 09:42:17" in screen.getvalue()
    assert "川A00001" in screen.getvalue()
    screen = Terminal()
    logged_to(screen, "json").info("sale.recorded")
    assert line_of(screen)["event"] == "sale.recorded"


def test_console_in_a_file_has_no_colours() -> None:
    """Text asked for where no terminal is comes without escape sequences."""
    stream = io.StringIO()
    logged_to(stream, "console").info("sale.recorded")
    assert "sale.recorded" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_the_level_holds() -> None:
    """What is below the level is not written."""
    stream = io.StringIO()
    log = logged_to(stream, level="warning")
    log.info("no")
    logging.getLogger("asyncio").info("no")
    log.error("yes")
    assert line_of(stream)["event"] == "yes"


@dataclass
class Customer:
    plate: str
    phone: str


class Opaque:
    """An object whose repr tells too much."""

    def __repr__(self) -> str:
        return f"phone={SECRET}"


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize(
    "fields",
    [
        {"id_no": SECRET},
        {"phone": SECRET},
        {"password": SECRET},
        {"key": SECRET},
        {"token": SECRET},
        {"owner_phone": SECRET},
        {"cardKey": SECRET},
        {"ID_NO": SECRET},
        {"idNo": SECRET},
        {"session-token": SECRET},
        {"request": {"params": [{"phone": SECRET}]}},
        {"rows": ({"deep": {"card_keys": [SECRET]}},)},
        {"customer": Customer("川A00001", SECRET)},
        {"customers": [Customer("川A00001", SECRET)]},
        {"thing": Opaque()},
        {"things": {"inner": [Opaque()]}},
    ],
    ids=lambda fields: next(iter(fields)) if isinstance(fields, dict) else fields,
)
def test_private_values_are_never_written(fields: dict[str, Any], form: str) -> None:
    """Personal data and secrets are dropped by name at any depth and in objects."""
    stream = io.StringIO()
    logged_to(stream, form).info("customer.registered", **fields)
    assert "customer.registered" in stream.getvalue()
    assert SECRET not in stream.getvalue()


def test_what_only_looks_private_stays() -> None:
    """Versions and counts of keys are what a technician needs."""
    assert not any(map(is_private, ["key_version", "card_no", "id", "no", "monkey"]))


def test_context_that_was_bound_is_dropped_too() -> None:
    """A secret bound to a logger or to the task is dropped like any other."""
    stream = io.StringIO()
    log = logged_to(stream).bind(token=SECRET)
    with structlog.contextvars.bound_contextvars(password=SECRET, till="t1"):
        log.info("till.opened")
    assert line_of(stream)["till"] == "t1"
    assert SECRET not in stream.getvalue()


def test_local_variables_of_a_failure_are_not_shown() -> None:
    """A traceback on a terminal shows lines of code, not what the variables held."""
    screen = Terminal()
    log = logged_to(screen)
    password = "".join(["hun", "ter2"])
    try:
        raise DeviceUnavailable(device="reader", why=f"gone after {len(password)}")
    except DeviceUnavailable:
        log.exception("reader.lost")
    assert "reader cannot be reached: gone after 7" in screen.getvalue()
    assert "hunter2" not in screen.getvalue()


def test_failures_that_asyncio_reports_are_lines_of_ours() -> None:
    """An exception that nobody awaited becomes one JSON line with its traceback."""
    stream = io.StringIO()
    logged_to(stream)

    async def scenario() -> None:
        context = {"message": "lost \x1b[2J", "exception": ValueError("why")}
        asyncio.get_running_loop().call_exception_handler(context)

    asyncio.run(scenario())
    line = line_of(stream)
    assert line["level"] == "error"
    assert line["event"].startswith("lost �[2J")
    assert "ValueError: why" in line["exception"]


def test_library_logs_with_arguments_are_filled_in() -> None:
    """Positional arguments of the standard library's loggers are in the text."""
    stream = io.StringIO()
    logged_to(stream)
    logging.getLogger("library").warning("%s of %d", "\x07bell", 3)
    assert line_of(stream)["event"] == "�bell of 3"


@pytest.mark.parametrize("form", ["json", "console"])
@given(text=st.text(), name=st.text(min_size=1))
def test_no_text_reaches_a_terminal_unclean(form: str, text: str, name: str) -> None:
    """Whatever a card or a wire said, a log line has no control character."""
    stream = io.StringIO()
    values = {"event": text, "card": {name: [text]}, "error": ValueError(text)}
    log = logged_to(stream, form)
    log.info(**values)
    written = stream.getvalue()
    assert written.endswith("\n")
    assert is_clean(written.removesuffix("\n"))


def test_a_traceback_is_cleaned_line_by_line() -> None:
    """A failure's text cannot move the cursor; its lines stay lines, and bounded."""
    long = "\n".join(f"line {n}\x1b[2J" for n in range(2 * LONGEST_TRACEBACK_LINES))
    shown = clean_values(None, "", {"exception": long})["exception"].split("\n")
    assert len(shown) == LONGEST_TRACEBACK_LINES
    assert shown[-1] == f"line {2 * LONGEST_TRACEBACK_LINES - 1}�[2J"


def test_values_are_bounded() -> None:
    """Long texts, long lists, deep nests and bytes have an end."""
    deep: object = "end"
    for _ in range(50):
        deep = {"in": deep}
    event = {
        "text": "x" * 9_999,
        "data": b"\xff" * 9_999,
        "many": list(range(9_999)),
        "deep": deep,
        "path": Path("a/b"),
    }
    shown = clean_values(None, "", drop_private(None, "", event))
    assert len(shown["text"]) == len(shown["data"]) == LONGEST_VALUE
    assert len(shown["many"]) == MOST_ITEMS
    assert CUT_OFF in str(shown["deep"])
    assert shown["path"] == "a/b"

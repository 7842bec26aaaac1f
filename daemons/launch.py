"""Starts a daemon from its command line: configuration, logs, exit code."""

import argparse
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from cngstation import exact_loop
from cngstation.cli.main import UMASK
from cngstation.cli.saying import sentence
from cngstation.config import load_config
from cngstation.drivers.log_output import set_up_logging
from cngstation.drivers.process_memory import keep_memory_private
from cngstation.errors import ConfigError, StationError
from cngstation.language import use_language
from cngstation.moments import SystemClock
from cngstation.rpc import last_words
from cngstation.rpc.sd_notify import ServiceNotifier
from daemons.process import WRONG_CONFIGURATION, Process

_log = structlog.get_logger()


def run(
    program: str, work: Callable[[Process], Awaitable[int]], socket: str = ""
) -> None:
    """Run a daemon from its command line; does not return.

    `socket` is the name of its socket, beside which it says why it cannot start.
    """
    parser = argparse.ArgumentParser(prog=program)
    parser.add_argument("--config", type=Path, required=True, help="station.toml")
    arguments = parser.parse_args()
    os.umask(UMASK)
    try:
        config = load_config(arguments.config)
    except ConfigError as error:
        sys.stderr.write(f"{program}: {error.sentence()}\n")
        sys.exit(WRONG_CONFIGURATION)
    keep_memory_private()
    clock = SystemClock()
    set_up_logging(
        program=program,
        level=config.log.level,
        format=config.log.format,
        clock=clock,
    )
    use_language(config.station.language)
    config.paths.runtime_dir.mkdir(parents=True, exist_ok=True)
    listens = config.paths.runtime_dir / socket if socket else None
    process = Process(program, config, clock, Listening(listens))
    code = 1
    with contextlib.suppress(KeyboardInterrupt):
        try:
            code = exact_loop.run(_work(process, work))
        except StationError as error:
            _log.critical("daemon.cannot_start", why=error.sentence())
            explain(listens, error)
            code = WRONG_CONFIGURATION if isinstance(error, ConfigError) else code
    sys.exit(code)


class Listening(ServiceNotifier):
    """Tells the supervisor; what an earlier start left beside the socket is over."""

    def __init__(self, socket: Path | None) -> None:
        super().__init__()
        self._socket = socket

    def ready(self, status: str = "") -> bool:
        """Say that the daemon works."""
        if self._socket is not None:
            last_words.take_back(self._socket)
        return super().ready(status)


def explain(socket: Path | None, error: StationError) -> None:
    """Leave the reason where screens look for it, in the language of now."""
    if socket is not None:
        last_words.leave(socket, sentence(error))


async def _work(process: Process, work: Callable[[Process], Awaitable[int]]) -> int:
    try:
        return await work(process)
    finally:
        await process.close_databases()

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
from cngstation.config import load_config
from cngstation.drivers.log_output import set_up_logging
from cngstation.drivers.process_memory import keep_memory_private
from cngstation.errors import ConfigError, StationError
from cngstation.language import use_language
from cngstation.moments import SystemClock
from daemons.process import WRONG_CONFIGURATION, Process

_log = structlog.get_logger()


def run(program: str, work: Callable[[Process], Awaitable[int]]) -> None:
    """Run a daemon from its command line; does not return."""
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
    code = 1
    with contextlib.suppress(KeyboardInterrupt):
        try:
            code = exact_loop.run(_work(Process(program, config, clock), work))
        except StationError as error:
            _log.critical("daemon.cannot_start", why=error.sentence())
            code = WRONG_CONFIGURATION if isinstance(error, ConfigError) else code
    sys.exit(code)


async def _work(process: Process, work: Callable[[Process], Awaitable[int]]) -> int:
    try:
        return await work(process)
    finally:
        await process.close_databases()

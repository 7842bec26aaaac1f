"""`cngstation tui`: starts the screen as a process of its own."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from cngstation.cli.verify import DEFAULT_CONFIG, USAGE
from cngstation.config import load_config
from cngstation.errors import ConfigError


def run(arguments: Sequence[str]) -> int:
    """Become the screen; returns only with the exit code of a usage error."""
    parser = argparse.ArgumentParser(prog="cngstation tui")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG)
    parser.add_argument("--language", choices=("zh_CN", "en"))
    given = parser.parse_args(arguments)
    try:
        config = load_config(given.config)
    except ConfigError as error:
        sys.stderr.write(f"cngstation tui: {error.sentence()}\n")
        return USAGE
    command = screen_command(
        config.paths.runtime_dir, given.language or config.station.language
    )
    return os.execv(command[0], command)  # noqa: S606 - our own interpreter


def screen_command(runtime_dir: Path, language: str) -> list[str]:
    """Return the command line of the screen."""
    return [
        sys.executable, "-m", "tui",
        "--runtime-dir", str(runtime_dir), "--language", language,
    ]  # fmt: skip

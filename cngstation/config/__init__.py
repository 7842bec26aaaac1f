"""The station's configuration: one TOML file, strict, every key in the example file.

Money is written as text such as "10000.00", because a TOML number with a point is a
binary fraction; no such number is accepted anywhere.
"""

from cngstation.config.load import ConfigProblems, load_config
from cngstation.config.sections import (
    Limits,
    Line,
    Log,
    LogFormat,
    LogLevel,
    Nozzle,
    Paths,
    Printer,
    Reader,
    Security,
    Station,
    StationConfig,
    Till,
)

__all__ = [
    "ConfigProblems",
    "Limits",
    "Line",
    "Log",
    "LogFormat",
    "LogLevel",
    "Nozzle",
    "Paths",
    "Printer",
    "Reader",
    "Security",
    "Station",
    "StationConfig",
    "Till",
    "load_config",
]

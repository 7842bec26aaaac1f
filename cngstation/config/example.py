"""The example of a configuration file, and how a station's own is made of it."""

import json
import re
from importlib import resources
from pathlib import Path

from cngstation.config.load import Value, Values

_SECTION = re.compile(r"#? ?\[+([a-z_.]+)\]+")
_KEY = re.compile(r'(?P<key>[a-z_]+) = (?P<value>"[^"]*"|\S+)(?P<rest>.*)')


def example_text() -> str:
    """Return the example file: from the package, or beside it in a checkout."""
    packed = resources.files("cngstation.config").joinpath("config.example.toml")
    if packed.is_file():
        return packed.read_text("utf-8")
    beside = Path(__file__).parents[2] / "config.example.toml"
    return beside.read_text("utf-8")


def station_file(values: Values) -> str:
    """Return the example with a station's own values; its lines are left as remarks.

    Raises:
        KeyError: the example has no such key.
    """
    left = dict(values)
    made = []
    section = ""
    for line in example_text().splitlines():
        if opened := _SECTION.fullmatch(line.split("  ")[0].strip()):
            section = opened[1]
        found = _KEY.fullmatch(line)
        if found and (section, found["key"]) in left:
            value = _toml(left.pop((section, found["key"])))
            line = f"{found['key']} = {value}{found['rest']}"  # noqa: PLW2901
        # The ports and addresses in it are of no station.
        if section.startswith("lines") and line and not line.startswith("#"):
            line = f"# {line}"  # noqa: PLW2901
        made.append(line)
    if left:
        raise KeyError(f"the example has no {', '.join(map('.'.join, left))}")
    return "\n".join(made) + "\n"


def _toml(value: Value) -> str:
    # A basic string of TOML is written as one of JSON.
    return json.dumps(value, ensure_ascii=False)

"""Reads the configuration file; says each problem in one sentence."""

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from cngstation import hygiene
from cngstation.config.sections import Nozzle, Reader, StationConfig
from cngstation.config.values import Section
from cngstation.errors import ConfigError
from cngstation.protocols.dispenser.entry import (
    LineSetup,
    NozzleSetup,
    Transport,
)
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.units import Money, yuan_text

# A station of 64 nozzles needs 12 KiB.
LARGEST_FILE_BYTES = 256 * 1024
MOST_PROBLEMS = 50
WHOLE_FILE = "(file)"


class ConfigProblems(ConfigError):
    """Everything that is wrong with a configuration file, one sentence a line."""

    code = "config.problems"
    text = "{problems}"

    @property
    def problems(self) -> tuple[str, ...]:
        """One sentence for each problem, naming file, key and what is allowed."""
        return tuple(str(self.facts["problems"]).splitlines())


@dataclass(frozen=True, slots=True)
class _Problem:
    key: str
    why: str
    allowed: str


Value = str | int | bool
Values = Mapping[tuple[str, str], Value]  # by section and key
_NO_VALUES: Values = MappingProxyType({})


def load_config(path: Path, values: Values = _NO_VALUES) -> StationConfig:
    """Read and check a configuration file; `values` go before what it says.

    Raises:
        ConfigProblems: it cannot be read or used; says every reason.
    """
    document = _document(path)
    for (section, key), value in values.items():
        document.setdefault(section, {})[key] = value
    return _checked(path, document)


def check_text(path: Path, text: str) -> StationConfig:
    """Check what is to be written into a file.

    Raises:
        ConfigProblems: it could not be used; says every reason.
    """
    return _checked(path, tomllib.loads(text))


def changed(config: StationConfig, values: Values) -> StationConfig:
    """Return a configuration in which some keys of `[station]`, `[limits]` are others.

    Raises:
        ConfigProblems: it could not be used; says every reason.
    """
    path = Path("station")
    made = {}
    problems: list[_Problem] = []
    for section in sorted({section for section, _ in values}):
        held: Section = getattr(config, section)
        document = {
            key: yuan_text(value.e4) if isinstance(value, Money) else value
            for key, value in held
        }
        document |= {key: value for (of, key), value in values.items() if of == section}
        try:
            made[section] = type(held).model_validate(document)
        except ValidationError as error:
            details = error.errors(include_url=False, include_context=False)
            for detail in details:
                detail["loc"] = (section, *detail["loc"])
            problems += map(_problem, details)
    if problems:
        raise _refusal(path, problems)
    config = config.model_copy(update=made)
    if clashes := list(_clashes(config)):
        raise _refusal(path, clashes)
    return config


def _checked(path: Path, document: Mapping[str, Any]) -> StationConfig:
    try:
        config = StationConfig.model_validate(document)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        raise _refusal(path, map(_problem, details)) from None
    if clashes := list(_clashes(config)):
        raise _refusal(path, clashes)
    return config


def _document(path: Path) -> dict[str, Any]:
    shape = "a TOML file in UTF-8, such as config.example.toml"
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE_BYTES + 1)
        if len(data) > LARGEST_FILE_BYTES:
            why, shape = "the file is too large", f"{LARGEST_FILE_BYTES} bytes"
        else:
            return tomllib.loads(data.decode("utf-8"))
    except OSError as error:
        why = f"the file cannot be read ({error.strerror})"
    except UnicodeDecodeError as error:
        why = f"the file is not UTF-8 at byte {error.start}"
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        why = f"the file is not TOML: {error}"
    raise _refusal(path, [_Problem(WHOLE_FILE, why, shape)])


def _refusal(path: Path, problems: Iterable[_Problem]) -> ConfigProblems:
    shown = hygiene.clean(str(path))
    sentences = [
        ConfigError(
            path=shown,
            key=hygiene.clean(problem.key),
            why=hygiene.clean(problem.why),
            allowed=hygiene.clean(problem.allowed),
        ).sentence()
        for problem in islice(problems, MOST_PROBLEMS)
    ]
    return ConfigProblems(path=shown, problems="\n".join(sentences))


def _problem(error: ErrorDetails) -> _Problem:
    key = ".".join(map(str, error["loc"]))
    section, field = _place(error["loc"])
    if field is None:
        known = sorted(section.model_fields)
        near = difflib.get_close_matches(str(error["loc"][-1]), known, n=1)
        why = "there is no such key" + "".join(f"; is {name} meant?" for name in near)
        return _Problem(key, why, ", ".join(known))
    why = "it is missing" if error["type"] == "missing" else _unfit(error["input"])
    return _Problem(key, why, field.description or "")


def _place(loc: tuple[int | str, ...]) -> tuple[type[Section], FieldInfo | None]:
    """Return the section that a key stands in, and the field if it is a known one."""
    section: type[Section] = StationConfig
    field: FieldInfo | None = None
    for step in loc:
        if isinstance(step, str):
            section = _section_of(field) or section
            field = section.model_fields.get(step)
    return section, field


def _section_of(field: FieldInfo | None) -> type[Section] | None:
    if field is None:
        return None
    for candidate in (field.annotation, *get_args(field.annotation)):
        if isinstance(candidate, type) and issubclass(candidate, Section):
            return candidate
    return None


def _unfit(value: object) -> str:
    match value:
        case float():
            return f"{value} is a number with a point, which is never exact"
        case bool():
            return f"{str(value).lower()} does not fit"
        case str():
            return f'"{hygiene.clean(value, limit=40)}" does not fit'
        case Mapping() | list():
            return "it is a section or a list where a value stands, or the reverse"
        case _:
            return f"{hygiene.clean(str(value), limit=40)} does not fit"


def _clashes(config: StationConfig) -> Iterator[_Problem]:
    """Find what is right by itself and wrong beside something else."""
    yield from _reader_without_place(config.reader)
    yield from _shared_ports(config)
    yield from _shared_numbers(config)
    yield from _lines_without_place(config)
    yield from _lines_of_their_protocol(config)
    yield from _levels_of_a_device(config)
    yield from _plain_layout(config)
    limits = config.limits
    if limits.top_up_lower_yuan > limits.top_up_upper_yuan:
        yield _Problem(
            "limits.top_up_lower_yuan", "it is above the upper limit",
            "at most limits.top_up_upper_yuan",
        )  # fmt: skip
    if limits.top_up_upper_yuan > limits.balance_ceiling_yuan:
        yield _Problem(
            "limits.top_up_upper_yuan", "it is above the balance ceiling",
            "at most limits.balance_ceiling_yuan",
        )  # fmt: skip


def _reader_without_place(reader: Reader) -> Iterator[_Problem]:
    by_name = reader.kind == "pcsc"
    needed, other = ("name", "port") if by_name else ("port", "name")
    fields = Reader.model_fields
    if not getattr(reader, needed):
        allowed = fields[needed].description or ""
        yield _Problem(f"reader.{needed}", "it is missing", allowed)
    if getattr(reader, other):
        why = f'a reader of kind "{reader.kind}" has none'
        yield _Problem(f"reader.{other}", why, f"reader.{needed} alone")


def _lines_without_place(config: StationConfig) -> Iterator[_Problem]:
    """Find lines without what their protocol's transport needs, or with another's."""
    places = {
        Transport.SERIAL: ("port", "baud"),
        Transport.HTTP: ("url", "credential"),
    }
    for n, line in enumerate(config.lines):
        transport = PROTOCOLS[line.protocol].transport
        for kind, names in places.items():
            for name in names:
                key, given = f"lines.{n}.{name}", bool(getattr(line, name))
                if kind is transport and not given:
                    allowed = type(line).model_fields[name].description or ""
                    yield _Problem(key, "it is missing", allowed)
                if kind is not transport and given:
                    why = f"a line of {line.protocol} has none"
                    allowed = " and ".join(places[transport])
                    yield _Problem(key, why, allowed)


def _plain_layout(config: StationConfig) -> Iterator[_Problem]:
    try:
        _ = config.plain_card and config.plain_card.layout
    except ValueError as error:
        allowed = "figures beside each other; balance, total and seal in one block"
        yield _Problem("plain_card", str(error), allowed)


def _shared_ports(config: StationConfig) -> Iterator[_Problem]:
    ports = {f"lines.{n}.port": line.port for n, line in enumerate(config.lines)}
    ports |= {"reader.port": config.reader.port, "printer.port": config.printer.port}
    urls = {f"lines.{n}.url": line.url for n, line in enumerate(config.lines)}
    yield from _repeated(
        [(key, url) for key, url in urls.items() if url], "a controller of its own"
    )
    # Two names under /dev/serial may lead to one device.
    devices = {key: Path(port).resolve() for key, port in ports.items() if port}
    yield from _repeated(devices.items(), "a port of its own")


def _shared_numbers(config: StationConfig) -> Iterator[_Problem]:
    numbers = []
    for n, line in enumerate(config.lines):
        here = [(f"lines.{n}.nozzles.{m}", gun) for m, gun in enumerate(line.nozzles)]
        addresses = [(f"{key}.gun", nozzle.gun) for key, nozzle in here]
        yield from _repeated(addresses, "an address once on its line")
        numbers += [(f"{key}.nozzle_no", nozzle.nozzle_no) for key, nozzle in here]
    yield from _repeated(numbers, "a number once in the station")
    names = [(f"lines.{n}.name", line.name) for n, line in enumerate(config.lines)]
    yield from _repeated(names, "a name once in the station")


def _lines_of_their_protocol(config: StationConfig) -> Iterator[_Problem]:
    """Find addresses and options with which a protocol opens no line."""
    for n, line in enumerate(config.lines):
        entry = PROTOCOLS[line.protocol]
        strange = [
            (m, nozzle.gun)
            for m, nozzle in enumerate(line.nozzles)
            if nozzle.gun not in entry.guns
        ]
        allowed = f"{entry.guns.start} to {entry.guns.stop - 1}"
        for m, gun in strange:
            key = f"lines.{n}.nozzles.{m}.gun"
            yield _Problem(
                key, f"{gun} does not fit", f"{allowed} on a line of {line.protocol}"
            )
        is_serial = entry.transport is Transport.SERIAL
        if is_serial and line.baud and line.baud not in entry.bauds:
            allowed = ", ".join(map(str, entry.bauds))
            yield _Problem(f"lines.{n}.baud", f"{line.baud} does not fit", allowed)
        if strange or not (line.port or line.url):
            continue
        nozzles = tuple(NozzleSetup(z.gun, z.unit, z.unit_code) for z in line.nozzles)
        try:
            entry.dialogue(LineSetup(line.baud, nozzles, line.options))
        except ValueError as error:
            allowed = f"what the handbook says of {line.protocol}"
            yield _Problem(f"lines.{n}", hygiene.clean(str(error)), allowed)


def _levels_of_a_device(config: StationConfig) -> Iterator[_Problem]:
    """Find nozzles whose dispenser fetches one table of prices for all of them."""
    for n, line in enumerate(config.lines):
        device_of = PROTOCOLS[line.protocol].numbered_by
        first: dict[int, Nozzle] = {}
        for m, nozzle in enumerate(line.nozzles if device_of else ()):
            assert device_of is not None
            other = first.setdefault(device_of(nozzle.gun), nozzle)
            for name, what in (("only_level", "level"), ("unit", "unit")):
                if getattr(other, name) != getattr(nozzle, name):
                    key = f"lines.{n}.nozzles.{m}.{name}"
                    why = f"gun {other.gun} of the same dispenser has another one"
                    allowed = f"one {what} for all nozzles of a dispenser"
                    yield _Problem(key, why, allowed)


def _repeated(values: Iterable[tuple[str, object]], allowed: str) -> Iterator[_Problem]:
    first: dict[object, str] = {}
    for key, value in values:
        if value in first:
            yield _Problem(key, f"{value} is also at {first[value]}", allowed)
        else:
            first[value] = key

"""What keys of the configuration file may hold, by sort.

`description` says what is allowed in a key; a refusal quotes it.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator

from cngstation import hygiene
from cngstation.units import GAS_UNITS, Money, Unit, parse_decimal, yuan_text

# A card purse is a signed 32-bit number of fen.
LARGEST_PURSE = Money.from_fen(2**31 - 1)


def clean(text: str) -> str:
    if not text.strip() or not hygiene.is_clean(text):
        raise ValueError("control characters, or nothing at all")
    return text


def clean_or_empty(text: str) -> str:
    return clean(text) if text else text


def _yuan(value: object) -> Money:
    if not isinstance(value, str):
        raise ValueError("an amount is text in quotes")  # noqa: TRY004 - pydantic's way
    amount = Money.from_fen(parse_decimal(value, 2))
    if not 0 <= amount.e4 <= LARGEST_PURSE.e4:
        raise ValueError("beyond any card's purse")
    return amount


def _gas_unit(value: object) -> Unit:
    if not isinstance(value, str) or value not in GAS_UNITS:
        raise ValueError("not a unit of gas")
    return Unit(value)


def _absolute_path(value: object) -> Path:
    if not isinstance(value, str) or not hygiene.is_clean(value):
        raise ValueError("a path is text")
    path = Path(value)
    if not path.is_absolute():
        raise ValueError("a path begins with /")
    return path


def _absolute_path_or_none(value: object) -> Path | None:
    return None if value in ("", None) else _absolute_path(value)


_STATION_LARGEST = (255, 255, 2**32 - 1, 2**32 - 1)


def _station_numbers(value: object) -> tuple[int, ...]:
    if value in ("", ()):
        return ()
    parts = value.split(".") if isinstance(value, str) else []
    if len(parts) != len(_STATION_LARGEST):
        raise ValueError("four numbers with points between")
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError("not numbers")
    numbers = tuple(map(int, parts))
    if any(n > most for n, most in zip(numbers, _STATION_LARGEST, strict=True)):
        raise ValueError("a number is too large")
    return numbers


StationNumbers = Annotated[
    tuple[int, ...],
    PlainValidator(_station_numbers),
    Field(
        description='"province.city.superior.station" (0 to 255 twice, then numbers of '
        '4 bytes), or "" for none'
    ),
]
Words = Annotated[
    str,
    Field(min_length=1, max_length=40, description="1 to 40 characters of plain text"),
    AfterValidator(clean),
]
Yuan = Annotated[
    Money,
    PlainValidator(_yuan),
    Field(
        description='yuan as text, "0.00" to '
        f'"{yuan_text(LARGEST_PURSE.e4)}", at most two decimals'
    ),
]
GasUnit = Annotated[
    Unit, PlainValidator(_gas_unit), Field(description='"m3" (立方米) or "kg" (千克)')
]
FilePath = Annotated[
    Path, PlainValidator(_absolute_path), Field(description="a path that begins with /")
]
OptionalPath = Annotated[
    Path | None,
    PlainValidator(_absolute_path_or_none),
    Field(description='a path that begins with /, or "" for none'),
]
Port = Annotated[
    str,
    Field(
        pattern=r"^/[!-~]{1,200}$",
        description="the path of a serial port, such as /dev/serial/by-path/...",
    ),
]
OptionalPort = Annotated[
    str,
    Field(
        pattern=r"^(/[!-~]{1,200})?$",
        description="the path of a serial port, such as /dev/serial/by-path/...",
    ),
]
LineBaud = Annotated[
    Literal[0, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200],
    Field(description="1200, 2400, 4800, 9600, 19200, 38400, 57600 or 115200"),
]
Url = Annotated[
    str,
    Field(
        pattern=r"^(https?://[A-Za-z0-9.\-\[\]:]{1,100}/[!-~]{0,100})?$",
        description='the address of a controller, such as "http://10.0.0.9/jsonPTS"',
    ),
]
Sha256 = Annotated[
    str,
    Field(
        pattern=r"^([0-9a-fA-F]{64})?$",
        description='64 hexadecimal digits, or "" for a certificate of an authority',
    ),
]
Baud = Annotated[
    Literal[9600, 19200, 38400, 115200],
    Field(description="9600, 19200, 38400 or 115200"),
]
Hours = Annotated[int, Field(ge=0, le=720, description="0 to 720")]
YesNo = Annotated[bool, Field(description="true or false")]


class Section(BaseModel):
    """A part of the file: strict types, no unknown key, not changed once read."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

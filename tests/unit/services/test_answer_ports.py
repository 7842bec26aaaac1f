"""The ports of a station are those of its file, with what each protocol downloads."""

from pathlib import Path
from typing import Any

from cngstation.config import load_config
from cngstation.protocols.ndjson import LONGEST_LINE
from cngstation.rpc.contract.ports import NozzlePort
from cngstation.rpc.session import Nothing
from cngstation.services.answer_ports import PortAnswers

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"
CALL: Any = None
LINE = """
[[lines]]
name = "{name}"
port = "/dev/tty{name}"
protocol = "{protocol}"
baud = 9600
options = {options}
"""
NOZZLE = """
[[lines.nozzles]]
gun = {gun}
nozzle_no = {no}
dispenser_no = {no}
unit = "kg"
unit_code = 0
"""


def file(folder: Path, lines: str) -> Path:
    """Return the example with other lines."""
    text = EXAMPLE.read_text("utf-8")
    begin, end = text.index("[[lines]]"), text.index("[reader]")
    path = folder / "station.toml"
    path.write_text(text[:begin] + lines + text[end:], "utf-8")
    return path


async def test_every_nozzle_is_told_with_what_its_protocol_can(tmp_path: Path) -> None:
    """By number; parity and levels are the protocol's where the file has none."""
    of = {"jxv4": "{ price_ahead = 1 }", "dart": "{}", "compac": "{}"}
    lines = "".join(
        LINE.format(name=f"S{no}", protocol=name, options=options)
        + NOZZLE.format(gun=5, no=9 - no)
        for no, (name, options) in enumerate(of.items())
    )
    told = await PortAnswers(load_config(file(tmp_path, lines))).ports(Nothing(), CALL)

    def said(row: NozzlePort) -> tuple[Any, ...]:
        return row.nozzle_no, row.frame, row.lists, row.ahead, row.only_level

    assert [said(row) for row in told.nozzles] == [
        (7, "8N2", "prices", False, 0),
        (8, "8O1", "prices", False, 0),
        (9, "8N1", "fetched", True, -1),
    ]
    assert told.nozzles[2].port == "/dev/ttyS0"
    assert (told.blacklist, told.late_hours) == ("at_once", 12)
    assert [device.device for device in told.devices] == ["reader", "printer"]


async def test_the_largest_station_fits_a_message(tmp_path: Path) -> None:
    """64 nozzles with the longest names of ports."""
    line = LINE.format(name="x" * 40, protocol="jxv4", options="{}")
    line = line.replace(f"/dev/tty{'x' * 40}", "/dev/" + "p" * 190)
    nozzles = "".join(NOZZLE.format(gun=no, no=no) for no in range(1, 65))
    told = await PortAnswers(load_config(file(tmp_path, line + nozzles))).ports(
        Nothing(), CALL
    )
    assert len(told.nozzles) == 64
    assert len(told.model_dump_json()) < LONGEST_LINE

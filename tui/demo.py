"""What a demonstration hands to the screen: an operator, and the simulated hands."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class GunAt:
    """A nozzle of the board, and the gun of the simulated line that it is."""

    nozzle_no: int
    gun: int
    control: Path


@dataclass(frozen=True, slots=True)
class Demo:
    """The demonstration's operators, cards and control sockets."""

    login_name: str
    password: str
    cards: Path
    reader_control: Path
    printer_control: Path
    guns: tuple[GunAt, ...]
    second_login: str = ""
    second_password: str = ""


def read_demo(path: Path) -> Demo:
    """Read the file that the demonstration wrote.

    Raises:
        OSError, ValueError, KeyError: it is not there or not what it should be.
    """
    facts = json.loads(path.read_text("utf-8"))
    return Demo(
        login_name=str(facts["login_name"]),
        password=str(facts["password"]),
        cards=Path(facts["cards"]),
        reader_control=Path(facts["reader_control"]),
        printer_control=Path(facts["printer_control"]),
        guns=tuple(
            GunAt(int(nozzle["nozzle_no"]), int(nozzle["gun"]), Path(line["control"]))
            for line in facts["lines"]
            for nozzle in line["nozzles"]
        ),
        second_login=str(facts.get("second_login", "")),
        second_password=str(facts.get("second_password", "")),
    )

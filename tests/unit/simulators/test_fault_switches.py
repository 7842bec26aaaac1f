"""What each switch for a fault does to a frame, a body or a dispenser."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cngstation.protocols.dispenser.compac import modbus
from cngstation.protocols.dispenser.dart import frames as dart
from cngstation.protocols.dispenser.lanfeng import frames as lanfeng
from cngstation.protocols.dispenser.sinopec import frames as sinopec
from cngstation.protocols.dispenser.unipump import frames as unipump
from cngstation.simulators.answer_faults import of_another
from cngstation.simulators.control import Handler
from cngstation.simulators.dispenser_line import DispenserLine, LineConfig
from cngstation.simulators.http_faults import BodySpoiler
from cngstation.simulators.plain_line import PlainConfig, PlainLine
from cngstation.simulators.pts_hands import PtsHands
from cngstation.simulators.pts_server import ControllerConfig, PtsServer
from cngstation.simulators.side_line import SideLine, SideLineConfig
from cngstation.simulators.sinopec_line import SinopecConfig, SinopecLine
from cngstation.simulators.wire_faults import FOREIGN_FRAME, OVERTAKEN_S, Spoiler
from tests.unit.simulators.cards import MASTER, STATION, UID, issue

TODAY = datetime(2026, 11, 21, 9, 42, 17, tzinfo=UTC)


def spoiler(**shares: float) -> Spoiler:
    made = Spoiler(1)
    made.faults.set(shares)
    return made


def test_an_answer_that_is_overtaken_comes_behind_the_next() -> None:
    """Both come, each whole, with a gap that ends the first."""
    wire = spoiler(reorder=1)
    assert wire.answer(b"first") == []
    assert wire.answer(b"second") == [(b"second", 0.0), (b"first", OVERTAKEN_S)]


def test_an_answer_that_is_glued_comes_before_the_next_in_one_piece() -> None:
    """The host reads both at once."""
    wire = spoiler(glue=1)
    assert wire.answer(b"first") == []
    wire.faults.set({"glue": 0})
    assert wire.answer(b"second") == [(b"firstsecond", 0.0)]


def test_a_foreign_frame_comes_before_the_answer() -> None:
    """A captured one, which is sound to whoever speaks DART."""
    ((heard, _),) = spoiler(foreign=1).answer(b"mine")
    assert heard == FOREIGN_FRAME + b"mine"
    (frame,) = dart.FrameParser().feed(FOREIGN_FRAME)
    assert frame.address == 0x52


def test_one_bit_of_an_answer_is_another() -> None:
    """Exactly one."""
    ((heard, _),) = spoiler(flip=1).answer(bytes(20))
    assert sum(byte.bit_count() for byte in heard) == 1


ANSWERS: dict[str, tuple[str, Callable[[bytes], Any], int]] = {
    "dart": (
        "50 37 02 08 00 00 12 34 00 00 49 11 03 04 00 03 98 11 83 24 03 FA",
        lambda data: dart.FrameParser().feed(data)[0].address,
        0x51,
    ),
    "lanfeng": (
        "01 00 03 98 00 00 00 00 00 00 01 64",
        lambda data: lanfeng.FrameParser([1, 2]).feed(data)[0][0],
        2,
    ),
    "sinopec": (
        "FA 00 01 01 00 02 31 00 41 88",
        lambda data: sinopec.FrameParser().feed(data)[0].sender,
        2,
    ),
    "compac": (
        "01 83 02 C0 F1",
        lambda data: modbus.AnswerParser().feed(data)[0].device,
        2,
    ),
    "unipump": (
        "10 02 31 53 31 33 30 29 AB 10 03",
        lambda data: unipump.FrameParser().feed(data)[0].address,
        0x32,
    ),
}


@pytest.mark.parametrize("protocol", ANSWERS)
def test_an_answer_in_anothers_name_is_sound(protocol: str) -> None:
    """A host must look at the name: the check does not tell."""
    answer, name_of, other = ANSWERS[protocol]
    assert name_of(of_another(protocol, bytes.fromhex(answer))) == other


def body(**shares: float) -> list[dict[str, Any]]:
    made = BodySpoiler(3)
    made.faults.set(shares)
    packets = [{"Id": n, "Data": {"Pump": n}} for n in (1, 2, 3)]
    spoiled: list[dict[str, Any]] = json.loads(made.body({"Packets": packets}))[
        "Packets"
    ]
    return spoiled


def test_packets_of_an_answer_go_astray() -> None:
    """Shuffled, doubled, lost, of the next pump."""
    assert [one["Id"] for one in body()] == [1, 2, 3]
    shuffled = [one["Id"] for one in body(shuffle_packets=1)]
    assert shuffled != [1, 2, 3] == sorted(shuffled)
    assert [one["Id"] for one in body(double_packets=1)] == [1, 1, 2, 2, 3, 3]
    assert len(body(lose_packets=1)) == 2
    assert [one["Data"]["Pump"] for one in body(wrong_gun=1)] == [2, 3, 4]


def plain(folder: Path, protocol: str) -> dict[str, Handler]:
    nozzle = {"number": 1, "total_volume": 5_000}
    places = {"link": folder / "l", "control": folder / "c", "memory": folder}
    config = PlainConfig(protocol=protocol, nozzles=[nozzle], **places)
    return PlainLine(config).verbs()


def side(folder: Path, protocol: str) -> dict[str, Handler]:
    gun = {"gun": 1, "sells_alone": True, "total_quantity": 500}
    places = {"link": folder / "l", "control": folder / "c", "memory": folder}
    return SideLine(SideLineConfig(protocol=protocol, guns=[gun], **places)).verbs()


def a_sinopec(folder: Path, protocol: str) -> dict[str, Handler]:
    places = {"link": folder / "l", "control": folder / "c", "memory": folder}
    one = {"address": 1, "total": 500}
    config = SinopecConfig(protocol=protocol, dispensers=[one], **places)
    return SinopecLine(config, TODAY).verbs()


def a_pts(folder: Path, _protocol: str) -> dict[str, Handler]:
    point = {"point": 1, "total_volume": 5_000}
    config = ControllerConfig(
        control=folder / "c", user="u", password="p", points=[point]
    )
    return PtsHands(PtsServer(config)).verbs()


Line = Callable[[Path, str], dict[str, Handler]]
CUT: dict[str, tuple[Line, dict[str, int], dict[str, Any], str]] = {
    "compac": (
        plain,
        {"nozzle": 1},
        {"volume": 900, "flow_per_s": 1e9},
        "total_volume",
    ),
    "unipump": (
        plain,
        {"nozzle": 1},
        {"volume": 900, "flow_per_s": 1e9},
        "total_volume",
    ),
    "dart": (side, {"gun": 1}, {"limit": 90, "flow_per_s": 1e9}, "total_quantity"),
    "lanfeng": (side, {"gun": 1}, {"limit": 90, "flow_per_s": 1e9}, "total_quantity"),
    "sinopec": (
        a_sinopec,
        {"gun": 101},
        {"limit_hundredths": 90, "flow_hundredths_per_s": 1e9},
        "total",
    ),
    "pts": (a_pts, {"point": 1}, {"volume": 900, "flow_per_s": 1e9}, "total_volume"),
}


@pytest.mark.parametrize("protocol", CUT)
async def test_a_power_cut_keeps_what_had_flowed_and_a_new_board_nothing(
    tmp_path: Path, protocol: str
) -> None:
    """Hands do both; the totaliser shows it."""
    make, place, fill, total = CUT[protocol]
    verbs = make(tmp_path, protocol)

    async def hand(do: str, **arguments: Any) -> dict[str, Any]:
        return await verbs[do]({"do": do, **place, **arguments})

    if "lift" in verbs:
        await hand("lift")
    await hand("fill", **fill)
    figures = await hand("cut")
    flowed = {"total_volume": 5_900}.get(total, 590)
    assert figures[total] == flowed
    if protocol == "sinopec":
        assert figures["waiting_records"] == 1
        assert (await hand("clear"))["last_seq"] == 0
    else:
        assert (await hand("clear"))[total] == 0


async def test_a_jxv4_gun_keeps_its_fill_over_a_power_cut(tmp_path: Path) -> None:
    """The card is left in it, grey; the gas is a record with the reason."""
    issue(tmp_path / "cards")
    (tmp_path / "master.key").write_text(MASTER.hex())
    (tmp_path / "memory").mkdir()
    config = LineConfig(
        link=tmp_path / "l",
        control=tmp_path / "c",
        cards=tmp_path / "cards",
        memory=tmp_path / "memory",
        master_key=tmp_path / "master.key",
        station_no=STATION,
        guns=[{"gun": 1, "prices": [398]}],
    )
    line = DispenserLine(config, TODAY)
    line.open()
    try:
        verbs = line.verbs()
        at = {"gun": 1}
        await verbs["card_in"]({"do": "card_in", **at, "uid": UID.hex()})
        order = {"limit_hundredths": 900, "flow_hundredths_per_s": 0.001}
        pressure = {"pressure_start_kpa": 4_200, "pressure_end_kpa": 19_850}
        await verbs["fill"]({"do": "fill", **at, **order, **pressure})
        figures = await verbs["cut"]({"do": "cut", **at})
        assert figures["card"] is None
        assert figures["last_record"]["stop_reason"] == 5
    finally:
        line.close()

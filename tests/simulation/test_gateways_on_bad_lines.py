"""Compac, UniPump and jsonPTS on lines that lose, cut, double and flip; restarts.

Every fill comes to the books under one number with its own figures, whatever happened
to the frames, as long as the pump was heard before the next fill. A campaign of many
seeds is run by hand; a few of them are an ordinary test.
"""

import json
import random

import pytest

from cngstation.protocols.dispenser.canonical import SaleRecord
from cngstation.protocols.dispenser.dialogue import Dialogue
from cngstation.protocols.dispenser.entry import LineSetup, NozzleSetup
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.simulators.compac_dispenser import CompacDispenser
from cngstation.simulators.plain_nozzle import PlainNozzle
from cngstation.simulators.pts_point import Point
from cngstation.simulators.unipump_controller import PointState, UnipumpController
from cngstation.units import Unit
from tests.unit.protocols.dispenser.plain_station import PlainStation, records
from tests.unit.protocols.dispenser.pts import station as pts

FILLS = 6
SETUP = (NozzleSetup(1, Unit.KG),)
BITS = {"compac": (9_600, 11), "unipump": (57_600, 10)}
SAMPLE, CAMPAIGN = range(4), range(4, 200)


def dialogue(protocol: str) -> Dialogue:
    baud = BITS.get(protocol, (0, 0))[0]
    return PROTOCOLS[protocol].dialogue(LineSetup(baud, SETUP))


def spoiled(chance: random.Random, frame: bytes, *, flips: bool = True) -> bytes | None:
    """Let a frame pass two times in three."""
    match chance.randrange(15):
        case 0:
            return None
        case 1:
            return frame[: chance.randrange(len(frame))] or None
        case 2:
            return frame + frame
        case 3:
            return chance.randbytes(3) + frame
        case 4 if flips:
            at = chance.randrange(len(frame))
            flipped = bytes([frame[at] ^ 1 << chance.randrange(8)])
            return frame[:at] + flipped + frame[at + 1 :]
    return frame


def booked(sales: list[SaleRecord]) -> dict[int, set[tuple[int, int]]]:
    """Return what came under each number."""
    book: dict[int, set[tuple[int, int]]] = {}
    for sale in sales:
        figures = (sale.quantity_milli, sale.amount_e4)
        book.setdefault(sale.device_seq, set()).add(figures)
    return book


def play_serial(protocol: str, seed: int) -> None:
    """Sell on a bad line; restart the program now and then."""
    chance = random.Random(seed)
    nozzle = PlainNozzle(1, closes_itself=protocol == "compac", total_volume=500_000)
    device: CompacDispenser | UnipumpController = CompacDispenser(nozzle)
    if protocol == "unipump":
        device = UnipumpController({1: PointState(nozzle)})
    baud, bits = BITS[protocol]
    at = PlainStation(dialogue(protocol), [device], baud=baud, bits=bits)
    at.run(12)
    at.spoil = lambda frame: spoiled(chance, frame)
    at.lose = lambda frame: chance.random() < 0.05
    expected: dict[int, set[tuple[int, int]]] = {}
    for _ in range(FILLS):
        volume = chance.randrange(100, 3_000) * 10
        nozzle.lift()
        nozzle.begin(volume, chance.choice((2_000.0, 20_000.0)), at.now_s)
        for _ in range(6):
            at.run(chance.random() * 4)
            if chance.random() < 0.15:
                at.restart(dialogue(protocol))
        at.run(40)
        nozzle.hang_up()
        at.run(5)
        amount = (volume * nozzle.price + 500) // 1_000
        expected[nozzle.total_volume] = {(volume, amount * 100)}
    at.spoil, at.lose = lambda frame: frame, lambda frame: False
    at.run(40)
    watched = [sale for sale in records(at.events) if sale.is_watched]
    shown_again = [sale for sale in records(at.events) if not sale.is_watched]
    # A program that begins tells of what the pump shows; the book knows or takes it.
    whole = booked([*watched, *[s for s in shown_again if s.device_seq in expected]])
    assert whole == expected, (protocol, seed)
    assert not nozzle.is_open


def play_controller(seed: int) -> None:
    """The same behind a controller on HTTP, some sales closed by themselves."""
    chance = random.Random(seed)
    point = Point(1, last_number=65_533, total_volume=500_000)
    at = pts.Station(point)
    at.run(2)

    def spoil(body: bytes) -> bytes | None:
        heard = spoiled(chance, body, flips=False)  # TCP carries bits as they are
        if heard is not None and chance.random() < 0.1:
            message = json.loads(body)
            del message["Packets"][chance.randrange(len(message["Packets"]))]
            return json.dumps(message).encode()
        return heard

    at.spoil = spoil
    expected: dict[int, set[tuple[int, int]]] = {}
    for _ in range(FILLS):
        point.closes_itself = chance.random() < 0.4
        volume = chance.randrange(100, 30_000)
        point.is_lifted = True
        point.begin(volume, 20_000.0, at.now_us / 1_000_000, at.clock())
        at.run(60)
        point.is_lifted = False
        amount = (volume * point.price + 500) // 1_000
        expected[point.last_number] = {(volume, amount * 100)}
    at.spoil = lambda body: body
    at.run(20)
    assert booked(pts.records(at.events)) == expected, seed
    assert point.open is None


@pytest.mark.parametrize("protocol", ["compac", "unipump", "pts"])
@pytest.mark.parametrize("seed", SAMPLE)
def test_each_fill_comes_once(protocol: str, seed: int) -> None:
    """A sample of the campaign below."""
    if protocol == "pts":
        play_controller(seed)
    else:
        play_serial(protocol, seed)


@pytest.mark.campaign
@pytest.mark.parametrize("protocol", ["compac", "unipump", "pts"])
def test_each_fill_comes_once_in_a_long_run(protocol: str) -> None:
    """Two hundred days of a bad line each."""
    for seed in CAMPAIGN:
        test_each_fill_comes_once(protocol, seed)

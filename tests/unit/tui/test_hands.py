"""The hands of the demonstration, against control sockets that answer JSON lines."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.unit.tui.fake_rows import blank_card
from tests.unit.tui.opened import Opened, opened
from tui.demo import read_demo
from tui.hands import ON_THE_READER, ON_THE_TABLE, Hands, HandsFailed

DESFIRE = "0A0B0C0280A1B2"


class Devices:
    """Answers every verb, and remembers it."""

    def __init__(self) -> None:
        self.done: list[dict[str, Any]] = []
        self.on_reader: str | None = None
        self.refusal = ""
        self.code = ""
        self.fuelling = False
        self.open = 0

    async def serve(self, reader: Any, writer: Any) -> None:
        """Answer lines."""
        self.open += 1
        while text := await reader.readline():
            request = json.loads(text)
            self.done.append(request)
            writer.write(json.dumps(self.answer(request)).encode() + b"\n")
        writer.close()
        await writer.wait_closed()
        self.open -= 1

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return what the simulators return."""
        if self.refusal:
            return {"ok": False, "why": self.refusal}
        match request["do"]:
            case "insert":
                self.on_reader = request["uid"]
            case "remove":
                self.on_reader = None
            case "card_in" if self.code:
                return {"ok": True, "accepted": False, "refused": self.code}
            case "state":
                return {
                    "ok": True, "card": self.on_reader, "stage": None,
                    "status": "A4" if self.fuelling else "A1",
                }  # fmt: skip
        return {"ok": True}

    def verbs(self) -> list[str]:
        """Return what was done, without the looks."""
        return [r["do"] for r in self.done if r["do"] != "state"]


@pytest.fixture
def demo_file(tmp_path: Path) -> Path:
    """Write what the demonstration hands over."""
    (tmp_path / "cards").mkdir()
    for uid in ("0A0B0C01", "0A0B0C02"):
        (tmp_path / "cards" / f"{uid}.mfd").touch()
    (tmp_path / "cards" / f"{DESFIRE}.desfire").touch()
    (tmp_path / "cards" / "0A0B0C03.new").touch()
    socket = str(tmp_path / "s")
    facts = {
        "login_name": "demo", "password": "right", "cards": str(tmp_path / "cards"),
        "reader_control": socket, "printer_control": socket,
        "lines": [{"control": socket, "nozzles": [{"nozzle_no": 3, "gun": 1}]}],
    }  # fmt: skip
    path = tmp_path / "demo.json"
    path.write_text(json.dumps(facts), "utf-8")
    return path


@asynccontextmanager
async def _devices(tmp_path: Path) -> AsyncIterator[Devices]:
    devices = Devices()
    server = await asyncio.start_unix_server(devices.serve, tmp_path / "s")
    yield devices
    while devices.open:
        await asyncio.sleep(0.01)
    server.close()
    await server.wait_closed()


async def test_a_card_is_in_one_place(demo_file: Path, tmp_path: Path) -> None:
    """Another card on the reader pulls the first away."""
    async with _devices(tmp_path) as devices:
        hands = Hands(read_demo(demo_file))
        first, second, third = hands.cards()
        await hands.put_or_pull(first)
        await hands.put_or_pull(second)
        table, reader = ON_THE_TABLE, ON_THE_READER
        assert hands.places == {first: table, second: reader, third: table}
        await hands.look()
        await hands.put_or_pull(second)
        assert devices.verbs() == ["insert", "remove", "insert", "remove"]


async def test_a_vehicle_fills_and_leaves_once_it_has_paid(
    demo_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Card in, fill, look until it is paid, card out; off the reader before."""
    monkeypatch.setattr("tui.hands._LOOK_AGAIN_S", 0.01)
    async with _devices(tmp_path) as devices:
        hands = Hands(read_demo(demo_file))
        uid = hands.cards()[0]
        await hands.put_or_pull(uid)
        assert await hands.drive(uid, 3, 800) == ""
        assert devices.verbs() == ["insert", "remove", "card_in", "fill", "card_out"]
        fill = next(r for r in devices.done if r["do"] == "fill")
        assert (fill["gun"], fill["limit_hundredths"]) == (1, 800)


async def test_a_card_is_pulled_out_of_a_nozzle_in_mid_fill(
    demo_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gun lets the card go once; it lies on the table and may be driven again."""
    monkeypatch.setattr("tui.hands._LOOK_AGAIN_S", 0.01)
    async with _devices(tmp_path) as devices:
        devices.fuelling = True
        hands = Hands(read_demo(demo_file))
        uid = hands.cards()[0]
        driving = asyncio.create_task(hands.drive(uid, 3, 800))
        async with asyncio.timeout(120):
            while devices.verbs() != ["card_in", "fill"]:
                await asyncio.sleep(0.01)
        await hands.put_or_pull(uid)
        assert await driving == ""
        assert devices.verbs() == ["card_in", "fill", "card_out"]
        assert hands.places[uid] == ON_THE_TABLE


async def test_a_device_that_says_no_is_quoted(demo_file: Path, tmp_path: Path) -> None:
    """Its sentence is shown; a device that is away is named."""
    async with _devices(tmp_path) as devices:
        hands = Hands(read_demo(demo_file))
        devices.refusal = "the card is elsewhere"
        with pytest.raises(HandsFailed, match="the card is elsewhere"):
            await hands.turn_paper()
    with pytest.raises(HandsFailed, match="s: "):
        await hands.turn_paper()


def test_hands_find_cards_of_every_technology(demo_file: Path) -> None:
    """Each kind of file is a card; what is just being made is none."""
    hands = Hands(read_demo(demo_file))
    assert hands.cards() == ["0A0B0C01", "0A0B0C02", DESFIRE]


async def test_hands_on_the_screen(demo_file: Path, tmp_path: Path) -> None:
    """The login shows the operator; F9 moves cards, drives, and takes the paper."""
    async with (
        _devices(tmp_path) as devices,
        opened(demo=read_demo(demo_file), login=False) as screen,
    ):
        await screen.sees("Demonstration: demo / right")
        await screen.press("enter")
        await screen.sees("F9/d")
        await screen.press("f9")
        await screen.sees("0A0B0C01 01000231 川A12345 on the table")
        await screen.press("down", "enter")
        await screen.until(lambda: devices.verbs() == ["insert"])
        assert devices.on_reader == "0A0B0C02"
        await screen.sees("0A0B0C02 new card on the reader")
        await screen.press("p")
        await screen.until(lambda: devices.verbs()[-1] == "paper_out")
        await screen.press("up")
        await screen.type("5.5")
        await screen.press("d")
        await screen.until(lambda: devices.verbs()[-1] == "card_out")
        await screen.sees("The vehicle filled at nozzle 3")


async def test_a_card_that_a_nozzle_refuses_is_told_why_in_words(
    demo_file: Path, tmp_path: Path
) -> None:
    """The code of the simulated dispenser is nothing for people."""
    async with (
        _devices(tmp_path) as devices,
        opened(demo=read_demo(demo_file), login=False) as screen,
    ):
        devices.code = "not_ours"
        await screen.sees("Demonstration: demo / right")
        await screen.press("enter")
        await screen.sees("F9/d")
        await screen.press("f9")
        await screen.sees("0A0B0C01")
        await screen.press("d")
        await screen.sees("did not take the card: it is not a card of this company.")


async def test_hands_begin_at_the_card_on_the_reader(
    demo_file: Path, tmp_path: Path
) -> None:
    """Enter pulls away what lies there; no arrow is needed."""
    async with (
        _devices(tmp_path) as devices,
        opened(demo=read_demo(demo_file), login=False) as screen,
    ):
        devices.on_reader = "0A0B0C02"
        await screen.sees("Demonstration: demo / right")
        await screen.press("enter")
        await screen.sees("F9/d")
        await screen.press("f9")
        await screen.sees("▸ 0A0B0C02")
        await screen.press("enter")
        await screen.until(lambda: devices.verbs() == ["remove"])


async def _replacing(screen: Opened) -> None:
    screen.station.card_state = "lost"
    await screen.press("f4")
    await screen.type("12345")
    await screen.press("enter")
    await screen.until(lambda: screen.asked("act.quote"))
    await screen.type("27.00")


async def test_hands_open_over_a_form_that_waits(
    demo_file: Path, tmp_path: Path
) -> None:
    """F9 and Esc leave it as it was; a card that comes brings it back, too."""
    async with (
        _devices(tmp_path) as devices,
        opened(demo=read_demo(demo_file)) as screen,
    ):
        await _replacing(screen)
        form = screen.app.screen
        await screen.press("f9")
        await screen.sees("Hands of the demonstration")
        await screen.press("escape")
        assert screen.app.screen is form
        await screen.sees("27.00")
        await screen.press("f9", "f9")
        await screen.sees("Hands of the demonstration")
        await screen.press("down", "enter")
        await screen.until(lambda: devices.verbs() == ["insert"])
        screen.station.put(blank_card())
        await screen.until(lambda: screen.app.screen is form)
        await screen.sees("27.00")
        await screen.press("enter")
        await screen.until(lambda: len(screen.asked("act.quote")) == 2)
        await screen.press("enter")
        await screen.sees("done: replace")


@pytest.mark.parametrize("over", ["f9", "f1"])
async def test_no_other_function_drops_a_form_that_is_covered(
    demo_file: Path, tmp_path: Path, over: str
) -> None:
    """Below the hands or the help it is unfinished all the same."""
    async with (
        _devices(tmp_path),
        opened(demo=read_demo(demo_file)) as screen,
    ):
        await _replacing(screen)
        form = screen.app.screen
        await screen.press(over, "f5")
        assert form in screen.app.screen_stack
        await screen.press("escape")
        await screen.sees("27.00")
        assert screen.app.screen is form


async def test_there_are_no_hands_without_a_demonstration() -> None:
    """Neither key nor letter opens them."""
    async with opened() as screen:
        await screen.press("f9", "d")
        assert "Hands" not in screen.text()

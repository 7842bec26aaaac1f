"""The board: every nozzle at once, fixed columns, and only the damage is drawn."""

import pytest
from textual.geometry import Region

from cngstation.hygiene import width
from cngstation.language import use_language
from tests.unit.tui.fake_rows import nozzle
from tests.unit.tui.fake_station import FakeStation
from tests.unit.tui.opened import SMALL, WIDE, opened
from tui.areas import TURNS
from tui.tiles import DENSITIES, FULL, Density, arrange, heading, tile
from tui.widgets.board import Board
from tui.words import nozzle_look


@pytest.mark.parametrize("columns", [80, 100, 160])
@pytest.mark.parametrize("count", [1, 8, 12, 33, 64])
def test_every_nozzle_has_a_place(count: int, columns: int) -> None:
    """No two tiles overlap, and none stands beyond the right edge."""
    found = arrange(count, columns, 8)
    places = {found.place(index) for index in range(count)}
    assert len(places) == count
    assert all(x + found.density.width <= columns for x, _row in places)
    assert found.rows <= 8


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("density", DENSITIES)
def test_columns_stand_still(density: Density, language: str) -> None:
    """Whatever a nozzle shows, its tile is as wide as the heading."""
    use_language(language)
    tiles = [
        nozzle(1),
        nozzle(64, state="fuelling", plate="川AD00217", quantity_milli=123_450),
        nozzle(7, quantity_milli=98_765_432, amount_e4=10**14, state="fuelling"),
        nozzle(8, link="offline"),
        nozzle(9, faults=("a fault with a long name",), plate=""),
        nozzle(3, state="a word nobody knows"),
    ]
    cells = [tile(n, density, stale=False) for n in tiles]
    cells.append(heading(density, "m3"))
    widths = {width("".join(text for text, _style in row)) for row in cells}
    assert widths == {density.width}


def test_a_figure_loses_decimals_before_digits() -> None:
    """A quantity that is too long for its column is never cut to a smaller one."""
    cells = tile(
        nozzle(1, state="fuelling", quantity_milli=1_234_567), FULL, stale=False
    )
    assert cells[2][0].strip() == "1234"
    cells = tile(
        nozzle(1, state="fuelling", quantity_milli=9_876_543_210), FULL, stale=False
    )
    assert cells[2][0].strip() == "******"


@pytest.mark.parametrize(
    ("facts", "shape"),
    [
        ({"state": "fuelling"}, "▶"),
        ({"state": "idle"}, "○"),
        ({"awaiting_debit": True, "state": "fuelling"}, "⏸"),
        ({"link": "offline", "awaiting_debit": True}, "✖"),
        ({"locked": True}, "#"),
        ({"off_duty": True}, "-"),
        ({"other_side_busy": True}, "="),
        ({"faults": ("valve",)}, "!"),
    ],
)
def test_a_state_is_a_shape_and_a_word(facts: dict[str, object], shape: str) -> None:
    """The gravest thing about a nozzle is what it shows."""
    look = nozzle_look(nozzle(1, **facts), stale=False)
    assert look.shape == shape
    assert look.text


async def test_only_damaged_lines_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """One changed nozzle damages its own line up to the changed figure, no more."""
    async with opened() as screen:
        board = screen.app.counter().query_one(Board)
        screen.station.change_nozzle(3, state="fuelling")
        await screen.sees("▶fuel")
        damaged: list[Region] = []
        monkeypatch.setattr(board, "refresh", lambda *regions: damaged.extend(regions))
        picture = screen.app.desk.picture
        picture.nozzles[3] = nozzle(3, state="fuelling", quantity_milli=1_230)
        board.show_changes({3})
        assert [(r.y, r.height) for r in damaged] == [(3, 1)]
        assert damaged[0].right <= FULL.width
        damaged.clear()
        board.show_changes({3})
        assert not damaged


async def test_the_blocks_of_the_board_take_turns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All changed at once are drawn within one beat, a quarter of them at a time."""
    async with opened(size=WIDE, station=FakeStation(64)) as screen:
        board = screen.app.counter().query_one(Board)
        drawn: list[set[int]] = []
        monkeypatch.setattr(board, "show_changes", drawn.append)
        screen.app.desk.picture.changed_nozzles = set(range(1, 65))
        for turn in range(TURNS):
            board.take_turn(turn)
        assert set.union(*drawn) == set(range(1, 65))
        assert [len(block) for block in drawn] == [16] * TURNS
        assert not screen.app.desk.picture.changed_nozzles


async def test_64_nozzles_are_all_on_a_small_screen() -> None:
    """At 80 by 24 each still has its number, shape and quantity."""
    async with opened(size=SMALL, station=FakeStation(64)) as screen:
        screen.station.change_nozzle(64, state="fuelling", quantity_milli=7_890)
        await screen.sees("64▶")
        assert "7.89" in screen.text()


async def test_figures_wait_for_the_beat_and_only_the_newest_is_drawn() -> None:
    """A hundred changes between two beats are one drawing."""
    async with opened() as screen:
        board = screen.app.counter().query_one(Board)
        drawn: list[set[int]] = []
        show = board.show_changes
        board.show_changes = lambda changed: (drawn.append(changed), show(changed))[1]  # type: ignore[method-assign]
        for milli in range(1, 101):
            screen.station.change_nozzle(1, state="fuelling", quantity_milli=milli * 10)
        await screen.sees("1.00")
        assert len(drawn) <= 2


@pytest.mark.parametrize("plain", DENSITIES)
def test_each_tile_has_its_own_unit_where_there_are_several(plain: Density) -> None:
    """As wide as the heading, which names none."""
    density = plain.with_units()
    head = "".join(text for text, _ in heading(density, "m3"))
    assert "m³" not in head
    for unit, sign in (("m3", "m³"), ("kg", "kg")):
        figure = nozzle(1, state="fuelling", unit=unit, quantity_milli=12_340)
        text = "".join(text for text, _ in tile(figure, density, stale=False))
        assert sign in text
        assert width(text) == width(head) == density.width
    assert arrange(8, 80, 8, several_units=True).density in {
        each.with_units() for each in DENSITIES
    }

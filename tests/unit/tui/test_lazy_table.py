"""A table with more columns than room: no figure is cut, no column is out of reach."""

from tui.widgets.lazy_table import Column, layout


def _figure(width: int, *, stays: bool = False) -> Column:
    return Column("", width, str, right=True, stays=stays)


NAME = Column("", 20, str, least=6)


def _shown(columns: list[Column], room: int, first: int = 0) -> list[int]:
    widths = [column.width for column in columns]
    return [number for number, _ in layout(columns, widths, room, first).shown]


def test_a_name_gives_way_before_a_figure_does() -> None:
    """Down to its least; then the last column waits behind a key."""
    columns = [_figure(4), NAME, _figure(8)]
    wide = [column.width for column in columns]
    assert layout(columns, wide, 34, 0).shown == ((0, 4), (1, 20), (2, 8))
    assert layout(columns, wide, 20, 0).shown == ((0, 4), (1, 6), (2, 8))
    narrow = layout(columns, wide, 19, 0)
    assert narrow.shown == ((0, 4), (1, 6))
    assert narrow.after


def test_every_column_is_reached_in_both_directions() -> None:
    """Whatever the widths; the one that stays is always there."""
    columns = [_figure(3, stays=True), *map(_figure, (10, 4, 12, 5, 9, 30, 2, 7))]
    widths = [column.width for column in columns]
    for room in range(14, 90):
        first, seen = 0, set(_shown(columns, room))
        for _ in columns:
            first = layout(columns, widths, room, first).on
            shown = _shown(columns, room, first)
            assert shown[0] == 0
            seen |= set(shown)
        assert seen == set(range(9))
        seen = set(shown)
        for _ in columns:
            first = max(layout(columns, widths, room, first).back, 0)
            seen |= set(_shown(columns, room, first))
        assert seen == set(range(9))
        assert first == 0

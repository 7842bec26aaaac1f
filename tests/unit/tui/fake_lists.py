"""Lists and prices at the dispensers of a station in memory."""

from typing import Any

from cngstation.rpc.contract import downloads as d
from tests.unit.tui.fake_rows import NOW_MS


class FakeLists:
    """Answers what is asked of downloads."""

    def __init__(self) -> None:
        self.numbers: tuple[d.ListedNumber, ...] = ()
        self.list_nozzles = 40
        self.held = 3
        self.ahead: dict[int, str] = {}  # who has the prices that follow
        self.refused: dict[int, str] = {}  # what some nozzles say of the prices
        self.faults: tuple[d.FileFault, ...] = ()
        self.list_names = ("黑名单.csv", "old.xlsx")

    async def _lists_show(self, query: Any) -> Any:
        first = getattr(query, "after_nozzle", 0) + 1
        last = min(first + d.MOST_NOZZLES - 1, self.list_nozzles)
        return d.ListsBoard(
            lists=(
                d.ListFigure(
                    kind="base", version=3, count=120, at_ms=NOW_MS, cause="books"
                ),
            ),
            nozzles=tuple(
                d.DownloadRow(
                    nozzle_no=no, dispenser_no=(no + 1) // 2, kind=kind,
                    state=self._state(no, kind),
                    wanted=3, held=self.held if no % 3 == 0 else 0, sent=20, count=120,
                    held_since_ms=NOW_MS,
                    tried_ms=NOW_MS if no in self.refused else 0,
                    result="refused" if no in self.refused else "",
                    why=self.refused.get(no, ""),
                    ahead=self.ahead.get(no, ""),
                )
                for no in range(first, last + 1)
                for kind in ("base", "white", "prices")
            ),
            next_nozzle=last if last < self.list_nozzles else 0,
            clocks=(
                d.ClockRow(nozzle_no=1, ahead_ms=3_200, at_ms=NOW_MS),
                d.ClockRow(nozzle_no=2, ahead_ms=-7_300_000, at_ms=NOW_MS),
            ),
        )  # fmt: skip

    def _state(self, no: int, kind: str) -> str:
        if kind == "prices" and no in self.refused:
            return "refused"
        states = ("in_force", "sending", "waiting")
        return "no_way" if kind == "white" else states[no % 3]

    async def _lists_send(self, order: Any) -> Any:
        return await self._lists_show(order)

    async def _lists_number(self, order: Any) -> Any:
        listed = d.ListedNumber(
            card_no=order.card_no, list=order.list, source="hand", state=""
        )
        self.numbers = (listed,)
        return await self._lists_show(order)

    async def _lists_numbers(self, query: Any) -> Any:
        fit = [
            row
            for row in self.numbers
            if query.digits in row.card_no
            and query.list in {"", row.list}
            and row.card_no > query.after
        ]
        rows = tuple(fit[: d.MOST_NUMBERS])
        place = rows[-1].card_no if len(fit) > len(rows) else ""
        return d.ListedNumbers(rows=rows, next_place=place)

    async def _lists_files(self, _: Any) -> Any:
        return d.FileRows(
            folder="/var/lib/cngstation/import",
            rows=tuple(
                d.FileRow(name=name, bytes=1_234, at_ms=NOW_MS)
                for name in self.list_names
            ),
        )

    async def _lists_look(self, asked: Any) -> Any:
        return d.FileLook(
            name=asked.name, digest="ab" * 32, rows=7, faults=self.faults,
            as_changes=_changes(5, 0, 1, 60), as_whole=_changes(5, 50, 0, 7),
        )  # fmt: skip

    async def _lists_file(self, order: Any) -> Any:
        return _changes(5, 50 if order.whole else 0, 1, 60)


def _changes(on: int, off: int, others: int, black: int) -> d.FileChanges:
    return d.FileChanges(on_black=on, off_black=off, others=others, own=1, black=black)

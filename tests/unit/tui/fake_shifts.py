"""The crews and shifts of a station in memory."""

from typing import Any

from cngstation.rpc.contract import counter as c
from cngstation.rpc.contract import figures as f
from cngstation.rpc.contract import shifts as h
from tests.unit.tui.fake_rows import NOW_MS

BREAK = "Nozzle {nozzle}: its totaliser moved {size} without a fill, behind fill {after}: {cause}."  # noqa: E501 - one text of the catalogue


def shift_nozzle(no: int, **facts: Any) -> h.ShiftNozzle:
    """Return a nozzle in a shift."""
    plain: dict[str, Any] = {
        "nozzle_no": no, "staff_card": "", "unit": "m3", "fills": 12 + no,
        "since_ms": NOW_MS - 6_000_000, "until_ms": None, "price_e4": 39_800,
        "quantity_milli": 96_400 + no, "amount_e4": None,
        "taken_over_milli": 1_234_560 * no, "taken_over_e4": 49_135_600 * no,
        "handed_over_milli": None, "handed_over_e4": None, "card_milli": None,
        "card_e4": None, "cash_milli": None, "cash_e4": None, "other_milli": None,
        "other_e4": None, "alone_milli": 0, "test_milli": 0, "unexplained_milli": 0,
        "unexplained_e4": 0,
    }  # fmt: skip
    return h.ShiftNozzle(**{**plain, **facts})


def ended_nozzle(no: int) -> h.ShiftNozzle:
    """Return a nozzle as an ended shift has it, every figure another."""
    return shift_nozzle(
        no, staff_card="00990012", until_ms=NOW_MS - 43_200_000, amount_e4=3_836_700,
        handed_over_milli=1_234_560 * no + 96_400, handed_over_e4=52_972_320,
        card_milli=60_010, card_e4=2_388_400, cash_milli=36_020, cash_e4=1_433_600,
        other_milli=370, other_e4=14_700, alone_milli=1_230, test_milli=4_560,
    )  # fmt: skip


def past_shift(no: int, **facts: Any) -> h.PastShift:
    """Return an ended shift."""
    plain: dict[str, Any] = {
        "shift_no": no, "crew_no": "2", "crew_name": "乙班",
        "business_day": "2026-11-20", "since_ms": NOW_MS - 72_000_000,
        "ended_ms": NOW_MS - 43_200_000, "how": "handed_over", "receipt_no": 40 + no,
        "fills": 31, "due_e4": 3_000_000, "counted_e4": 2_990_000,
        "over_e4": -10_000, "owed_e4": 0,
    }  # fmt: skip
    return h.PastShift(**{**plain, **facts})


class FakeShifts:
    """Answers what is asked of crews and shifts."""

    def __init__(self) -> None:
        self.open_shifts: list[h.OpenShift] = []
        self.breaks: list[h.Difference] = []
        self.waiting = False  # for a second person
        self.found: list[h.Difference] = []  # that the next check brings to light
        self.crews = [
            h.CrewRow(crew_no="1", name="甲班", retired=False, staff_cards="12 测试甲"),
            h.CrewRow(crew_no="2", name="乙班", retired=False, staff_cards=""),
        ]
        self.past = [past_shift(11), past_shift(10, how="forced", owed_e4=500_000)]

    def difference(self, no: int = 2, size: str = "0.50") -> h.Difference:
        """Return a difference of a totaliser."""
        named = {
            "nozzle": no,
            "size": size,
            "after": 7,
            "cause": "gas without a record",
        }
        facts = tuple(f.Fact(name=k, value=str(v)) for k, v in named.items())
        return h.Difference(row_id="77", text=BREAK, facts=facts, at_ms=NOW_MS)

    def on_duty(self, **facts: Any) -> None:
        """Put crew 1 on duty in shift 12."""
        plain: dict[str, Any] = {
            "shift_no": 12, "crew_no": "1", "crew_name": "甲班",
            "business_day": "2026-11-21", "since_ms": NOW_MS - 6_000_000,
            "is_open_long": False,
            "nozzles": tuple(shift_nozzle(no) for no in (1, 2, 3)),
            "differences": tuple(self.breaks),
        }  # fmt: skip
        self.open_shifts = [h.OpenShift(**{**plain, **facts})]

    def _now(self) -> h.ShiftsNow:
        return h.ShiftsNow(
            shifts=tuple(self.open_shifts), crews=tuple(self.crews), free_nozzles=(4,)
        )

    async def _shift_show(self, _: Any) -> Any:
        return self._now()

    async def _shift_on_duty(self, _: Any) -> Any:
        self.on_duty()
        return self._now()

    async def _shift_off_duty(self, _: Any) -> Any:
        left = tuple(shift_nozzle(no, handed_over_milli=9_999_000) for no in (1, 2, 3))
        self.on_duty(nozzles=left)
        return self._now()

    async def _shift_check(self, _: Any) -> Any:
        self.breaks, self.found = self.found, []
        odd = {int(each.facts[0].value) for each in self.breaks}
        nozzles = tuple(
            shift_nozzle(no, unexplained_milli=500 if no in odd else 0)
            for no in (1, 2, 3)
        )
        self.on_duty(nozzles=nozzles)
        return self._now()

    async def _shift_hand_over(self, order: Any) -> Any:
        self.open_shifts = []
        counts = tuple(
            c.TillCount(
                tender=count.tender, expected_e4=3_000_000,
                counted_e4=count.counted_fen * 100,
                over_e4=count.counted_fen * 100 - 3_000_000,
            )
            for count in order.counts
        )  # fmt: skip
        return h.HandoverDone(shift_no=order.shift_no, receipt_no=52, counts=counts)

    async def _shift_force(self, order: Any) -> Any:
        return await self._shift_hand_over(order)

    async def _shift_settle(self, _: Any) -> Any:
        self.past = [past_shift(10)]
        return h.PastShifts(rows=tuple(self.past))

    async def _shift_list(self, query: Any) -> Any:
        fit = [
            row
            for row in self.past
            if (not query.before_no or row.shift_no < query.before_no)
            and query.crew_no in {"", row.crew_no}
            and row.business_day >= query.first_day
            and (not query.last_day or row.business_day <= query.last_day)
        ]
        rows = fit[: query.limit]
        more = len(fit) > len(rows)
        return h.PastShifts(rows=tuple(rows), next_no=rows[-1].shift_no if more else 0)

    async def _shift_sheet(self, request: Any) -> Any:
        row = next(row for row in self.past if row.shift_no == request.shift_no)
        nozzles = tuple(ended_nozzle(no) for no in range(1, 65))
        return h.ShiftSheet(shift=row, nozzles=nozzles)

    async def _fill_list(self, query: Any) -> Any:
        row = self._fill(query.shift_no, "test" if self.waiting else "")
        return h.CashFillRows(rows=(row,) if query.shift_no else ())

    def _fill(self, shift_no: int, marked: str) -> h.CashFillRow:
        return h.CashFillRow(
            seq=501, at_ms=NOW_MS, shift_no=shift_no, nozzle_no=2, device_seq=88,
            unit="m3", quantity_milli=8_200, amount_e4=326_400, marked=marked,
            reason="", waits=self.waiting,
        )  # fmt: skip

    async def _fill_mark(self, order: Any) -> Any:
        return self._fill(12, order.mark)

    async def _crew_write(self, draft: Any) -> Any:
        row = h.CrewRow(
            crew_no=draft.crew_no, name=draft.name, retired=False, staff_cards=""
        )
        self.crews.append(row)
        return self._now()

    async def _crew_staff(self, _: Any) -> Any:
        return self._now()

"""The registers of a station in memory: companies, vehicles, cards, prices."""

from typing import Any

from pydantic import SecretStr

from cngstation.rpc.contract import counter as c
from cngstation.rpc.contract import figures as f
from cngstation.rpc.contract import prices as p
from cngstation.services.compare_levels import LevelsDiffer
from cngstation.services.register_customers import PlateUnusual
from tests.unit.tui.fake_rows import NOW_MS, TENDERS, unchecked, vehicle


class FakeRegisters:
    """Answers what is asked of the registers; holds their rows."""

    def __init__(self) -> None:
        self.card_state = "normal"
        self.vehicles = [
            vehicle(1, "川A12345"), vehicle(2, "川A12346"), vehicle(3, "川AD00217"),
        ]  # fmt: skip
        self.companies = [
            c.CompanyRow(
                company_no="0001",
                name="测试出租车公司",
                address="测试路 1 号",
                phone_masked="",
            )
        ]
        self.levels_differ = False
        self.prices = {0: 39_800, 1: 37_800, 2: 35_800}
        self.price_is_planned = True
        self.opening = c.OpeningRow(
            card_key="510102000001", card_no="02000001", unit="CNY",
            verdict="contested", why="another balance", imported_purse=12_345,
            book_purse=12_345, card_purse=10_000, source="old.xlsx", source_row=7,
        )  # fmt: skip
        self.cards_of_a_plate = 1
        self.shown_s = 20

    async def _company_register(self, draft: Any) -> Any:
        number = f"{len(self.companies) + 1:04d}"
        row = c.CompanyRow(
            company_no=number,
            name=draft.name,
            address=draft.address,
            phone_masked=draft.phone[:3],
        )
        self.companies.append(row)
        return row

    async def _company_search(self, search: Any) -> Any:
        found = [r for r in self.companies if search.text in r.name + r.company_no]
        return unchecked(c.CompanyRows, tuple(found[: search.limit]))

    async def _vehicle_register(self, draft: Any) -> Any:
        if not draft.plate.startswith("川A") and not draft.accept_plate:
            raise PlateUnusual(plate=draft.plate)
        row = vehicle(len(self.vehicles) + 1, draft.plate, driver=draft.driver)
        self.vehicles.append(row)
        return row

    async def _vehicle_search(self, search: Any) -> Any:
        found = [r for r in self.vehicles if search.text.upper() in r.plate]
        return unchecked(c.VehicleRows, tuple(found[: search.limit]))

    async def _company_edit(self, edit: Any) -> Any:
        facts = {k: v for k, v in dict(edit).items() if k not in {"reason", "phone"}}
        facts["phone_masked"] = edit.phone[:3]
        self.companies = [
            c.CompanyRow(**facts) if r.company_no == edit.company_no else r
            for r in self.companies
        ]
        return c.CompanyRow(**facts)

    async def _vehicle_edit(self, edit: Any) -> Any:
        row = next(v for v in self.vehicles if v.vehicle_id == edit.vehicle_id)
        return row.model_copy(update={"plate": edit.draft.plate})

    async def _personal_reveal(self, order: Any) -> Any:
        number = "11010519491231002X" if order.what == "id_no" else "13900000000"
        return c.Revealed(number=SecretStr(number), shown_s=self.shown_s)

    async def _personal_forget(self, order: Any) -> Any:
        return c.Forgotten(subject="川A12345")

    async def _vehicle_type_list(self, _: Any) -> Any:
        return c.VehicleTypeRows(rows=(
            c.VehicleTypeRow(code="01", name="出租车", retired=False, vehicles=3),
            c.VehicleTypeRow(code="02", name="公交", retired=True, vehicles=1),
        ))  # fmt: skip

    async def _vehicle_type_edit(self, edit: Any) -> Any:
        return c.VehicleTypeRow(
            code=edit.code, name=edit.name, retired=edit.retired, vehicles=3
        )

    async def _vehicle_type_add(self, draft: Any) -> Any:
        return c.VehicleTypeRow(
            code=draft.code, name=draft.name, retired=False, vehicles=0
        )

    async def _opening_list(self, _: Any) -> Any:
        return c.OpeningRows(rows=(self.opening,))

    async def _opening_accept(self, request: Any) -> Any:
        return self.opening.model_copy(update={"verdict": "accepted"})

    async def _row_explain(self, request: Any) -> Any:
        facts = (f.Fact(name="subject", value=f"1/{request.row_id}"),)
        return c.RowExplained(
            row_id=request.row_id, text="The row of {subject} is closed.", facts=facts
        )

    async def _register_edits(self, _: Any) -> Any:
        row = c.EditRow(
            at_ms=NOW_MS, kind="vehicle", subject="川A12345", field="driver",
            before="测**", after="李*", reason="客户来函", operator_no="02",
            terminal="tty1",
        )  # fmt: skip
        return c.EditRows(rows=(row,))

    async def _register_choices(self, _: Any) -> Any:
        return c.Choices(
            vehicle_types=(
                c.Choice(code="taxi", name="出租车"), c.Choice(code="bus", name="公交"),
            ),
            card_kinds=("taxi", "unit", "personal"),
            payment_modes=(
                "prepaid_money", "prepaid_quantity", "credit_money", "credit_quantity",
            ),
            prices=tuple(
                c.LevelPrice(level=n, price_e4=p) for n, p in self.prices.items()
            ),
            card_fee_fen=2_000, single_lower_fen=0, single_upper_fen=100_000,
            balance_ceiling_fen=500_000, tenders=TENDERS,
        )  # fmt: skip

    async def _price_plan(self, plan: Any) -> Any:
        if self.levels_differ and not plan.accept_levels:
            raise LevelsDiffer(level=1, cards=12, nozzles="3 4")
        self.prices[plan.level] = plan.price_e4
        return await self._register_choices(plan)

    async def _price_list(self, _: Any) -> Any:
        rows = [
            p.PriceRow(
                price_id=str(level), unit="m3", level=level, price_e4=price_e4,
                from_ms=NOW_MS, state="in_force", by="王芳", reason="",
            )
            for level, price_e4 in self.prices.items()
        ]  # fmt: skip
        planned = rows[0].model_copy(
            update={"price_id": "77", "state": "planned", "from_ms": NOW_MS * 2}
        )
        rows += [planned] * self.price_is_planned
        return p.PriceBoard(
            units=("m3", "kg"), levels=(0, 1, 2), ahead_ms=600_000, rows=tuple(rows)
        )

    async def _price_cancel(self, request: Any) -> Any:
        self.price_is_planned = False
        return await self._price_list(request)

    async def _card_list(self, page: Any) -> Any:
        row = c.CardRow(
            card_key="510101000231", card_no="01000231", uid="0A0B0C01", kind="taxi",
            state="normal", plate="川A12345", company_name="测试出租车公司",
            driver="测试甲", route_no="", fleet_name="", cylinder_due="2027-03-15",
            payment_mode="prepaid_money", unit="CNY", price_e4=39_800,
            balance_book=275_000, issued_at_ms=NOW_MS,
        )  # fmt: skip
        return c.CardRows(rows=(row,)[: page.limit])

    async def _card_search(self, search: Any) -> Any:
        rows = (await self._card_list(search)).rows
        lost = tuple(r.model_copy(update={"state": self.card_state}) for r in rows)
        lost *= self.cards_of_a_plate
        return c.CardRows(rows=lost if search.text in "川A12345 01000231" else ())

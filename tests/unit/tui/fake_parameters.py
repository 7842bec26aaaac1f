"""Parameters and enrolment of the station behind the screen's tests."""

from typing import Any

from pydantic import SecretStr

from cngstation.rpc.contract import parameters as p
from cngstation.rpc.contract.vendor import VendorPass
from cngstation.services.keep_parameters import NAMES

_VALUES = {
    "station.name": "北门加气站",
    "station.company_name": "新奥燃气",
    "station.station_no": "03160002",
    "station.area_no": "0316",
    "station.area_short_name": "川A",
    "station.issue_point_no": "01",
    "limits.cylinder_warning_days": "10",
    "limits.negative_top_up": "false",
    "printer.daily_digest": "false",
}
GROUPS = " ".join(f"GRP{number:03d}" for number in range(1, 41))


class FakeParameters:
    """Keeps parameters as they are typed."""

    def __init__(self) -> None:
        self.parameters = {name: _VALUES.get(name, "10.00") for name in NAMES}
        self.fixed: set[str] = set()
        self.rights: tuple[str, ...] = ()
        self.first_start = False
        self.enrolment = p.EnrolmentBoard(
            station_no="03160002", call_code="AB12-CD34", request=GROUPS, serial=0,
            edition="", until_ms=0, office="", area_no="0316", runs="single",
        )  # fmt: skip

    async def _parameters_show(self, _: Any) -> Any:
        rows = tuple(
            p.Parameter(name=name, value=value, fixed=name in self.fixed)
            for name, value in self.parameters.items()
        )
        return p.ParameterBoard(first=self.first_start, rows=rows)

    async def _parameters_save(self, request: p.ParameterSave) -> Any:
        news = [r for r in request.rows if self.parameters[r.name] != r.value]
        self.parameters |= {row.name: row.value for row in news}
        self.first_start = False
        return p.ParametersSaved(names=tuple(row.name for row in news))

    async def _enrolment_show(self, _: Any) -> Any:
        return self.enrolment

    async def _vendor_accept(self, _: Any) -> Any:
        return VendorPass(
            operator_no="V1", login_name="vendor-v1", holder="Zhao",
            rights="line.frames", until_ms=1_826_761_337_000, reason="why",
            password=SecretStr("k7m2p9qrst"), password_hours=24,
        )  # fmt: skip

    async def _enrolment_request(self, _: Any) -> Any:
        self.enrolment = self.enrolment.model_copy(update={"call_code": "EF56-7890"})
        return self.enrolment

    async def _enrolment_accept(self, _: Any) -> Any:
        self.enrolment = self.enrolment.model_copy(
            update={
                "serial": 7,
                "edition": "networked",
                "from_ms": 1_795_225_337_000,
                "until_ms": 1_826_761_337_000,
                "days_left": 365,
                "edition_fits": False,
                "office": "AAAA-BBBB-CCCC-DDDD",
            }
        )
        return self.enrolment

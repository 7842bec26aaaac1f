"""Ports and the way of download: a row a nozzle, whole in eighty columns."""

from typing import Any

import pytest

from cngstation.rpc.contract.ports import DevicePort, NozzlePort, Ports
from tests.unit.tui.fake_station import FakeStation
from tests.unit.tui.opened import SMALL, opened

EAST = "/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0"
URL = "http://192.168.1.9/jsonPTS"


class _Station(FakeStation):
    blacklist, paper = "at_once", "/dev/serial/by-id/usb-printer"

    async def _line_ports(self, _: Any) -> Any:
        common = {"dispenser_no": 12, "unit": "m3"}
        return Ports(
            nozzles=(
                NozzlePort(
                    nozzle_no=1, address=102, only_level=-1, line="east", port=EAST,
                    protocol="Sinopec FA", baud=115200, frame="8N1", lists="fetched",
                    ahead=True, **common,
                ),
                NozzlePort(
                    nozzle_no=64, address=7, only_level=1, line="gateway", port=URL,
                    protocol="jsonPTS (PTS-2)", baud=0, frame="", lists="prices",
                    ahead=False, **common,
                ),
            ),
            devices=(
                DevicePort(device="reader", kind="pn532", port="/dev/ttyS1", baud=0),
                DevicePort(device="printer", kind="48", port=self.paper, baud=9600),
            ),
            blacklist=self.blacklist,
            late_hours=12,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            (
                "115200 8N1", "fetches lists, prices", "is sent its price", "102",
                f"Nozzle 1: {EAST}; shows every price level; prices are sent before",
                "as soon as it changes (at_once). Named after 12 hours without it.",
                "Card reader: pn532, /dev/ttyS1, -", "usb-printer, 9600, 48 columns",
            ),
        ),
        (
            "zh_CN",
            (
                "端口与下载方式", "自取名单和单价", "只下发单价", f"1 号枪：{EAST}",
                "黑名单下载方式：变更后立即下发", "单价提前下发", "读卡器：pn532",
            ),
        ),
    ],
)  # fmt: skip
async def test_each_nozzle_with_its_port_and_download(
    language: str, words: tuple[str, ...]
) -> None:
    """At 80x24; the marked row tells its port whole."""
    async with opened(station=_Station(), size=SMALL, language=language) as screen:
        screen.app.run_function("ports")
        for word in words:
            await screen.sees(word)
        await screen.press("down")
        await screen.sees(URL)
        levels = {"en": "shows price level 1 alone", "zh_CN": "显示单价等级 1"}
        await screen.sees(levels[language])


async def test_by_hand_daily_and_without_a_printer() -> None:
    """What the file says of the station as a whole."""
    station = _Station()
    station.paper = ""
    for blacklist, said in (
        ("by_hand", "by hand only"),
        ("04:30", "every day at 04:30"),
    ):
        station.blacklist = blacklist
        async with opened(station=station) as screen:
            screen.app.run_function("ports")
            await screen.sees(said)
            await screen.sees("Receipt printer: none")

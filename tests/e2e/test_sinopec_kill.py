"""The monitor daemon on a Sinopec line, killed when a fill is in its file."""

import re
from pathlib import Path

from cngstation.cli.demo_station import DemoStation
from cngstation.services.verify_books import verify_file
from tests.e2e.live_station import daemons, prepared_station, query, until
from tests.e2e.sinopec_bench import Bench, simulated

KILLS = 2
BAUD = 38_400
MONITOR = "forecourt"
LINE = """
[[lines]]
name = "sinopec"
port = "{port}"
protocol = "sinopec"
baud = {baud}
options = {{ product = "1010" }}
[[lines.nozzles]]
gun = 101
nozzle_no = 1
dispenser_no = 1
unit = "m3"
unit_code = 0
[[lines.nozzles]]
gun = 102
nozzle_no = 2
dispenser_no = 1
unit = "m3"
unit_code = 0

[reader]"""


async def test_every_fill_is_booked_once_through_kills(tmp_path: Path) -> None:
    """Killed between commit and acknowledgement, or just behind it: all the same."""
    dispenser = {"address": 1, "nozzles": (1, 2), "upload_retry_s": 0.2}
    device = simulated(tmp_path / "far", dispenser, baud=BAUD)
    async with prepared_station(tmp_path, simulators=False) as station:
        written = station.config_file.read_text("utf-8")
        line = LINE.format(port=tmp_path / "far" / "line", baud=BAUD)
        begins = written.index("[[lines]]")
        ends = re.search(r"^\[reader\]", written, re.MULTILINE)
        assert ends is not None
        whole = written[:begins] + line + written[ends.end() :]
        station.config_file.write_text(whole, "utf-8")
        device.open()
        bench = Bench(device, None, [101, 102])  # type: ignore[arg-type]
        try:
            for kill in range(KILLS):
                async with daemons(station, MONITOR) as (daemon,):
                    await until(lambda one=daemon: one.logged("daemon.ready"))
                    await bench.fill(100 * (kill + 1), gun=101 + kill % 2)
                    await until(lambda n=kill: len(_fills(station)) > n, "a fill")
            async with daemons(station, MONITOR):
                await bench.fill(700)
                await bench.uploaded()
        finally:
            device.close()
        # Prices that the station offers take numbers of their own.
        assert _fills(station) == [(1, 1_000), (2, 2_000), (1, 7_000)]
        assert verify_file(station.database).first_bad is None


def _fills(station: DemoStation) -> list[tuple[int, int]]:
    sql = "SELECT nozzle_no, quantity_milli FROM sale ORDER BY device_seq"
    return [(row["nozzle_no"], row["quantity_milli"]) for row in query(station, sql)]

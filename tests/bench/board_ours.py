"""The product's screen with a station in memory behind it, for the board's figure."""

# First, because it sets what Textual reads when it is imported.
import tui.__main__  # noqa: F401
from tests.bench.filling_station import FillingStation
from tests.unit.tui.fake_link import FakeLink
from tui.app import StationApp
from tui.link import Released


class OursApp(StationApp):
    """The product's screen; the station fills when the cashier has logged in."""

    def __init__(self) -> None:
        self.station = FillingStation()
        super().__init__(lambda: FakeLink(self.station), language="en")

    async def sign_in(
        self, login_name: str, password: str, released_by: Released = None
    ) -> None:
        """Log in and let the gas flow."""
        await super().sign_in(login_name, password)
        self.run_worker(self.station.fill())


if __name__ == "__main__":
    OursApp().run()

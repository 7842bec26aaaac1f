"""The link of the tests: the station in memory, without a socket between."""

from collections.abc import Callable
from typing import Any

from cngstation.errors import StationError
from cngstation.rpc.session import SessionState
from cngstation.services.log_in import ScreenLocked
from tests.unit.tui.fake_rows import NOW_MS, LoginRefused
from tests.unit.tui.fake_station import FakeStation
from tui.link import News, Part, PartDown, PartUp, Released, Told

PASSWORD = "right"  # nobody's


class FakeLink:
    """Carries calls to the fake station and its events back."""

    def __init__(self, station: FakeStation) -> None:
        self.station = station
        self.locked = False
        self.closed = False
        self.touches = 0
        self.second_step: StationError | None = None
        self.released_by: Released = None
        self.must_change = False
        self.logged_out = False
        self._hear: Callable[[News], None] = lambda _news: None
        station.tell = lambda part, event, body: self._hear(
            Told(part, event.name, body)
        )

    def start(self, hear: Callable[[News], None]) -> None:
        """Nothing is heard before the login."""
        self._hear = hear

    async def login(
        self, login_name: str, password: str, released_by: Released = None
    ) -> SessionState:
        """Take one password, and refuse what is to be refused after it."""
        if password != PASSWORD:
            raise LoginRefused(left=2, minutes=10)
        self.released_by = released_by
        if released_by is None and self.second_step is not None:
            raise self.second_step
        for part in Part if not self.must_change else ():
            self.up(part)
        return self._session(login_name).model_copy(
            update={"must_change_password": self.must_change}
        )

    def _session(self, login_name: str) -> SessionState:
        return SessionState(
            operator=f"{login_name} 班组2", terminal="test", rights=self.station.rights,
            expires_at_ms=NOW_MS + 3_600_000,
        )  # fmt: skip

    def up(self, part: Part) -> None:
        """Let a daemon answer."""
        self._hear(PartUp(part, self.station.snapshot(part)))

    def down(self, part: Part, reason: StationError) -> None:
        """Let a daemon be lost."""
        self._hear(PartDown(part, reason))

    async def logout(self) -> None:
        """Remember the end of the session."""
        self.logged_out = True

    async def lock(self) -> None:
        """Remember the lock."""
        self.locked = True

    async def touch(self) -> None:
        """Count it; a locked session refuses it."""
        self.touches += 1
        if self.locked:
            raise ScreenLocked

    async def unlock(self, password: str) -> SessionState:
        """Take one password."""
        if password != PASSWORD:
            raise LoginRefused(left=1, minutes=10)
        self.locked = False
        return self._session("demo")

    async def attach_again(self) -> None:
        """Answer for everything once more."""
        for part in Part:
            self.up(part)

    async def call(self, method: Any, request: Any, *, timeout_s: int = 10) -> Any:
        """Ask the station as a socket would: by name, with models of the contract."""
        del timeout_s
        assert isinstance(request, method.request)
        reply = await self.station.answer(method.name, request)
        assert isinstance(reply, method.reply)
        return reply

    async def close(self) -> None:
        """Remember the end."""
        self.closed = True

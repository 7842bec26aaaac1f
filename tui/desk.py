"""What all screens of one operator share."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cngstation.moments import Clock, SystemClock
from tui.picture import Picture

if TYPE_CHECKING:
    from cngstation.rpc.session import SessionState
    from tui.hands import Hands
    from tui.link import Link


@dataclass
class Desk:
    """The link, the picture of the station, and who works here."""

    link: "Link"
    hands: "Hands | None" = None  # in a demonstration only
    clock: Clock = field(default_factory=SystemClock)
    picture: Picture = field(default_factory=Picture)
    session: "SessionState | None" = None
    language: str = "zh_CN"

    def now_ms(self) -> int:
        """Return the time by the machine's clock, UTC milliseconds."""
        return self.clock.now().wall_ms

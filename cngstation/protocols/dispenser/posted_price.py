"""The posted price of pumps that know no levels: sent when idle, in force when shown.

Such a pump keeps no version: it holds one when it shows its price. Until it does, the
price is sent again every ten seconds; it counts as refused when the pump says so, when
it does not fit, or when the pump shows another one after several tries.
"""

from datetime import datetime

from cngstation.moments import CHINA, local_time
from cngstation.protocols.dispenser.dialogue import DownloadAdvanced, WhyRefused
from cngstation.protocols.dispenser.forecourt import (
    DownloadKind,
    Downloads,
    PriceTable,
)
from cngstation.protocols.dispenser.tries import MOST_TRIES

AGAIN_US = 10_000_000


class PostedPrice:
    """Level 0 of the price table on offer, for each nozzle of a line."""

    def __init__(self) -> None:
        self._for_all: PriceTable | None = None
        self._tables: dict[int, PriceTable | None] = {}
        self._sent_us: dict[int, int] = {}
        # What was told of a nozzle: whether it is in force, and why it is refused.
        self._told: dict[int, tuple[bool, str]] = {}
        self._tries: dict[int, int] = {}
        self._refused: dict[int, str] = {}

    def offer(self, downloads: Downloads) -> None:
        """Take what the nozzles shall hold from its time on."""
        if downloads.guns is None:
            changed = {gun for gun in self._known if self._of(gun) != downloads.prices}
            self._for_all = downloads.prices
            self._tables.clear()
        else:
            changed = {g for g in downloads.guns if self._of(g) != downloads.prices}
            self._tables |= dict.fromkeys(downloads.guns, downloads.prices)
        for gun in changed:
            self._sent_us.pop(gun, None)
            self._told.pop(gun, None)
            self._forget(gun)

    def refuse(self, gun: int, why: str) -> None:
        """Note that a nozzle does not take the price that was to be sent to it."""
        self._refused[gun] = why

    def _forget(self, gun: int) -> None:
        self._tries.pop(gun, None)
        self._refused.pop(gun, None)

    @property
    def _known(self) -> set[int]:
        return {*self._sent_us, *self._told}

    def _of(self, gun: int) -> PriceTable | None:
        return self._tables.get(gun, self._for_all)

    def to_send(
        self, gun: int, shown_e4: int | None, now_us: int, wall_ms: int
    ) -> int | None:
        """Return the price to send to an idle nozzle now; notes that it is sent."""
        table = self._of(gun)
        if table is None or not table.prices_e4 or not _has_come(table, wall_ms):
            return None
        sent_us = self._sent_us.get(gun)
        if shown_e4 == table.prices_e4[0]:
            return None
        if sent_us is not None and now_us - sent_us < AGAIN_US:
            return None
        self._sent_us[gun] = now_us
        tries = self._tries[gun] = self._tries.get(gun, 0) + 1
        if tries > MOST_TRIES:
            self.refuse(gun, WhyRefused.OTHER_PRICE)
        return table.prices_e4[0]

    def advanced(self, gun: int, shown_e4: int | None) -> DownloadAdvanced | None:
        """Return what is to be told of a nozzle, once for each change."""
        table = self._of(gun)
        if table is None or not table.prices_e4:
            return None
        in_force = shown_e4 == table.prices_e4[0]
        if not in_force and gun not in self._sent_us:
            return None
        if in_force:
            self._forget(gun)
        refused = self._refused.get(gun, "")
        if self._told.get(gun) == (in_force, refused):
            return None
        self._told[gun] = in_force, refused
        return DownloadAdvanced(
            gun,
            DownloadKind.PRICES,
            table.version,
            0 if refused else 1,
            1,
            is_in_force=in_force,
            refused=refused,
        )


def _has_come(table: PriceTable, wall_ms: int) -> bool:
    if not table.effective_at:
        return True
    effective = datetime.fromisoformat(table.effective_at).replace(tzinfo=CHINA)
    return effective <= local_time(wall_ms)

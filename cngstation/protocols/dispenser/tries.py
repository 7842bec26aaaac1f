"""How often one version is sent before it counts as refused.

It is sent on all the same. A frame can be lost on the line: once or twice says nothing.
"""

from dataclasses import dataclass, field

from cngstation.protocols.dispenser.dialogue import WhyRefused
from cngstation.protocols.dispenser.forecourt import DownloadKind

MOST_TRIES = 3


@dataclass(slots=True)
class Tries:
    """How often a nozzle or dispenser has begun to fetch what it was sent."""

    _begun: dict[DownloadKind, tuple[int, int]] = field(default_factory=dict)

    def begin(self, kind: DownloadKind, version: int) -> str:
        """Count one more; return why the version counts as refused, or ""."""
        known, count = self._begun.get(kind, (0, 0))
        count = count + 1 if known == version else 1
        self._begun[kind] = version, count
        return self.why(kind)

    def why(self, kind: DownloadKind) -> str:
        """Return why what is being fetched counts as refused, or ""."""
        _, count = self._begun.get(kind, (0, 0))
        return WhyRefused.ASKS_AGAIN if count > MOST_TRIES else ""

    def over(self, kind: DownloadKind) -> None:
        """Forget it: a version was taken."""
        self._begun.pop(kind, None)

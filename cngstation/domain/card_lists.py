"""The lists of card numbers that dispensers keep: what follows from what is wanted.

A dispenser holds a base and what was added to and deleted from it since. While the
changes are few only they grow; then a new base begins, and both start again.
"""

from dataclasses import dataclass

# What the smallest dispensers keep of changes, and of a base.
MOST_CHANGES = 200
LARGEST_BASE = 20_000
LAST_VERSION = 255


@dataclass(frozen=True, slots=True)
class Blacklist:
    """The three parts of the blacklist; nothing is in two of them at once."""

    base: frozenset[str]
    added: frozenset[str] = frozenset()
    deleted: frozenset[str] = frozenset()

    @property
    def listed(self) -> frozenset[str]:
        """The numbers that a dispenser with all three parts refuses."""
        return (self.base | self.added) - self.deleted


def advance(
    last: Blacklist | None, wanted: frozenset[str], *, whole: bool = False
) -> Blacklist:
    """Return the lists that come after `last` when `wanted` shall be refused."""
    if last is None or whole:
        return Blacklist(wanted)
    added, deleted = wanted - last.base, last.base - wanted
    if max(len(added), len(deleted)) > MOST_CHANGES:
        return Blacklist(wanted)
    return Blacklist(last.base, added, deleted)


def next_version(version: int) -> int:
    """Return the version after one: 1 to 255 and round again; 0 is none."""
    return version % LAST_VERSION + 1

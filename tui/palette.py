"""The palette: finds a function by a part of its name or by pinyin initials."""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from cngstation.language import _
from tui.functions import FUNCTIONS, Function

if TYPE_CHECKING:
    from tui.app import StationApp

_BY_INITIALS = 0.9  # below a name that is typed in full, above a loose match


class FunctionProvider(Provider):
    """Offers the station's functions under the names of their menus."""

    async def discover(self) -> Hits:
        """Offer everything while nothing is typed."""
        for function in self._offered():
            text = _shown(function)
            yield DiscoveryHit(Content(text), partial(self._run, function), text)

    async def search(self, query: str) -> Hits:
        """Offer what contains the text, and what has these initials."""
        matcher = self.matcher(query)
        initials = query.strip().lower()
        found = False
        for function in self._offered():
            text = _shown(function)
            # A loose match of many functions would bury the one that is meant.
            score = matcher.match(text) if initials in text.lower() else 0.0
            if any(word.startswith(initials) for word in function.initials.split()):
                score = max(score, _BY_INITIALS)
            if score > 0:
                found = True
                shown = Content(text)
                yield Hit(score, shown, partial(self._run, function), text)
        if not found:
            text = _("No function has this name.")
            yield Hit(_BY_INITIALS, Content(text), self._stay, text)

    def _offered(self) -> Iterable[Function]:
        demo = cast("StationApp", self.app).demo is not None
        return (f for f in FUNCTIONS if demo or not f.demo_only)

    def _stay(self) -> None:
        """Nothing was found, nothing is opened."""

    def _run(self, function: Function) -> None:
        cast("StationApp", self.app).run_function(function.name)


def _shown(function: Function) -> str:
    keys = f"  ({function.keys})" if function.keys else ""
    return _(function.menu) + ": " + _(function.title) + keys


def palette() -> CommandPalette:
    """Return the palette, with its hint in the user's language."""
    return CommandPalette(
        providers=[FunctionProvider], placeholder=_("Name of a function ...")
    )

"""The screen's frame: start, connections, which screen is open, what all share.

Before the first frame nothing is imported but Textual and small modules of this
package; the contract and the client follow in a thread while the cashier types.
"""

import asyncio
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from cngstation.language import LANGUAGES, _, use_language
from tui.areas import EVERYTHING, TURNS, Area
from tui.garbage import Garbage
from tui.screens.login import LoginScreen
from tui.themes import DARK, THEMES, next_theme
from tui.typed_key import as_bound

if TYPE_CHECKING:
    from cngstation.errors import StationError
    from cngstation.rpc.session import SessionState
    from tui.demo import Demo
    from tui.desk import Desk
    from tui.functions import Function
    from tui.hands import Hands
    from tui.link import Link, News, Released
    from tui.screens.counter import CounterScreen
    from tui.screens.station_screen import StationScreen

# Figures that change at 10 Hz are shown at 5: people read no faster, the bytes halve.
# Blocks of the board take turns, a key waits for one; all else is drawn at once.
_FIGURES_S = 0.2
_TOUCH_S = 30  # the session is locked after minutes without keys


def _keys(keys: str, action: str, *, priority: bool = True) -> Binding:
    return Binding(keys, action, show=False, priority=priority)


class StationApp(App[None]):
    """The cashier's screen; `make_link` is called in a thread after the first frame."""

    TITLE = "cngstation"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        _keys("f1,alt+1", "help"),
        _keys("f3,alt+3", "open('issue')"),
        _keys("f4,alt+4", "open('loss')"),
        _keys("f5,alt+5", "open('vehicle')"),
        _keys("f6,alt+6", "open('vehicles')"),
        _keys("f7,alt+7", "open('books')"),
        _keys("f8,alt+8", "open('shifts')"),
        _keys("f9,alt+9", "open('hands')"),
        _keys("f10,alt+0", "open('till')"),
        _keys("ctrl+k", "lock"),
        _keys("ctrl+l", "language"),
        _keys("ctrl+t", "theme"),
        _keys("ctrl+q", "quit"),
        _keys("ctrl+c", "copy_or_stay"),
    ]

    def __init__(
        self,
        make_link: "Callable[[], Link]",
        *,
        language: str,
        demo: "Demo | None" = None,
    ) -> None:
        super().__init__()
        self._make_link = make_link
        self._link_made = asyncio.Event()
        self._areas = Area.NOTHING  # what waits to be drawn
        self._turn = 0
        self._touched_s = float(-_TOUCH_S)
        self._garbage = Garbage()
        self.desk: Desk | None = None
        self.language = language
        self.demo = demo
        use_language(language)
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DARK.name

    def get_default_screen(self) -> Screen[Any]:
        """Begin with the login: no empty screen is laid out before it."""
        return LoginScreen(self.sign_in, self.demo)

    def on_mount(self) -> None:
        """Load the rest behind the login."""
        self.call_after_refresh(self._begin_loading)
        self.set_interval(_FIGURES_S / TURNS, self._take_turn)

    def _begin_loading(self) -> None:
        self.run_worker(self._load(), name="load")

    async def _load(self) -> None:
        from tui.desk import Desk

        link = await asyncio.to_thread(_make_and_import, self._make_link, self._garbage)
        self.desk = Desk(link, _hands_of(self.demo), language=self.language)
        link.start(self.hear)
        self._link_made.set()

    async def on_unmount(self) -> None:
        """End the connections."""
        if self.desk is not None:
            await self.desk.link.close()

    # Who works here.

    async def sign_in(
        self, login_name: str, password: str, released_by: "Released" = None
    ) -> None:
        """Log in and open the counter.

        Raises:
            StationError: a refusal, or the counter cannot be reached.
        """
        await self._link_made.wait()
        desk = self._desk()
        session = await desk.link.login(login_name, password, released_by)
        if session.must_change_password:
            self._ask_for_a_password(session, password)
        else:
            self._begin_work(session)

    def _begin_work(self, session: "SessionState") -> None:
        from tui.screens.counter import CounterScreen

        desk = self._desk()
        desk.session = session
        self.push_screen(CounterScreen(desk))
        self.run_worker(self._first_start(), name="first start")
        self.call_after_refresh(self._garbage.begin)

    def _ask_for_a_password(self, session: "SessionState", given: str) -> None:
        from tui.screens.first_password import FirstPasswordScreen

        desk = self._desk()

        async def changed() -> None:
            await desk.link.attach_again()
            self.pop_screen()
            self._begin_work(session)

        self.push_screen(FirstPasswordScreen(desk, given, changed))

    async def _first_start(self) -> None:
        """Open the parameters of a station that was just set up."""
        from tui.first_start import parameters_of_first_start

        screen = await parameters_of_first_start(self._desk())
        if screen is not None and self._may_act():
            self.push_screen(screen)

    def signed_out(self, why: str) -> None:
        """Go back to the login, because the session has ended."""
        self._desk().session = None
        while len(self.screen_stack) > 1:
            self.pop_screen()
        login = self.screen
        assert isinstance(login, LoginScreen), "the login lies under everything"
        login.begin_again(why)

    def _desk(self) -> "Desk":
        assert self.desk is not None, "nothing is opened before the link is made"
        return self.desk

    async def on_event(self, event: events.Event) -> None:
        """Take note of keys before they are handled."""
        if isinstance(event, events.Key):
            event = as_bound(event, self.focused)
            self._garbage.key_pressed()
            if self._may_act() or hasattr(self.screen, "left_alone"):
                self._say_somebody_is_here()
        await super().on_event(event)

    def _say_somebody_is_here(self) -> None:
        """Tell the counter of keys, not of each: without them it locks the session."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._touched_s >= _TOUCH_S:
            self._touched_s = now_s
            self.run_worker(self._touch(), group="touch")

    async def _touch(self) -> None:
        from cngstation.errors import StationError

        try:
            await self._desk().link.touch()
        except StationError as error:
            self.show_lock(error)

    def show_lock(self, error: "StationError") -> bool:
        """Cover the screen when the session is locked; tell whether it is."""
        is_locked = error.code == "refusal.screen_locked"
        if is_locked and (left_alone := getattr(self.screen, "left_alone", None)):
            left_alone()
        elif is_locked:
            self.action_lock(is_locked=True)
        return is_locked

    # What is heard, and drawn.

    def hear(self, news: "News") -> None:
        """Take in what a daemon told; figures of the board wait for the next beat."""
        from tui.link import PartDown
        from tui.picture import says_the_session_ended

        if isinstance(news, PartDown):
            self.call_later(self.show_lock, news.reason)
        if self._may_act() and says_the_session_ended(news):
            self.call_later(self.signed_out, _("The session has ended. Log in again."))
        waiting = self._areas
        self._areas = waiting | self._desk().picture.hear(news)
        if self._areas & ~Area.BOARD and not waiting & ~Area.BOARD:
            self.call_later(self._draw)

    def _take_turn(self) -> None:
        self._garbage.take_turn()
        self._turn = (self._turn + 1) % TURNS
        if self._turn == 0 and self._areas:
            self._draw()
        if self.desk is not None and self.desk.picture.changed_nozzles:
            # The uppermost board takes the changes; one below is drawn anew later.
            for screen in reversed(self._station_screens()):
                if screen.draw_figures(self._turn):
                    break

    def _draw(self) -> None:
        areas, self._areas = self._areas, Area.NOTHING
        if self._desk().session is None or not areas:
            return
        if Area.CARD_CAME in areas:
            self._make_way_for_the_card()
        for screen in self._station_screens():
            screen.draw(areas)

    def _station_screens(self) -> "list[StationScreen]":
        from tui.screens.station_screen import StationScreen

        return [s for s in self.screen_stack if isinstance(s, StationScreen)]

    def counter(self) -> "CounterScreen":
        """Return the counter's screen, which lies under all others."""
        from tui.screens.counter import CounterScreen

        return next(s for s in self.screen_stack if isinstance(s, CounterScreen))

    def _make_way_for_the_card(self) -> None:
        """Open the card's page, unless a form is unfinished or the screen is locked."""
        top, counter = self.screen, self.counter()
        if getattr(top, "stays_on_top", False):
            return
        form = self._unfinished_form()
        if form is not None:
            self.back_to(form)
            form.card_waits()
        elif top is counter and counter.unfinished():
            counter.card_waits()
        else:
            self.back_to_counter()

    def _unfinished_form(self) -> "StationScreen | None":
        """Return the uppermost screen above the counter that would lose something."""
        above = [s for s in self._station_screens() if s is not self.counter()]
        return next((s for s in reversed(above) if s.unfinished()), None)

    def back_to_counter(self) -> None:
        """Close everything above the counter."""
        self.back_to(self.counter())

    def back_to(self, below: "StationScreen") -> None:
        """Close everything above a screen."""
        while self.screen is not below:
            self.pop_screen()

    # What can be done from anywhere.

    def _may_act(self) -> bool:
        signed_in = self.desk is not None and self.desk.session is not None
        return signed_in and not getattr(self.screen, "stays_on_top", False)

    def action_open(self, name: str) -> None:
        """Open a function's screen in place of the one above the counter."""
        function = _function(name)
        if not self._may_act() or (function.demo_only and self.demo is None):
            return
        form = self._unfinished_form()
        if form is None:
            self.back_to_counter()
        elif function.demo_only:
            # Hands reach past a form: it waits below them as it is.
            self.back_to(form)
        else:
            says = _("Finish this first, or leave it with Esc.")
            self._station_screens()[-1].say(says)
            return
        if ":" not in function.target:
            return
        module, class_name, *arguments = function.target.split(":")
        screen_class: Any = getattr(import_module(f"tui.screens.{module}"), class_name)
        self.push_screen(screen_class(self._desk(), *arguments))

    def run_function(self, name: str) -> None:
        """Do what the palette found."""
        target = _function(name).target
        if target == "counter" or ":" in target:
            self.action_open(name)
        else:
            self.call_later(self.run_action, target)

    def action_help(self) -> None:
        """Say what this screen is for and what helps now."""
        if self._may_act():
            from tui.screens.help import HelpScreen

            self.push_screen(HelpScreen(self._desk(), self._station_screens()[-1]))

    def action_why(self) -> None:
        """Say why the card on the reader will not fill."""
        if self._may_act():
            self.counter().action_why()

    def action_language(self) -> None:
        """Switch between Chinese and English."""
        following = LANGUAGES[(LANGUAGES.index(self.language) + 1) % len(LANGUAGES)]
        self.language = following
        use_language(following)
        if self.desk is not None:
            self.desk.language = following
        for screen in self.screen_stack:
            if isinstance(screen, LoginScreen):
                screen.relabel()
        if self.desk is not None and self.desk.session is not None:
            for station_screen in self._station_screens():
                station_screen.draw(EVERYTHING)
        self.screen.refresh(layout=True)

    def action_theme(self) -> None:
        """Switch between dark, light and high contrast."""
        self.theme = next_theme(self.theme)

    def action_lock(self, *, is_locked: bool = False) -> None:
        """Lock the screen; what was typed stays under the lock."""
        if self._may_act():
            from tui.screens.lock import LockScreen

            self.push_screen(LockScreen(self._desk(), is_locked=is_locked))

    def action_copy_or_stay(self) -> None:
        """Ctrl+C ends nothing here."""

    async def action_quit(self) -> None:
        """Quit; ask first when something is unfinished."""
        in_work = self.desk is not None and self.desk.session is not None
        if in_work and any(s.unfinished() for s in self._station_screens()):
            from tui.screens.quit import QuitScreen

            if not isinstance(self.screen, QuitScreen):
                self.push_screen(QuitScreen())
            return
        self.exit()

    def action_command_palette(self) -> None:
        """Find a function by its name."""
        if self._may_act():
            from tui.palette import palette

            self.push_screen(palette())

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Offer none of Textual's own: the palette lists the station's functions."""
        return ()


def _make_and_import(make_link: "Callable[[], Link]", garbage: Garbage) -> "Link":
    """Load what the counter needs; runs in a thread while the login is shown."""
    import_module("tui.screens.counter")
    link = make_link()
    garbage.begin()
    return link


def _function(name: str) -> "Function":
    from tui.functions import BY_NAME

    return BY_NAME[name]


def _hands_of(demo: "Demo | None") -> "Hands | None":
    if demo is None:
        return None
    from tui.hands import Hands

    return Hands(demo)

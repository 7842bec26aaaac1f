"""The hands of the demonstration: cards to the reader and to nozzles, paper, a stop."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from cngstation.errors import StationError
from cngstation.hygiene import clean, fit
from cngstation.language import _, mark
from cngstation.rpc.contract.counter import CARD_LIST, Page
from cngstation.rpc.contract.figures import MOST_ROWS
from tui.amount import Amount
from tui.areas import EVERYTHING, Area
from tui.desk import Desk
from tui.hands import ON_THE_READER
from tui.screens.station_screen import StationScreen
from tui.texts import error_sentence, filled, labelled
from tui.widgets.key_line import Keys
from tui.widgets.lines import Drawn, line, stacked
from tui.words import nozzle_look, word

if TYPE_CHECKING:
    from cngstation.rpc.contract.counter import CardRow

_USUAL_FILL = "8"
_REFUSED = mark("Nozzle {nozzle_no} did not take the card: {why}.")
# Why a simulated dispenser takes no card, by the code that its control socket answers.
_WHY_REFUSED = {
    "not_ours": mark("it is not a card of this company"),
    "mac": mark("its record is not genuine"),
    "info_mac": mark("its record is not genuine"),
    "blacklist": mark("it is on the blacklist"),
    "grey": mark("it is grey, a fill is unpaid"),
    "payment_mode": mark("its payment mode is not known here"),
    "price_level": mark("its price level is not known here"),
    "worn_out": mark("it is worn out"),
    "cylinder_due": mark("the cylinder is overdue"),
    "balance": mark("its balance does not pay for any gas"),
    "locked": mark("the nozzle is locked"),
    "off_duty": mark("nobody is on duty at the nozzle"),
}
_FILLED = mark("The vehicle filled at nozzle {nozzle_no} and left.")
_LOOK_S = 1.0


class HandsScreen(StationScreen):
    """Arrows choose card and nozzle, Enter moves the card, D drives it there."""

    HELP = mark(
        "What a driver's and a cashier's hands do, on the simulated devices. Up and "
        "down choose a card, Enter puts it on the reader or pulls it away; out of a "
        "nozzle, too: in mid-fill it turns grey. Left and right choose a nozzle, "
        "digits type the gas, D drives there and fills. S stops the fill, P takes the "
        "printer's paper out or puts it in."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move_card(-1)", show=False),
        Binding("down", "move_card(1)", show=False),
        Binding("left", "move_nozzle(-1)", show=False),
        Binding("right", "move_nozzle(1)", show=False),
        Binding("enter", "put_or_pull", show=False),
        Binding("backspace", "erase", show=False),
        Binding("d", "drive", show=False),
        Binding("s", "stop", show=False),
        Binding("p", "paper", show=False),
        Binding("question_mark", "app.help", show=False),
    ]
    DEFAULT_CSS = """
    HandsScreen Drawn { padding: 0 1; }
    HandsScreen #cards { height: 1fr; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        assert desk.hands is not None, "hands are there in a demonstration only"
        self._hands = desk.hands
        self._rows: dict[str, CardRow] = {}
        self._cards: list[str] = []
        self._card = 0
        self._begun = False
        self._nozzle = 0
        self._amount = Amount()

    def parts(self) -> Iterable[Widget]:
        """The cards, and the nozzle that is chosen."""
        yield Drawn(self._nozzle_lines, areas=Area.BOARD)
        yield Drawn(self._card_lines, areas=Area.CARD, id="cards")

    def on_mount(self) -> None:
        """Look where everything is, again and again."""
        self.run_worker(self._fetch(), group="look")
        self.set_interval(_LOOK_S, self._look_again)

    def _look_again(self) -> None:
        self.run_worker(self._look(), group="look", exclusive=True)

    async def _fetch(self) -> None:
        try:
            found = await self.desk.link.call(CARD_LIST, Page(limit=MOST_ROWS))
            self._rows = {row.uid.upper(): row for row in found.rows}
        except StationError as error:
            self.say_error(error)
        await self._look()

    async def _look(self) -> None:
        self._cards = self._hands.cards()
        try:
            await self._hands.look()
            self._choose_what_lies_there()
        except StationError as error:
            self.say(error_sentence(error), "failed")
        self.redraw()

    def _choose_what_lies_there(self) -> None:
        """Begin at the card on the reader."""
        there = (u for u, p in self._hands.places.items() if p == ON_THE_READER)
        uid = next(there, "")
        if not self._begun and uid in self._cards:
            self._card = self._cards.index(uid)
        self._begun = True

    def offered_keys(self) -> Keys:
        """Name what hands can do."""
        return [
            ("Enter", _("to the reader, or away")),
            ("↑↓", _("card")),
            ("←→", _("nozzle")),
            ("0-9", _("gas")),
            ("D", _("drive there and fill")),
            ("S", _("stop")),
            ("P", _("paper out, in")),
            ("Esc", _("back")),
        ]

    def action_leave(self) -> None:
        """Go back to what lies below: the counter, or a form that waits."""
        self.app.pop_screen()
        below = self.app.screen
        if isinstance(below, StationScreen):
            below.draw(EVERYTHING)

    @property
    def _nozzle_no(self) -> int:
        numbers = sorted(self._hands.guns)
        return numbers[self._nozzle % len(numbers)] if numbers else 0

    @property
    def _uid(self) -> str:
        return self._cards[self._card % len(self._cards)] if self._cards else ""

    def _nozzle_lines(self) -> Content:
        figure = self.desk.picture.nozzles.get(self._nozzle_no)
        state = ""
        if figure is not None:
            look = nozzle_look(figure, stale=False)
            state = look.shape + _(look.text)
        gas = self._amount.text or _USUAL_FILL
        return stacked(
            [
                line((_("Hands of the demonstration"), "bold"), self._second()),
                line(
                    _("Nozzle") + " ",
                    (f"< {self._nozzle_no} >", "bold $accent"),
                    f" {state}    ",
                    _("fill") + " ",
                    (f"[ {gas:>6} ]", "bold"),
                    " m³    ",
                    labelled(_("paper"), "●" if self._hands.paper else "○"),
                ),
                Content(""),
            ]
        )

    def _second(self) -> str:
        """Name who can stand behind an act that takes two people."""
        second = self._hands.second_operator
        return "    " + labelled(_("Second operator"), second) if second else ""

    def _card_lines(self) -> Content:
        rows = []
        for number, uid in enumerate(self._cards):
            here = number == self._card % len(self._cards)
            known = self._rows.get(uid)
            name = word("new") if known is None else clean(known.card_no)
            plate = clean(known.plate) if known else ""
            marker = "▸" if here else " "
            text = f"{marker} {fit(uid, 16)}{fit(name, 12)}{fit(plate, 12)}"
            rows.append(line((text + self._place(uid), "bold" if here else "")))
        return stacked(rows)

    def _place(self, uid: str) -> str:
        place = self._hands.places.get(uid, "")
        return labelled(_("nozzle"), place) if place.isdigit() else _(place)

    # What hands do.

    def on_key(self, event: events.Key) -> None:
        """Type how much is filled."""
        if event.character and self._amount.type(event.character):
            event.stop()
            self.redraw()

    def action_erase(self) -> None:
        """Take the last digit back."""
        self._amount.erase()
        self.redraw()

    def action_move_card(self, by: int) -> None:
        """Choose another card."""
        self._card = (self._card + by) % max(len(self._cards), 1)
        self.redraw()

    def action_move_nozzle(self, by: int) -> None:
        """Choose another nozzle."""
        self._nozzle += by
        self.redraw()

    def action_put_or_pull(self) -> None:
        """Put the card on the reader or pull it away."""
        uid = self._uid
        if uid:
            self.run_worker(self._try(lambda: self._hands.put_or_pull(uid)))

    def action_stop(self) -> None:
        """Stop the fill."""
        nozzle_no = self._nozzle_no
        self.run_worker(self._try(lambda: self._hands.stop(nozzle_no)))

    def action_paper(self) -> None:
        """Take the paper out or put it in."""
        self.run_worker(self._try(self._hands.turn_paper))

    def action_drive(self) -> None:
        """Let the vehicle fill; it goes on when this screen is left."""
        if self._uid and self._nozzle_no:
            hundredths = self._amount.hundredths or int(_USUAL_FILL) * 100
            self.app.run_worker(self._drive(self._uid, self._nozzle_no, hundredths))

    async def _drive(self, uid: str, nozzle_no: int, hundredths: int) -> None:
        try:
            refused = await self._hands.drive(uid, nozzle_no, hundredths)
        except StationError as error:
            self.say(error_sentence(error), "failed")
            return
        text = _REFUSED if refused else _FILLED
        why = _WHY_REFUSED.get(refused, refused)
        self.say(filled(text, nozzle_no=nozzle_no, why=why))

    async def _try(self, act: Callable[[], Awaitable[None]]) -> None:
        try:
            await act()
        except StationError as error:
            self.say(error_sentence(error), "failed")
        self.redraw()

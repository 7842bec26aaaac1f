"""The last line: how each daemon and device is, what waits, when the books held."""

from typing import TYPE_CHECKING

from textual.content import Content

from cngstation.language import _
from tui.areas import Area
from tui.desk import Desk
from tui.figures import minute_text
from tui.link import Part as DaemonPart
from tui.texts import error_sentence, labelled, sentence
from tui.widgets.lines import Lines, Part, line
from tui.words import DEVICE_LOOKS

if TYPE_CHECKING:
    from cngstation.rpc.contract.figures import DeviceHealth

_STYLES = {"good": "$success", "warning": "bold $warning", "error": "bold $error"}


class StatusLine(Lines):
    """Shape and word for each part; a lost one is red and stops nothing else."""

    AREAS = Area.STATUS | Area.BOOKS
    DEFAULT_CSS = "StatusLine { height: 1; padding: 0 1; }"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    def content(self) -> Content:
        """Write monitor, reader, printer, uplink, the outbox and the books."""
        picture = self._desk.picture
        counter = picture.is_up(DaemonPart.COUNTER)
        uplink = picture.uplink.health if picture.uplink else None
        parts: list[Part] = [
            *self._device(_("Monitor"), DaemonPart.FORECOURT, self._lines()),
            *self._device(_("Reader"), DaemonPart.COUNTER, picture.reader),
            *self._device(
                _("Printer"), DaemonPart.COUNTER, picture.printer if counter else None
            ),
            *self._device(_("Uplink"), DaemonPart.UPLINK, uplink),
        ]
        if self._disk_is_short():
            parts += self._device(_("Disk"), DaemonPart.COUNTER, picture.disk)
        elif picture.uplink is not None and picture.is_up(DaemonPart.UPLINK):
            parts.append(labelled(_("to send"), picture.uplink.waiting) + "  ")
        return line(*parts, *self._books())

    def _disk_is_short(self) -> bool:
        disk = self._desk.picture.disk
        counter = self._desk.picture.is_up(DaemonPart.COUNTER)
        return counter and disk is not None and disk.state != "online"

    def _device(
        self, name: str, part: DaemonPart, health: "DeviceHealth | None"
    ) -> list[Part]:
        picture = self._desk.picture
        if not picture.is_up(part):
            look = DEVICE_LOOKS["offline"]
        else:
            look = DEVICE_LOOKS[health.state] if health else DEVICE_LOOKS["online"]
        shown = look.shape + _(look.text)
        if health is not None and health is picture.disk:
            shown = look.shape + disk_left(health)
        if part is DaemonPart.FORECOURT and look is DEVICE_LOOKS["online"]:
            silent = silent_nozzles(self._desk)
            if silent:
                text = _("{count} silent").replace("{count}", str(len(silent)))
                look, shown = DEVICE_LOOKS["trouble"], f"!{text}"
        return [f"{name} ", (shown, _STYLES.get(look.style, "")), "  "]

    def _lines(self) -> "DeviceHealth | None":
        """Return the worst of the lines: one bad cable shows."""
        order = list(DEVICE_LOOKS)
        healths = [figure.health for figure in self._desk.picture.lines.values()]
        return max(healths, key=lambda health: order.index(health.state), default=None)

    def _books(self) -> list[Part]:
        books = self._desk.picture.books
        if books is None:
            return [_("Books unchecked")]
        at = minute_text(books.at_ms)
        if books.proved:
            return [_("Books hold {at}").replace("{at}", at)]
        return [(_("BOOKS DO NOT HOLD {at}").replace("{at}", at), "bold $error")]


def disk_left(health: "DeviceHealth") -> str:
    """Return what is left on a disk that is short of room."""
    left = {fact.name: fact.value for fact in health.facts}.get("free", "?")
    return f"{left} MiB"


def silent_nozzles(desk: Desk) -> list[int]:
    """Return the nozzles that do not answer though their line is well."""
    nozzles = desk.picture.nozzles.values()
    return sorted(n.nozzle_no for n in nozzles if n.link == "offline")


def troubles(desk: Desk) -> list[str]:
    """Say in sentences what is not well; for the help of this screen."""
    picture = desk.picture
    said = [error_sentence(error) for error in picture.lost.values() if error]
    healths = [picture.reader, picture.printer, picture.disk]
    healths += [figure.health for figure in picture.lines.values()]
    healths += [picture.uplink.health] if picture.uplink else []
    if silent := silent_nozzles(desk):
        text = _(
            "Nozzles {numbers} do not answer: look at their power and cable. What "
            "they fill is booked when they answer again."
        )
        said.append(text.replace("{numbers}", ", ".join(map(str, silent))))
    said += [
        sentence(health.text, health.facts)
        for health in healths
        if health is not None and health.text and health.state != "absent"
    ]
    return said

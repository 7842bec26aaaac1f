"""Frames that were overheard, as lines of text in the user's language."""

from dataclasses import dataclass

from cngstation.language import _, mark
from cngstation.protocols.dispenser.overheard import Figure, Overheard, Speaker
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.services.overhear_line import Ear

_ARROWS = {Speaker.HOST: "→", Speaker.DISPENSER: "←", Speaker.UNKNOWN: "?"}
_WAYS = {Speaker.HOST: "sent", Speaker.DISPENSER: "received", Speaker.UNKNOWN: ""}
_SCORE = mark(
    "{title}: {frames} frames, {share} per cent of the bytes, {bad} wrong checksums."
)
_HEARD = mark("{count} bytes were heard.")
_NOTHING = mark("Nothing was heard: no poll within this time, or no wire.")
_NONE = mark("No protocol explains them: try another speed or parity.")


@dataclass(frozen=True, slots=True)
class Shown:
    """A frame and when it was whole."""

    at: str
    frame: Overheard


def frame_line(shown: Shown, *, as_hex: bool = False) -> str:
    """Return one frame in one line; `as_hex` as a capture has it."""
    frame = shown.frame
    if as_hex:
        at = shown.at if not shown.at.startswith("@") else ""
        parts = [at, _WAYS[frame.speaker], frame.raw.hex().upper()]
        return " ".join(part for part in parts if part)
    figures = "  ".join(map(_figure, frame.figures))
    head = f"{shown.at:>12} {_ARROWS[frame.speaker]} {frame.address:>3}"
    return f"{head} {_(frame.command)}  {figures}".rstrip()


def summary(ear: Ear) -> str:
    """Return what was heard and how well each protocol explains it."""
    if not ear.heard_bytes:
        return "# " + _(_NOTHING) + "\n"
    lines = [_(_HEARD).format(count=ear.heard_bytes)]
    if ear.verdict() is None:
        lines.append(_(_NONE))
    for score in ear.scores():
        if not score.frames:
            continue
        told = _(_SCORE).format(
            title=PROTOCOLS[score.protocol].title,
            frames=score.frames,
            share=100 * score.explained_bytes // ear.heard_bytes,
            bad=score.bad_checksums,
        )
        lines.append(told)
    return "".join(f"# {line}\n" for line in lines)


def _figure(figure: Figure) -> str:
    parts = [_(figure.name), figure.value, _(figure.word) if figure.word else ""]
    return " ".join(part for part in parts if part)

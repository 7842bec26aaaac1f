"""Three looks: dark, light, and one of high contrast; none needs colour to be read.

The good and the bad differ in lightness as well as in hue: blue and orange, which
colour-blind people tell apart.
"""

from textual.theme import Theme

DARK = Theme(
    name="station-dark",
    primary="#5a7fa6",
    accent="#7cc4ff",
    success="#7fd0c0",
    warning="#ffc857",
    error="#ff8066",
    foreground="#e6e6e6",
    background="#14181d",
    surface="#1b2027",
    panel="#263040",
    dark=True,
    variables={"text-muted": "#9aa5b1"},
)
LIGHT = Theme(
    name="station-light",
    primary="#40658c",
    accent="#005a9c",
    success="#00695c",
    warning="#8a5300",
    error="#b3261e",
    foreground="#1a1a1a",
    background="#fafafa",
    surface="#f0f0f0",
    panel="#dde5ee",
    dark=False,
    variables={"text-muted": "#5a6470"},
)
CONTRAST = Theme(
    name="station-contrast",
    primary="#ffffff",
    accent="#00ffff",
    success="#00ff9c",
    warning="#ffff00",
    error="#ff9c9c",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#000060",
    dark=True,
    variables={"text-muted": "#d0d0d0"},
)
THEMES = (DARK, LIGHT, CONTRAST)


def next_theme(name: str) -> str:
    """Return the look that follows."""
    names = [theme.name for theme in THEMES]
    return names[(names.index(name) + 1) % len(names)]

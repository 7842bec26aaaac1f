"""The least that Textual can show: `python -m tests.bench.empty_app`."""

import os

os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")  # as ours does

from textual.app import App, ComposeResult
from textual.widgets import Static


class EmptyApp(App[None]):
    """One word."""

    def compose(self) -> ComposeResult:
        """Show one word, by which its first frame is known."""
        yield Static("Operator")


if __name__ == "__main__":
    EmptyApp().run()

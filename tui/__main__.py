"""Starts the screen: `python -m tui --runtime-dir DIR [--language en]`."""

import argparse
import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

# Before Textual is imported: over SSH every frame of an animation is paid for.
os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
# At the usual 60 a key that comes just after a figure waits for up to 17 ms.
os.environ.setdefault("TEXTUAL_FPS", "500")

# What is imported stays: looking through it for garbage would delay the first frame.
# The app turns the collector on again when the rest is loaded.
gc.disable()

if TYPE_CHECKING:
    from tui.link import Link

_DEFAULT_FOLDER = Path("/run/cngstation")


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("tui", description="The screen of the station.")
    parser.add_argument(
        "--runtime-dir",
        type=Path,
        default=_DEFAULT_FOLDER,
        help="folder of the daemons' sockets (default: %(default)s)",
    )
    parser.add_argument("--language", choices=("zh_CN", "en"), default="zh_CN")
    parser.add_argument("--demo", type=Path, help="file written by the demonstration")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    """Run the screen until it is left."""
    from tui.app import StationApp

    arguments = _arguments(sys.argv[1:] if words is None else words)
    folder: Path = arguments.runtime_dir
    demo = None
    if arguments.demo is not None:
        from tui.demo import read_demo

        demo = read_demo(arguments.demo)

    def make_link() -> "Link":
        from tui.socket_link import SocketLink

        return SocketLink(folder, terminal=_terminal())

    StationApp(make_link, language=arguments.language, demo=demo).run()
    return 0


def _terminal() -> str:
    """Name this terminal in the audit: its device, or that there is none."""
    try:
        return Path(os.ttyname(0)).as_posix().removeprefix("/dev/")[:40]
    except OSError:
        return "none"


if __name__ == "__main__":
    sys.exit(main())

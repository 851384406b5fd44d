"""What every command that opens the window takes: a picture of it instead of an evening with it."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

PANELS = ("annotate", "dataset", "train", "models", "explore", "export", "settings")
_SIZE = re.compile(r"(\d{3,5})x(\d{3,5})")


def add_window_options(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--screenshot", type=Path, metavar="FILE", help="save a PNG of the window and exit"
    )
    parser.add_argument("--panel", choices=PANELS, default="annotate", help="the page to show")
    parser.add_argument("--theme", choices=("light", "dark"), help="colours, for this time only")
    parser.add_argument("--size", type=_size, metavar="WxH", help="size of the window in pixels")


def _size(text: str) -> tuple[int, int]:
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ArgumentTypeError(f"expected a size such as 1440x900, received {text!r}")
    return int(match[1]), int(match[2])

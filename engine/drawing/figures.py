"""Matplotlib without its global state: figures that belong to the caller and need no display."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.drawing.fonts import find_font
from engine.runtime.atomic import atomic_path

_FONT_SIZE = 12  # any: letters are looked for


@contextmanager
def figure(path: str | Path, width: float, height: float, **layout: Any) -> Iterator[Any]:
    """Give an empty figure and save it to ``path`` at the end; the file appears complete or not at all.

    Letters that matplotlib's own font lacks, as in names of classes, are taken from a font of the system.

    Args:
        path: Where to save; the ending chooses the format.
        width: In inches, at 200 dots each.
        height: In inches.
        layout: More arguments of ``matplotlib.figure.Figure``.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(figsize=(width, height), layout="constrained", **layout)
    FigureCanvasAgg(made)
    yield made
    _add_letters(made)
    with atomic_path(path) as temporary, warnings.catch_warnings():
        # Once for each letter and place; that there is no font for them was said by find_font.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        made.savefig(temporary, dpi=200)


def _add_letters(made: Any) -> None:
    """Let texts of other scripts than Latin fall back on a font that has their letters."""
    from matplotlib import get_data_path
    from matplotlib.font_manager import FontProperties, fontManager
    from matplotlib.text import Text

    texts = [text for text in made.findobj(Text) if not text.get_text().isascii()]
    letters = "".join(sorted({c for text in texts for c in text.get_text() if not c.isascii()}))
    if not letters:
        return
    own = str(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")
    file = getattr(find_font(own, _FONT_SIZE, letters), "path", None)
    if not isinstance(file, str | Path) or str(file) == own:
        return
    fontManager.addfont(file)
    family = FontProperties(fname=str(file)).get_name()
    for text in texts:
        text.set_fontfamily([*text.get_fontfamily(), family])

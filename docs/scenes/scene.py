"""What a scene is: a name, a play, and the size of the window it is played in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from PySide6.QtCore import QRect
    from PySide6.QtWidgets import QWidget

    from docs.scenes.stage import Stage

# Of a whole window, and of one whose tools and picture are looked at
PAGE, CLOSE = (1440, 900), (1120, 720)


@dataclass(frozen=True, slots=True)
class Shot:
    """What is photographed.

    Attributes:
        widget: A widget of the window, or a window of its own.
        part: Only this part of it; None: all.
        over: A window of its own that lies over the widget.
    """

    widget: QWidget
    part: QRect | None = None
    over: QWidget | None = None


Play: TypeAlias = "Callable[[Stage], Iterator[Shot]]"


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture in each colour scheme.

    Attributes:
        name: Of the file, without the scheme.
        play: Brings the window to the moment, yields what is photographed, then tidies up.
        size: Width and height of the window.
        needs: What must be there: nothing, an open "project", a "live" training, a "trained" model, or the frames of
            a "video", which change what the other pages show.
    """

    name: str
    play: Play
    size: tuple[int, int] = PAGE
    needs: str = "project"

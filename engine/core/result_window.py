"""A window that shows pictures while a prediction runs: ``show=True``."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from engine.runtime.log import LOGGER

# Larger pictures are made smaller to fit, in parts of the screen.
SCREEN_SHARE = 0.9


class ResultWindow:
    """Shows one picture after the other; a person may close it, and the prediction goes on.

    Where no window can be opened, that is said once and nothing more happens.

    Attributes:
        is_open: Whether pictures are seen.
    """

    def __init__(self, title: str = "Predictions") -> None:
        self._root: Any = None
        self._label: Any = None
        self._title, self._tried = title, False

    @property
    def is_open(self) -> bool:
        """Whether there is a window at the moment."""
        return self._root is not None

    def show(self, picture: np.ndarray, title: str = "") -> None:
        """Show (H, W, 3) uint8 BGR instead of the picture before."""
        if not self._tried:
            self._tried = True
            self._open()
        if self._root is None:
            return
        import tkinter as tk

        try:
            self._draw(picture, title or self._title)
        except tk.TclError:  # it was closed while it was drawn
            self._root = None

    def close(self) -> None:
        """Take the window away."""
        if self._root is not None:
            self._root.destroy()
        self._root = None

    def _open(self) -> None:
        try:
            import tkinter as tk
        except ImportError as error:
            self._cannot(error)
            return
        try:
            self._root = tk.Tk()
        except (tk.TclError, RuntimeError) as error:  # no screen, or not the main thread
            self._cannot(error)
            return
        self._root.title(self._title)
        self._root.protocol("WM_DELETE_WINDOW", self.close)
        self._root.bind("<Escape>", lambda _event: self.close())
        self._root.bind("q", lambda _event: self.close())
        self._label = tk.Label(self._root, borderwidth=0)
        self._label.pack()

    def _draw(self, picture: np.ndarray, title: str) -> None:
        from PIL import ImageTk

        width, height = self._root.winfo_screenwidth(), self._root.winfo_screenheight()
        image = Image.fromarray(np.ascontiguousarray(picture[..., ::-1]))
        image.thumbnail((int(width * SCREEN_SHARE), int(height * SCREEN_SHARE)))
        photo = ImageTk.PhotoImage(image, master=self._root)
        self._label.configure(image=photo)
        self._label.image = photo  # Tk itself keeps no reference
        self._root.title(title)
        self._root.update()

    @staticmethod
    def _cannot(error: Exception) -> None:
        LOGGER.warning(
            "show=True: no window can be opened (%s); save=True writes the pictures.", error
        )

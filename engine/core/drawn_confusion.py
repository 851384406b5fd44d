"""A confusion matrix that draws itself: what validations hand to people."""

from __future__ import annotations

from pathlib import Path

from engine.drawing.curves import plot_confusion_matrix
from engine.metrics.classification import ClassConfusion
from engine.metrics.confusion import ConfusionMatrix


class DrawnConfusion(ConfusionMatrix):
    """A confusion matrix with :meth:`plot`."""

    def plot(self, save_dir: str | Path = "", normalize: bool | None = None) -> list[Path]:
        """Draw ``confusion_matrix.png`` and ``confusion_matrix_normalized.png`` and return what was written.

        Args:
            save_dir: Folder.
            normalize: True draws shares of each true class only, False counts only, None both.
        """
        return plot_confusion_matrix(self, save_dir, normalize)


class DrawnClassConfusion(DrawnConfusion, ClassConfusion):
    """A classifier's confusion matrix with :meth:`plot`."""

"""TensorBoard: event files in the run directory, for ``tensorboard --logdir runs``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.integrations.run_logger import RunEnd, RunLogger, RunStart


class TensorBoardLogger(RunLogger):
    """Writes curves, the arguments as a table, and the plots."""

    title = "TensorBoard"
    package = "tensorboard"

    def __init__(self) -> None:
        self._writer: Any = None
        self._last = 0

    def start(self, run: RunStart) -> str:
        """Open an event file; what an earlier file says of these epochs counts no more."""
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(run.folder), purge_step=run.first_epoch)
        rows = "\n".join(f"| {k} | {v} |" for k, v in {**run.facts, **run.arguments}.items())
        table = f"| name | value |\n| --- | --- |\n{rows}"
        self._writer.add_text("arguments", table, run.first_epoch)
        return ""

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        """Write a point of each curve."""
        self._last = number
        for name, value in values.items():
            self._writer.add_scalar(name, value, number)
        self._writer.flush()

    def finish(self, end: RunEnd) -> None:
        """Write the best weights' measures and the plots."""
        from PIL import Image

        for name, value in end.metrics.items():
            self._writer.add_scalar(f"best/{name}", value, self._last)
        for path in end.plots:
            with Image.open(path) as picture:
                pixels = picture.convert("RGB")
            self._writer.add_image(path.stem, _array(pixels), self._last, dataformats="HWC")

    def close(self, failed: bool) -> None:
        """Close the file."""
        self._writer.close()


def _array(picture: Any) -> Any:
    import numpy as np

    return np.asarray(picture)

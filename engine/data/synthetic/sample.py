"""The sample project's data: scenes written as a YOLO data set, some of them not labelled yet."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from engine.data.formats import LabelledDataset, LabelledImage, write
from engine.data.images import write_image
from engine.data.synthetic.outlines import NAMES
from engine.data.synthetic.scene import draw_scene
from engine.runtime.errors import DatasetError

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class SampleReport:
    """What was written.

    Attributes:
        yaml_file: The data.yaml.
        train: Labelled pictures to train on.
        val: Labelled pictures to validate on.
        unlabelled: Pictures without labels.
        annotations: Objects in the labelled pictures.
    """

    yaml_file: Path
    train: int
    val: int
    unlabelled: int
    annotations: int

    @property
    def images(self) -> int:
        """Return the number of all pictures."""
        return self.train + self.val + self.unlabelled


def write_sample(
    folder: str | Path,
    images: int = 160,
    seed: int = 0,
    size: tuple[int, int] = (480, 360),
    unlabelled: int = 10,
    val: float = 0.2,
    progress: Progress | None = None,
) -> SampleReport:
    """Draw scenes and write them as a YOLO segmentation data set.

    The labels are the visible outlines, holes included, so a model is trained on and measured against
    what the picture shows. Picture number i of a seed is the same whatever the other arguments are.

    Args:
        folder: Where to write; made where missing.
        images: Number of pictures in all.
        seed: Of the scenes.
        size: Width and height in pixels.
        unlabelled: How many of the pictures come without labels, under ``images/unlabelled``.
        val: Share of the labelled pictures that go to the val split, at least one.
        progress: Called with (done, images) in this thread; an exception it raises stops the work.

    Raises:
        DatasetError: The numbers do not add up or the folder cannot be written.
    """
    folder, labelled = Path(folder), images - unlabelled
    if labelled < 2 or unlabelled < 0 or not 0 < val < 1:
        raise DatasetError(
            f"Expected at least two labelled images and a val share between 0 and 1, received "
            f"{images} images, {unlabelled} unlabelled and {val}."
        )
    in_val = min(max(1, round(labelled * val)), labelled - 1)
    splits = ["train"] * (labelled - in_val) + ["val"] * in_val + [None] * unlabelled
    with tempfile.TemporaryDirectory() as drawn:
        records = _draw(Path(drawn), splits, seed, size, progress)
        dataset = LabelledDataset(dict(enumerate(NAMES)), records)
        report = write(dataset, folder, "yolo", task="segment")
    return SampleReport(report.path, labelled - in_val, in_val, unlabelled, report.annotations)


def _draw(
    folder: Path,
    splits: list[str | None],
    seed: int,
    size: tuple[int, int],
    progress: Progress | None,
) -> list[LabelledImage]:
    """Draw all scenes in threads: numpy and OpenCV release the interpreter's lock."""

    def draw(index: int) -> LabelledImage:
        scene = draw_scene((seed, index), size)
        path = write_image(folder / f"parts_{index:04d}.jpg", scene.image, quality=92)
        labels = scene.annotations if splits[index] else None
        return LabelledImage(path, *size, splits[index], labels)

    records = []
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1), thread_name_prefix="draw") as pool:
        try:
            for record in pool.map(draw, range(len(splits))):
                records.append(record)
                if progress:
                    progress(len(records), len(splits))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return records

"""What the table of a data set says of each picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.data.class_folders import find_class_images, read_classify_data
from engine.data.fetch import open_data_yaml
from engine.data.images import inspect_image
from engine.data.labels.cache import verify_images_cached
from engine.data.labels.paths import find_images
from engine.data.yaml_file import SPLITS, require_split
from engine.ops.boxes import xywh2xyxy
from engine.runtime.errors import ConfigError, ImageError
from engine.runtime.log import LOGGER


@dataclass(frozen=True)
class ImageRow:
    """One picture of a data set.

    Attributes:
        im_file: Its file.
        width: In pixels, upright.
        height: In pixels, upright.
        digest: Stands for the file's content.
        cls: Class number of each object.
        labels: Class name of each object.
        bboxes: Corners of each object in pixels; none for pictures in class folders.
    """

    im_file: str
    width: int
    height: int
    digest: bytes
    cls: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    bboxes: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class DatasetRows:
    """The pictures of one split.

    Attributes:
        rows: In the data set's order; what cannot be read is left out.
        names: Class names.
    """

    rows: tuple[ImageRow, ...]
    names: tuple[str, ...]


def read_rows(data: str | Path, split: str) -> DatasetRows:
    """Read the pictures of a split and what is labelled in them.

    Args:
        data: A data.yaml, or a folder with one folder of pictures a class.
        split: train, val or test.

    Raises:
        ConfigError: There is no such split name.
        DatasetError: The data set cannot be used.
    """
    if split not in SPLITS:
        raise ConfigError(
            f"split expects one of {', '.join(SPLITS)}, received {split!r}.", value=split
        )
    place = Path(data).expanduser()
    if place.is_dir() and not any(place.glob("*.y*ml")):
        return _of_class_folders(place, split)
    described = open_data_yaml(data)
    files, problems = find_images(require_split(described, split))
    names: dict[int, str] = described["names"]
    # Every number counts that has a name or not: a table is for finding such mistakes.
    verified = verify_images_cached(files, None, described.get("kpt_shape"))
    rows = []
    for image in verified:
        problems += image.problems
        if image.size_wh is not None:
            rows.append(_row(image.file, image.size_wh, image.digest, image.rows or (), names))
    _tell(problems, len(files) - len(rows))
    return DatasetRows(tuple(rows), tuple(names.values()))


def _of_class_folders(folder: Path, split: str) -> DatasetRows:
    """Read the pictures of a classification data set."""
    described = read_classify_data(folder)
    if described[split] is None:
        raise ConfigError(f"{folder} has no '{split}' split.", value=split)
    files, classes, problems = find_class_images(described[split], described["folders"])
    rows = []
    for file, number in zip(files, classes, strict=True):
        try:
            (width, height), digest = inspect_image(file)
        except ImageError as error:
            LOGGER.warning("%s", error)
            continue
        name = described["names"][number]
        rows.append(ImageRow(str(file), width, height, digest, (number,), (name,)))
    _tell(problems, len(files) - len(rows))
    return DatasetRows(tuple(rows), tuple(described["names"].values()))


def _row(
    file: Path,
    size_wh: tuple[int, int],
    digest: bytes,
    labels: Sequence[object],
    names: dict[int, str],
) -> ImageRow:
    """Return the row of a picture with its objects."""
    numbers = [int(label.class_id) for label in labels]  # type: ignore[attr-defined]
    boxes = np.array([label.box for label in labels], dtype=np.float64).reshape(-1, 4)  # type: ignore[attr-defined]
    corners = xywh2xyxy(boxes) * np.tile(size_wh, 2)
    told = (tuple(round(v, 2) for v in row) for row in corners.tolist())
    named = tuple(names.get(number, f"class {number}") for number in numbers)
    return ImageRow(str(file), *size_wh, digest, tuple(numbers), named, tuple(told))


def _tell(problems: Sequence[object], left_out: int) -> None:
    for problem in problems[:10]:
        LOGGER.warning("%s", problem)
    if left_out:
        LOGGER.warning("%d images cannot be read and are left out.", left_out)

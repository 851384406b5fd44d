"""What a project holds, counted: classes, shapes an image, sizes, places, which classes occur together."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from engine.data.annotations import geometry_from_dict
from studio.language import tr
from studio.model.errors import CancelledError
from studio.model.project import Project
from studio.model.records import ClassDef
from studio.storage.geometry_codec import polygon_points
from studio.storage.image_index import store_of
from studio.storage.project_files import open_project
from studio.storage.sqlite_store import SqliteStore

CELLS = 16  # rows and columns of the map of places
SAMPLE = 200_000  # shapes whose outlines are read; of more every n-th is
# Upper ends of the bins: longer side of a shape's box in pixels of the image; width over height of an image.
SHAPE_SIZES = (8, 16, 32, 64, 128, 256, 512)
ASPECTS = (0.5, 0.7, 0.9, 1.1, 1.4, 1.8, 2.5)
IMAGE_SIZES = (320, 640, 1280, 1920, 2560, 4096, 8192)
_CHUNK = 2_000
# CROSS: a part of the shapes, then their images. SQLite would look through all images for each part.
_PART = (
    "SELECT image_id, class_id, geometry, width, height FROM shapes "
    "CROSS JOIN images ON images.id = image_id WHERE shapes.id >= ? AND shapes.id < ? "
    "AND shapes.id % ? = 0 AND width > 0 AND removed = 0 AND kind <> 'tag'"
)
_TOGETHER = 24  # classes of the table of pairs


@dataclass(frozen=True)
class Boxes:
    """Boxes of shapes, one entry each.

    Attributes:
        image: The image.
        cls: The class.
        xyxy: (N, 4) float64, pixels of the image.
        wh: (N, 2) float64, size of the image in pixels.
    """

    image: np.ndarray
    cls: np.ndarray
    xyxy: np.ndarray
    wh: np.ndarray

    def sides(self) -> np.ndarray:
        """Return the longer side of each box in pixels."""
        return np.maximum(self.xyxy[:, 2] - self.xyxy[:, 0], self.xyxy[:, 3] - self.xyxy[:, 1])

    def cells(self) -> np.ndarray:
        """Return the row * CELLS + column of the map that the middle of each box lies in."""
        middle = (self.xyxy[:, :2] + self.xyxy[:, 2:]) / 2
        place = np.clip((middle / self.wh * CELLS).astype(int), 0, CELLS - 1)
        return place[:, 1] * CELLS + place[:, 0]


@dataclass(frozen=True)
class Statistics:
    """The counts.

    Attributes:
        classes: The classes in their order.
        images: Number of images.
        shapes: Number of shapes of each class id.
        images_with: Number of images with each class id.
        shapes_an_image: Number of images with 0, 1, 2, ... shapes.
        image_sizes: Images by their longer side: a bin of :data:`IMAGE_SIZES`, the last one open.
        aspects: Images by width over height: a bin of :data:`ASPECTS`, the last one open.
        unmeasured: Images whose size nobody has read yet.
        shape_sizes: Shapes by the longer side of their box: a bin of :data:`SHAPE_SIZES`, the last one open.
        places: (CELLS, CELLS) shapes by the middle of their box, rows from top to bottom.
        median_side: For each class id the median longer side in pixels.
        together: Numbers of images with both of two classes, by their ids, the smaller first.
        splits: For each class id the number of images of each split.
        stride: Sizes and places are from every so many-th shape.
    """

    classes: tuple[ClassDef, ...]
    images: int
    shapes: dict[int, int]
    images_with: dict[int, int]
    shapes_an_image: tuple[int, ...]
    image_sizes: tuple[int, ...]
    aspects: tuple[int, ...]
    unmeasured: int
    shape_sizes: tuple[int, ...]
    places: np.ndarray
    median_side: dict[int, float] = field(default_factory=dict)
    together: dict[tuple[int, int], int] = field(default_factory=dict)
    splits: dict[int, dict[str, int]] = field(default_factory=dict)
    stride: int = 1


def gather(
    folder: Path,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    is_cancelled: Callable[[], bool] = lambda: False,
    sample: int = SAMPLE,
) -> Statistics:
    """Count a project; for a thread of its own.

    Args:
        folder: The project folder.
        progress: Called with (done, total) shapes.
        is_cancelled: Asked now and then.
        sample: Read the outlines of about so many shapes.

    Raises:
        CancelledError: ``is_cancelled`` said so.
        StorageError: The project cannot be read.
    """
    with open_project(folder, read_only=True) as project:
        store = store_of(project)
        shapes = project.class_counts()
        stride = max(1, -(-sum(shapes.values()) // sample))
        boxes = read_boxes(store, stride, progress, is_cancelled)
        sides = boxes.sides()
        widths, aspects, unmeasured = _image_sizes(store)
        return Statistics(
            classes=tuple(project.classes()),
            images=project.count_images(),
            shapes=shapes,
            images_with=_images_with(store),
            shapes_an_image=_shapes_an_image(store),
            image_sizes=_bins(widths, IMAGE_SIZES),
            aspects=_bins(aspects, ASPECTS),
            unmeasured=unmeasured,
            shape_sizes=_bins(sides, SHAPE_SIZES),
            places=np.bincount(boxes.cells(), minlength=CELLS * CELLS).reshape(CELLS, CELLS),
            median_side={
                int(c): float(np.median(sides[boxes.cls == c])) for c in np.unique(boxes.cls)
            },
            together=_together(store, shapes),
            splits=_splits(store),
            stride=stride,
        )


def images_in_cell(
    folder: Path, row: int, column: int, is_cancelled: Callable[[], bool] = lambda: False
) -> list[int]:
    """Return all images with a shape whose middle lies in a cell of the map; for a thread of its own."""
    return _images_where(folder, lambda boxes: boxes.cells() == row * CELLS + column, is_cancelled)


def images_with_side(
    folder: Path,
    low: float,
    high: float,
    class_id: int | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> list[int]:
    """Return all images with a shape whose longer side is in [low, high) pixels; for a thread of its own."""

    def chosen(boxes: Boxes) -> np.ndarray:
        sides = boxes.sides()
        fits = (sides >= low) & (sides < high)
        return fits if class_id is None else fits & (boxes.cls == class_id)

    return _images_where(folder, chosen, is_cancelled)


def images_with_both(project: Project, one: int, other: int) -> list[int]:
    """Return the images on which two classes occur."""
    sql = (
        "SELECT image_id FROM image_classes WHERE class_id = ? "
        "INTERSECT SELECT image_id FROM image_classes WHERE class_id = ?"
    )
    return [row[0] for row in store_of(project).db.rows(sql, (one, other))]


def images_of_size(project: Project, low: float, high: float, is_aspect: bool = False) -> list[int]:
    """Return the images whose longer side (or width over height) is in [low, high)."""
    value = "1.0 * width / height" if is_aspect else "MAX(width, height)"
    sql = f"SELECT id FROM images WHERE removed = 0 AND width > 0 AND {value} >= ? AND {value} < ?"
    return [row[0] for row in store_of(project).db.rows(sql, (low, high))]


def bounds_of_bins(ends: tuple[float, ...]) -> list[tuple[float, float]]:
    """Return the lower and upper end of each bin, the first from 0, the last without an end."""
    return list(zip((0.0, *ends), (*ends, float("inf")), strict=True))


def read_boxes(
    store: SqliteStore,
    stride: int,
    progress: Callable[[int, int], None],
    is_cancelled: Callable[[], bool],
) -> Boxes:
    """Return the boxes of every ``stride``-th shape on images whose size is known; tags have none."""
    chunks = list(_box_chunks(store, stride, progress, is_cancelled))
    if not chunks:
        empty = np.zeros(0, dtype=np.int64)
        return Boxes(empty, empty, np.zeros((0, 4)), np.zeros((0, 2)))
    return Boxes(
        np.concatenate([chunk.image for chunk in chunks]),
        np.concatenate([chunk.cls for chunk in chunks]),
        np.concatenate([chunk.xyxy for chunk in chunks]),
        np.concatenate([chunk.wh for chunk in chunks]),
    )


def _images_where(
    folder: Path, chosen: Callable[[Boxes], np.ndarray], is_cancelled: Callable[[], bool]
) -> list[int]:
    found: set[int] = set()
    with open_project(folder, read_only=True) as project:
        for boxes in _box_chunks(store_of(project), 1, lambda _done, _total: None, is_cancelled):
            found.update(boxes.image[chosen(boxes)].tolist())
    return sorted(found)


def _box_chunks(
    store: SqliteStore,
    stride: int,
    progress: Callable[[int, int], None],
    is_cancelled: Callable[[], bool],
) -> Iterator[Boxes]:
    last = int(store.db.value("SELECT MAX(id) FROM shapes") or 0)
    step = _CHUNK * stride
    for start in range(0, last + 1, step):
        if is_cancelled():
            raise CancelledError(tr("The counting was given up."))
        rows = store.db.rows(_PART, (start, start + step, stride))
        progress(min(start + step, last), last)
        if rows:
            yield Boxes(
                np.array([row[0] for row in rows]),
                np.array([row[1] for row in rows]),
                _bounds([row[2] for row in rows]),
                np.array([row[3:5] for row in rows], dtype=float),
            )


def _bounds(values: Sequence[str | bytes]) -> np.ndarray:
    """Return the boxes of geometry columns, (N, 4) xyxy; packed polygons are not made for that."""
    boxes = np.zeros((len(values), 4))
    packed = [place for place, value in enumerate(values) if isinstance(value, bytes)]
    if packed:
        points = [polygon_points(value) for value in values if isinstance(value, bytes)]
        starts = np.cumsum([0, *map(len, points[:-1])])
        together = np.concatenate(points)
        boxes[packed, :2] = np.minimum.reduceat(together, starts)
        boxes[packed, 2:] = np.maximum.reduceat(together, starts)
    for place, value in enumerate(values):
        if isinstance(value, str):
            boxes[place] = geometry_from_dict(json.loads(value)).bounds()
    return boxes


def _images_with(store: SqliteStore) -> dict[int, int]:
    sql = (
        "SELECT class_id, COUNT(*) FROM image_classes JOIN images ON images.id = image_id "
        "WHERE removed = 0 GROUP BY class_id"
    )
    return dict(store.db.rows(sql))


def _shapes_an_image(store: SqliteStore) -> tuple[int, ...]:
    sql = "SELECT shape_count, COUNT(*) FROM images WHERE removed = 0 GROUP BY shape_count"
    counts = dict(store.db.rows(sql))
    return tuple(counts.get(number, 0) for number in range(max(counts, default=0) + 1))


def _image_sizes(store: SqliteStore) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the longer side and the aspect of each image, and how many are not measured."""
    rows = store.db.rows("SELECT width, height FROM images WHERE removed = 0")
    sizes = np.array(rows, dtype=float).reshape(-1, 2)
    known = sizes[(sizes > 0).all(axis=1)]
    return known.max(axis=1, initial=0), known[:, 0] / known[:, 1], len(sizes) - len(known)


def _splits(store: SqliteStore) -> dict[int, dict[str, int]]:
    sql = (
        "SELECT class_id, COALESCE(split, ''), COUNT(*) FROM image_classes "
        "JOIN images ON images.id = image_id WHERE removed = 0 GROUP BY 1, 2"
    )
    found: dict[int, dict[str, int]] = {}
    for class_id, split, count in store.db.rows(sql):
        found.setdefault(class_id, {})[split] = count
    return found


def _together(store: SqliteStore, shapes: dict[int, int]) -> dict[tuple[int, int], int]:
    """Count the images of each pair among the commonest classes."""
    common = sorted(shapes, key=lambda class_id: -shapes[class_id])[:_TOGETHER]
    columns = {class_id: place for place, class_id in enumerate(sorted(common))}
    sql = (
        "SELECT image_id, class_id FROM image_classes JOIN images ON images.id = image_id "
        f"WHERE removed = 0 AND class_id IN ({', '.join('?' * len(common))})"
    )
    pairs = np.array(store.db.rows(sql, common), dtype=np.int64).reshape(-1, 2)
    _, rows = np.unique(pairs[:, 0], return_inverse=True)
    has = np.zeros((rows.max(initial=-1) + 1, len(columns)), dtype=np.float32)
    has[rows, [columns[class_id] for class_id in pairs[:, 1].tolist()]] = 1
    counts = (has.T @ has).astype(int)
    ids = sorted(columns)
    return {
        (ids[one], ids[other]): int(counts[one, other])
        for one in range(len(ids))
        for other in range(one + 1, len(ids))
        if counts[one, other]
    }


def _bins(values: np.ndarray, ends: tuple[float, ...]) -> tuple[int, ...]:
    places = np.searchsorted(np.asarray(ends, dtype=float), values, side="right")
    return tuple(np.bincount(places, minlength=len(ends) + 1).tolist())

"""Labels for whole folders: a detector's boxes, or boxes that are there already, become outlines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.images import list_images, read_size
from engine.data.labels.parse import decode_text
from engine.data.labels.paths import label_path
from engine.models.sam.batch import Annotated, Found, Pace, annotate
from engine.models.sam.journal import Journal, picture_key
from engine.models.sam.registry import open_segmenter
from engine.ops.outlines import Outline
from engine.ops.polygons import join_rings
from engine.runtime.errors import DatasetError, ModelError
from engine.runtime.log import LOGGER, show_log_by_default
from engine.runtime.paths import write_atomic

_JOURNAL = ".annotating.jsonl"
_TASKS = ("detect", "segment", "pose")


def auto_annotate(
    data: str | Path,
    det_model: str | Path = "yolo11x.pt",
    sam_model: str | Path | None = "sam_b.pt",
    device: Any = "",
    conf: float = 0.25,
    iou: float = 0.45,
    imgsz: int = 640,
    max_det: int = 300,
    classes: Sequence[int] | None = None,
    output_dir: str | Path | None = None,
    go_on: Callable[[Pace], bool] | None = None,
) -> Pace:
    """Label pictures: a detector finds objects, a promptable segmenter outlines them.

    A label file in YOLO's segmentation format is written a picture with objects. A run that was killed goes on where
    it stopped when it is started again with the same arguments.

    Args:
        data: Folder of pictures, or one picture.
        det_model: Detector, a path or a name.
        sam_model: Promptable segmenter, a path or a name; None takes the best on this computer.
        device: Where both run; empty for the first GPU, else the CPU.
        conf: Least confidence of a detection.
        iou: Of two detections of a class that overlap more the weaker one goes.
        imgsz: Side of the detector's input in pixels.
        max_det: Detections at most in a picture.
        classes: Class numbers to keep, None for all.
        output_dir: Folder of the label files; None makes ``NAME_auto_annotate_labels`` beside ``data``.
        go_on: Called after each picture with how it goes; False ends it there.

    Returns:
        How it went: pictures, objects, unreadable pictures, pictures a second.

    Raises:
        DatasetError: There are no pictures, or the folder cannot be written.
        CheckpointError: Weights cannot be used.
        ModelError: The detector finds no boxes.
    """
    show_log_by_default()
    root = Path(data)
    paths = _pictures(root)
    folder = Path(output_dir) if output_dir else root.parent / f"{root.stem}_auto_annotate_labels"
    detector = _open_detector(det_model)
    segmenter = open_segmenter(sam_model, device or None)
    given = {"device": device or None, "conf": conf, "iou": iou, "imgsz": imgsz}
    given |= {"max_det": max_det, "classes": classes and list(classes), "verbose": False}

    def find(_path: Path, image: np.ndarray) -> Found:
        boxes = detector.predict(image, **given)[0].boxes.cpu().numpy()
        return Found(boxes.xyxy, boxes.cls.astype(int), boxes.conf)

    made_with = {**given, "detector": str(det_model), "segmenter": segmenter.identity}
    return _label(paths, root, folder, find, segmenter, made_with, go_on)


def yolo_bbox2segment(
    im_dir: str | Path,
    save_dir: str | Path | None = None,
    sam_model: str | Path | None = "sam_b.pt",
    device: Any = None,
    go_on: Callable[[Pace], bool] | None = None,
) -> Pace | None:
    """Turn the boxes of a YOLO data set into outlines; the set's own labels stay as they are.

    Args:
        im_dir: Folder of pictures, with labels where YOLO's layout has them (``images`` and ``labels``).
        save_dir: Folder of the new label files; None makes ``labels-segment`` beside ``im_dir``.
        sam_model: Promptable segmenter, a path or a name; None takes the best on this computer.
        device: Where it runs; None for the first GPU, else the CPU.
        go_on: Called after each picture with how it goes; False ends it there.

    Returns:
        How it went; None where all labels are outlines already.

    Raises:
        DatasetError: There are no pictures or labels, or a label file is damaged.
        CheckpointError: Weights cannot be used.
    """
    show_log_by_default()
    root = Path(im_dir)
    paths = _pictures(root)
    labelled = [path for path in paths if label_path(path).is_file()]
    if not labelled:
        raise DatasetError(
            "none of its pictures has a label file.",
            path=root,
            remedy=f"The labels of {paths[0].name} are expected at {label_path(paths[0])}.",
        )
    if not any(_has_boxes(label_path(path)) for path in labelled):
        LOGGER.info("%s: all labels are outlines already; nothing to do.", root)
        return None
    folder = Path(save_dir) if save_dir else root.parent / "labels-segment"
    segmenter = open_segmenter(sam_model, device)

    def find(path: Path, image: np.ndarray) -> Found:
        return read_boxes(label_path(path), (image.shape[0], image.shape[1]))

    made_with = {"segmenter": segmenter.identity}
    return _label(labelled, root, folder, find, segmenter, made_with, go_on)


def read_boxes(label: Path, size_hw: tuple[int, int]) -> Found:
    """Return the boxes of a YOLO label file, of outlines the boxes around them, in pixels.

    Raises:
        DatasetError: A line is none of a label file.
    """
    height, width = size_hw
    boxes, classes = [], []
    for number, line in enumerate(decode_text(label.read_bytes()).splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        values = _values(words, label, number)
        if len(values) == 5:
            x, y, w, h = values[1:]
            corners = np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
        else:
            points = np.array(values[1:]).reshape(-1, 2)
            corners = np.concatenate((points.min(0), points.max(0)))
        corners = np.clip(corners, 0, 1) * (width, height, width, height)
        if corners[2] - corners[0] >= 1e-3 and corners[3] - corners[1] >= 1e-3:
            boxes.append(corners)
            classes.append(int(values[0]))
    rows = np.array(boxes).reshape(-1, 4)
    return Found(rows, np.array(classes, int), np.ones(len(rows)))


def label_lines(result: Annotated) -> list[str]:
    """Return the lines of a label file: class and outline a object, parts and holes joined, as fractions.

    A box whose mask came out empty becomes an outline of its four corners: the object is there.
    """
    height, width = result.size_hw
    lines = []
    for box, label, parts in zip(
        result.found.boxes, result.found.classes, result.outlines, strict=True
    ):
        points = _joined(parts) if parts else box[[0, 1, 2, 1, 2, 3, 0, 3]].reshape(4, 2)
        shares = np.clip(points / (width, height), 0, 1).reshape(-1)
        lines.append(f"{int(label)} " + " ".join(f"{v:.6g}" for v in shares))
    return lines


def _label(
    paths: Sequence[Path],
    root: Path,
    folder: Path,
    find: Callable[[Path, np.ndarray], Found],
    segmenter: Any,
    made_with: dict[str, Any],
    go_on: Callable[[Pace], bool] | None,
) -> Pace:
    """Write a label file a picture, after those that a run before has finished."""
    base = root if root.is_dir() else root.parent
    _refuse_same_names(paths, folder)
    journal = Journal(folder / _JOURNAL, made_with)
    keys = {path: picture_key(path, base) for path in paths}
    rest = [path for path in paths if keys[path] not in journal.done]
    seen: set[Path] = set()

    def finish(result: Annotated) -> None:
        lines = label_lines(result)
        if lines:
            write_atomic(folder / f"{result.path.stem}.txt", "\n".join(lines) + "\n")
        journal.add(keys[result.path])
        seen.add(result.path)

    try:
        pace = annotate(rest, find, segmenter, finish, go_on)
    except OSError as error:
        raise DatasetError(
            f"labels cannot be written ({error.strerror or error}).",
            path=folder,
            remedy="Make room on the disk and start again: it goes on where it stopped.",
        ) from error
    finally:
        journal.close()
    if len(seen) + len(pace.failed) == len(rest):
        journal.finish()
    LOGGER.info(
        "%d pictures, %d objects, %d left out, %.2f pictures a second, labels in %s.",
        pace.images,
        pace.objects,
        len(pace.failed),
        pace.images_per_second,
        folder,
    )
    return pace


def _pictures(root: Path) -> list[Path]:
    if root.is_file():
        read_size(root)  # says what is wrong with it
        return [root]
    paths = list_images(root) if root.is_dir() else []
    if not paths:
        what = "there are no pictures in it." if root.is_dir() else "does not exist."
        raise DatasetError(what, path=root, remedy="Name a folder of pictures.")
    return paths


def _refuse_same_names(paths: Sequence[Path], folder: Path) -> None:
    """Refuse pictures whose labels would be one file."""
    by_name: dict[str, Path] = {}
    for path in paths:
        other = by_name.setdefault(path.stem, path)
        if other is not path:
            raise DatasetError(
                f"{other} and {path} would both write {path.stem}.txt.",
                path=folder,
                remedy="Label their folders one after the other, each with an output folder of its own.",
            )


def _open_detector(weights: str | Path) -> Any:
    from engine.models.yolo.model import YOLO

    detector = YOLO(weights)
    if detector.task not in _TASKS:
        raise ModelError(
            f"a detector finds boxes, and a model for {detector.task} does not.",
            path=weights,
            remedy=f"Give a model for {' or '.join(_TASKS)}.",
        )
    return detector


def _joined(parts: list[Outline]) -> np.ndarray:
    return join_rings([ring for part in parts for ring in (part.exterior, *part.holes)])


def _has_boxes(label: Path) -> bool:
    lines = decode_text(label.read_bytes()).splitlines()
    return any(len(line.split()) == 5 for line in lines)


def _values(words: list[str], label: Path, line: int) -> list[float]:
    try:
        values = [float(word) for word in words]
    except ValueError:
        values = []
    if len(values) != 5 and (len(values) < 7 or len(values) % 2 == 0):
        raise DatasetError(
            f"expected a class and 4 numbers, or a class and x, y pairs, received {len(words)} words.",
            path=label,
            line=line,
            value=" ".join(words[:8]),
            remedy="Fix the line or remove it.",
        )
    return values

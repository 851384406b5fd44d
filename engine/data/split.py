"""Dividing pictures among train, val and test, the same way for the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.data.images import list_images
from engine.data.labels.paths import label_path
from engine.data.yaml_file import SPLITS
from engine.runtime.errors import DatasetError
from engine.runtime.paths import write_atomic

Weights = tuple[float, float, float]


def split_counts(count: int, weights: Weights) -> tuple[int, int, int]:
    """Return how many of ``count`` go to train, val and test.

    Rounded so that they add up; a split with a weight gets at least one where there are enough.

    Raises:
        DatasetError: A weight is negative or all are 0.
    """
    if len(weights) != len(SPLITS) or min(weights) < 0 or sum(weights) <= 0:
        raise DatasetError(
            f"Split weights: expected 0 or more for each of {', '.join(SPLITS)}, not all 0, received {weights}."
        )
    shares = np.array(weights, dtype=np.float64) / sum(weights) * count
    counts = np.floor(shares).astype(int)
    for i in np.argsort(-(shares - counts), kind="stable")[: count - counts.sum()]:
        counts[i] += 1
    for i in np.flatnonzero((np.array(weights) > 0) & (counts == 0)):
        if counts.max() > 1:
            counts[int(counts.argmax())] -= 1
            counts[i] += 1
    train, val, test = counts.tolist()
    return train, val, test


def assign_splits(count: int, weights: Weights = (0.8, 0.2, 0.0), seed: int = 0) -> list[str]:
    """Return "train", "val" or "test" for each of ``count`` pictures, drawn by the seed."""
    counts = split_counts(count, weights)
    names = np.repeat(np.array(SPLITS), counts)
    return [str(name) for name in names[np.random.default_rng(seed).permutation(count)]]


def autosplit(
    path: str | Path,
    weights: Weights = (0.9, 0.1, 0.0),
    annotated_only: bool = False,
    seed: int = 0,
) -> dict[str, Path]:
    """Divide the pictures of a folder and write ``autosplit_train.txt`` and so on beside it.

    Args:
        path: Folder of pictures.
        weights: Shares of train, val and test.
        annotated_only: Only pictures with a label file.
        seed: Of the draw.

    Returns:
        The list file of each split that has pictures. Its lines are relative to the file.

    Raises:
        DatasetError: There are no pictures, or the files cannot be written.
    """
    path = Path(path)
    images: Sequence[Path] = list_images(path)
    if annotated_only:
        images = [image for image in images if label_path(image).is_file()]
    if not images:
        what = "no images with a label file" if annotated_only else "no images"
        raise DatasetError(
            f"There are {what} to split.", path=path, remedy="Choose another folder."
        )
    splits = assign_splits(len(images), weights, seed)
    files: dict[str, Path] = {}
    for split in SPLITS:
        file = path.parent / f"autosplit_{split}.txt"
        chosen = [i for i, s in zip(images, splits, strict=True) if s == split]
        if not chosen:
            file.unlink(missing_ok=True)
            continue
        text = "".join(f"./{image.relative_to(path.parent).as_posix()}\n" for image in chosen)
        try:
            files[split] = write_atomic(file, text)
        except OSError as error:
            raise DatasetError(f"Cannot be written: {error.strerror}.", path=file) from error
    return files

"""What a data set says of its keypoints: how many, of how many values, and which change places in a mirror."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.problems import Problem
from engine.runtime.errors import DatasetError

# x and y, and where there is a third value how well the point is seen
VALUES = (2, 3)


def keypoint_shape(data: Mapping[str, Any]) -> tuple[int, int]:
    """Return ``kpt_shape`` of a data set description: number of keypoints, and of values to each.

    Raises:
        DatasetError: It is missing or not two such numbers.
    """
    value, file = data.get("kpt_shape"), data.get("yaml_file")
    if value is None:
        raise DatasetError(
            "A pose data set must say how many keypoints an object has; 'kpt_shape' is missing.",
            path=file,
            remedy="Add a line such as 'kpt_shape: [17, 3]' (17 keypoints of x, y and visibility).",
        )
    if not _is_whole(value) or len(value) != 2 or value[0] < 1 or value[1] not in VALUES:
        raise DatasetError(
            "'kpt_shape' must be the number of keypoints and 2 (x, y) or 3 (x, y, visibility), "
            f"received {str(value)[:40]}.",
            path=file,
            value=value,
            remedy="Write for example 'kpt_shape: [17, 3]'.",
        )
    return int(value[0]), int(value[1])


def flip_partners(data: Mapping[str, Any]) -> list[int] | None:
    """Return ``flip_idx``: for each keypoint the one it becomes in a mirror; None where it is not given.

    Raises:
        DatasetError: It does not pair the keypoints.
    """
    value, file = data.get("flip_idx"), data.get("yaml_file")
    if value is None or value == []:
        return None
    count = keypoint_shape(data)[0]
    if not _is_whole(value) or sorted(value) != list(range(count)):
        raise DatasetError(
            f"'flip_idx' must name each of the {count} keypoints, 0 to {count - 1}, once; "
            f"received {str(value)[:60]}.",
            path=file,
            value=value,
        )
    alone = next((i for i in range(count) if value[value[i]] != i), None)
    if alone is not None:
        raise DatasetError(
            f"'flip_idx' makes keypoint {alone} into {value[alone]}, but {value[alone]} into "
            f"{value[value[alone]]}: two mirrors must give the first picture again.",
            path=file,
            value=value,
        )
    return list(value)


def blank_objects(labels: Iterable[Mapping[str, Any]], place: Path) -> list[Problem]:
    """Note how many objects of a data set have no labelled keypoint: only their boxes can be learned.

    Args:
        labels: Of each picture, with ``keypoints`` (n, K, 3).
        place: Of the data set, for the note.

    Raises:
        DatasetError: None of them has one.
    """
    counts = [(label["keypoints"][..., 2] > 0).any(1) for label in labels]
    seen = np.concatenate([*counts, np.zeros(0, bool)])
    blank = int((~seen).sum())
    if not blank:
        return []
    if blank == len(seen):
        raise DatasetError(
            f"None of the {blank} objects has a labelled keypoint.",
            path=place,
            remedy="Label keypoints with visibility 1 or 2, or train for detect.",
        )
    reason = (
        f"{blank} of {len(seen)} objects have no labelled keypoint; only their boxes are learned."
    )
    return [Problem(place, None, reason, "note")]


def _is_whole(value: Any) -> bool:
    """Say whether it is a list of whole numbers."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return False
    return all(isinstance(v, int) and not isinstance(v, bool) for v in value)

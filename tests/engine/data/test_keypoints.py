from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.data.keypoints import blank_objects, flip_partners, keypoint_shape
from engine.runtime.errors import DatasetError


def test_good_descriptions():
    data = {"kpt_shape": [3, 2], "flip_idx": [1, 0, 2]}
    assert keypoint_shape(data) == (3, 2)
    assert flip_partners(data) == [1, 0, 2]
    assert flip_partners({"kpt_shape": [3, 3]}) is None
    assert flip_partners({"kpt_shape": [3, 3], "flip_idx": []}) is None


@pytest.mark.parametrize("value", [None, 17, "17", [17], [0, 3], [17, 4], [17.0, 3], [True, 3]])
def test_bad_shapes_are_refused_with_a_remedy(value):
    with pytest.raises(DatasetError, match="kpt_shape") as caught:
        keypoint_shape({"kpt_shape": value, "yaml_file": "d.yaml"})
    assert "17, 3" in caught.value.remedy


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([0, 1], "each of the 3"),
        ([0, 1, 3], "0 to 2"),
        ([1, 2, 0], "keypoint 0 into 1, but 1 into 2"),
        ("012", "each of the 3"),
    ],
)
def test_bad_partners_are_refused(value, said):
    with pytest.raises(DatasetError, match=said):
        flip_partners({"kpt_shape": [3, 3], "flip_idx": value})


def _labels(*visible):
    return [
        {"keypoints": np.array([[[0.5, 0.5, v]] * 2 for v in row]).reshape(-1, 2, 3)}
        for row in visible
    ]


def test_objects_without_points_are_counted():
    place = Path("d.yaml")
    assert blank_objects(_labels([2, 1], [2]), place) == []
    assert blank_objects([], place) == []
    (note,) = blank_objects(_labels([2, 0], [], [0]), place)
    assert note.reason.startswith("2 of 3 objects have no labelled keypoint")
    with pytest.raises(DatasetError, match="None of the 2 objects"):
        blank_objects(_labels([0], [0]), place)

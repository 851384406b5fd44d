from __future__ import annotations

import json

import numpy as np

from engine.metrics.label_statistics import label_statistics


def test_counts_places_and_sizes():
    labels = [
        {
            "cls": np.array([[0.0], [2], [0]]),
            "bboxes": np.array([[0.1, 0.9, 0.2, 0.5], [1, 0, 1, 1], [0.1, 0.9, 0, 0]]),
        },
        {"cls": np.zeros((0, 1)), "bboxes": np.zeros((0, 4))},
        {"cls": np.array([[0.0]]), "bboxes": np.array([[1.2, -0.1, 0.3, 0.3, 0.7]])},  # turned
    ]
    found = json.loads(json.dumps(label_statistics(labels, {0: "nut", 1: "bolt"})))
    assert (found["images"], found["objects"]) == (3, 4)
    assert [(c["name"], c["images"], c["objects"]) for c in found["classes"]] == [
        ("nut", 2, 3), ("bolt", 0, 0), ("2", 1, 1),
    ]  # fmt: skip
    assert found["objects_an_image"] == [1, 1, 0, 1]
    assert found["centres"][45][5] == 2
    assert found["centres"][0][49] == 2  # on the border and beyond it
    assert found["sizes"][25][10] == 1
    assert np.sum(found["sizes"]) == np.sum(found["centres"]) == 4


def test_no_image_at_all():
    found = label_statistics([], {0: "nut"})
    assert found["images"] == found["objects"] == np.sum(found["centres"]) == 0
    assert found["classes"][0]["objects"] == 0

from __future__ import annotations

import json

import numpy as np
import torch

from engine.metrics.confusion import ConfusionMatrix

NAMES = {0: "nut", 1: "bolt"}


def test_pairs_are_made_by_overlap_and_the_rest_is_background():
    table = ConfusionMatrix(NAMES)
    iou = torch.tensor([[0.9, 0.6, 0.0, 0.9], [0.8, 0.7, 0.3, 0.0], [0, 0, 0, 0.0]])
    table.update(iou, torch.tensor([0.9, 0.8, 0.7, 0.1]), torch.tensor([0, 1, 1, 0]), [0, 0, 1])
    # object 0 with prediction 0; object 1 with prediction 1 (0 is taken): a bolt seen in a nut; prediction
    # 2 overlaps too little, prediction 3 is unsure, object 2 is missed
    assert table.matrix.tolist() == [[1, 0, 0], [1, 0, 1], [0, 1, 0]]
    assert table.labels == ["nut", "bolt", "background"]
    right, wrong = table.tp_fp()
    assert right.tolist() == [1, 0]
    assert wrong.tolist() == [0, 2]


def test_shares_of_each_true_class():
    table = ConfusionMatrix(NAMES)
    table.update(np.eye(2), [0.9, 0.9], [0, 0], [0, 1])
    np.testing.assert_allclose(table.normalized(), [[1, 1, 0], [0, 0, 0], [0, 0, 0]])
    assert table.to_dict() == {
        "labels": ["nut", "bolt", "background"],
        "matrix": [[1, 1, 0], [0, 0, 0], [0, 0, 0]],
    }


def test_images_without_objects_or_predictions():
    table = ConfusionMatrix(NAMES)
    table.update(np.zeros((0, 1)), [0.9], [1], np.zeros(0))
    table.update(np.zeros((2, 0)), np.zeros(0), np.zeros(0), [0, 1])
    table.update(np.zeros((0, 0)), np.zeros(0), np.zeros(0), np.zeros(0))
    assert table.matrix.tolist() == [[0, 0, 0], [0, 0, 1], [1, 1, 0]]


def test_table_by_predicted_class():
    table = ConfusionMatrix(NAMES)
    table.update(np.eye(2), [0.9, 0.9], [0, 0], [0, 1])
    rows = table.summary()
    assert rows[0] == {"Predicted": "nut", "nut": 1, "bolt": 1, "background": 0}
    assert table.summary(normalize=True)[0]["bolt"] == 1.0
    assert table.to_csv().splitlines()[0] == "Predicted,nut,bolt,background"
    assert json.loads(table.to_json()) == rows

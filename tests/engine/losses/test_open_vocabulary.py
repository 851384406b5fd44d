"""Scores of phrases that an image is not asked about have no part in the loss."""

from __future__ import annotations

import torch

from engine.losses.classes import sparse_bce
from engine.losses.open_vocabulary import without_classes


def test_missing_classes_have_no_loss_and_no_gradient() -> None:
    scores = torch.randn(2, 3, 5, requires_grad=True)
    missing = torch.tensor([[False, False, True], [False, True, True]])
    nowhere = torch.zeros(0, dtype=torch.int64)
    masked = without_classes({"scores": scores, "boxes": "kept"}, missing)
    assert masked["boxes"] == "kept"
    loss = sparse_bce(masked["scores"], nowhere, torch.zeros(0))
    expected = torch.nn.functional.softplus(scores)[~missing].sum()
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert (scores.grad[missing] == 0).all()
    assert (scores.grad[~missing] > 0).all()


def test_both_sides_of_a_head_are_masked() -> None:
    raw = {side: {"scores": torch.zeros(1, 2, 4)} for side in ("one2many", "one2one")}
    masked = without_classes(raw, torch.tensor([[True, False]]))
    assert all((side["scores"][0, 0] < -50).all() for side in masked.values())
    assert all((side["scores"][0, 1] == 0).all() for side in masked.values())

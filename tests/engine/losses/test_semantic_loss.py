from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from engine.losses.semantic import class_places, semantic_loss

SHAPE = torch.Size((2, 3, 8, 6))


def _dense(places):
    target = torch.zeros(SHAPE)
    target.view(-1)[places] = 1
    return target


def _by_definition(logits, target):
    entropy = F.binary_cross_entropy_with_logits(logits, target)
    seen = logits.sigmoid()
    hit = (seen * target).sum((2, 3))
    dice = 1 - (2 * hit + 1) / (seen.sum((2, 3)) + target.sum((2, 3)) + 1)
    return (entropy + dice.mean()) / 2


@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_equals_the_definition_and_its_gradient(share):
    random = torch.Generator().manual_seed(0)
    logits = torch.randn(SHAPE, generator=random, dtype=torch.float64).requires_grad_()
    places = (torch.rand(SHAPE.numel(), generator=random) < share).nonzero().squeeze(1)
    loss = semantic_loss(logits, places)
    expected = _by_definition(logits, _dense(places).double())
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(
        torch.autograd.grad(loss, logits), torch.autograd.grad(expected, logits)
    )


def test_a_perfect_map_costs_nothing():
    places = torch.arange(0, 48)
    logits = torch.where(_dense(places) > 0, 30.0, -30.0)
    assert semantic_loss(logits, places) < 1e-6
    assert semantic_loss(-logits, places) > 10


def test_places_of_numbered_masks_are_those_of_separate_ones():
    image, label = torch.tensor([1, 0, 1]), torch.tensor([2, 1, 0])
    own = torch.zeros(3, 8, 6)
    own[0, 1:4, 1:5], own[1, 5:8], own[2, 6:, :2] = 1, 1, 1
    numbers = torch.zeros(2, 8, 6, dtype=torch.uint8)
    numbers[1] = own[0] + 2 * own[2]
    numbers[0] = own[1]
    target = torch.zeros(SHAPE)
    target[1, 2], target[0, 1], target[1, 0] = own
    for masks, overlap in ((numbers, True), (own, False)):
        found = class_places(masks, image, label, SHAPE, overlap)
        torch.testing.assert_close(_dense(found), target)
        assert len(found.unique()) == len(found)
    fine = numbers.repeat_interleave(4, 1).repeat_interleave(4, 2)
    found = class_places(fine, image, label, SHAPE, overlap_mask=True)
    torch.testing.assert_close(_dense(found), target)


def test_objects_of_one_class_may_overlap():
    own = torch.ones(2, 8, 6)
    image, label = torch.tensor([0, 0]), torch.tensor([1, 1])
    found = class_places(own, image, label, SHAPE, overlap_mask=False)
    assert found.tolist() == list(range(48, 96))


@pytest.mark.parametrize("overlap", [True, False])
def test_a_batch_without_objects_has_no_places(overlap):
    masks = torch.zeros(2 if overlap else 0, 8, 6)
    none = torch.zeros(0, dtype=torch.int64)
    assert len(class_places(masks, none, none, SHAPE, overlap)) == 0

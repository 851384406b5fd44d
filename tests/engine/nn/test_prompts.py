"""The parts that compare cells with embeddings, against the same computed cell by cell."""

import pytest
import torch
from torch import nn

from engine.nn.modules.prompts import (
    ACTIVATION_MAPS,
    LRPC,
    SAVPE,
    BNContrastiveHead,
    ContrastiveHead,
    Residual,
    SwiGLU,
    linear_of,
)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def _with_statistics(module):
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(0, 0.1)
            part.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias, 0, 0.1)
    return module.eval()


def test_similarity_is_the_cosine_scaled_and_shifted():
    head = ContrastiveHead()
    cells, words = torch.randn(2, 8, 3, 4), torch.randn(2, 5, 8)
    with torch.no_grad():
        scores = head(cells, words)
    cosine = torch.cosine_similarity(cells[1, :, 2, 3], words[1, 4], dim=0)
    assert scores.shape == (2, 5, 3, 4)
    torch.testing.assert_close(scores[1, 4, 2, 3], cosine / 0.07 - 10)


def test_normalised_similarity_takes_the_cells_as_long_as_they_are():
    head = _with_statistics(BNContrastiveHead(8))
    cells, words = torch.randn(2, 8, 3, 4), torch.randn(1, 5, 8)
    with torch.no_grad():
        scores = head(cells, words)
        cell = head.norm(cells)[1, :, 2, 3]
    expected = (cell @ words[0, 4]) / words[0, 4].norm() * torch.tensor(-1.0).exp() - 10
    torch.testing.assert_close(scores[1, 4, 2, 3], expected)


def test_classes_go_into_the_convolution_before():
    head, last = _with_statistics(BNContrastiveHead(16)), nn.Conv2d(6, 16, 1)
    head.logit_scale.data.fill_(0.7)
    features, words = torch.randn(2, 6, 4, 5), 3 * torch.randn(7, 16)
    with torch.no_grad():
        folded = head.folded(last, words)(features)
        plain = head(last(features), words[None])
    torch.testing.assert_close(folded, plain, rtol=1e-5, atol=1e-5)


def test_a_fresh_adapter_changes_nothing():
    adapter = Residual(SwiGLU(8, 8))
    x = torch.randn(2, 3, 8)
    assert torch.equal(adapter(x), x)
    adapter.m.w3.bias.data.fill_(1.0)
    torch.testing.assert_close(adapter(x), x + 1)


def test_the_first_half_gates_the_second():
    network = SwiGLU(4, 4)
    with torch.no_grad():
        network.w12.weight.zero_()
        network.w12.bias.copy_(torch.cat((torch.full((8,), 2.0), torch.full((8,), 3.0))))
        network.w3.weight.fill_(1.0)
        network.w3.bias.zero_()
    gated = 8 * 3 * nn.functional.silu(torch.tensor(2.0))
    torch.testing.assert_close(network(torch.randn(1, 4)), gated.expand(1, 4))


@pytest.fixture
def encoder():
    return _with_statistics(SAVPE([4, 6, 8], 10, 32))


@pytest.fixture
def maps():
    return [torch.randn(1, 4, 8, 8), torch.randn(1, 6, 4, 4), torch.randn(1, 8, 2, 2)]


@torch.no_grad()
def test_visual_prompts_average_the_cells_under_their_mask(encoder, maps):
    mask = torch.zeros(1, 1, 8, 8)
    mask[0, 0, 2:5, 3:6] = 1
    meaning = encoder.cv3(torch.cat([b(x) for b, x in zip(encoder.cv1, maps, strict=True)], 1))
    seen = encoder.cv4(torch.cat([b(x) for b, x in zip(encoder.cv2, maps, strict=True)], 1))
    logits = encoder.cv6(torch.cat((seen, encoder.cv5(mask)), 1))
    inside = mask[0, 0].bool()
    parts = []
    for group, channels in enumerate(meaning[0].chunk(ACTIVATION_MAPS)):
        weights = logits[0, group][inside].softmax(0)  # only cells under the mask take part
        parts.append(channels[:, inside] @ weights)
    expected = nn.functional.normalize(torch.cat(parts), dim=0)
    torch.testing.assert_close(encoder(maps, mask)[0, 0], expected)


@torch.no_grad()
def test_visual_prompts_do_not_hear_of_one_another(encoder, maps):
    masks = (torch.rand(1, 3, 8, 8) > 0.7).float()
    together = encoder(maps, masks)
    alone = torch.cat([encoder(maps, masks[:, n : n + 1]) for n in range(3)], 1)
    torch.testing.assert_close(together, alone)
    torch.testing.assert_close(together.norm(dim=-1), torch.ones(1, 3))


@torch.no_grad()
def test_an_empty_mask_still_gives_a_direction(encoder, maps):
    given = encoder(maps, torch.zeros(1, 1, 8, 8))
    torch.testing.assert_close(given.norm(dim=-1), torch.ones(1, 1))


def _lazy(enabled):
    return LRPC(nn.Conv2d(6, 9, 1), nn.Conv2d(6, 1, 1), nn.Conv2d(4, 8, 1), enabled)


@torch.no_grad()
def test_only_cells_that_may_hold_something_are_named():
    layer = _lazy(True)
    features, boxes = torch.randn(1, 6, 4, 5), torch.randn(1, 4, 4, 5)
    given, everything = layer(features, boxes, 0.5), layer(features, boxes, 0.0)
    assert given.kept.tolist() == (layer.pf(features).flatten() > 0).tolist()
    assert 0 < given.kept.sum() < 20
    assert everything.kept.all()
    torch.testing.assert_close(given.scores, everything.scores[..., given.kept])
    assert given.boxes.shape == (1, 8, 20)


@torch.no_grad()
def test_of_a_batch_a_cell_stays_where_any_image_needs_it():
    layer = _lazy(True)
    features, boxes = torch.randn(2, 6, 4, 5), torch.randn(2, 4, 4, 5)
    both = layer(features, boxes, 0.5)
    each = [layer(features[n : n + 1], boxes[n : n + 1], 0.5).kept for n in range(2)]
    assert torch.equal(both.kept, each[0] | each[1])
    assert both.scores.shape == (2, 9, int(both.kept.sum()))


@torch.no_grad()
def test_a_layer_that_does_not_choose_names_all():
    layer = _lazy(False)
    features = torch.randn(1, 6, 2, 2)
    given = layer(features, torch.randn(1, 4, 2, 2), 0.999)
    torch.testing.assert_close(given.scores, layer.vocab(features).flatten(2))
    assert given.kept.all()


@pytest.mark.parametrize("bias", [True, False])
def test_a_pointwise_convolution_as_a_linear_layer(bias):
    conv = nn.Conv2d(6, 9, 1, bias=bias)
    x = torch.randn(3, 6)
    torch.testing.assert_close(linear_of(conv)(x), conv(x[..., None, None])[..., 0, 0])

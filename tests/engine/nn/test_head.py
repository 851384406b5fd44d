import math

import pytest
import torch

from engine.nn.modules.head import Detect
from engine.nn.modules.segment import Segment


def feats(batch=1, size=32):
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(batch, c, size // s, size // s, generator=generator)
        for c, s in zip((16, 32, 64), (1, 2, 4), strict=True)
    ]


@pytest.fixture
def detect():
    head = Detect(3, ch=(16, 32, 64))
    head.set_stride(torch.tensor([8.0, 16.0, 32.0]))
    return head


@pytest.fixture
def segment():
    head = Segment(3, 8, 16, ch=(16, 32, 64))
    head.set_stride(torch.tensor([8.0, 16.0, 32.0]))
    return head


def test_training_gives_raw_tensors_of_all_levels(detect):
    maps = feats(2, 8)
    raw = detect.train()(maps)
    cells = 64 + 16 + 4
    assert list(raw) == ["boxes", "scores", "feats"]
    assert raw["boxes"].shape == (2, 64, cells)
    assert raw["scores"].shape == (2, 3, cells)
    assert all(a is b for a, b in zip(raw["feats"], maps, strict=True))


def test_eval_gives_the_final_tensor_and_the_same_raw(segment):
    maps = feats(2, 8)
    (final, proto), raw = segment.eval()(maps)
    assert final.shape == (2, 4 + 3 + 8, 84)
    assert proto.shape == (2, 8, 16, 16)
    assert proto is raw["proto"]
    torch.testing.assert_close(final[:, 4:7], raw["scores"].sigmoid())
    torch.testing.assert_close(final[:, 7:], raw["mask_coefficient"])


def test_boxes_are_decoded_around_their_cells(detect):
    maps = feats(1, 8)
    raw = {
        "boxes": torch.full((1, 4, 16, 84), -100.0),
        "scores": torch.zeros(1, 3, 84),
        "feats": maps,
    }
    for side, distance in enumerate((1, 2, 3, 4)):  # left, top, right, bottom, in cells
        raw["boxes"][:, side, distance] = 100.0
    raw["boxes"] = raw["boxes"].flatten(1, 2)
    final = detect.decode(raw)
    # cell (x 1, y 2) of the first level: centre (1.5, 2.5) * 8; of the last: first cell, stride 32
    cell = 2 * 8 + 1
    assert final[0, :4, cell].tolist() == pytest.approx(
        [(1.5 + 1) * 8, (2.5 + 1) * 8, 4 * 8, 6 * 8]
    )
    assert final[0, :4, 80].tolist() == pytest.approx(
        [(0.5 + 1) * 32, (0.5 + 1) * 32, 4 * 32, 6 * 32]
    )
    assert final[0, 4, 0].item() == 0.5


def test_anchors_are_kept_by_shape_and_forgotten_with_other_strides(detect):
    first = detect.anchors(feats(1, 8))[0]
    assert detect.anchors(feats(2, 8))[0] is first  # batch does not matter
    assert detect.anchors(feats(1, 16))[0].shape == (2, 336)
    detect.set_stride(torch.tensor([4.0, 8.0, 16.0]))
    assert detect.anchors(feats(1, 8))[1].unique().tolist() == [4, 8, 16]


def test_anchors_made_under_inference_mode_serve_a_forward_with_gradients(detect):
    maps = feats(1, 8)
    detect.eval()
    with torch.inference_mode():
        detect(maps)
    final, _ = detect(maps)
    final.sum().backward()
    assert detect.cv2[0][-1].weight.grad.abs().sum() > 0


def test_dynamic_heads_keep_no_anchors(detect):
    detect.dynamic = True
    assert detect.anchors(feats(1, 8))[0] is not detect.anchors(feats(1, 8))[0]


@pytest.mark.parametrize("nc", [1, 80])
def test_bias_starts_from_few_objects_of_any_class(nc):
    head = Detect(nc, ch=(16, 32, 64))
    head.set_stride(torch.tensor([8.0, 16.0, 32.0]))
    head.init_bias()
    for branch, stride in zip(head.cv3, (8, 16, 32), strict=True):
        bias = branch[-1].bias
        assert bias.shape == (nc,)
        assert bias[0].item() == pytest.approx(math.log(5 / nc / (640 / stride) ** 2))
    assert all((branch[-1].bias == 1.0).all() for branch in head.cv2)

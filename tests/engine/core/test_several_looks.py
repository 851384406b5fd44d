"""Several looks at an image: every view's candidates land where the object is, masks keep their prototypes."""

from __future__ import annotations

import pytest
import torch

from engine import YOLO
from engine.core.several_looks import LOOKS, chosen_branch, look
from engine.runtime.errors import ConfigError

STRIDE = 8
OBJECT = (40, 24, 24, 16)  # centre and size of a bright rectangle, in pixels


def _finder(images):
    """Find the bright rectangle: its box, one class, two coefficients; prototypes are the image at a quarter."""
    rows = []
    for image in images[:, 0]:
        y, x = (image > 0.5).nonzero().T.float()
        x1, x2, y1, y2 = x.min(), x.max() + 1, y.min(), y.max() + 1
        box = [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1]
        rows.append(torch.tensor([*box, 0.9, 1.0, 0.0])[:, None])
    planes = torch.nn.functional.avg_pool2d(images[:, :1], 4) - 0.5
    return torch.stack(rows), torch.cat((planes, -planes), 1)


def _images():
    images = torch.zeros(2, 3, 64, 96)
    cx, cy, w, h = OBJECT
    images[:, :, cy - h // 2 : cy + h // 2, cx - w // 2 : cx + w // 2] = 1
    return images


def test_all_views_agree_on_the_place():
    found, planes = look(_finder, _images(), 1, STRIDE)
    views = len(LOOKS)
    assert found.shape == (2, 4 + 1 + 2 * views, views)
    assert planes.shape == (2, 2 * views, 16, 24)
    for k in range(views):
        torch.testing.assert_close(found[0, :4, k], torch.tensor(OBJECT).float(), atol=2.0, rtol=0)
        mask = (found[0, 5:, k] @ planes[0].flatten(1)).view(16, 24) > 0
        rows, columns = mask.nonzero().T
        centre = torch.stack((columns.float().mean() + 0.5, rows.float().mean() + 0.5)) * 4
        torch.testing.assert_close(centre, torch.tensor(OBJECT[:2]).float(), atol=2.5, rtol=0)
        others = torch.ones(views, dtype=bool)
        others[k] = False
        assert not found[0, 5:, k].view(views, 2)[others].any()


def test_detections_without_masks():
    (found,) = look(lambda images: _finder(images)[0][:, :5], _images(), 1, STRIDE)
    assert found.shape == (2, 5, len(LOOKS))


@pytest.mark.parametrize("name", ["yolo11n-seg.yaml", "yolo26n.yaml"])
def test_prediction_and_validation_look_several_times(name, drawn_parts, tmp_path):
    model = YOLO(name)
    options = {"imgsz": 64, "augment": True, "project": str(tmp_path)}
    image = sorted((drawn_parts.parent / "images" / "val").iterdir())[0]
    model.predict(image, **options)
    assert model.predictor.model.end2end is False
    model.val(data=str(drawn_parts), batch=2, plots=False, **options)
    assert model.validator.end2end is False


def test_a_branch_that_finds_everything_once_is_not_looked_through(drawn_parts):
    model = YOLO("yolo26n.yaml")
    with pytest.raises(ConfigError, match="finds each object once"):
        model.predict(drawn_parts.parent / "images", augment=True, nms=False, imgsz=64)


def test_a_wish_for_a_branch_wins():
    class Args:
        augment, nms = True, None

    assert chosen_branch(Args) is False
    Args.nms = False
    assert chosen_branch(Args) is True
    Args.augment, Args.nms = False, None
    assert chosen_branch(Args) is None

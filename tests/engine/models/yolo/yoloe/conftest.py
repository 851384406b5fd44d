"""Small open-vocabulary models that answer to what they see, though nobody trained them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine.nn.checkpoint import save_checkpoint
from engine.nn.open_vocabulary import YOLOEModel
from engine.nn.tasks import build_model


def drawn(seed: int) -> np.ndarray:
    """Return a picture (128, 128, 3) uint8 BGR of large coloured fields."""
    fields = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    return fields.repeat(16, 0).repeat(16, 1)


def lively(name: str) -> YOLOEModel:
    """Build a model whose features vary over a picture: statistics of the tests' pictures, wide boxes, no prior."""
    torch.manual_seed(0)
    model = build_model(name, verbose=False)
    assert isinstance(model, YOLOEModel)
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    images = torch.from_numpy(np.stack([drawn(i) for i in range(4)])[..., ::-1].copy())
    images = images.permute(0, 3, 1, 2).float() / 255
    masks = torch.zeros(4, 1, 16, 16)
    masks[:, :, 4:12, 4:12] = 1
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Conv2d) and module.bias is None and module.out_channels > 1:
                nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
        for head in (h for n, h in model.head.named_modules() if n in CONTRASTIVE):
            head.bias.fill_(-3)
            head.logit_scale.fill_(0)
        for n, branch in model.head.named_modules():
            if n in BOXES:
                branch[-1].weight.mul_(2 if model.head.reg_max > 1 else 0.1)
                branch[-1].bias.fill_(1)
        for norm in norms:
            norm.momentum = 1.0
        model.train()
        for _ in range(2):  # the second side of a head sees what the first one made
            model(images, vpe=masks)
        for norm in norms:
            norm.momentum = 0.03
    return model.eval()


CONTRASTIVE = {f"{side}cv4.{i}" for side in ("", "one2one_") for i in range(3)}
BOXES = {f"{side}cv2.{i}" for side in ("", "one2one_") for i in range(3)}


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a segmentation model with free classes."""
    path = tmp_path_factory.mktemp("yoloe") / "lively-seg.pt"
    return save_checkpoint(path, lively("yoloe-11n-seg.yaml"))


@pytest.fixture(scope="session")
def end2end_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a detection model with free classes and a side that makes no duplicates."""
    path = tmp_path_factory.mktemp("yoloe") / "lively-26.pt"
    return save_checkpoint(path, lively("yoloe-26n.yaml"))


@pytest.fixture(scope="session")
def picture() -> np.ndarray:
    """A picture (128, 128, 3)."""
    return drawn(0)


@pytest.fixture(scope="session")
def other_picture() -> np.ndarray:
    """Another picture (128, 128, 3)."""
    return drawn(1)


@pytest.fixture(scope="session")
def embeddings() -> Tensor:
    """Embeddings (1, 4, 512) of four classes."""
    values = torch.randn(1, 4, 512, generator=torch.Generator().manual_seed(1))
    return nn.functional.normalize(values, dim=-1)

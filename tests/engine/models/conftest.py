"""One small trained model for all tests of this room."""

from __future__ import annotations

import pytest

from engine import YOLO


@pytest.fixture(scope="session")
def trained(drawn_parts, tmp_path_factory):
    """A segmentation model that knows a square when it sees one; copies of its file serve the tests."""
    model = YOLO("yolo11n-seg.yaml")
    still = dict.fromkeys(("mosaic", "scale", "translate", "hsv_h", "hsv_s", "hsv_v"), 0)
    model.train(
        data=str(drawn_parts), epochs=80, val=False, save=False, batch=2, imgsz=64, device="cpu", plots=False,
        verbose=False, project=str(tmp_path_factory.mktemp("trained")), name="run", **still,
    )  # fmt: skip
    return model


@pytest.fixture
def model(trained):
    return YOLO(trained.ckpt_path)

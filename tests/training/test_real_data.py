"""Real pictures with real labels, from the folder of reference data: training, measuring, predicting, exporting."""

from __future__ import annotations

import math

import pytest

from engine import YOLO


@pytest.mark.parametrize(
    ("name", "classes", "fraction"), [("coco8-seg", 80, 1.0), ("nuinsseg-mini", 1, 0.15)]
)
def test_the_whole_loop_on_real_pictures(shared_dir, tmp_path, name, classes, fraction):
    data = shared_dir / "datasets" / name / "data.yaml"
    model = YOLO("yolo11n-seg.yaml")
    model.train(
        data=str(data), epochs=1, batch=4, imgsz=96, fraction=fraction, plots=False, device="cpu",
        project=str(tmp_path), name="run", verbose=False,
    )  # fmt: skip
    rows = (tmp_path / "run" / "results.csv").read_text().splitlines()
    losses = dict(zip(rows[0].split(","), rows[1].split(","), strict=True))
    assert all(
        math.isfinite(float(v)) for k, v in losses.items() if k.startswith(("train/", "val/"))
    )
    assert float(losses["train/seg_loss"]) > 0
    assert len(model.names) == classes
    pictures = sorted((data.parent / "images" / "val").iterdir())[:2]
    results = model(pictures, conf=0.0, max_det=3, verbose=False)
    assert [r.orig_img.shape for r in results] == [(*r.orig_shape, 3) for r in results]
    exported = YOLO(model.export(format="onnx", imgsz=96))
    assert len(exported(pictures[0], conf=0.0, max_det=3, imgsz=96, verbose=False)) == 1

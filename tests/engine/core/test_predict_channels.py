"""Networks that take another number of channels than three predict on what has as many."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from engine import YOLO
from engine.data.source_arrays import from_array, from_pil, from_tensor, visible
from engine.models.yolo.detect.predict import DetectionPredictor
from engine.nn.checkpoint import save_checkpoint
from engine.nn.tasks import build_model
from engine.runtime.errors import DatasetError, ImageError

MODELS = ("yolo11n", "yolo11n-seg", "yolo11n-cls", "yolo11n-pose", "yolo11n-obb", "yolo26n-sem")
LOOKS = {"imgsz": 64, "conf": 1e-6, "max_det": 3, "device": "cpu", "verbose": False}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Return a function that gives the file of a network with random weights, the same each time."""
    folder, made = tmp_path_factory.mktemp("weights"), {}

    def file(name, channels):
        if (name, channels) not in made:
            torch.manual_seed(0)
            model = build_model(f"{name}.yaml", ch=channels, nc=3, verbose=False).eval()
            made[name, channels] = save_checkpoint(folder / f"{name}-{channels}.pt", model)
        return str(made[name, channels])

    return file


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, (48, 80, 4), dtype=np.uint8)


def fed(weights, channels, source):
    """Return what the network is given for one picture."""
    predictor = DetectionPredictor(overrides=LOOKS)
    predictor.setup_model(weights("yolo11n", channels))
    predictor.setup_source(source)
    return predictor.preprocess(next(iter(predictor.dataset)).images)


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("name", MODELS)
def test_every_task_predicts_and_draws(weights, picture, tmp_path, name, channels):
    result = YOLO(weights(name, channels)).predict(picture[..., :channels], **LOOKS)[0]
    assert result.orig_img.shape == (48, 80, channels)
    assert result.plot().shape == (48, 80, 3)
    assert (tmp_path / "drawn.jpg").samefile(result.save(tmp_path / "drawn.jpg"))


@pytest.mark.parametrize(("channels", "suffix"), [(1, "png"), (4, "png"), (4, "tif")])
def test_a_file_and_its_pixels_give_the_same(weights, picture, tmp_path, channels, suffix):
    file = tmp_path / f"a.{suffix}"
    if suffix == "tif":
        Image.fromarray(picture, "RGBA").save(file)
    else:
        stored = picture[..., 0] if channels == 1 else picture[..., [2, 1, 0, 3]]
        assert cv2.imwrite(str(file), stored)
    a, b = (fed(weights, channels, s) for s in (str(file), picture[..., :channels]))
    assert torch.equal(a, b)


def test_a_network_sees_every_channel(weights, picture):
    tensor = fed(weights, 4, picture)
    assert tensor.shape == (1, 4, 64, 64)
    gone = picture.copy()
    gone[..., 3] = 0
    changed = (tensor != fed(weights, 4, gone)).flatten(2).any(2)[0]
    assert changed.tolist() == [False, False, False, True]


def test_a_colour_picture_is_grey_to_a_network_of_one_channel(weights, picture):
    colours = np.ascontiguousarray(picture[..., :3])
    grey = cv2.cvtColor(colours, cv2.COLOR_BGR2GRAY)
    assert torch.equal(fed(weights, 1, colours), fed(weights, 1, grey))


@pytest.mark.parametrize("source", ["file", "array", "tensor"])
def test_a_picture_with_too_few_channels_is_refused_in_words(weights, picture, tmp_path, source):
    file = tmp_path / "colours.png"
    cv2.imwrite(str(file), picture[..., :3])
    given = {"file": str(file), "array": picture[..., :3], "tensor": torch.zeros(3, 64, 64)}[source]
    with pytest.raises((ImageError, DatasetError), match=r"\b4\b"):
        YOLO(weights("yolo11n", 4)).predict(given, **LOOKS)


def test_a_crop_of_other_channels_can_be_looked_at(weights, picture, tmp_path):
    result = YOLO(weights("yolo11n", 4)).predict(picture, **LOOKS)[0]
    result.save_crop(tmp_path)
    crops = list(tmp_path.rglob("*.jpg"))
    assert crops
    assert all(cv2.imread(str(crop)).shape[2] == 3 for crop in crops)


def test_pictures_in_memory_take_the_form_that_is_asked_for(picture):
    upright = Image.fromarray(picture, "RGBA")
    assert np.array_equal(from_pil(upright, 4), picture)
    assert np.array_equal(from_pil(upright, 3), picture[..., 2::-1])
    assert from_pil(upright, 1).shape == (48, 80, 1)
    with pytest.raises(DatasetError, match="5"):
        from_pil(upright, 5)
    tensor = torch.from_numpy(picture.transpose(2, 0, 1).copy())
    assert np.array_equal(from_tensor(tensor, 4)[0], picture)
    assert np.array_equal(from_array(picture[..., 0], 3), picture[..., [0, 0, 0]])
    assert np.array_equal(visible(picture), picture[..., 2::-1])
    assert np.array_equal(visible(picture[..., :1]), picture[..., [0, 0, 0]])


@pytest.mark.parametrize("kind", ["uint16", "int32", "float32"])
def test_a_pil_picture_of_many_bits_looks_as_its_array_does(kind):
    ramp = np.linspace(0, 60000, 48 * 80).reshape(48, 80).astype(kind)
    wide = Image.fromarray(ramp)
    assert wide.mode == {"uint16": "I;16", "int32": "I", "float32": "F"}[kind]
    as_array = from_array(ramp.astype(np.uint16) if kind == "int32" else ramp, 3)
    assert np.array_equal(from_pil(wide, 3), as_array)
    assert 100 < as_array.mean() < 140
    assert np.array_equal(from_pil(wide, 1), as_array[..., :1])
    assert np.array_equal(from_pil(wide, 4)[..., :3], as_array)
    small = Image.fromarray(np.full((4, 4), 7, np.int32))
    assert (from_pil(small, 1) == 7).all()


def test_a_tensor_of_half_the_bits_of_a_float_is_a_picture_too(picture):
    steps = torch.from_numpy(picture.transpose(2, 0, 1).copy() // 8 * 8).float() / 256
    assert np.array_equal(from_tensor(steps.bfloat16(), 4)[0], from_tensor(steps, 4)[0])


def test_a_tensor_of_0_to_255_is_not_made_white(picture, caplog):
    whole = torch.from_numpy(picture.transpose(2, 0, 1).copy())
    assert np.array_equal(from_tensor(whole / 255, 4)[0], picture)
    assert np.array_equal(from_tensor((whole / 255).half(), 4)[0], picture)
    assert from_tensor(torch.full((4, 2, 2), 1.3), 4)[0].min() == 255  # as resizing leaves behind
    assert "0 to 255" not in caplog.text
    assert np.array_equal(from_tensor(whole.float(), 4)[0], picture)
    assert "0 to 255" in caplog.text

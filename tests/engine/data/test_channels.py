"""Pictures of every kind and channel count, written by Pillow and OpenCV and read by a training data set."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from engine.data.build import build_dataloader, build_yolo_dataset
from engine.data.channels import count_channels
from engine.data.images import read_image
from engine.runtime.errors import DatasetError, ImageError

H, W = 48, 64


@pytest.fixture(autouse=True)
def _cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MASKWRIGHT_CACHE_DIR", str(tmp_path / "cache"))


def scene():
    """(H, W, 3) uint8 RGB: red left, green right, a blue square, smooth for JPEG."""
    image = np.zeros((H, W, 3), np.uint8)
    image[:, : W // 2] = (220, 30, 30)
    image[:, W // 2 :] = (30, 200, 30)
    image[16:32, 8:24] = (30, 30, 220)
    return image


def deep(image):
    return image.astype(np.uint16) * 257


def exif_turned(path, image):
    """Write a picture on its side with the EXIF note to turn it back."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.ascontiguousarray(np.rot90(image))).save(path, exif=exif, quality=95)


WRITERS = {
    "a.jpg": lambda p, i: Image.fromarray(i).save(p, quality=95),
    "a.png": lambda p, i: Image.fromarray(i).save(p),
    "a.bmp": lambda p, i: Image.fromarray(i).save(p),
    "a.webp": lambda p, i: Image.fromarray(i).save(p, lossless=True),
    "a.tif": lambda p, i: Image.fromarray(i).save(p),
    "deep.png": lambda p, i: cv2.imwrite(str(p), deep(i[..., ::-1])),
    "deep.tiff": lambda p, i: cv2.imwrite(str(p), deep(i[..., ::-1])),
    "cmyk.jpg": lambda p, i: Image.fromarray(i).convert("CMYK").save(p, quality=95),
    "alpha.png": lambda p, i: Image.fromarray(np.dstack((i, i[..., 0]))).save(p),
    "palette.png": lambda p, i: Image.fromarray(i).quantize(16).save(p),
    "turned.jpg": exif_turned,
}
GREY = {
    "grey.png": lambda p, i: Image.fromarray(i).convert("L").save(p),
    "grey.jpg": lambda p, i: Image.fromarray(i).convert("L").save(p, quality=95),
    "grey16.tif": lambda p, i: cv2.imwrite(str(p), deep(cv2.cvtColor(i, cv2.COLOR_RGB2GRAY))),
    "one-bit.png": lambda p, i: Image.fromarray(i).convert("1").save(p),
}


def labelled(tmp_path, files):
    """Write pictures, each with a box around the blue square."""
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    for name, write in files.items():
        write(tmp_path / "images" / name, scene())
        (tmp_path / "labels" / name).with_suffix(".txt").write_text("0 0.25 0.5 0.25 0.3333\n")
    return tmp_path / "images"


def dataset(folder, channels=3, mode="train", **changes):
    args = SimpleNamespace(imgsz=64, task="detect", seed=0, cache=False, **changes)
    data = {"nc": 1, "channels": channels}
    return build_yolo_dataset(args, folder, 4, data, mode=mode)


@pytest.mark.parametrize("name", [*WRITERS, *GREY])
def test_every_kind_of_file_shows_the_same_scene_with_its_label(tmp_path, name):
    made = dataset(labelled(tmp_path, {name: (WRITERS | GREY)[name]}), mode="val")[0]
    image = made["img"].permute(1, 2, 0).numpy()[8:56].astype(int)  # without the letterbox's grey
    if name in GREY:
        assert (image[..., 0] == image[..., 2]).all()
        return
    tolerance = 60 if name in ("cmyk.jpg", "palette.png") else 25
    assert np.abs(image[4:12, 40:60] - (30, 200, 30)).max() < tolerance
    x, y, w, h = (made["bboxes"][0] * 64).tolist()
    inside = image[
        int(y - h / 2) - 5 : int(y + h / 2) - 11, int(x - w / 2) + 3 : int(x + w / 2) - 3
    ]
    assert np.abs(inside - (30, 30, 220)).max() < tolerance


def test_all_kinds_train_together(tmp_path):
    folder = labelled(tmp_path, WRITERS | GREY)
    made = dataset(folder, mixup=0.5, degrees=5.0)
    assert len(made) == len(WRITERS | GREY)
    for batch in build_dataloader(made, 4):
        assert batch["img"].shape[1:] == (3, 64, 64)


@pytest.mark.parametrize("degrees", [0.0, 10.0])
def test_grey_pictures_of_one_channel(tmp_path, degrees):
    folder = labelled(tmp_path, WRITERS | GREY)
    made = dataset(folder, 1, degrees=degrees, mixup=0.4, cutmix=0.4, copy_paste=0.4, bgr=0.5)
    for batch in build_dataloader(made, 4):
        assert batch["img"].shape[1:] == (1, 64, 64)
        assert batch["img"].numpy().std() > 5
    single = read_image(folder / "a.png", channels=1)
    assert np.abs(single[..., 0].astype(int) - cv2.cvtColor(scene(), cv2.COLOR_RGB2GRAY)).max() <= 1


def bands(count):
    """One page a channel, each of its own brightness."""
    image = scene()[..., 0]
    return [deep(image // (i + 1)) for i in range(count)]


@pytest.mark.parametrize(
    ("name", "channels", "write"),
    [
        ("a.png", 4, lambda p, i: Image.fromarray(np.dstack((i, i[..., 1] // 2))).save(p)),
        ("a.tif", 4, lambda p, i: Image.fromarray(np.dstack((i, i[..., 1] // 2))).save(p)),
        ("a.tif", 6, lambda p, _: cv2.imwritemulti(str(p), bands(6))),
    ],
)
@pytest.mark.parametrize("degrees", [0.0, 10.0])
def test_four_and_more_channels_keep_the_order_of_the_file(
    tmp_path, name, channels, write, degrees
):
    folder = labelled(tmp_path, {name: write, f"b{name[1:]}": write})
    assert count_channels(folder / name) == channels
    image = read_image(folder / name, channels=channels)
    assert image.shape == (H, W, channels)
    if channels == 4:
        assert image[0, 0].tolist() == [220, 30, 30, 15]
    else:
        assert image[0, 0].tolist() == [220 // (i + 1) for i in range(6)]
    made = dataset(folder, channels, degrees=degrees, mixup=0.5, cutmix=0.5, copy_paste=0.5)
    for batch in build_dataloader(made, 2):
        assert batch["img"].shape == (2, channels, 64, 64)
    plain = dataset(folder, channels, mode="val")[0]["img"]
    assert plain[:, 20, 2].tolist() == image[10, 1].tolist()


def test_pictures_of_other_channels_are_left_out_and_named(tmp_path):
    four = {"four.png": lambda p, i: Image.fromarray(np.dstack((i, i[..., 0]))).save(p)}
    folder = labelled(tmp_path, {**four, "three.png": WRITERS["a.png"]})
    made = dataset(folder, 4)
    assert [f.rsplit("/", 1)[-1] for f in made.im_files] == ["four.png"]
    assert made.counts["damaged"] == 1
    assert "4 channels, this one has 3" in str(made.problems[0])
    with pytest.raises(ImageError, match="has 3 channels"):
        read_image(folder / "three.png", channels=4)
    with pytest.raises(DatasetError, match="nothing to use"):
        dataset(folder, 5)

"""Pictures of every kind and channel count, written by Pillow and OpenCV and read by a training data set."""

from __future__ import annotations

import os
import struct
import threading
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from engine.data.build import build_dataloader, build_yolo_dataset
from engine.data.channels import count_channels
from engine.data.images import check_image, read_image, read_samples, read_size
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


def tiff(array, planar=False, photometric=1, extra=0, orientation=1, order="<"):
    """Return an uncompressed TIFF of all bands in one page: side by side in each pixel, or plane after plane."""
    height, width, bands = array.shape
    stored = array.transpose(2, 0, 1) if planar else array
    data = stored.astype(array.dtype.newbyteorder(order)).tobytes()
    strips, size = (bands, len(data) // bands) if planar else (1, len(data))
    lists, tags = b"", []

    def tag(number, form, values):
        nonlocal lists
        field = struct.pack(f"{order}{len(values)}{form}", *values)
        if len(field) > 4:
            lists, field = lists + field, struct.pack(order + "I", 8 + len(data + lists))
        kind = {"H": 3, "I": 4}[form]
        tags.append(struct.pack(order + "HHI", number, kind, len(values)) + field.ljust(4, b"\0"))

    tag(256, "I", [width])
    tag(257, "I", [height])
    tag(258, "H", [array.dtype.itemsize * 8] * bands)
    tag(259, "H", [1])
    tag(262, "H", [photometric])
    tag(273, "I", [8 + n * size for n in range(strips)])
    tag(274, "H", [orientation])
    tag(277, "H", [bands])
    tag(278, "I", [height])
    tag(279, "I", [size] * strips)
    tag(284, "H", [1 + planar])
    tag(338, "H", [extra] * (bands - 1))
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", 8 + len(data + lists))
    return head + data + lists + struct.pack(order + "H", len(tags)) + b"".join(tags) + bytes(4)


def spectrum(count, dtype=np.uint8):
    """(H, W, count): the scene's red, each band of its own brightness, every pixel another."""
    noise = np.random.default_rng(0).integers(0, 9, (H, W, count))
    image = np.stack([scene()[..., 0] // (i + 1) for i in range(count)], axis=2) + noise
    return (image * (257 if dtype == np.uint16 else 1)).astype(dtype)


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("count", [5, 8])
@pytest.mark.parametrize("order", "<>")
def test_many_bands_in_one_page_are_read_as_stored(tmp_path, planar, dtype, count, order):
    bands = spectrum(count, dtype)
    file = tmp_path / "bands.tif"
    for photometric in (0, 1, 2, 5):  # what it says they mean changes no sample,
        for extra in (0, 1, 2):  # and neither does what it calls alpha
            file.write_bytes(tiff(bands, planar, photometric, extra, order=order))
            assert count_channels(file) == count
            assert check_image(file) == (W, H)
            image = read_image(file, channels=count)
            assert np.array_equal(image, bands if dtype == np.uint8 else bands >> 8)
    assert np.array_equal(read_samples(file), bands[..., :3])
    assert np.array_equal(read_image(file), image[..., 2::-1])
    grey = cv2.cvtColor(np.ascontiguousarray(image[..., :3]), cv2.COLOR_RGB2GRAY)
    assert np.abs(read_image(file, channels=1)[..., 0].astype(int) - grey).max() <= 1
    with pytest.raises(ImageError, match=f"has {count} channels"):
        read_image(file, channels=4)


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "deflate", "predictor": "horizontal"},
        {"compression": "lzw", "tile": True, "tile_width": 16, "tile_height": 16},
        {"bigtiff": True},
        {"tile": True, "tile_width": 16, "tile_height": 16, "pyramid": True},
    ],
)
def test_many_bands_packed_tiled_and_with_smaller_copies(tmp_path, options):
    import pyvips

    bands = spectrum(6, np.uint16)
    file = tmp_path / "bands.tif"
    pyvips.Image.new_from_array(bands).tiffsave(str(file), **options)
    assert count_channels(file) == 6
    assert np.array_equal(read_image(file, channels=6), bands >> 8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_many_bands_are_turned_as_colours_are(tmp_path, orientation):
    bands = spectrum(5)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(bands[..., :3])).save(tmp_path / "a.tif", exif=exif)
    (tmp_path / "b.tif").write_bytes(tiff(bands, orientation=orientation))
    assert read_size(tmp_path / "b.tif") == read_size(tmp_path / "a.tif")
    upright = read_image(tmp_path / "a.tif")
    assert np.array_equal(read_image(tmp_path / "b.tif"), upright)
    many = read_image(tmp_path / "b.tif", channels=5)
    assert np.array_equal(many[..., 2::-1], upright)
    assert np.array_equal(read_samples(tmp_path / "b.tif"), upright[..., ::-1])


@pytest.mark.parametrize("planar", [False, True])
def test_many_bands_cut_short_are_damaged(tmp_path, planar):
    import pyvips

    bands = spectrum(5)
    file = tmp_path / "bands.tif"
    whole = tiff(bands, planar)
    packed = pyvips.Image.new_from_array(bands).tiffsave_buffer(compression="deflate")
    late = struct.pack(
        "<HHII", 273, 4, 1, len(whole) - 999
    )  # the pixels go on after the file's end
    damaged = [
        whole[:-9],
        whole[: len(whole) // 2],
        whole[:8] + whole[3000:],
        packed[:9] + bytes(400) + packed[409:],
        packed[:4000] + bytes(9) + packed[4009:],
        whole.replace(struct.pack("<HHII", 273, 4, 1, 8), late) if not planar else b"II*\0",
    ]
    for data in damaged:
        file.write_bytes(data)
        for read in (check_image, read_samples, lambda f: read_image(f, channels=5)):
            with pytest.raises(ImageError, match="damaged"):
                read(file)


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_many_bands_train_with_colours_grey_or_all(tmp_path, channels):
    write = {f"{n}.tif": lambda p, _: p.write_bytes(tiff(spectrum(5))) for n in "ab"}
    folder = labelled(tmp_path, write)
    made = dataset(folder, channels, mixup=0.5)
    assert len(made) == 2
    for batch in build_dataloader(made, 2):
        assert batch["img"].shape == (2, channels, 64, 64)
    with pytest.raises(DatasetError, match="nothing to use"):
        dataset(folder, 6)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="loaders are not forked here")
def test_many_bands_are_read_in_processes_forked_after_reading(tmp_path):
    """libvips' threads do not survive a fork: who waits for them waits for ever."""
    write = {f"{n}.tif": lambda p, _: p.write_bytes(tiff(spectrum(5))) for n in "abcd"}
    made = dataset(labelled(tmp_path, write), 5, workers=2)
    read_image(made.im_files[0], channels=5)
    loader = build_dataloader(made, 2, workers=2)
    got = []
    reading = threading.Thread(target=lambda: got.extend(b["img"].shape for b in loader))
    reading.daemon = True
    reading.start()
    reading.join(60)
    try:
        assert got == [(2, 5, 64, 64)] * 2
    finally:
        loader.close()

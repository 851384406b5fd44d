from __future__ import annotations

import struct
import tarfile
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from engine.data.images import (
    check_image,
    list_images,
    read_image,
    read_size,
    scan_images,
    to_uint8,
    write_image,
)
from engine.runtime.errors import ImageError


def picture(height=24, width=32, seed=0):
    smooth = cv2.resize(
        np.random.default_rng(seed).integers(0, 255, (4, 4, 3), dtype=np.uint8), (width, height)
    )
    return np.ascontiguousarray(smooth)


def png_claiming(width, height):
    ihdr = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + ihdr + struct.pack(">I", zlib.crc32(ihdr))
    return b"\x89PNG\r\n\x1a\n" + chunk + b"\0\0\0\0IEND\xaeB`\x82"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tiff"])
def test_every_orientation_is_read_as_pillow_shows_it(tmp_path, orientation, suffix):
    from PIL import ImageOps

    path = tmp_path / f"a{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(picture()).save(path, exif=exif, quality=100)
    with Image.open(path) as stored:
        expected = np.asarray(ImageOps.exif_transpose(stored).convert("RGB"))[..., ::-1]
    image = read_image(path)
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected).mean() < 2
    assert image.flags.c_contiguous
    assert read_size(path) == check_image(path) == (image.shape[1], image.shape[0])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"<html>not found</html>", "not an image"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "damaged or cut"),
        (b"\x89PNG\r\n\x1a\n123", "ends inside"),
        (png_claiming(100_000, 100_000), "100000 x 100000"),
        (png_claiming(0, 10), "0 x 10"),
    ],
)
def test_what_is_no_picture_is_refused_from_the_header(tmp_path, content, message):
    path = tmp_path / "x.png"
    path.write_bytes(content)
    for read in (read_image, read_size, check_image):
        with pytest.raises(ImageError, match=message) as caught:
            read(path)
        assert caught.value.path == path
        assert "Replace" in str(caught.value)


def test_missing_file_says_so(tmp_path):
    for read in (read_image, read_size, check_image):
        with pytest.raises(ImageError, match="No such file"):
            read(tmp_path / "none.jpg")
    with pytest.raises(ImageError, match="does not exist"):
        list_images(tmp_path / "none")


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("cut", [3, 50, 200])
def test_cut_files_are_found(tmp_path, suffix, cut):
    path = tmp_path / f"a{suffix}"
    write_image(path, picture(64, 64))
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(ImageError, match=r"cut short|damaged"):
        check_image(path)


def test_a_changed_png_is_found(tmp_path):
    path = write_image(tmp_path / "a.png", picture())
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ImageError, match="checksum"):
        check_image(path)


def test_bytes_after_the_end_and_progressive_files_are_fine(tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(picture(64, 96)).save(path, progressive=True)
    path.write_bytes(path.read_bytes() + b"trailer" * 9)
    assert check_image(path) == (96, 64)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_png_mode_gives_three_channels(tmp_path, mode):
    path = tmp_path / "a.png"
    base = Image.fromarray(picture())
    image = (
        Image.fromarray(np.arange(768, dtype=np.uint16).reshape(24, 32))
        if mode == "I;16"
        else base.convert(mode)
    )
    image.save(path)
    assert read_image(path).shape == (24, 32, 3)


def test_deep_samples_use_their_own_range():
    assert to_uint8(np.array([[0, 4095]], dtype=np.uint16)).tolist() == [[0, 255]]
    assert to_uint8(np.array([[0, 65535]], dtype=np.uint16)).tolist() == [[0, 255]]
    assert to_uint8(np.array([[0, 200]], dtype=np.uint16)).tolist() == [[0, 200]]
    assert to_uint8(np.array([[-10, 10]], dtype=np.int16)).tolist() == [[0, 255]]
    assert to_uint8(np.array([[np.nan, 1.0, 3.0]])).tolist() == [[0, 0, 255]]
    assert to_uint8(np.array([[np.nan]])).tolist() == [[0]]
    assert to_uint8(np.array([[True, False]])).tolist() == [[255, 0]]


def test_listing_is_sorted_and_leaves_hidden_files_out(tmp_path):
    for name in ("b.JPG", "a.png", "sub/c.gif", ".hidden.png", ".git/d.png", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    names = [p.relative_to(tmp_path).as_posix() for p in list_images(tmp_path)]
    assert names == ["a.png", "b.JPG", "sub/c.gif"]


def test_links_in_circles_end_and_are_reported(tmp_path):
    images = tmp_path / "images"
    (images / "train").mkdir(parents=True)
    (images / "train" / "img.jpg").touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "one.jpg").touch()
    for link, target in {
        "train/loop": "../../images",
        "self": "self",
        "dangling.jpg": "nothing.jpg",
        "outside": "../elsewhere",
        "linked.jpg": "../one.jpg",
    }.items():
        (images / link).symlink_to(target)
    found = scan_images(images)
    assert [p.name for p in found.images] == ["linked.jpg", "img.jpg"]
    assert {p.file.name for p in found.problems} == {"loop", "self", "dangling.jpg", "outside"}


def test_writing_an_unknown_format_is_an_error(tmp_path):
    with pytest.raises(ImageError, match="Cannot write"):
        write_image(tmp_path / "a.docx", picture())


BAD = {
    "12-corrupt-jpeg": {"cut.jpg", "noise.jpg", "header_only.jpg"},
    "13-zero-byte": {"empty.png"},
    "14-exif-rotated": set(),
    "15-cmyk-jpeg": set(),
    "16-gray-alpha": set(),
    "17-one-pixel": set(),
    "18-header-bomb": {"bomb_100000x100000.png", "bomb_max.png"},
    "29-extension-lies": {"text_named.png", "html_named.jpg"},
    "32-tiff-variety": {"cut.tif"},
}


def problem_of(path):
    try:
        check_image(path)
    except ImageError as error:
        return error
    return None


@pytest.mark.parametrize("case", BAD)
def test_bad_pictures_of_the_manifest(shared_dir, case):
    images = list_images(shared_dir / "datasets/formats/bad" / case)
    damaged = {path.name: str(error) for path in images if (error := problem_of(path))}
    assert set(damaged) == BAD[case]
    assert all(name in sentence for name, sentence in damaged.items())
    for path in images:
        if path.name not in damaged:
            image = read_image(path)
            assert image.shape[1::-1] == read_size(path)
            assert image.dtype == np.uint8


@pytest.mark.parametrize(
    "case", ["14-exif-rotated", "15-cmyk-jpeg", "16-gray-alpha", "29-extension-lies"]
)
def test_variants_of_one_picture_look_the_same(shared_dir, case):
    bad = shared_dir / "datasets/formats/bad"
    reference = read_image(bad / "14-exif-rotated/images/train/plain.jpg").astype(int)
    for path in list_images(bad / case):
        if path.name in BAD[case]:
            continue
        image = read_image(path)
        assert image.shape == reference.shape
        grey = image.mean(2), reference.mean(2)
        # A palette or one bit keeps the brightness of areas, by dithering.
        blurred = [cv2.blur(g, (25, 25)) for g in grey]
        assert np.abs(blurred[0] - blurred[1]).mean() < 8, path.name


def test_symlink_loop_archive(shared_dir, tmp_path):
    with tarfile.open(
        shared_dir / "datasets/formats/bad/25-symlink-loop/dataset-with-loops.tar.gz"
    ) as tar:
        tar.extractall(tmp_path, filter="fully_trusted")
    found = scan_images(tmp_path)
    assert [p.name for p in found.images] == ["img.jpg"]
    assert "dangling.jpg" in {p.file.name for p in found.problems}


def _tiff(array):
    """Return an uncompressed TIFF of samples side by side in each pixel, as multispectral cameras write it."""
    height, width, samples = array.shape
    data = array.tobytes()
    at = 8 + len(data)
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, samples, at + 2 + 12 * 9 + 4),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 8),
        (277, 3, 1, samples),
        (278, 4, 1, height),
        (279, 4, 1, len(data)),
    ]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    head = b"II*\0" + struct.pack("<I", at) + data + struct.pack("<H", len(tags))
    return head + entries + bytes(4) + struct.pack(f"<{samples}H", *[8] * samples)


def test_four_samples_of_no_named_meaning_are_not_read(tmp_path):
    file = tmp_path / "bands.tif"
    file.write_bytes(_tiff(np.zeros((20, 30, 4), np.uint8)))
    with pytest.raises(ImageError, match="write colours with alpha as RGB"):
        check_image(file)


def test_more_samples_of_depths_that_are_not_read_are_named(tmp_path):
    file = tmp_path / "bands.tif"
    whole = _tiff(np.zeros((20, 30, 6), np.uint8))
    file.write_bytes(whole[:-12] + struct.pack("<6H", *[4] * 6))
    with pytest.raises(ImageError, match=r"6 samples a pixel of \[4\] bits"):
        check_image(file)

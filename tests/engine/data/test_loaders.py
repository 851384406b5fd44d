from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from engine.data.loaders import load_source
from engine.runtime.errors import DatasetError, ImageError


@pytest.fixture
def folder(tmp_path):
    for i, name in enumerate(("a.png", "b.jpg", "sub/c.png", "notes.md")):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        if path.suffix == ".md":
            path.write_text("nothing")
        else:
            cv2.imwrite(str(path), np.full((10, 20 + i, 3), (10, 20, 200), np.uint8))
    return tmp_path


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 5, (64, 48))
    for i in range(7):
        writer.write(np.full((48, 64, 3), 30 * i, np.uint8))
    writer.release()
    return path


def names(source, **options):
    return [p.rsplit("/", 1)[-1] for b in load_source(source, **options) for p in b.paths]


def test_folders_patterns_lists_and_list_files(folder):
    assert names(folder) == ["a.png", "b.jpg", "c.png"]
    assert names(str(folder / "*.png")) == ["a.png"]
    assert names(str(folder / "**/*.png")) == ["a.png", "c.png"]
    assert names([folder / "b.jpg", folder / "sub"]) == ["b.jpg", "c.png"]
    (folder / "list.txt").write_text("b.jpg\n\nsub/c.png\n")
    assert names(folder / "list.txt") == ["b.jpg", "c.png"]


def test_batches(folder):
    sizes = [len(b.images) for b in load_source(folder, batch=2)]
    assert sizes == [2, 1]
    loader = load_source(folder, batch=2)
    assert len(loader) == 2
    assert [len(b.images) for b in loader] == [len(b.images) for b in loader]  # iterates again
    info = next(iter(loader)).infos[1]
    assert (info.kind, info.number, info.count, info.frame) == ("image", 2, 3, 0)


def test_brackets_in_a_file_name_are_no_pattern(folder):
    path = folder / "odd [1].png"
    cv2.imwrite(str(path), np.zeros((4, 4, 3), np.uint8))
    assert names(str(path)) == ["odd [1].png"]


def test_memory_of_every_kind_gives_the_same_bgr(folder):
    bgr = np.full((10, 20, 3), (10, 20, 200), np.uint8)
    pil = Image.fromarray(bgr[..., ::-1])
    tensor = torch.from_numpy(bgr[..., ::-1].copy()).permute(2, 0, 1).float() / 255
    for source in (bgr, pil, tensor, tensor[None], [bgr], [pil], str(folder / "a.png"), bgr[None]):
        batch = next(iter(load_source(source)))
        assert np.array_equal(batch.images[0], bgr)
    two = next(iter(load_source([bgr, pil], batch=2)))
    assert two.paths == ["image0.jpg", "image1.jpg"]
    assert two.infos[1].kind == "array"


def test_grey_alpha_and_deep_arrays_become_bgr():
    for shape in ((6, 5), (6, 5, 1), (6, 5, 4)):
        assert next(iter(load_source(np.zeros(shape, np.uint8)))).images[0].shape == (6, 5, 3)
    assert next(iter(load_source(np.full((6, 5), 4095, np.uint16)))).images[0].max() == 255


def test_pil_orientation_is_applied():
    buffer, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (20, 10)).save(buffer, "JPEG", exif=exif)
    buffer.seek(0)
    with Image.open(buffer) as picture:
        assert next(iter(load_source(picture))).images[0].shape == (20, 10, 3)


def test_video_frames(video):
    frames = [info for b in load_source(video, batch=3) for info in b.infos]
    assert [f.frame for f in frames] == list(range(1, 8))
    assert frames[0].fps == 5
    assert frames[0].frames == 7
    strided = [info.frame for b in load_source(video, vid_stride=3) for info in b.infos]
    assert strided == [1, 4, 7]


def test_videos_and_pictures_in_one_folder(folder, video):
    assert names(folder) == ["a.png", "b.jpg", *["clip.avi"] * 7, "c.png"]


@pytest.mark.parametrize("content", [b"", b"this is no video"])
def test_broken_videos_are_errors_with_their_name(tmp_path, content):
    path = tmp_path / "broken.mp4"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=r"broken\.mp4"):
        list(load_source(path))


def test_one_damaged_file_among_others_is_left_out(folder, caplog):
    (folder / "aa.png").write_bytes(b"")
    assert names(folder) == ["a.png", "b.jpg", "c.png"]
    assert "aa.png" in caplog.text
    with pytest.raises(ImageError, match="empty"):
        list(load_source(folder / "aa.png"))


@pytest.mark.parametrize(
    "source",
    [
        "/nowhere/x.jpg",
        "/nowhere/*.jpg",
        "ftp://example.org/bus.jpg",
        3.5,
        "",
        " ",
        -1,
        io.BytesIO(b"picture"),
        [],
        np.zeros((2, 2, 7)),
        torch.zeros(4),
    ],
)
def test_sources_that_name_nothing(source):
    with pytest.raises(DatasetError):
        load_source(source)


def test_empty_folder(tmp_path):
    with pytest.raises(DatasetError, match="No images or videos"):
        load_source(tmp_path)


@pytest.mark.parametrize("name", ["cut", "text", "zero"])
def test_broken_videos_of_the_manifest(shared_dir, name):
    path = shared_dir / f"datasets/formats/bad/38-broken-video/{name}.mp4"
    with pytest.raises(ImageError, match=f"{name}.mp4"):
        list(load_source(path))


def test_shared_video(shared_dir):
    loader = load_source(shared_dir / "datasets/video/car-detection.mp4", vid_stride=60)
    infos = [info for b in loader for info in b.infos]
    assert len(infos) == 7
    assert infos[0].frames == 377

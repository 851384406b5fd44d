from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from engine.data.build import build_dataloader, build_yolo_dataset
from engine.data.dataset import YOLODataset
from engine.data.image_cache import ImageCache, cache_kind
from engine.data.images import check_image, read_image
from engine.data.semantic_dataset import SemanticDataset, read_semantic_yaml
from engine.data.yaml_file import read_data_yaml
from engine.models.yolo.detect import DetectionTrainer, DetectionValidator
from engine.ops.boxes import scale_boxes, xywh2xyxy
from engine.ops.raster import polygons2masks
from engine.runtime.errors import ConfigError, DatasetError, ImageError


@pytest.fixture(autouse=True)
def _cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MASKWRIGHT_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def data(parts_dataset):
    return read_data_yaml(parts_dataset)


def arguments(**changes):
    return SimpleNamespace(**{"imgsz": 96, "task": "segment", "cache": False, "seed": 0, **changes})


def built(data, mode="train", batch=4, **changes):
    rect = changes.pop("as_rect", False)
    return build_yolo_dataset(arguments(**changes), data[mode], batch, data, mode=mode, rect=rect)


def batches(loader, epoch=0):
    loader.set_epoch(epoch)
    return list(loader)


def same(first, second):
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        assert a["im_file"] == b["im_file"]
        for key in ("img", "cls", "bboxes", "batch_idx", "masks"):
            assert torch.equal(a[key], b[key]), key


def test_labels_describe_the_files(data):
    dataset = built(data)
    assert len(dataset) == len(dataset.labels) == 12
    assert dataset.counts == {"labelled": 12, "background": 0, "unlabelled": 0, "damaged": 0}
    label = dataset.labels[0]
    assert label["shape"] == (120, 160)
    assert label["cls"].shape == (len(label["segments"]), 1)
    assert label["bboxes"].shape == (len(label["segments"]), 4)
    assert all(s.min() >= 0 and s.max() <= 1 for s in label["segments"])


def test_training_batches_have_what_losses_need(data):
    batch = batches(build_dataloader(built(data), 4))[0]
    assert batch["img"].shape == (4, 3, 96, 96)
    assert batch["img"].dtype == torch.uint8
    assert batch["masks"].shape == (4, 24, 24)
    count = len(batch["cls"])
    assert batch["bboxes"].shape == (count, 4)
    assert batch["bboxes"].min() >= 0
    assert batch["bboxes"].max() <= 1
    assert set(batch["batch_idx"].tolist()) <= {0, 1, 2, 3}
    for i in range(4):
        objects = int((batch["batch_idx"] == i).sum())
        assert batch["masks"][i].max() <= objects
        assert len(np.unique(batch["masks"][i])) > 1


def test_epochs_follow_from_seed_and_number_alone(data):
    dataset = built(data)
    loader = build_dataloader(dataset, 4, seed=7)
    zero, one = batches(loader, 0), batches(loader, 1)
    assert [b["im_file"] for b in zero] != [b["im_file"] for b in one]
    again = build_dataloader(built(data), 4, seed=7)
    same(batches(again, 1), one)  # as after a resume
    same(batches(again, 0), zero)
    other = batches(build_dataloader(built(data), 4, seed=8), 0)
    assert [b["im_file"] for b in other] != [b["im_file"] for b in zero]


@pytest.mark.parametrize("limit", [0, 1 << 30])
def test_what_is_kept_in_memory_changes_nothing(data, limit):
    reference, dataset = built(data), built(data)
    dataset.images.budget_bytes = limit
    same(batches(build_dataloader(reference, 4), 2), batches(build_dataloader(dataset, 4), 2))


def test_workers_give_the_same_batches_and_stop(data):
    loader = build_dataloader(built(data), 4, workers=2)
    alone = build_dataloader(built(data), 4)
    for epoch in (0, 1):
        same(batches(loader, epoch), batches(alone, epoch))
    loader.dataset.close_mosaic()
    alone.dataset.close_mosaic()
    loader.reset()
    same(batches(loader, 2), batches(alone, 2))
    loader.close()
    assert loader._iterator is None


def test_a_copy_for_a_spawned_worker_is_small_and_equal(data):
    dataset = built(data)
    first = dataset[3]
    copy = pickle.loads(pickle.dumps(dataset))
    assert not copy.images._kept
    assert torch.equal(copy[3]["img"], first["img"])


def test_closing_the_mosaic_leaves_single_pictures(data):
    dataset = built(data, scale=0.0, translate=0.0, fliplr=0.0, hsv_h=0.0, hsv_s=0.0, hsv_v=0.0)
    before = dataset[(0, 0, dataset.blends)]
    dataset.close_mosaic(
        SimpleNamespace(scale=0.0, translate=0.0, fliplr=0.0, hsv_s=0.0, hsv_v=0.0, hsv_h=0.0)
    )
    assert not dataset.blends
    after = dataset[(0, 0, dataset.blends)]
    assert len(after["cls"]) == len(dataset.labels[0]["cls"])
    assert not torch.equal(before["img"], after["img"])
    # A single picture, letterboxed: grey above and below.
    assert (after["img"][:, :11] == 114).all()


def test_every_picture_comes_once_an_epoch(data):
    seen = [f for b in batches(build_dataloader(built(data), 5)) for f in b["im_file"]]
    assert sorted(seen) == sorted(built(data).im_files)


@pytest.mark.parametrize(("imgsz", "batches_of_an_epoch"), [(32, 1), (64, 2)])
def test_a_last_picture_alone_waits_where_a_network_sees_one_cell(data, imgsz, batches_of_an_epoch):
    dataset = built(data, imgsz=imgsz)
    assert len(build_dataloader(dataset, len(dataset) - 1)) == batches_of_an_epoch
    assert len(build_dataloader(dataset, len(dataset) - 1, shuffle=False)) == 2


def test_validation_is_exact(data):
    dataset = built(data, "val")
    for batch in build_dataloader(dataset, 2, shuffle=False):
        assert batch["img"].shape[2:] == (96, 96)
        for i, file in enumerate(batch["im_file"]):
            label = next(x for x in dataset.labels if x["im_file"] == file)
            height, width = label["shape"]
            boxes = xywh2xyxy(batch["bboxes"][batch["batch_idx"] == i] * 96)
            back = scale_boxes((96, 96), boxes, (height, width), ratio_pad=batch["ratio_pad"][i])
            expected = xywh2xyxy(label["bboxes"] * np.tile((width, height), 2))
            order = [np.lexsort(np.round(b, 2).T) for b in (back.numpy(), expected)]
            assert np.allclose(back[order[0]], expected[order[1]], atol=1e-2)
            assert batch["ori_shape"][i] == (height, width)
            assert len(batch["segments"][i]) == len(label["segments"])
            # The index picture is those outlines at a quarter of the size, small objects on top.
            masks = polygons2masks((96, 96), batch["segments"][i], downsample_ratio=4)
            assert np.array_equal(masks.any(0), batch["masks"][i].numpy() > 0)


def test_rectangles_fit_each_batch(tmp_path, data):
    folder = tmp_path / "images"
    folder.mkdir()
    (tmp_path / "labels").mkdir()
    for i, (h, w) in enumerate([(40, 80), (80, 40), (60, 60), (42, 80), (80, 44), (60, 58)]):
        cv2.imwrite(str(folder / f"{i}.png"), np.zeros((h, w, 3), np.uint8))
        (tmp_path / f"labels/{i}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    dataset = YOLODataset(folder, 128, {"nc": 1}, rect=True, batch_size=2)
    shapes = [tuple(b["img"].shape[2:]) for b in build_dataloader(dataset, 2, shuffle=False)]
    assert shapes == [(96, 128), (128, 128), (128, 96)]
    with_box = dataset[0]
    assert with_box["bboxes"][0, :2].tolist() == pytest.approx([0.5, 0.5], abs=0.02)
    training = build_yolo_dataset(arguments(rect=True), folder, 2, {"nc": 1})
    assert training.rect
    assert not training.augment


def test_detect_needs_no_masks(data):
    args = arguments()
    args.task = "detect"
    dataset = build_yolo_dataset(args, data["train"], 4, data)
    batch = next(iter(build_dataloader(dataset, 4)))
    assert "masks" not in batch
    assert len(batch["bboxes"]) > 4


@pytest.mark.parametrize("kind", [DetectionTrainer, DetectionValidator])
def test_single_class_keeps_the_objects_of_all_classes(kind, parts_dataset):
    """The model has one class then, the labels as many as before."""

    def objects(**given):
        given = {"data": str(parts_dataset), "imgsz": 64, **given}
        if kind is DetectionTrainer:
            room = kind(overrides=given)
        else:
            room = kind(args=given)
            room.names = read_data_yaml(parts_dataset)["names"]
        data = room.get_dataset()
        found = build_yolo_dataset(room.args, data["val"], 4, data)
        assert found.problems == []
        return sum(len(label["cls"]) for label in found.labels), data["nc"]

    (plain, many), (together, one) = objects(), objects(single_cls=True)
    assert (plain, many, one) == (together, 4, 1)


def test_single_class_and_fraction(data):
    assert {c for label in built(data, single_cls=True).labels for c in label["cls"].ravel()} == {0}
    assert len(built(data, fraction=0.5)) == 6
    assert len(built(data, "val", fraction=0.5)) == 4  # what is measured is always the whole split


@pytest.fixture
def spoiled(tmp_path, parts_dataset):
    folder = tmp_path / "spoiled"
    shutil.copytree(parts_dataset.parent, folder)
    images = sorted((folder / "images/train").iterdir())
    images[0].write_bytes(b"")
    images[1].write_bytes(images[1].read_bytes()[:500])
    label = folder / "labels/train" / f"{images[2].stem}.txt"
    label.write_text(label.read_text() + "17 0.5 0.5 0.1 0.1\n0 0.5 0.5\n1 0.5 0.5 0.2 0.2\n")
    (folder / "labels/train" / f"{images[3].stem}.txt").write_text("")
    (folder / "labels/train" / f"{images[4].stem}.txt").unlink()
    return folder / "data.yaml"


def test_damaged_pictures_and_lines_are_left_out_and_named(spoiled, caplog):
    caplog.set_level("INFO", logger="engine")
    dataset = built(read_data_yaml(spoiled))
    assert dict(dataset.counts) == {"labelled": 8, "background": 1, "unlabelled": 1, "damaged": 2}
    assert "2 damaged (left out)" in caplog.text
    assert len(dataset) == 10
    reasons = "\n".join(map(str, dataset.problems))
    assert "The file is empty" in reasons
    assert "cut short" in reasons
    assert "Class 17 does not exist" in reasons
    assert "received 2" in reasons
    assert "1 objects have only a box" in reasons
    assert len(batches(build_dataloader(dataset, 4))) == 3


@pytest.mark.parametrize(
    ("marker", "at", "spoiled_bytes"),
    [(b"\xff\xc4", 5, b"\xff" * 16), (b"\xff\xdb", 4, b"\xf7")],
    ids=["codes", "quantization"],
)
def test_a_jpeg_with_tables_that_are_none_is_damaged(tmp_path, marker, at, spoiled_bytes):
    """Its markers are all there, and no decoder reads it."""
    file = tmp_path / "a.jpg"
    cv2.imwrite(str(file), np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8))
    assert check_image(file) == (60, 40)
    data = bytearray(file.read_bytes())
    begin = data.index(marker) + at
    data[begin : begin + len(spoiled_bytes)] = spoiled_bytes
    file.write_bytes(data)
    assert cv2.imread(str(file)) is None
    with pytest.raises(ImageError, match="the table at byte"):
        check_image(file)


@pytest.mark.parametrize("augment", [True, False])
@pytest.mark.parametrize("task", ["detect", "segment", "semseg"])
def test_a_picture_that_became_unreadable_is_a_field_without_objects(
    tmp_path, parts_dataset, caplog, task, augment
):
    folder = tmp_path / "set"
    shutil.copytree(parts_dataset.parent, folder)
    said = read_data_yaml(folder / "data.yaml")
    if task == "semseg":
        semantic, given = read_semantic_yaml(folder / "data.yaml"), arguments(task=task)
        dataset = SemanticDataset(said["train"], 96, semantic, augment=augment, hyp=given)
    else:
        mode = "train" if augment else "val"
        dataset = built({**said, mode: said["train"]}, mode, task=task)
    gone = Path(dataset.im_files[2])
    gone.write_bytes(b"\x89PNG\r\n\x1a\n")
    sample = dataset.load(2)
    assert (sample.image == 114).all()
    assert len(sample.shapes) == 0
    if task == "semseg":
        assert (sample.class_map == 255).all()
    for _ in range(2):
        assert dataset[2]["img"].shape == dataset[3]["img"].shape
    assert caplog.text.count(gone.name) == 1
    assert list(dataset.lost.reasons) == [2]
    assert pickle.loads(pickle.dumps(dataset)).lost.reasons == dataset.lost.reasons

    for file in dataset.im_files:  # a drive that is gone
        Path(file).unlink()
    dataset.images = dataset._cache(False, 0)
    with pytest.raises(ImageError):
        list(map(dataset.load, range(len(dataset))))


def test_nothing_to_learn_from_is_an_error(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    with pytest.raises(DatasetError, match="no images"):
        YOLODataset(folder)
    (folder / "a.png").write_bytes(b"")
    with pytest.raises(DatasetError, match="all 1 images are damaged"):
        YOLODataset(folder)
    cv2.imwrite(str(folder / "b.png"), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(DatasetError, match="None of the 1 images has a usable label"):
        YOLODataset(folder)
    with pytest.raises(DatasetError, match="not there"):
        YOLODataset(tmp_path / "none")


@pytest.fixture
def three_pictures(tmp_path):
    """Return a function that writes three pictures whose label files have a text, and opens them."""

    def make(text, **options):
        for folder in ("images", "labels"):
            (tmp_path / folder).mkdir()
        for name in "abc":
            cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), np.zeros((8, 8, 3), np.uint8))
            (tmp_path / "labels" / f"{name}.txt").write_text(text)
        return YOLODataset(tmp_path / "images", data={"nc": 1}, **options)

    return make


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0 20 20 10 10\n", "20 looks like pixels"),
        ("1 0.5 0.5 0.2 0.2\n", "Class 1 does not exist"),
        ("0 0,5 0,5 0,2 0,2\n", "'0,5' is not a number"),
        ("0 0.5 0.5 0.2\n", "received 3"),
    ],
)
def test_where_every_label_is_wrong_the_first_is_named_with_its_reason(
    three_pictures, tmp_path, text, reason
):
    with pytest.raises(DatasetError, match="None of the 3 images") as caught:
        three_pictures("\n" + text)
    told = str(caught.value)
    assert f"{tmp_path / 'labels' / 'a.txt'}, line 2: " in told
    assert reason in told
    assert "2 more such problems" in told
    assert "Label files lie" not in told


def test_classes_that_leave_nothing_are_named(three_pictures):
    with pytest.raises(DatasetError, match=r"classes=\[7\] leaves out all 3 objects"):
        three_pictures("0 0.5 0.5 0.2 0.2\n", classes=[7])


@pytest.mark.parametrize(
    ("value", "kind"),
    [(False, None), (None, None), (True, "ram"), ("ram", "ram"), ("disk", "disk")],
)
def test_cache_argument(value, kind):
    assert cache_kind(value) == kind
    with pytest.raises(ConfigError, match="cache must be"):
        cache_kind("floppy")


@pytest.mark.parametrize("kind", [None, "ram", "disk"])
def test_caches_give_the_same_pictures(data, kind):
    files = sorted(data["train"][0].iterdir())
    plain, cache = ImageCache(files, 96), ImageCache(files, 96, kind)
    plain.budget_bytes = 0
    for _ in range(2):
        for i in range(len(files)):
            assert np.array_equal(plain.get(i), cache.get(i))
    assert not plain._kept
    if kind == "disk":
        fresh = ImageCache(files, 96, kind)
        fresh._read = None  # a decoding would fail
        assert np.array_equal(fresh.get(0), plain.get(0))


def test_memory_stays_within_its_budget(data):
    cache = ImageCache(sorted(data["train"][0].iterdir()), 96)
    cache.budget_bytes = 3 * cache.get(0).nbytes
    for i in range(12):
        cache.get(i)
    assert len(cache._kept) == 3
    assert cache._kept_bytes <= cache.budget_bytes


def test_too_little_memory_for_everything_is_said(data, monkeypatch, caplog):
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=100_000))
    cache = ImageCache(sorted(data["train"][0].iterdir()), 96, "ram")
    assert cache.budget_bytes == 60_000
    assert "only a part is kept" in caplog.text


def test_too_little_room_on_disk_is_said_and_nothing_written(data, monkeypatch, caplog, tmp_path):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=100_000))
    cache = ImageCache(sorted(data["train"][0].iterdir()), 96, "disk")
    assert cache.kind is None
    assert "images are decoded every time instead" in caplog.text
    assert cache.get(0).shape[1] == 96
    assert not (tmp_path / "cache" / "images").exists()


def test_of_many_pictures_those_that_came_shortly_before_take_part(data, monkeypatch):
    monkeypatch.setattr("engine.data.build._NEAR", 5)
    dataset = built(data)
    loader = build_dataloader(dataset, 4, seed=3)
    loader.set_epoch(1)
    keys = list(loader.sampler)
    order = [key[0] for key in keys]
    assert sorted(order) == list(range(12))
    for place, (_, epoch, blends, near) in enumerate(keys):
        first = max(place - 5, 0)
        assert (epoch, blends) == (1, True)
        assert set(near) <= set(order[first : first + 5])
    assert keys == list(loader.sampler)  # as after a resume
    loader.set_epoch(1, skip=4)
    assert list(loader.sampler) == keys[4:]
    workers = build_dataloader(built(data), 4, workers=2, seed=3)
    same(batches(workers, 1), batches(loader, 1))
    workers.close()
    dataset.close_mosaic()
    assert {len(key) for key in loader.sampler} == {3}


def test_fast_decoding_is_nearly_the_picture(tmp_path):
    smooth = cv2.resize(
        np.random.default_rng(0).integers(0, 255, (6, 8, 3), dtype=np.uint8), (640, 480)
    )
    cv2.imwrite(str(tmp_path / "a.jpg"), smooth)
    full = read_image(tmp_path / "a.jpg")
    for least, width in ((641, 640), (400, 640), (320, 320), (150, 160), (10, 80)):
        image = read_image(tmp_path / "a.jpg", least)
        assert image.shape[1] == width
        again = cv2.resize(image, (640, 480))
        assert np.abs(again.astype(int) - full).mean() < 6


def test_a_script_without_a_main_guard_may_use_workers(tmp_path, parts_dataset):
    script = tmp_path / "script.py"
    script.write_text(
        "import json, sys\n"
        "from types import SimpleNamespace as N\n"
        "from engine.data.build import build_dataloader, build_yolo_dataset\n"
        "from engine.data.yaml_file import read_data_yaml\n"
        "data = read_data_yaml(sys.argv[1])\n"
        "args = N(imgsz=64, task='segment', seed=0)\n"
        "loader = build_dataloader(build_yolo_dataset(args, data['train'], 4, data), 4, workers=2)\n"
        "print(json.dumps(sum(len(b['im_file']) for b in loader)))\n"
    )
    if sys.platform != "linux":
        pytest.skip("other systems start workers by spawn, which needs the guard")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, script, parts_dataset],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert json.loads(done.stdout) == 12


@pytest.mark.parametrize("name", ["coco8-seg", "nuinsseg-mini"])
def test_shared_data_sets_give_batches(shared_dir, name):
    data = read_data_yaml(shared_dir / "datasets" / name / "data.yaml")
    train = next(iter(build_dataloader(built(data, batch=4), 4)))
    assert train["img"].shape == (4, 3, 96, 96)
    for batch in build_dataloader(built(data, "val", as_rect=True), 4, shuffle=False):
        assert batch["img"].shape[2] % 32 == 0
        assert len(batch["cls"]) == sum(map(len, batch["segments"]))


@pytest.mark.parametrize(
    "case",
    [
        "12-corrupt-jpeg",
        "13-zero-byte",
        "14-exif-rotated",
        "15-cmyk-jpeg",
        "16-gray-alpha",
        "17-one-pixel",
        "29-extension-lies",
    ],
)
def test_bad_pictures_never_stop_a_training(shared_dir, case):
    data = read_data_yaml(shared_dir / "datasets/formats/bad" / case / "data.yaml")
    dataset = built(data, batch=2)
    for batch in batches(build_dataloader(dataset, 2)):
        assert batch["img"].shape[1:] == (3, 96, 96)
    damaged = {"12-corrupt-jpeg": 3, "13-zero-byte": 1, "29-extension-lies": 2}
    assert dataset.counts["damaged"] == damaged.get(case, 0)


def test_threads_make_samples_while_pictures_are_decoded_and_one_when_all_are_in_memory(
    data, monkeypatch
):
    dataset, seen = built(data), set()
    make = dataset.load
    monkeypatch.setattr("engine.data.sample_threads._cores", lambda: 2)

    def noted(index):
        seen.add(threading.current_thread().name)
        return make(index)

    monkeypatch.setattr(dataset, "load", noted)
    first = dataset.__getitems__(range(len(dataset)))
    assert all(name.startswith("samples") for name in seen)

    monkeypatch.setattr(dataset.images, "read", lambda file: pytest.fail(f"{file} is read again"))
    seen.clear()
    again = dataset.__getitems__(range(len(dataset)))
    assert seen == {threading.current_thread().name}
    assert all(torch.equal(a["img"], b["img"]) for a, b in zip(first, again, strict=True))

    short = built(data)
    short.images.budget_bytes = 0  # what does not fit is decoded each time
    make = short.load
    monkeypatch.setattr(short, "load", noted)
    seen.clear()
    for _ in range(2):
        short.__getitems__(range(len(short)))
    assert all(name.startswith("samples") for name in seen)

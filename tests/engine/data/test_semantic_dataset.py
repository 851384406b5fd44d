"""Samples with a class a pixel: from masks, from polygons, with what is wrong told by name."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
import yaml

from engine.data.build import build_dataloader
from engine.data.semantic_dataset import (
    SemanticDataset,
    build_semantic_dataset,
    read_semantic_yaml,
)
from engine.runtime.errors import DatasetError

IGNORED = 255


def opened(
    file: Path, split: str = "train", single_cls: bool = False, **options
) -> SemanticDataset:
    data = read_semantic_yaml(file, single_cls)
    return SemanticDataset(data[split], imgsz=options.pop("imgsz", 64), data=data, **options)


@pytest.fixture
def fields(colored_fields, tmp_path) -> Path:
    """A copy of the drawn data set that may be spoilt."""
    shutil.copytree(colored_fields.parent, tmp_path / "fields")
    file = tmp_path / "fields" / "data.yaml"
    entries = yaml.safe_load(file.read_text()) | {"path": "."}
    file.write_text(yaml.safe_dump(entries))
    return file


def change(file: Path, **entries: object) -> Path:
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **entries}))
    return file


def test_sample_for_measuring_is_the_picture_with_its_mask(colored_fields):
    dataset = opened(colored_fields, "val")
    sample = dataset[1]
    stored = cv2.imread(str(colored_fields.parent / "masks" / "val" / "1.png"), -1)
    assert sample["img"].shape == (3, 64, 64)
    assert sample["masks"].dtype == torch.uint8
    assert (sample["masks"][8:56].numpy() == stored).all()
    assert (sample["masks"][:8] == IGNORED).all()
    assert (sample["masks"][56:] == IGNORED).all()
    assert (sample["ori_masks"] == stored).all()
    assert (sample["ori_shape"], sample["resized_shape"]) == ((48, 64), (64, 64))
    red, blue = sample["img"][0], sample["img"][2]
    assert (red > blue)[sample["masks"] == 2].all()  # houses are red, in an RGB picture


def test_samples_for_training_keep_the_colours_of_the_classes(colored_fields):
    still = SimpleNamespace(hsv_h=0, hsv_s=0, hsv_v=0)
    dataset = opened(colored_fields, augment=True, hyp=still)
    strongest = {0: 2, 1: 1, 2: 0}  # sky is blue, grass green, a house red
    for index in range(len(dataset)):
        sample = dataset[index, 3, True]
        assert "ori_masks" not in sample
        for label, channel in strongest.items():
            there = cv2.erode((sample["masks"].numpy() == label).astype(np.uint8), np.ones((3, 3)))
            pixels = sample["img"].numpy()[:, there > 0]
            if pixels.size:
                assert (pixels.argmax(0) == channel).mean() > 0.98


def test_samples_follow_from_seed_epoch_and_picture(colored_fields):
    a, b = (opened(colored_fields, augment=True, seed=5) for _ in range(2))
    assert torch.equal(a[2, 4, True]["masks"], b[2, 4, True]["masks"])
    assert torch.equal(a[2, 4, True]["img"], b[2, 4, True]["img"])
    assert not torch.equal(a[2, 4, True]["img"], a[2, 5, True]["img"])
    a.close_mosaic()
    assert not a.blends


def test_loader_gives_batches_also_from_another_process(colored_fields):
    dataset = pickle.loads(
        pickle.dumps(opened(colored_fields, augment=True))
    )  # as spawn hands it over
    batch = next(iter(build_dataloader(dataset, 4, shuffle=True)))
    assert batch["img"].shape == (4, 3, 64, 64)
    assert batch["masks"].shape == (4, 64, 64)
    assert batch["img"].is_contiguous(memory_format=torch.channels_last)
    assert len(batch["im_file"]) == 4
    assert len(set(batch["im_file"])) == 4


def test_narrow_batches_for_measuring(fields):
    args = SimpleNamespace(
        imgsz=64, cache=False, fraction=1.0, seed=0, workers=0, rect=False, classes=None
    )
    data = read_semantic_yaml(fields)
    dataset = build_semantic_dataset(args, data["val"], 2, data, "val", rect=True, stride=16)
    batch = next(iter(build_dataloader(dataset, 2, shuffle=False)))
    assert batch["masks"].shape == (2, 48, 64)
    assert [m.shape for m in batch["ori_masks"]] == [(48, 64)] * 2


@pytest.mark.parametrize("given", ["bgr", "rect", "fraction"])
def test_arguments_of_training_take_effect(given, fields):
    usual = {
        "imgsz": 64,
        "cache": False,
        "fraction": 1.0,
        "seed": 0,
        "workers": 0,
        "rect": False,
        "classes": None,
    }
    still = {"hsv_h": 0, "hsv_s": 0, "hsv_v": 0, "bgr": 0.0}
    value = {"bgr": 1.0, "rect": True, "fraction": 0.5}[given]
    data = read_semantic_yaml(fields)

    def built(**more):
        return build_semantic_dataset(
            SimpleNamespace(**usual | still | more), data["train"], 2, data
        )

    plain, changed = built(), built(**{given: value})
    if given == "bgr":
        assert torch.equal(plain[0]["img"].flip(0), changed[0]["img"])
    elif given == "rect":
        assert (changed.augment, changed.rect, changed.blends) == (False, True, True)
        assert changed[0]["masks"].shape == (64, 64)
    else:
        assert (len(plain), len(changed)) == (6, 3)


@pytest.mark.parametrize("cache", [False, "ram", "disk"])
def test_classes_are_the_same_however_pictures_are_kept(cache, colored_fields):
    dataset = opened(colored_fields, cache=cache)
    assert torch.equal(dataset[3]["masks"], dataset[3]["masks"])
    assert torch.equal(dataset[3]["masks"], opened(colored_fields)[3]["masks"])


def test_pixels_of_each_class_are_counted(colored_fields):
    dataset = opened(colored_fields)
    folder = colored_fields.parent / "masks" / "train"
    expected = [
        np.bincount(cv2.imread(str(folder / f"{i}.png"), -1).ravel(), minlength=256)[:3]
        for i in range(6)
    ]
    assert dataset.pixels().tolist() == np.array(expected).tolist()


def test_what_is_wrong_with_masks_is_told_by_name(fields, caplog):
    masks = fields.parent / "masks" / "train"
    (masks / "0.png").unlink()
    cv2.imwrite(str(masks / "1.png"), np.zeros((48, 63), np.uint8))
    (masks / "2.png").write_bytes(b"no picture")
    odd = cv2.imread(str(masks / "3.png"), -1)
    odd[:2, 5:15] = 77
    cv2.imwrite(str(masks / "3.png"), odd)
    cv2.imwrite(str(masks / "4.png"), np.full((48, 64), 255, np.uint8))
    (fields.parent / "images" / "train" / "5.png").write_bytes(b"")
    for _ in range(2):  # the second time from the cache
        dataset = opened(fields)
        told = {
            (p.file.parent.parent.name, p.file.name): (p.kind, p.reason) for p in dataset.problems
        }
        assert set(told) == {
            ("images", "0.png"), ("masks", "1.png"), ("masks", "2.png"), ("masks", "3.png"),
            ("images", "5.png"),
        }  # fmt: skip
        assert str(masks / "0.png") in told["images", "0.png"][1]
        assert "63 x 48" in told["masks", "1.png"][1]
        assert "64 x 48" in told["masks", "1.png"][1]
        assert "no image" in told["masks", "2.png"][1]
        assert told["masks", "3.png"] == ("changed", told["masks", "3.png"][1])
        assert "77 (20 pixels)" in told["masks", "3.png"][1]
        assert dict(dataset.counts) == {
            "labelled": 1, "background": 1, "unlabelled": 3, "damaged": 1,
        }  # fmt: skip
        assert len(dataset) == 2
    assert (opened(fields)[0]["masks"][8:10, 5:15] == IGNORED).all()


def test_nothing_usable_is_refused_with_the_reason(fields):
    for file in (fields.parent / "masks" / "train").iterdir():
        file.unlink()
    with pytest.raises(DatasetError, match="6 images are without a usable mask"):
        opened(fields)
    change(fields, masks_dir="nowhere")
    with pytest.raises(DatasetError, match="masks_dir"):
        opened(fields, "val")


def test_masks_of_colours_without_a_table_of_them_say_so(fields):
    for file in (fields.parent / "masks" / "train").iterdir():
        cv2.imwrite(str(file), np.full((48, 64, 3), (0, 0, 255), np.uint8))
    with pytest.raises(DatasetError, match="'colors'") as caught:
        opened(fields)
    assert "masks/train/0.png" in str(caught.value).replace("\\", "/")


def test_colours_give_the_classes_that_numbers_give(fields, colored_fields):
    inks = np.array(((0, 0, 255), (0, 255, 0), (255, 0, 0)), np.uint8)  # red, green, blue in BGR
    for file in (fields.parent / "masks").rglob("*.png"):
        classes = cv2.imread(str(file), -1)
        picture = np.zeros((*classes.shape, 3), np.uint8)
        picture[classes < 3] = inks[classes[classes < 3]]
        cv2.imwrite(str(file), picture)
    colors = {"sky": [255, 0, 0], "grass": [0, 255, 0], "house": [0, 0, 255], "void": "#000000"}
    dataset = opened(change(fields, colors=colors))
    assert dataset.problems == []
    for i in range(6):
        assert torch.equal(dataset[i]["masks"], opened(colored_fields)[i]["masks"])


def test_polygons_become_classes_and_a_last_one_of_the_background(drawn_parts):
    data = read_semantic_yaml(drawn_parts)
    assert (data["names"], data["nc"]) == ({0: "square", 1: "background"}, 2)
    dataset = opened(drawn_parts, "val")
    sample = dataset[0]
    bright = sample["img"].amin(0) > 150
    assert torch.equal(sample["masks"] == 0, bright)
    assert set(sample["masks"].unique().tolist()) == {0, 1}
    assert (sample["ori_masks"] == sample["masks"].numpy()).all()
    assert dataset.pixels().tolist() == [[576, 4096 - 576]] * 2


def test_smaller_polygons_lie_on_larger_ones_and_boxes_are_filled(drawn_parts, tmp_path):
    shutil.copytree(drawn_parts.parent, tmp_path / "parts")
    file = change(
        tmp_path / "parts" / "data.yaml", path=".", names=["small", "large", "background"]
    )
    whole = "1 0.1 0.1 0.9 0.1 0.9 0.9 0.1 0.9"
    for label in (tmp_path / "parts" / "labels").rglob("*.txt"):
        label.write_text(f"0 0.5 0.5 0.25 0.25\n{whole}\n")
    dataset = opened(file, "val")
    assert dataset.data["nc"] == 3  # the class called background takes what nothing covers
    centre = dataset[0]["masks"]
    assert (centre[32, 32], centre[10, 10], centre[0, 0]) == (0, 1, 2)
    assert int((centre == 0).sum()) == 16 * 16
    assert [p.kind for p in dataset.problems] == ["note"]
    assert "2 objects have only a box" in dataset.problems[0].reason


def test_single_class_keeps_the_background_apart(fields, drawn_parts):
    data = read_semantic_yaml(drawn_parts, single_cls=True)
    assert data["names"] == {0: "item", 1: "background"}
    with pytest.raises(DatasetError, match="background"):
        read_semantic_yaml(fields, single_cls=True)
    names = change(fields, names=["sky", "background", "house"])
    masks = opened(names, single_cls=True)[0]["masks"]
    plain = opened(names)[0]["masks"]
    assert torch.equal(masks == 1, plain == 1)
    assert torch.equal(masks == 0, (plain == 0) | (plain == 2))


@pytest.mark.parametrize("channels", [1, 4])
def test_pictures_of_other_channels(channels, fields):
    generator = np.random.default_rng(0)
    for file in (fields.parent / "images").rglob("*.png"):
        shape = (48, 64) if channels == 1 else (48, 64, channels)
        cv2.imwrite(str(file), generator.integers(0, 256, shape, dtype=np.uint8))
    dataset = opened(change(fields, channels=channels), augment=True)
    sample = dataset[0, 0, True]
    assert sample["img"].shape == (channels, 64, 64)
    assert sample["masks"].shape == (64, 64)
    assert opened(fields, "val")[0]["img"].shape == (channels, 64, 64)


def test_classes_that_do_not_count_are_background_or_unknown(fields, drawn_parts):
    plain = opened(fields)[0]["masks"]
    some = opened(fields, classes=[0, 2])[0]["masks"]
    assert torch.equal(some, torch.where(plain == 1, IGNORED, plain.int()).to(torch.uint8))
    named = change(fields, names=["sky", "background", "house"])
    assert torch.equal(opened(named, classes=[0])[0]["masks"] == 1, (plain == 1) | (plain == 2))
    with pytest.raises(DatasetError, match="usable label"):
        opened(drawn_parts, classes=[1])


@pytest.mark.parametrize("name", ["camvid-mini", "nuinsseg-mini", "coco-mini"])
def test_masks_of_real_data_sets(name, shared_dir, tmp_path):
    root = shared_dir / "datasets" / name
    entries = {
        "path": str(root),
        "train": "images/train",
        "val": "images/val",
        "masks_dir": "masks",
    }
    if name == "camvid-mini":
        entries = yaml.safe_load((root / "data.yaml").read_text()) | {"path": str(root)}
    elif name == "nuinsseg-mini":
        entries["names"] = ["background", "nucleus"]
    else:
        lines = (root / "masks" / "classes.txt").read_text().splitlines()
        pairs = [line.split(" ", 1) for line in lines]
        entries["names"] = [label for number, label in pairs if number != "0"]
        entries["label_mapping"] = {int(n): i - 1 if i else 255 for i, (n, _) in enumerate(pairs)}
    file = tmp_path / "data.yaml"
    file.write_text(yaml.safe_dump(entries))
    dataset = opened(file, "val", imgsz=160)
    assert dataset.problems == []
    assert len(dataset) == {"camvid-mini": 30, "nuinsseg-mini": 20, "coco-mini": 14}[name]
    pixels = dataset.pixels()
    assert (pixels.sum(1) > 0).all()
    assert (pixels.sum(0) > 0).sum() == {"camvid-mini": 11, "nuinsseg-mini": 2, "coco-mini": 52}[
        name
    ]
    sample = dataset[0]
    assert sample["masks"].shape == (160, 160)
    assert sample["ori_masks"].shape == sample["ori_shape"]

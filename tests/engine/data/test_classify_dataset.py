"""Samples of classification: what is cut out, what is repeatable, what is left out."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from engine.data import classify_dataset
from engine.data.build import build_dataloader
from engine.data.checked_images import check_images
from engine.data.class_folders import read_classify_data
from engine.data.classify_dataset import ClassifyDataset
from engine.data.copies import leaks_between
from engine.data.images import read_image
from engine.data.transforms.center_crop import CenterCrop
from engine.data.transforms.classify import (
    ClassifyAugmentation,
    RandomCrop,
    erased,
    least_area,
)
from engine.runtime.errors import DatasetError

PLAIN = {"auto_augment": None, "erasing": 0.0, "hsv_h": 0.0, "hsv_s": 0.0, "hsv_v": 0.0}


def dataset(folder, split="train", size=32, **given):
    data = read_classify_data(folder)
    return ClassifyDataset(data[split], size, data, **given)


def gradient(height=60, width=90):
    """A picture whose red says the column and green the row, BGR."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([np.zeros_like(rows), rows * 4, columns * 2], axis=-1).astype(np.uint8)


def augmented(image, seed=0, size=32, **given):
    make = ClassifyAugmentation.from_arguments(size, SimpleNamespace(**{**PLAIN, **given}))
    return make(image, np.random.default_rng(seed))


def test_validation_sees_what_prediction_sees(colored_classes):
    made = dataset(colored_classes, "val")
    assert len(made) == 6
    for index in range(6):
        sample = made[index]
        expected = CenterCrop((32, 32))(read_image(sample["im_file"]))[..., ::-1]
        np.testing.assert_array_equal(sample["img"].permute(1, 2, 0).numpy(), expected)
        assert made.names[sample["cls"]] in sample["im_file"]
        assert sample["ori_shape"] == (40, 56)


def test_batches_of_a_loader(colored_classes):
    loader = build_dataloader(dataset(colored_classes, augment=True), 5, shuffle=True)
    batches = list(loader)
    assert [b["img"].shape for b in batches] == [(5, 3, 32, 32), (5, 3, 32, 32), (2, 3, 32, 32)]
    assert all(b["img"].dtype is torch.uint8 and b["cls"].dtype is torch.int64 for b in batches)
    assert batches[0]["img"].is_contiguous(memory_format=torch.channels_last)
    assert torch.cat([b["cls"] for b in batches]).bincount().tolist() == [4, 4, 4]


def test_samples_follow_from_seed_epoch_and_picture(colored_classes):
    one, other = (dataset(colored_classes, augment=True, seed=3) for _ in range(2))
    changed = dataset(colored_classes, augment=True, seed=4)
    key = (2, 7, False)
    other[(5, 1, False)]
    assert torch.equal(one[key]["img"], other[key]["img"])
    assert not torch.equal(one[key]["img"], one[(2, 8, False)]["img"])
    assert not torch.equal(one[key]["img"], changed[key]["img"])


@pytest.mark.parametrize("cache", ["ram", "disk"])
def test_kept_pictures_give_the_same_samples(colored_classes, cache, config_dir):
    plain, kept = (dataset(colored_classes, augment=True, cache=c) for c in (False, cache))
    for epoch in range(2):
        for index in range(3):
            key = (index, epoch, False)
            assert torch.equal(plain[key]["img"], kept[key]["img"])


def test_large_pictures_are_kept_small_but_large_enough(tmp_path, colored_classes):
    root = tmp_path / "set"
    shutil.copytree(colored_classes, root)
    large = cv2.resize(gradient(), (2400, 1600), interpolation=cv2.INTER_LINEAR)
    cv2.imwrite(str(root / "train" / "red" / "large.jpg"), large)
    made = dataset(root, augment=True)
    index = next(i for i, f in enumerate(made.im_files) if f.endswith("large.jpg"))
    kept = made.images.get(index)
    # the smallest cut-out of scale=0.5 has 0.7 of the side
    assert 32 / 0.71 <= min(kept.shape[:2]) <= 2 * 32
    assert kept.shape[1] / kept.shape[0] == pytest.approx(1.5, abs=0.05)


def test_damaged_pictures_are_left_out_and_named(tmp_path, colored_classes):
    root = tmp_path / "set"
    shutil.copytree(colored_classes, root)
    broken = root / "train" / "red" / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff not a picture")
    for _ in range(2):  # found out, then remembered
        made = dataset(root)
        assert (len(made), made.counts["damaged"]) == (12, 1)
        assert [p.file for p in made.problems] == [broken]


@pytest.mark.parametrize("channels", [1, 4])
def test_pictures_of_other_channels(tmp_path, channels):
    random = np.random.default_rng(0)
    for split in ("train", "val"):
        for name in ("a", "b"):
            folder = tmp_path / split / name
            folder.mkdir(parents=True)
            shape = (300, 200) if channels == 1 else (300, 200, channels)
            cv2.imwrite(str(folder / "1.png"), random.integers(0, 255, shape, dtype=np.uint8))
            cv2.imwrite(str(folder / "color.png"), gradient())
    text = f"path: .\ntrain: train\nval: val\nchannels: {channels}\nnames: [a, b]\n"
    (tmp_path / "data.yaml").write_text(text)
    given = {"hyp": SimpleNamespace(auto_augment="randaugment", erasing=1.0)}
    for made in (dataset(tmp_path, "val"), dataset(tmp_path, augment=True, **given)):
        # any picture can be made grey, none gets a fourth channel
        assert len(made) == (4 if channels == 1 else 2)
        skipped = [p.file.name for p in made.problems if p.kind == "skipped"]
        assert skipped == ([] if channels == 1 else ["color.png"] * 2)
        assert all(made[i]["img"].shape == (channels, 32, 32) for i in range(len(made)))


def test_nothing_usable_is_refused(tmp_path):
    for split in ("train", "val"):
        (tmp_path / split / "a").mkdir(parents=True)
        (tmp_path / split / "a" / "1.png").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match="all 1 images are damaged"):
        dataset(tmp_path)
    (tmp_path / "train" / "a" / "1.png").unlink()
    with pytest.raises(DatasetError, match="no images in class folders"):
        dataset(tmp_path)


def test_classes_of_one_picture_each_cannot_be_divided_and_that_is_said(tmp_path, colored_classes):
    for name in ("red", "green"):
        picture = next((colored_classes / "train" / name).iterdir())
        (tmp_path / name).mkdir()
        shutil.copy(picture, tmp_path / name)
    assert len(dataset(tmp_path)) == 2
    with pytest.raises(DatasetError, match="No class has two images"):
        dataset(tmp_path, "val")


def test_a_single_class_is_told(tmp_path, colored_classes):
    shutil.copytree(colored_classes / "train" / "red", tmp_path / "train" / "red")
    shutil.copytree(colored_classes / "val" / "red", tmp_path / "val" / "red")
    assert [p.reason for p in dataset(tmp_path, augment=True).problems] == [
        "There is one class only, red: whatever is shown will be that. Add a folder of others."
    ]


def test_a_class_without_pictures_is_told(tmp_path, colored_classes):
    root = tmp_path / "set"
    shutil.copytree(colored_classes, root)
    shutil.rmtree(root / "val" / "red")
    assert [p.reason for p in dataset(root, "val").problems] == [
        "1 of the classes have no images here: red."
    ]


def test_a_fraction_takes_of_each_class(colored_classes):
    made = dataset(colored_classes, fraction=0.5)
    assert np.bincount(made.classes).tolist() == [2, 2, 2]
    assert np.bincount(dataset(colored_classes, fraction=0.01).classes).tolist() == [1, 1, 1]


def test_checks_are_made_again_when_a_file_changes(tmp_path, monkeypatch):
    file = tmp_path / "a.png"
    cv2.imwrite(str(file), gradient())
    assert check_images([file])[0].tolist() == [[90, 60]]
    monkeypatch.setattr("engine.data.checked_images.inspect_image", lambda _: pytest.fail("again"))
    assert check_images([file])[0].tolist() == [[90, 60]]
    monkeypatch.undo()
    file.write_bytes(b"")
    sizes, _, problems = check_images([file])
    assert sizes.tolist() == [[0, 0]]
    assert len(problems) == 1


def test_copies_are_found_in_a_split_and_between_splits(tmp_path, colored_classes):
    root = tmp_path / "set"
    shutil.copytree(colored_classes, root)
    original = root / "train" / "red" / "0.png"
    for copy in (root / "train" / "blue" / "copy.png", root / "val" / "red" / "seen.png"):
        shutil.copy(original, copy)
    for _ in range(2):  # found out, then remembered
        train, val = dataset(root), dataset(root, "val")
        assert [
            "copy.png = 0.png" in p.reason or "0.png = copy.png" in p.reason for p in train.problems
        ] == [True]
        assert val.problems == []
        leaks = leaks_between(train, val)
        assert [file.name for file in leaks.files] == ["seen.png"]


# What each argument changes in the pictures


def test_crop_fraction_looks_at_the_middle(tmp_path):
    for split in ("train", "val"):
        for name in "ab":
            (tmp_path / split / name).mkdir(parents=True)
            cv2.imwrite(str(tmp_path / split / name / "1.png"), gradient(120, 120))
    whole = dataset(tmp_path, "val")[0]["img"][0].float()
    half = dataset(tmp_path, "val", crop_fraction=0.5)[0]["img"][0].float()
    assert whole.max() - whole.min() > 220
    assert 110 < half.max() - half.min() < 125
    assert half.mean() == pytest.approx(whole.mean(), abs=2)
    learned = dataset(
        tmp_path, "train", crop_fraction=0.5, augment=True, hyp=SimpleNamespace(**PLAIN)
    )
    red = learned[0]["img"][0]
    assert red.min() >= 58
    assert red.max() <= 182


def test_scale_decides_how_little_is_cut_out():
    rng = np.random.default_rng(0)

    def areas(scale):
        crop = RandomCrop(32, least_area(scale))
        parts = [crop.draw(400, 300, rng) for _ in range(300)]
        assert all(x >= 0 and y >= 0 and x + w <= 400 and y + h <= 300 for x, y, w, h in parts)
        return np.array([w * h / (400 * 300) for _, _, w, h in parts])

    assert areas(0.5).min() == pytest.approx(0.5, abs=0.02)
    assert areas(0.9).min() < 0.15
    assert areas(0.0).min() > 0.7  # proportions of 3:4 to 4:3 may not hold all of it


def test_a_cut_out_of_a_narrow_picture_is_its_middle():
    assert RandomCrop(32, 0.9).draw(1000, 100, np.random.default_rng(0)) == (433, 0, 133, 100)


def test_samples_may_be_written_to():
    for policy in (None, "randaugment", "autoaugment", "augmix"):
        for erasing in (0.0, 1.0):
            for bgr in (0.0, 1.0):
                made = augmented(gradient(), auto_augment=policy, erasing=erasing, bgr=bgr)
                assert made.flags.writeable
                assert made.flags.c_contiguous


def test_flips():
    image = gradient()
    made = {
        k: augmented(image, fliplr=k[0], flipud=k[1], scale=0) for k in ((0, 0), (1, 0), (0, 1))
    }
    np.testing.assert_allclose(made[1, 0][:, ::-1], made[0, 0], atol=1)
    np.testing.assert_allclose(made[0, 1][::-1], made[0, 0], atol=1)
    assert made[0, 0][0, 0, 0] < made[0, 0][0, -1, 0]


def test_colours_change_without_a_policy_only():
    grey = np.full((60, 60, 3), (60, 100, 140), np.uint8)
    assert len(np.unique(augmented(grey, fliplr=0).reshape(-1, 3), axis=0)) == 1
    np.testing.assert_array_equal(augmented(grey)[0, 0], (140, 100, 60))
    assert abs(int(augmented(grey, hsv_v=0.9)[0, 0, 0]) - 140) > 5
    same = augmented(grey, auto_augment="augmix"), augmented(grey, auto_augment="augmix", hsv_v=0.9)
    np.testing.assert_array_equal(*same)


def test_bgr_swaps_the_channels():
    image = gradient()
    swapped = augmented(image, bgr=1.0, fliplr=0)
    np.testing.assert_array_equal(swapped, augmented(image, bgr=0.0, fliplr=0)[..., ::-1])


def test_erasing_blanks_one_rectangle():
    white = np.full((64, 64, 3), 255, np.uint8)
    for seed in range(20):
        made = erased(white, np.random.default_rng(seed))
        rows, columns = np.nonzero(made[..., 0] == 0)
        area = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        assert area == len(rows)
        assert 0.01 < area / 64**2 < 0.36
    assert white.min() == 255
    share = np.mean([(augmented(white, s, erasing=0.4) == 0).any() for s in range(200)])
    assert 0.3 < share < 0.5


def test_pixels_of_the_source_stay_as_they_are():
    image = gradient()
    before = image.copy()
    for policy in (None, "randaugment", "autoaugment", "augmix"):
        augmented(image, auto_augment=policy, erasing=1.0, hsv_v=0.9)
    np.testing.assert_array_equal(image, before)


def test_the_reserve_suits_the_smallest_cut_outs():
    reserves = [classify_dataset._reserve(scale) for scale in (0.0, 0.5, 0.92, 1.0)]
    assert reserves == sorted(reserves)
    assert reserves[0] == 1.25
    assert reserves[-1] == 4.0

from __future__ import annotations

from pathlib import Path

import pytest

from studio.model.records import ImageRecord
from studio.storage.splits import SplitRule, assign_splits, chance


def records(count: int, **fields: object) -> list[ImageRecord]:
    return [ImageRecord(i, Path(f"/x/img{i}.jpg"), **fields) for i in range(1, count + 1)]


def keys(images: list[ImageRecord]) -> dict[int, str]:
    return {image.id: image.path.name for image in images}


def test_shares_are_met() -> None:
    images = records(5000)
    splits = list(assign_splits(images, keys(images), SplitRule(0.2, 0.1)).values())
    assert splits.count("val") == pytest.approx(1000, abs=100)
    assert splits.count("test") == pytest.approx(500, abs=80)


def test_adding_images_moves_none() -> None:
    images = records(400)
    before = assign_splits(images[:200], keys(images), SplitRule())
    after = assign_splits(images, keys(images), SplitRule())
    assert {i: after[i] for i in before} == before


def test_another_seed_divides_otherwise() -> None:
    images = records(100)
    one, two = (assign_splits(images, keys(images), SplitRule(seed=seed)) for seed in (0, 1))
    assert one != two
    assert chance("a", 0) == chance("a", 0)


def test_the_datasets_own_split_stays() -> None:
    images = [*records(20, split="train"), ImageRecord(99, Path("/x/v.jpg"), split="val")]
    splits = assign_splits(images, keys(images), SplitRule())
    assert splits == {image.id: image.split for image in images}


@pytest.mark.parametrize("count", range(2, 12))
def test_neither_training_nor_validation_is_ever_empty(count: int) -> None:
    for seed in range(20):
        images = records(count)
        splits = assign_splits(images, keys(images), SplitRule(seed=seed))
        assert {"train", "val"} <= set(splits.values())


def test_one_image_trains() -> None:
    images = records(1)
    assert assign_splits(images, keys(images), SplitRule()) == {1: "train"}


def test_a_dataset_with_training_only_gets_a_validation_share() -> None:
    images = records(50, split="train")
    splits = list(assign_splits(images, keys(images), SplitRule(0.2)).values())
    assert splits.count("val") == 10


def test_a_dataset_with_validation_only_keeps_some() -> None:
    images = records(5, split="val")
    splits = list(assign_splits(images, keys(images), SplitRule(0.2)).values())
    assert sorted(splits) == ["train", "val", "val", "val", "val"]


def test_no_validation_when_none_is_wanted() -> None:
    images = records(30)
    assert set(assign_splits(images, keys(images), SplitRule(0.0)).values()) == {"train"}


@pytest.mark.parametrize("shares", [(1.0, 0.0), (0.6, 0.4), (-0.1, 0.0)])
def test_shares_that_leave_nothing_are_refused(shares: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="leave something"):
        SplitRule(*shares)

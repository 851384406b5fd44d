"""Train, validation and test: the split of the dataset where it has one, else one that new images do not disturb."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from studio.model.records import ImageRecord


@dataclass(frozen=True, slots=True)
class SplitRule:
    """How images without a split are divided.

    Attributes:
        val: Share for validation, 0..1.
        test: Share for testing, 0..1.
        seed: Another seed gives another division.
    """

    val: float = 0.2
    test: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.val < 1 and 0 <= self.test < 1 and self.val + self.test < 1):
            raise ValueError(
                "Expected shares of 0 or more that leave something to train on, "
                f"received val {self.val} and test {self.test}."
            )


def assign_splits(
    records: list[ImageRecord], keys: Mapping[int, str], rule: SplitRule
) -> dict[int, str]:
    """Return the split of each image.

    An image's own split stays. Each other one is placed by a hash of its path alone, so that adding
    or labelling images never moves one from training to validation. Only where that leaves
    validation (or training) empty are the images with the lowest (highest) hashes moved there,
    those with a split of their own last.

    Args:
        records: The images of the version.
        keys: For each image its path below the folder it was added from.
        rule: The shares.
    """
    chances = {record.id: chance(keys[record.id], rule.seed) for record in records}
    splits = {record.id: record.split or _place(chances[record.id], rule) for record in records}
    if len(records) < 2:
        return dict.fromkeys(splits, "train")
    own = {record.id for record in records if record.split is not None}
    ranked = sorted(chances, key=lambda image_id: (image_id in own, chances[image_id]))
    if rule.val and "val" not in splits.values():
        training = [image_id for image_id in ranked if splits[image_id] == "train"]
        count = min(max(1, round(rule.val * len(training))), len(training) - 1)
        splits.update(dict.fromkeys(training[: max(count, 0)], "val"))
    if "train" not in splits.values():
        candidates = [i for i in ranked if splits[i] == "val" and i not in own] or ranked
        splits[candidates[-1]] = "train"
    return splits


def fill_training(
    splits: Mapping[int, str], groups: Mapping[int, str], records: list[ImageRecord]
) -> dict[int, str]:
    """Return the splits with each group in training, by moving one image where a group has none there.

    An image whose split somebody chose stays where it is, so a group may remain without.

    Args:
        splits: The split of each image.
        groups: The group of each image, such as its class.
        records: The images.
    """
    moved = dict(splits)
    trained = {groups[image_id] for image_id, split in splits.items() if split == "train"}
    for record in records:
        if record.split is None and groups[record.id] not in trained:
            moved[record.id] = "train"
            trained.add(groups[record.id])
    return moved


def chance(key: str, seed: int) -> float:
    """Return a number in [0, 1) that depends on nothing but the key and the seed."""
    digest = hashlib.blake2b(f"{seed}:{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _place(number: float, rule: SplitRule) -> str:
    if number < rule.val:
        return "val"
    return "test" if number < rule.val + rule.test else "train"

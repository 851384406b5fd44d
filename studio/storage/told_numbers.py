"""The numbers that COCO's files gave images and classes: an export writes them again, so that others find what they know.

They are kept beside the settings of the project, not with the records, because nothing in the program means them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.data.formats import LabelledDataset
from engine.data.formats.told_attributes import whole
from studio.model.store import Store

NUMBERED = ("coco", "coco_panoptic")
"""Formats whose numbers are kept and written: in others a class's number is the value of its pixels."""
_IMAGES, _CLASSES = "told_image_numbers", "told_class_numbers"


def keep_numbers(
    store: Store,
    dataset: LabelledDataset,
    image_ids: Sequence[int],
    class_ids: Mapping[int, int | None],
) -> None:
    """Remember the numbers of an import, inside its transaction; what was told last of an image counts.

    Args:
        store: The project.
        dataset: What is imported.
        image_ids: The project's numbers of its images.
        class_ids: The project's class for each of its classes, None for one that is left out.
    """
    if dataset.format not in NUMBERED:
        return
    numbers = [whole(image.attributes.get("id")) for image in dataset.images]
    pairs = zip(image_ids, numbers, strict=True)
    _add(store, _IMAGES, {i: number for i, number in pairs if number is not None})
    classes: dict[int, int] = {}
    for index, class_id in class_ids.items():
        info = dataset.classes.get(index)
        if class_id is not None and info is not None and info.number is not None:
            classes.setdefault(class_id, info.number)
    _add(store, _CLASSES, classes)


def image_numbers(store: Store) -> dict[int, int]:
    """Return the numbers that files gave images, by the project's own."""
    return _read(store, _IMAGES)


def class_numbers(store: Store) -> dict[int, int]:
    """Return the numbers that files gave classes, by the project's own."""
    return _read(store, _CLASSES)


def _read(store: Store, key: str) -> dict[int, int]:
    return {int(own): int(number) for own, number in (store.get(key) or {}).items()}


def _add(store: Store, key: str, numbers: Mapping[int, int]) -> None:
    if numbers:
        known = {**_read(store, key), **numbers}
        store.put(key, {str(own): number for own, number in known.items()})

"""How many there are of what a project is made of, in words."""

from __future__ import annotations

from studio.language import ntr


def image_count(count: int) -> str:
    """Return "1 image", "1,200 images"."""
    return ntr("{count:,} image", "{count:,} images", count).format(count=count)


def label_count(count: int) -> str:
    """Return "1 label", "1,200 labels"."""
    return ntr("{count:,} label", "{count:,} labels", count).format(count=count)


def shape_count(count: int) -> str:
    """Return "1 shape", "1,200 shapes"."""
    return ntr("{count:,} shape", "{count:,} shapes", count).format(count=count)


def object_count(count: int) -> str:
    """Return "1 object", "1,200 objects"."""
    return ntr("{count:,} object", "{count:,} objects", count).format(count=count)


def class_count(count: int) -> str:
    """Return "1 class", "80 classes"."""
    return ntr("{count:,} class", "{count:,} classes", count).format(count=count)


def training_count(count: int) -> str:
    """Return "1 training", "12 trainings"."""
    return ntr("{count:,} training", "{count:,} trainings", count).format(count=count)


def unreadable_images(count: int) -> str:
    """Return the sentence about images that could not be read."""
    return ntr(
        "{count:,} image could not be read.", "{count:,} images could not be read.", count
    ).format(count=count)


def shapes_gone(count: int) -> str:
    """Return the sentence about shapes that were to be changed and are not there."""
    return ntr(
        "{count:,} shape is no longer there.", "{count:,} shapes are no longer there.", count
    ).format(count=count)

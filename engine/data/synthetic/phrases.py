"""Scenes whose classes are phrases, a colour and a kind of part: what open-vocabulary models are tried on.

Painted and plain parts of the sample's kinds, labelled "red nut", "brass gear" ... Some combinations can be
held back from the training pictures, where they do not appear at all, so that a model can be asked for phrases
whose words it knows from others only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np

from engine.data.formats.coco_shapes import row_of
from engine.data.formats.yolo_lines import format_row, geometry_values
from engine.data.images import write_image
from engine.data.synthetic.metal import FINISHES, Finish
from engine.data.synthetic.outlines import NAMES
from engine.data.synthetic.scene import Choice, Chooser, Scene, draw_scene
from engine.data.yaml_file import write_data_yaml
from engine.runtime.errors import DatasetError
from engine.runtime.paths import write_atomic


def _paint(color: tuple[float, float, float]) -> Finish:
    """Return glossy paint of a BGR colour."""
    return Finish(color, 0.74, 0.14, 0.5, 22, (0, 0, 0, 0))


# word -> surface; colours are BGR 0..1
COLOURS: dict[str, Finish] = {
    "steel": FINISHES["steel"],
    "brass": FINISHES["brass"],
    "black": FINISHES["black oxide"],
    "red": _paint((0.12, 0.10, 0.75)),
    "green": _paint((0.18, 0.58, 0.14)),
    "blue": _paint((0.74, 0.30, 0.10)),
}
PHRASES: tuple[str, ...] = tuple(f"{colour} {kind}" for colour, kind in product(COLOURS, NAMES))
# One colour of each kind, each colour and each kind known from other phrases
HELD_BACK = ("red nut", "blue bolt", "brass washer", "green gear")
_VARIATION = 0.1


def draw_phrase_scene(
    seed: int | tuple[int, ...],
    size_wh: tuple[int, int] = (240, 180),
    phrases: Sequence[str] = PHRASES,
    allowed: Collection[str] | None = None,
) -> Scene:
    """Draw a scene of parts named by phrases.

    Args:
        seed: One number or several.
        size_wh: Width and height in pixels.
        phrases: The classes, of :data:`PHRASES`; labels count among them.
        allowed: Those that may appear; None for all.
    """
    return draw_scene(seed, size_wh, chooser(phrases, allowed))


def chooser(phrases: Sequence[str], allowed: Collection[str] | None = None) -> Chooser:
    """Return what draws the parts of a scene, each phrase alike.

    Raises:
        DatasetError: A phrase is none of :data:`PHRASES`, or none is allowed.
    """
    unknown = sorted({*phrases, *(allowed or ())} - set(PHRASES))
    numbers = [i for i, phrase in enumerate(phrases) if allowed is None or phrase in allowed]
    if unknown or not numbers:
        raise DatasetError(
            f"Expected phrases of a colour and a kind, received {unknown or 'none'}.",
            value=unknown,
            remedy=f"Colours are {', '.join(COLOURS)}, kinds {', '.join(NAMES)}.",
        )

    def choose(rng: np.random.Generator) -> Choice:
        number = numbers[int(rng.integers(len(numbers)))]
        colour, kind = phrases[number].split()
        base = COLOURS[colour]
        b, g, r = (np.array(base.color) * rng.uniform(1 - _VARIATION, 1 + _VARIATION)).tolist()
        finish = Finish((b, g, r), base.diffuse, base.mirror, base.shine, base.gloss, base.weights)
        return Choice(number, kind, finish)

    return choose


def write_phrase_set(
    folder: str | Path,
    train: int,
    val: int,
    seed: int = 0,
    size_wh: tuple[int, int] = (240, 180),
    held_back: Collection[str] = HELD_BACK,
    phrases: Sequence[str] = PHRASES,
) -> dict[str, Path]:
    """Write scenes as a data set of known phrases and one of those held back.

    Both descriptions share no picture: training pictures and those of ``known`` hold no part whose phrase is held
    back, those of ``held_back`` hold only such.

    Args:
        folder: Where to write.
        train: Training pictures.
        val: Pictures to measure on, of each of the two descriptions.
        seed: Of the scenes.
        size_wh: Width and height in pixels.
        held_back: Phrases that no training picture shows.
        phrases: All phrases.

    Returns:
        ``known``: data.yaml of the known phrases; ``held_back``: data.yaml whose train and val are the pictures of
        the phrases held back; ``grounding``: JSON of captions for the training pictures, which lie in ``images``.
    """
    folder = Path(folder)
    known = [phrase for phrase in phrases if phrase not in held_back]
    secret = [phrase for phrase in phrases if phrase in held_back]
    scenes = {
        "train": _write_split(folder, "train", known, train, (seed, 0), size_wh),
        "val": _write_split(folder, "val", known, val, (seed, 1), size_wh),
        "held": _write_split(folder, "held", secret, val, (seed, 2), size_wh),
    }
    splits = {"train": "images/train", "val": "images/val"}
    held = {"train": "images/held", "val": "images/held"}
    grounding = folder / "captions.json"
    write_atomic(grounding, json.dumps(_captions(scenes["train"], known, size_wh)))
    return {
        "known": write_data_yaml(folder / "known.yaml", known, splits),
        "held_back": write_data_yaml(folder / "held_back.yaml", secret, held),
        "grounding": grounding,
        "images": folder / "images" / "train",
    }


def _write_split(
    folder: Path,
    split: str,
    phrases: Sequence[str],
    count: int,
    seed: tuple[int, int],
    size_wh: tuple[int, int],
) -> list[tuple[str, Scene]]:
    """Draw and write the pictures and label files of a split, in threads."""
    choose = chooser(phrases)
    labels = folder / "labels" / split

    def draw(index: int) -> tuple[str, Scene]:
        scene = draw_scene((*seed, index), size_wh, choose)
        name = f"{split}_{index:04d}"
        write_image(folder / "images" / split / f"{name}.jpg", scene.image, quality=92)
        rows = []
        for annotation in scene.annotations:
            values = geometry_values(annotation.geometry, *size_wh, "segment")
            if values is not None:
                rows.append(format_row(annotation.class_id, values))
        write_atomic(labels / f"{name}.txt", "\n".join(rows) + "\n")
        return f"{name}.jpg", scene

    (folder / "images" / split).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1), thread_name_prefix="draw") as pool:
        return list(pool.map(draw, range(count)))


def _captions(
    scenes: Sequence[tuple[str, Scene]], phrases: Sequence[str], size_wh: tuple[int, int]
) -> dict[str, list[dict[str, object]]]:
    """Return grounding data: a caption an image, "a red nut, a blue bolt", with the words of each part."""
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number, (name, scene) in enumerate(scenes):
        caption = ""
        for annotation in scene.annotations:
            start = len(caption) + len(", a " if caption else "a ")
            caption += (", a " if caption else "a ") + phrases[annotation.class_id]
            row = {"id": len(annotations), "image_id": number, "category_id": 1}
            row |= {"tokens_positive": [[start, len(caption)]], **row_of(annotation, size_wh)}
            annotations.append(row)
        width, height = size_wh
        image = {"id": number, "file_name": name, "width": width, "height": height}
        images.append({**image, "caption": caption})
    return {"images": images, "annotations": annotations}

"""Visual prompts: boxes or masks on things of a picture that stand for a class.

Coordinates are pixels of the picture as its file has it; the network sees a mask of each class at an eighth of
its input's size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.ops import cells as ops_cells
from engine.ops.boxes import letterbox_frame
from engine.runtime.errors import ConfigError

# Pixels of the input to a cell of the finest level of the features
STRIDE = 8
KINDS = ("bboxes", "masks")
REMEDY = (
    "Give visual_prompts=dict(bboxes=[[x1, y1, x2, y2], ...], cls=[0, ...]) in pixels of the picture, "
    "or a list of such boxes and classes for each picture."
)


@dataclass(frozen=True)
class Examples:
    """What is shown on one picture.

    Attributes:
        shapes: Boxes as corners (N, 4) float in the picture's pixels, or masks (N, H, W) bool of its size.
        classes: (N,) int64, places in :attr:`VisualPrompts.classes`.
    """

    shapes: np.ndarray
    classes: np.ndarray

    def cells(self, count: int, original_hw: Sequence[int], input_hw: Sequence[int]) -> Tensor:
        """Return one mask a class on the cells of the network, (count, h / 8, w / 8) float32 of 0 and 1.

        Args:
            count: Number of classes.
            original_hw: Height and width of the picture.
            input_hw: Height and width of the letterboxed input.

        Raises:
            ConfigError: A mask has another size than the picture.
        """
        draw = cells_of_masks if self.shapes.ndim == 3 else cells_of_boxes
        each = draw(self.shapes, original_hw, input_hw)
        out = torch.zeros(count, *each.shape[1:])
        for cells, label in zip(each, self.classes.tolist(), strict=True):
            out[label] = torch.maximum(out[label], torch.from_numpy(cells).float())
        return out


@dataclass(frozen=True)
class VisualPrompts:
    """Examples of classes, the same for every picture or a set for each.

    Attributes:
        examples: One entry for every picture, or a single one for all.
        classes: The class numbers as given, sorted; their places are the numbers of the results.
        shared: Whether the single entry is for all pictures.
    """

    examples: tuple[Examples, ...]
    classes: tuple[int, ...]
    shared: bool

    @property
    def names(self) -> list[str]:
        """What results call the classes, which have only been shown: object0, object1, ..."""
        return [f"object{i}" for i in range(len(self.classes))]

    def of_picture(self, number: int) -> Examples:
        """Return what is shown on a picture.

        Args:
            number: Its place in the source, from 0.

        Raises:
            ConfigError: There are prompts for fewer pictures.
        """
        if self.shared:
            return self.examples[0]
        if number >= len(self.examples):
            raise ConfigError(
                f"there are visual prompts for {len(self.examples)} pictures, "
                f"but the source has more: none for number {number + 1}.",
                remedy=REMEDY,
            )
        return self.examples[number]


def parse_prompts(given: Any) -> VisualPrompts:
    """Check visual prompts as a person gives them.

    Args:
        given: ``dict(bboxes=, cls=)`` with corners (N, 4) and N class numbers for all pictures, or lists of
            both, an entry a picture; ``masks=`` (N, H, W) may stand for ``bboxes=``.

    Raises:
        ConfigError: It is not that.
    """
    if isinstance(given, VisualPrompts):
        return given
    if not isinstance(given, Mapping) or "cls" not in given:
        raise ConfigError("visual prompts need bboxes or masks, and cls.", remedy=REMEDY)
    kinds = [kind for kind in KINDS if given.get(kind) is not None]
    unknown = sorted(set(given) - {*KINDS, "cls"})
    if len(kinds) != 1 or unknown:
        raise ConfigError(
            f"visual prompts need either bboxes or masks, and cls; received {', '.join(given)}.",
            value=unknown,
            remedy=REMEDY,
        )
    shapes, labels = given[kinds[0]], given["cls"]
    each = isinstance(labels, list | tuple) and any(np.ndim(entry) > 0 for entry in labels)
    if each and len(shapes) != len(labels):
        raise ConfigError(
            f"{kinds[0]} are for {len(shapes)} pictures, cls for {len(labels)}.", remedy=REMEDY
        )
    pairs = zip(shapes, labels, strict=True) if each else [(shapes, labels)]
    checked = [_checked(kinds[0], *pair) for pair in pairs]
    classes = tuple(sorted({int(c) for _, numbers in checked for c in numbers}))
    return VisualPrompts(
        tuple(_examples(kinds[0], shape, numbers, classes) for shape, numbers in checked),
        classes,
        shared=not each,
    )


def cells_of_boxes(
    boxes: np.ndarray, original_hw: Sequence[int], input_hw: Sequence[int]
) -> np.ndarray:
    """Return the cells that boxes cover: those whose top-left corner lies inside.

    A box too small for that gets the cell of its centre, so that no example is lost.

    Args:
        boxes: Corners (N, 4), pixels of the original.
        original_hw: Height and width of the original.
        input_hw: Height and width of the letterboxed input.

    Returns:
        (N, h / 8, w / 8) bool.

    Raises:
        ConfigError: A box lies outside the picture.
    """
    height, width = original_hw
    inside = np.minimum(np.maximum(boxes, 0), (width, height, width, height))
    empty = (inside[:, 2:] <= inside[:, :2]).any(1)
    if empty.any():
        box = boxes[empty][0].tolist()
        raise ConfigError(
            f"the box {box} has no area in the picture of {width} x {height} pixels.",
            value=box,
            remedy=REMEDY,
        )
    _, _, pad_x, pad_y = letterbox_frame(input_hw, original_hw)
    # one gain for both axes, as the field draws them: cells of published models fall the same way
    gain = min(input_hw[0] / height, input_hw[1] / width)
    scaled = boxes * gain + (pad_x, pad_y, pad_x, pad_y)
    return ops_cells.cells_of_boxes(scaled, input_hw, STRIDE)


def cells_of_masks(
    masks: np.ndarray, original_hw: Sequence[int], input_hw: Sequence[int]
) -> np.ndarray:
    """Return the cells whose centre lies on a mask.

    Args:
        masks: (N, H, W) bool, of the original's size.
        original_hw: Height and width of the original.
        input_hw: Height and width of the letterboxed input.

    Returns:
        (N, h / 8, w / 8) bool.

    Raises:
        ConfigError: A mask has another size than the original, or is so small that no cell sees it.
    """
    if masks.shape[1:] != tuple(original_hw):
        raise ConfigError(
            f"masks are {masks.shape[2]} x {masks.shape[1]} pixels, "
            f"the picture {original_hw[1]} x {original_hw[0]}.",
            value=masks.shape,
            remedy="Give masks of the picture's own size.",
        )
    gain_x, gain_y, pad_x, pad_y = letterbox_frame(input_hw, original_hw)
    columns = ((np.arange(input_hw[1] // STRIDE) + 0.5) * STRIDE - pad_x) / gain_x
    rows = ((np.arange(input_hw[0] // STRIDE) + 0.5) * STRIDE - pad_y) / gain_y
    x, y = np.floor(columns).astype(int), np.floor(rows).astype(int)
    inside = ((y >= 0) & (y < original_hw[0]))[:, None] & ((x >= 0) & (x < original_hw[1]))
    cells = masks[:, y.clip(0, original_hw[0] - 1)][:, :, x.clip(0, original_hw[1] - 1)] & inside
    if not cells.any((1, 2)).all():
        raise ConfigError(
            "a mask covers no cell of the network: it is empty or too small.",
            remedy=f"Show something larger than {STRIDE} pixels of the network's input, or raise imgsz.",
        )
    return cells


def _checked(kind: str, shapes: Any, labels: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return boxes (N, 4) or masks (N, H, W) and class numbers (N,) of one picture."""
    try:
        array = np.asarray(shapes, dtype=np.float64)
        numbers = np.asarray(labels, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"visual prompts are no numbers ({error}).", remedy=REMEDY) from error
    single = 1 if kind == "bboxes" else 2
    array = array[None] if array.ndim == single and array.size else array
    fits = array.ndim == 3 if kind == "masks" else array.ndim == 2 and array.shape[1] == 4
    if not fits or len(array) != len(numbers) or not len(numbers):
        expected = "(N, 4)" if kind == "bboxes" else "(N, H, W)"
        raise ConfigError(
            f"expected {kind} {expected} and cls (N,) with N of 1 or more, "
            f"received {array.shape} and {numbers.shape}.",
            value=array.shape,
            remedy=REMEDY,
        )
    if not np.isfinite(array).all() or (numbers < 0).any() or (numbers % 1 != 0).any():
        raise ConfigError(
            f"expected finite {kind} and whole class numbers from 0, received cls={numbers.tolist()}.",
            value=numbers,
            remedy=REMEDY,
        )
    return array, numbers.astype(np.int64)


def _examples(
    kind: str, shapes: np.ndarray, numbers: np.ndarray, classes: Sequence[int]
) -> Examples:
    places = np.searchsorted(np.asarray(classes), numbers)
    return Examples(shapes > 0.5 if kind == "masks" else shapes, places)

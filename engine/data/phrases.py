"""Samples whose classes are phrases: of a large vocabulary each picture is asked about a few dozen.

A network that compares cells with embeddings of phrases cannot be asked about thousands of them for every
picture of a training. Each sample therefore names the phrases that it is asked about: those of its own objects,
and others drawn at random that it does not show (negatives).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import torch

from engine.data.dataset import YOLODataset
from engine.data.transforms.format import collate
from engine.data.transforms.sample import Sample, Shapes
from engine.ops.cells import cells_of_boxes
from engine.ops.raster import polygons2masks

# Phrases that a picture is asked about at most, as in the training of the published models
MOST_PHRASES = 80
# Pixels of the input to a cell of the finest level, on which examples are drawn
EXAMPLE_STRIDE = 8
SYNONYMS = "/"

Prompts: TypeAlias = Literal["text", "visual"]


def collate_phrases(samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Put samples with phrases together: ``texts`` a list an image, ``visuals`` (B, M, h, w)."""
    out = collate(samples)
    if "visuals" in out:
        masks = out["visuals"]
        most = max(1, *(len(m) for m in masks))
        joined = torch.zeros(len(masks), most, *masks[0].shape[1:])
        for row, own in zip(joined, masks, strict=True):
            row[: len(own)] = own
        out["visuals"] = joined
    return out


class PhraseDataset(YOLODataset):
    """Samples of one split whose classes are numbered by the phrases that each is asked about.

    A sample has ``texts``, its phrases, and ``cls`` counts among them. For visual prompts these are only the
    phrases of what it shows, and ``visuals`` (n, h / 8, w / 8) float32 has 1 on the examples of each.

    Attributes:
        phrases: Of each class the texts that stand for it; of several one is drawn for each sample.
        most: Phrases of a sample at most.
        prompts: "text" or "visual".
    """

    def __init__(
        self,
        *args: Any,
        phrases: Sequence[str] | None = None,
        most: int = MOST_PHRASES,
        prompts: Prompts = "text",
        **kwargs: Any,
    ) -> None:
        """Find, check and describe the pictures; see :class:`YOLODataset`.

        Args:
            args: As for the base.
            phrases: A text a class, synonyms joined by slashes; None takes the names of the data.
            most: Phrases of a sample at most.
            prompts: What the samples are for.
            kwargs: As for the base.
        """
        super().__init__(*args, **kwargs)
        given = list(self.data["names"].values()) if phrases is None else list(phrases)
        self.phrases = [synonyms(text) for text in given]
        self.most = min(most, len(given))
        self.prompts = prompts

    @property
    def texts(self) -> list[str]:
        """Every text that a sample may name, each once."""
        return list(dict.fromkeys(text for several in self.phrases for text in several))

    def entries(self, sample: Sample, im_file: str, rng: np.random.Generator) -> dict[str, Any]:
        """Return the tensors of a finished sample, with its phrases."""
        classes = sample.shapes.classes.astype(np.int64)
        wanted = self.most if self.prompts == "text" else 0
        chosen = choose_classes(classes, len(self.phrases), wanted, self.most, rng)
        shapes = renumbered(sample.shapes, chosen)
        out = super().entries(sample.with_(sample.image, shapes), im_file, rng)
        drawn = [self.phrases[number] for number in chosen.tolist()]
        out["texts"] = [several[int(rng.integers(len(several)))] for several in drawn]
        if self.prompts == "visual":
            masks = draw_examples(shapes, sample.size, len(chosen), self.task == "segment", rng)
            out["visuals"] = torch.from_numpy(masks)
        return out

    collate_fn = staticmethod(collate_phrases)


def synonyms(text: str) -> list[str]:
    """Split a class name into the texts that stand for it: "person/human" has two."""
    return [part.strip() for part in text.split(SYNONYMS) if part.strip()] or [text]


def choose_classes(
    classes: np.ndarray, count: int, wanted: int, most: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw the classes that a picture is asked about.

    Args:
        classes: (n,) classes of its objects, int64.
        count: Classes of the vocabulary.
        wanted: Classes to reach with others that it does not show.
        most: Classes at most; of more that it shows some are left out at random.
        rng: Of the choice.

    Returns:
        Numbers of classes, those it shows first, in ascending order, each once.
    """
    shown = np.unique(classes)
    if len(shown) > most:
        shown = np.sort(rng.choice(shown, most, replace=False))
    missing = min(wanted, count) - len(shown)
    if missing <= 0:
        return shown
    others = np.setdiff1d(np.arange(count), classes)
    return np.concatenate((shown, rng.permutation(others)[:missing]))


def renumbered(shapes: Shapes, chosen: np.ndarray) -> Shapes:
    """Return the objects of the chosen classes, their classes counted among these."""
    classes = shapes.classes.astype(np.int64)
    order = np.argsort(chosen, kind="stable")
    ranked = chosen[order]
    place = np.searchsorted(ranked, classes).clip(max=max(len(ranked) - 1, 0))
    known = ranked[place] == classes if len(ranked) else np.zeros(len(classes), bool)
    kept = shapes.select(known)
    return dataclasses.replace(kept, classes=order[place[known]].astype(np.float32))


def draw_examples(
    shapes: Shapes, size: tuple[int, int], count: int, outlined: bool, rng: np.random.Generator
) -> np.ndarray:
    """Draw for each class some of its objects as a person would show them: by boxes or by outlines.

    Which and how many objects of a class are shown is drawn, one at least; so is, where there are outlines,
    whether boxes or outlines are drawn, because people may give either.

    Args:
        shapes: The objects, classes 0 to ``count`` - 1, each with an object.
        size: Height and width of the input.
        count: Classes.
        outlined: Outlines may be drawn.
        rng: Of the choice.

    Returns:
        (count, height / 8, width / 8) float32 of 0 and 1, no mask empty.
    """
    cells = cells_of_boxes(shapes.boxes, size, EXAMPLE_STRIDE)
    if outlined and len(shapes.points) and rng.random() < 0.5:
        inside = polygons2masks(size, shapes.segments, downsample_ratio=EXAMPLE_STRIDE) > 0
        seen = inside.any((1, 2))
        cells[seen] = inside[seen]
    out = np.zeros((count, *cells.shape[1:]), np.float32)
    classes = shapes.classes.astype(np.int64)
    for number in range(count):
        those = np.flatnonzero(classes == number)
        shown = rng.permutation(those)[: int(rng.integers(1, len(those) + 1))]
        out[number] = cells[shown].any(0)
    return out

"""Drawn labels with mistakes of which it is known where they are, and predictions of a model that errs a little."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from engine.data.annotations import Annotation, Box

SIDE = 640
CLASSES = 3


@dataclass
class Scene:
    """One image: its labels, what a model finds, and the number of each broken label with what is wrong."""

    labels: list[Annotation]
    found: list[Annotation]
    broken: dict[int, str] = field(default_factory=dict)
    missing: list[Box] = field(default_factory=list)


def draw_scene(random: np.random.Generator, mistakes: float = 0.1) -> Scene:
    """Return a scene of up to twelve objects on a grid, a share of the labels broken."""
    scene = Scene([], [])
    cells = random.permutation(16)[: random.integers(6, 13)]
    for cell in cells.tolist():
        row, column = divmod(cell, 4)
        w, h = random.uniform(50, 110, 2)
        x, y = column * 160 + random.uniform(5, 40), row * 160 + random.uniform(5, 40)
        truth = Annotation(Box(x, y, x + w, y + h), int(random.integers(CLASSES)))
        predict(scene, truth, random)
        label(scene, truth, random, mistakes)
    if random.random() < 0.3:  # the model sees a ghost now and then
        scene.found.append(Annotation(Box(600, 600, 635, 630), 0, float(random.uniform(0.1, 0.45))))
    return scene


def predict(scene: Scene, truth: Annotation, random: np.random.Generator) -> None:
    """Let a model find the object in 19 of 20 cases, a little beside it, sometimes with a rival class."""
    if random.random() < 0.05:
        return
    jitter = random.normal(0, 3, 4)
    box = Box(*(np.array(truth.geometry.bounds()) + jitter).tolist())
    score = float(random.uniform(0.5, 0.95))
    scene.found.append(Annotation(box, truth.class_id, score))
    if random.random() < 0.15:
        other = (truth.class_id + 1) % CLASSES
        scene.found.append(Annotation(box, other, score * 0.5))


def label(scene: Scene, truth: Annotation, random: np.random.Generator, mistakes: float) -> None:
    """Label the object, rightly or, in a share of the cases, with one of the mistakes in turn."""
    kinds = ("missing", "extra", "wrong_class", "loose", "double")
    kind = kinds[int(random.integers(len(kinds)))] if random.random() < mistakes else ""
    place = len(scene.labels)
    if kind == "missing":
        scene.missing.append(truth.geometry)
        return
    if kind == "wrong_class":
        truth = replace(truth, class_id=(truth.class_id + 1) % CLASSES)
    if kind == "loose":
        x1, y1, x2, y2 = truth.geometry.bounds()
        truth = replace(truth, geometry=Box(x1 - 5, y1 - 5, x2 + (x2 - x1), y2 + (y2 - y1) * 0.6))
    scene.labels.append(truth)
    if kind == "extra":
        scene.broken[len(scene.labels)] = kind
        scene.labels.append(Annotation(Box(8, 596, 60, 636), int(random.integers(CLASSES))))
        return
    if kind == "double":
        x1, y1, x2, y2 = truth.geometry.bounds()
        scene.broken[len(scene.labels)] = kind
        scene.labels.append(replace(truth, geometry=Box(x1 + 2, y1 + 2, x2 + 3, y2 + 1)))
        return
    if kind:
        scene.broken[place] = kind

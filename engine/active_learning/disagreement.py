"""Labels held against what a model sees: missing, extra, doubled, of the wrong class, loose. Pure functions.

What counts as a mistake of the label and what of the model is a matter of degree. Each disagreement has a doubt in
0..1: how sure the model is of it, times how far it can be trusted in that (:class:`Trust`), which the data set itself
tells, as in confident learning (Northcutt et al., Confident Learning: Estimating Uncertainty in Dataset Labels, 2021,
arXiv:1911.00068); for objects of detectors compare Tkachenko et al., ObjectLab (2023, arXiv:2309.00832).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from engine.active_learning.shape_overlap import overlaps
from engine.data.annotations import Annotation, Box, Keypoints, OrientedBox, Tag

DisagreementKind = Literal["missing", "extra", "double", "wrong_class", "loose"]
KINDS: tuple[DisagreementKind, ...] = ("missing", "extra", "double", "wrong_class", "loose")


@dataclass(frozen=True, slots=True)
class Rules:
    """When a label and a prediction are held for one object.

    Attributes:
        same: IoU from which they are.
        near: IoU from which one of the same class at least means the other.
        double: IoU from which two labels of a class are one object.
        sure: Confidence from which a prediction without a label means that the label is missing.
        seen: Confidence from which a prediction means that the model sees something there.
    """

    same: float = 0.5
    near: float = 0.15
    double: float = 0.7
    sure: float = 0.4
    seen: float = 0.25


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One label that a model doubts, or one object that it misses a label for.

    Attributes:
        kind: ``missing``: nobody labelled what the model found; ``extra``: the model sees nothing there; ``double``:
            another label is there already; ``wrong_class``: the model says another class; ``loose``: the outline
            does not fit what the model found.
        label: Number of the label; None where one is missing.
        found: Number of the prediction; None where there is none.
        doubt: How likely the label is wrong, 0..1, to sort by.
        overlap: IoU of label and prediction; of a double with the other label.
    """

    kind: DisagreementKind
    label: int | None
    found: int | None
    doubt: float
    overlap: float = 0.0


@dataclass(slots=True)
class Counts:
    """What a model does with the objects of one class: how many, and the overlaps where both agree."""

    labels: int = 0
    recalled: int = 0
    sure: int = 0
    right: int = 0
    overlaps: list[float] = field(default_factory=list)


class Trust:
    """How far a model can be trusted class by class, learned from all images that it was compared on."""

    def __init__(self) -> None:
        self._counts: dict[int, Counts] = {}

    def of(self, class_id: int) -> Counts:
        """Return what is known of a class."""
        return self._counts.setdefault(class_id, Counts())

    def recall(self, class_id: int) -> float:
        """Return the share of a class's labels that the model finds, 0.5 where nothing is known."""
        counts = self.of(class_id)
        return (counts.recalled + 1) / (counts.labels + 2)

    def precision(self, class_id: int) -> float:
        """Return the share of its sure predictions that are labelled, 0.5 where nothing is known."""
        counts = self.of(class_id)
        return (counts.right + 1) / (counts.sure + 2)

    def usual_overlap(self, class_id: int) -> float:
        """Return the median IoU of labels and predictions that agree, 0.8 where nothing is known."""
        found = self.of(class_id).overlaps
        return float(np.median(found)) if found else 0.8


@dataclass(frozen=True, slots=True)
class Comparison:
    """What comparing one image gave; :meth:`weighed` needs the trust that all of them gave.

    Attributes:
        disagreements: With the model's own word as the doubt.
        classes: For each of them the class that it turns on.
    """

    disagreements: tuple[Disagreement, ...]
    classes: tuple[int, ...]

    def weighed(self, trust: Trust) -> list[Disagreement]:
        """Return the disagreements with their doubts weighed by how far the model can be trusted, greatest first."""
        weighed = [
            replace(one, doubt=round(_weigh(one, class_id, trust), 4))
            for one, class_id in zip(self.disagreements, self.classes, strict=True)
        ]
        kept = [one for one in weighed if one.doubt > 0]
        return sorted(kept, key=lambda one: -one.doubt)


def compare_labels(
    labels: Sequence[Annotation],
    found: Sequence[Annotation],
    rules: Rules = Rules(),
    trust: Trust | None = None,
) -> Comparison:
    """Hold the labels of an image against a model's predictions.

    Args:
        labels: What is labelled. Lines and points without extent have nothing to compare and count as right.
        found: What the model found down to a low confidence, such as 0.05, each with its score; classes are
            numbered as in the labels. Both should have only classes that model and labels know.
        rules: When two are held for one object.
        trust: Learns from this image.
    """
    trust = trust if trust is not None else Trust()
    if any(isinstance(label.geometry, Tag) for label in labels):
        return _compare_tags(labels, found)
    placed = [i for i, label in enumerate(labels) if _has_place(label)]
    seen = [j for j, one in enumerate(found) if _has_place(one)]
    table = overlaps([labels[i].geometry for i in placed], [found[j].geometry for j in seen])
    compared = _Compared([labels[i] for i in placed], [found[j] for j in seen], table, rules)
    compared.teach(trust)
    rows = compared.disagreements()
    disagreements = tuple(
        replace(
            one,
            label=None if one.label is None else placed[one.label],
            found=None if one.found is None else seen[one.found],
        )
        for one, _ in rows
    )
    return Comparison(disagreements, tuple(class_id for _, class_id in rows))


_Row = tuple[Disagreement, int]


class _Compared:
    """One image's labels, predictions, their overlaps (L, P), and who belongs to whom."""

    def __init__(
        self,
        labels: list[Annotation],
        found: list[Annotation],
        table: np.ndarray,
        rules: Rules,
    ) -> None:
        self.labels, self.found, self.table, self.rules = labels, found, table, rules
        self.scores = np.array([one.score if one.score is not None else 1.0 for one in found])
        classes = np.array([label.class_id for label in labels], np.int64)
        others = np.array([one.class_id for one in found], np.int64)
        self.alike = classes[:, None] == others[None, :]
        self.pairs = _pairs(np.where(self.alike, table, 0), self.scores, rules.same)
        self.partners = {j: i for i, j in self.pairs.items()}

    def teach(self, trust: Trust) -> None:
        """Count what the model does right here."""
        for i, label in enumerate(self.labels):
            counts = trust.of(label.class_id)
            counts.labels += 1
            j = self.pairs.get(i)
            if j is not None and self.scores[j] >= self.rules.seen:
                counts.recalled += 1
                counts.overlaps.append(float(self.table[i, j]))
        for j, one in enumerate(self.found):
            if self.scores[j] >= self.rules.sure:
                counts = trust.of(one.class_id)
                counts.sure += 1
                counts.right += int(j in self.partners)

    def disagreements(self) -> list[_Row]:
        """Return each with the class that it turns on."""
        rows: list[_Row] = []
        explained: set[int] = set(self.partners)
        for i in range(len(self.labels)):
            row = self._of_label(i, explained)
            if row is not None:
                rows.append(row)
        return rows + self._missing(explained)

    def _of_label(self, i: int, explained: set[int]) -> _Row | None:
        """Return what is wrong with a label, if anything; predictions that it explains join the others."""
        own, there = self.pairs.get(i), self.table[i] if self.found else np.zeros(0)
        rivals = np.where(~self.alike[i] & (there >= self.rules.same), self.scores, 0)
        explained.update(np.flatnonzero(there >= self.rules.same).tolist())
        own_score = float(self.scores[own]) if own is not None else 0.0
        rival = int(rivals.argmax()) if rivals.size else -1
        is_surer = rival >= 0 and rivals[rival] > max(own_score, self.rules.seen)
        if is_surer and rival not in self.partners:
            doubt = float(rivals[rival]) * (1 - own_score)
            one = Disagreement("wrong_class", i, rival, doubt, float(there[rival]))
            return one, self.found[rival].class_id
        if own is not None:
            return self._loose(i, own)
        twin = self._twin(i)
        if twin is not None:
            overlap, j = twin
            return Disagreement("double", i, j, overlap, overlap), self.labels[i].class_id
        return self._unseen(i, there, explained)

    def _unseen(self, i: int, there: np.ndarray, explained: set[int]) -> _Row | None:
        """Return what is wrong with a label that no prediction fits: it is loose, or nothing is there."""
        label = self.labels[i]
        near = self.alike[i] & (there >= self.rules.near) if len(there) else np.zeros(0, bool)
        free = [j for j in np.flatnonzero(near).tolist() if j not in self.partners]
        best = max(free, key=lambda j: self.scores[j] * there[j], default=None)
        if best is not None and self.scores[best] >= self.rules.seen:
            explained.add(best)
            loose = Disagreement("loose", i, best, float(self.scores[best]), float(there[best]))
            return loose, label.class_id
        around = there >= 2 * self.rules.near if len(there) else np.zeros(0, bool)
        support = float(self.scores[around].max()) if around.any() else 0.0
        if support >= self.rules.seen:
            return None  # something is there, of which the model says little
        return Disagreement("extra", i, None, 1 - support), label.class_id

    def _loose(self, i: int, own: int) -> _Row:
        """Return how little a label fits its prediction; what is usual for the class weighs nothing later."""
        one = Disagreement("loose", i, own, float(self.scores[own]), float(self.table[i, own]))
        return one, self.labels[i].class_id

    def _twin(self, i: int) -> tuple[float, int] | None:
        """Return the overlap with another label of the class whose prediction would fit this one too."""
        best: tuple[float, int] | None = None
        for other, j in self.pairs.items():
            if other == i or self.labels[other].class_id != self.labels[i].class_id:
                continue
            pair = overlaps([self.labels[i].geometry], [self.labels[other].geometry])
            overlap = float(pair[0, 0])
            if overlap >= self.rules.double and (best is None or overlap > best[0]):
                best = overlap, j
        return best

    def _missing(self, explained: set[int]) -> list[_Row]:
        """Return predictions that nobody labelled, the surest one at each place."""
        rows: list[_Row] = []
        kept: list[int] = []
        for j in np.argsort(-self.scores, kind="stable").tolist():
            if self.scores[j] < self.rules.sure:
                break
            if j in explained:
                continue
            near = overlaps([self.found[j].geometry], [self.found[k].geometry for k in kept])
            if near.size and near.max() >= self.rules.same:
                continue
            kept.append(j)
            one = Disagreement("missing", None, j, float(self.scores[j]))
            rows.append((one, self.found[j].class_id))
        return rows


def _compare_tags(labels: Sequence[Annotation], found: Sequence[Annotation]) -> Comparison:
    """Hold the classes of a whole image against what a classifier says."""
    tags = [i for i, label in enumerate(labels) if isinstance(label.geometry, Tag)]
    said = [j for j, one in enumerate(found) if isinstance(one.geometry, Tag)]
    if not said or found[said[0]].class_id in {labels[i].class_id for i in tags}:
        return Comparison((), ())
    best = said[0]
    one = Disagreement("wrong_class", tags[0], best, float(found[best].score or 0))
    return Comparison((one,), (found[best].class_id,))


def _weigh(one: Disagreement, class_id: int, trust: Trust) -> float:
    """Return a doubt times how far the model can be trusted in it."""
    if one.kind == "extra":
        return one.doubt * trust.recall(class_id)
    if one.kind == "missing":
        return one.doubt * trust.precision(class_id)
    if one.kind == "loose":
        usual = trust.usual_overlap(class_id)
        lacking = (usual - one.overlap) / max(usual, 1e-6)
        # outlines scatter about what is usual: a quarter less is no news
        return one.doubt * max(0.0, (lacking - 0.25) / 0.75)
    return one.doubt


def _pairs(table: np.ndarray, scores: np.ndarray, least: float) -> dict[int, int]:
    """Pair rows and columns one to one, the best of overlap and score first; returns row to column."""
    rows, columns = (table >= least).nonzero()
    order = np.argsort(-(table[rows, columns] * scores[columns]), kind="stable")
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row not in pairs and column not in taken:
            pairs[row] = column
            taken.add(column)
    return pairs


def _has_place(annotation: Annotation) -> bool:
    geometry = annotation.geometry
    if isinstance(geometry, Box | OrientedBox | Keypoints):
        x1, y1, x2, y2 = geometry.bounds()
        return x2 > x1 and y2 > y1
    return geometry.area() > 0

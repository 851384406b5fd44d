"""Gathers what a validation finds, image by image, and says how good it is.

Tasks that measure more than boxes say so in ``parts``; nothing else need be written for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from engine.metrics.average_precision import Found, score
from engine.metrics.matching import Matches
from engine.metrics.measures import AveragePrecision
from engine.metrics.tables import Table

MEASURES = ("precision", "recall", "mAP50", "mAP50-95")  # as results.csv names them
_TABLED_AP = ("50", "75", "50-95")
_NOTHING = dict.fromkeys(("precision", "recall", "ap50", "ap"), float("nan"))


class Part(NamedTuple):
    """One kind of shape that is measured.

    Attributes:
        name: Attribute of the metrics that holds its measures.
        letter: What follows its columns in results.csv: ``metrics/mAP50(B)``.
        argument: Argument of :meth:`DetectionMetrics.update` that takes its matches.
        key: Its name in validation.json: in the rows of classes, among the curves.
        title: Its name in tables for people.
    """

    name: str
    letter: str
    argument: str
    key: str
    title: str


BOX = Part("box", "B", "tp", "box", "Box")


class DetectionMetrics:
    """Measures of a data set: call :meth:`update` for each image, :meth:`process` at the end.

    Attributes:
        parts: What is measured; the last one decides the fitness.
        names: Class names by id.
        box: The box measures; further parts are attributes likewise.
        speed: Milliseconds an image by stage; the validator fills it in.
        confusion_matrix: Predicted against true classes, of a validation on its own; the validator
            fills it in.
    """

    parts: ClassVar[tuple[Part, ...]] = (BOX,)
    box: AveragePrecision

    def __init__(self, names: Mapping[int, str] | None = None) -> None:
        self.names = dict(names or {})
        self.speed: dict[str, float] = {}
        self.confusion_matrix: Any = None
        self.clear()

    def update(
        self,
        tp: Any,
        conf: Any,
        pred_cls: Any,
        target_cls: Any,
        *,
        image: Any = None,
        **more: Any,
    ) -> None:
        """Take in one image.

        Args:
            tp: Matches of the boxes: :class:`engine.metrics.matching.Matches`, or a plain table of which
                predictions find an object at each threshold (P, 10) bool.
            conf: Scores (P,).
            pred_cls: Classes (P,).
            target_cls: Classes of the objects (T,).
            image: What to sort the images by, for the rank of predictions with equal scores; None keeps the
                order of the calls.
            more: Matches of the further parts, by their ``argument``.

        Raises:
            ValueError: The matches of a part are missing.
        """
        given = {"tp": tp, **more}
        scores, found, classes = (_array(x) for x in (conf, pred_cls, target_cls))
        matches = []
        for part in self.parts:
            if given.get(part.argument) is None:
                raise ValueError(
                    f"expected {part.argument}, the matches of part {part.name!r}, received None"
                )
            matches.append(_matches(given[part.argument], len(classes)))
        counts = matches[0].counted[:, 0]
        for label in np.unique(classes[counts]).astype(int).tolist():
            self.images_per_class[label] = self.images_per_class.get(label, 0) + 1
        self._images.append((image, scores, found, classes, matches))

    def process(self) -> None:
        """Work out the measures from all images so far."""
        images = self._images
        if all(row[0] is not None for row in images):
            images = sorted(images, key=lambda row: row[0])
        for place, part in enumerate(self.parts):
            setattr(self, part.name, self._score(images, place))

    def _score(self, images: Sequence[tuple[Any, ...]], place: int) -> AveragePrecision:
        """Work out one part."""
        nc = len(self.names)
        if not images:
            return AveragePrecision(nc=nc)
        _, conf, classes, targets, matches = zip(*images, strict=True)
        mine: list[Matches] = [row[place] for row in matches]
        numbers = np.repeat(np.arange(len(images)), [len(row) for row in conf])
        found = Found(
            np.concatenate(conf),
            np.concatenate(classes),
            numbers,
            np.concatenate([row.hits for row in mine]),
            np.concatenate([row.ignored for row in mine]),
            np.concatenate(targets),
            np.concatenate([row.counted for row in mine]),
            mine[0].thresholds,
        )
        return score(found, nc)

    def clear(self) -> None:
        """Forget all images and measures."""
        self._images: list[tuple[Any, ...]] = []
        self.images_per_class: dict[int, int] = {}
        for part in self.parts:
            setattr(self, part.name, AveragePrecision(nc=len(self.names)))

    @property
    def measured(self) -> dict[Part, AveragePrecision]:
        """The measures of each part."""
        return {part: getattr(self, part.name) for part in self.parts}

    @property
    def keys(self) -> list[str]:
        """Names of the measures, in the order of :meth:`mean_results`."""
        return [f"metrics/{name}({part.letter})" for part in self.parts for name in MEASURES]

    @property
    def fitness(self) -> float:
        """The number by which checkpoints are compared: the last part's AP over IoU 0.50 to 0.95."""
        return self._last.map

    @property
    def results_dict(self) -> dict[str, float]:
        """The measures by name, and ``fitness``."""
        results = dict(zip(self.keys, self.mean_results(), strict=True))
        return {**results, "fitness": self.fitness}

    @property
    def maps(self) -> np.ndarray:
        """AP of every class id (nc,), of the last part."""
        return self._last.maps

    @property
    def ap_class_index(self) -> np.ndarray:
        """Ids of the classes that have objects."""
        return self.box.classes

    @property
    def curves(self) -> dict[str, dict[str, Any]]:
        """The curves of each part as plain values, by ``key``."""
        return {part.key: measure.curves.to_dict() for part, measure in self.measured.items()}

    @property
    def details(self) -> dict[str, dict[str, float]]:
        """The means of each part by ``key``, with those by size and COCO's."""
        return {part.key: measure.to_dict() for part, measure in self.measured.items()}

    @property
    def _last(self) -> AveragePrecision:
        measure: AveragePrecision = getattr(self, self.parts[-1].name)
        return measure

    def mean_results(self) -> list[float]:
        """Return the measures in the order of :attr:`keys`."""
        return [value for measure in self.measured.values() for value in measure.mean_results()]

    def class_result(self, i: int) -> tuple[float, ...]:
        """Return the measures of the i-th class of :attr:`ap_class_index`; nan where a part has none of it."""
        rows = (_row(measure, int(self.box.classes[i])) for measure in self.measured.values())
        return tuple(v for row in rows for v in (row or _NOTHING).values())

    def per_class(self) -> list[dict[str, Any]]:
        """Return a row for each class that has objects.

        Each has ``class_id``, ``name``, ``images``, ``instances`` and, by the parts' ``key``, dictionaries of
        ``precision``, ``recall``, ``ap50`` and ``ap``. A part that has no object of the class (keypoints of a
        class without any) is None, and so is ``mask`` where there is no such part.
        """
        return [
            {
                "class_id": label,
                "name": self.names.get(label, str(label)),
                "images": self.images_per_class.get(label, 0),
                "instances": int(self.box.instances[i]),
                "mask": None,
                **{part.key: _row(measure, label) for part, measure in self.measured.items()},
            }
            for i, label in enumerate(self.box.classes.tolist())
        ]

    def summary(self, normalize: bool = True, decimals: int = 5) -> Table:
        """Return a table of the classes that have objects: counts, then P, R, F1, AP of each part.

        Args:
            normalize: Measures in 0..1; otherwise in percent.
            decimals: Places after the point.
        """
        unit = 1 if normalize else 100
        rows = []
        for row in self.per_class():
            line = {"Class": row["name"], "Images": row["images"], "Instances": row["instances"]}
            for part, measure in self.measured.items():
                for head, value in _columns(part, measure, row["class_id"]).items():
                    line[head] = None if value is None else round(float(value) * unit, decimals)
            rows.append(line)
        return Table(rows)

    def to_df(self, normalize: bool = True, decimals: int = 5) -> Any:
        """Return :meth:`summary` as a pandas data frame."""
        return self.summary(normalize, decimals).to_df()

    def to_csv(self, normalize: bool = True, decimals: int = 5) -> str:
        """Return :meth:`summary` as text with commas."""
        return self.summary(normalize, decimals).to_csv()

    def to_json(self, normalize: bool = True, decimals: int = 5) -> str:
        """Return :meth:`summary` as JSON."""
        return self.summary(normalize, decimals).to_json()


def _columns(part: Part, measure: AveragePrecision, label: int) -> dict[str, float | None]:
    """Return a class's measures as tables of the field head them: AP without a word is the boxes'."""
    title = f"{part.title}-"
    of_ap = "" if part is BOX else title
    heads = (f"{title}P", f"{title}R", f"{title}F1", *(f"{of_ap}mAP{at}" for at in _TABLED_AP))
    i = _place(measure, label)
    if i is None:
        return dict.fromkeys(heads)
    aps = (measure.ap50[i], measure.ap_table[i, 5], measure.ap[i])
    return dict(zip(heads, (measure.p[i], measure.r[i], measure.f1[i], *aps), strict=True))


def _place(measure: AveragePrecision, label: int) -> int | None:
    """Return where a class stands in a measure, None where the measure has no object of it."""
    found = np.flatnonzero(measure.classes == label)
    return int(found[0]) if len(found) else None


def _row(measure: AveragePrecision, label: int) -> dict[str, float] | None:
    i = _place(measure, label)
    return None if i is None else class_row(measure, i)


def class_row(measure: AveragePrecision, i: int) -> dict[str, float]:
    """Return the measures of the i-th class that has objects, by name."""
    return dict(zip(("precision", "recall", "ap50", "ap"), measure.class_result(i), strict=True))


def _matches(given: Any, objects: int) -> Matches:
    return given if isinstance(given, Matches) else Matches.of_table(_array(given), objects)


def _array(x: Any) -> np.ndarray:
    return np.asarray(x.detach().cpu() if hasattr(x, "detach") else x)

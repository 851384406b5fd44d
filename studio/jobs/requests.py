"""What the window asks of its lasting worker: plain values, nothing that needs Qt or torch.

What comes back is in :mod:`studio.jobs.reports`; both are given by :mod:`studio.jobs.messages`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.data.annotations import Geometry
from studio.model.auto_annotation import Examples
from studio.tools.prompting import Prompts

TrackMethod = Literal["motion", "model", "sam2"]


@dataclass(frozen=True, slots=True)
class Predict:
    """Run a model on images; each image's objects come as one :class:`Predicted`.

    Attributes:
        job: Number of the request.
        model: Path of a model file.
        images: ``(key, path)`` pairs; the key comes back unchanged.
        arguments: Engine arguments of prediction: conf, iou, imgsz, device, max_det, classes.
        segmenter: Outlines each object within its box; empty for what the model gives.
        phrases: What an open-vocabulary model looks for, in words; empty for the classes that it has.
        examples: What it looks for, by examples.
    """

    job: int
    model: str
    images: tuple[tuple[int, str], ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    segmenter: str = ""
    phrases: tuple[str, ...] = ()
    examples: Examples | None = None


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """A box that a person drew: its class in the project, and where it is in pixels."""

    class_id: int
    class_name: str
    bounds: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Outline:
    """Outline the objects in boxes that are drawn; each image's outlines come as one :class:`Predicted`.

    Attributes:
        job: Number of the request.
        segmenter: Name or path of a promptable segmenter's weights; ``auto`` takes the best that is there.
        images: Key, path and boxes of each.
    """

    job: int
    segmenter: str
    images: tuple[tuple[int, str, tuple[DrawnBox, ...]], ...]


@dataclass(frozen=True, slots=True)
class Validate:
    """Validate a model on a data set; the result is a :class:`Validated`."""

    job: int
    model: str
    data: str
    folder: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Export:
    """Write a model in another format and compare the two on an image; the result is an :class:`Exported`.

    Attributes:
        job: Number of the request.
        model: Path of a ``.pt`` file.
        format: Name of the target, as in ``onnx``.
        image: Path of a real image to compare on; None compares on a drawn one.
        arguments: Engine arguments of export.
    """

    job: int
    model: str
    format: str
    image: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inspect:
    """Look into a model file; the result is a :class:`ModelFacts`.

    Attributes:
        job: Number of the request.
        model: Path of a model file.
        classes: With how many classes a training would start from it; None to leave that out.
    """

    job: int
    model: str
    classes: int | None = None


@dataclass(frozen=True, slots=True)
class Weigh:
    """Measure what training an open-vocabulary model costs here; the result is a :class:`Weighed`.

    Attributes:
        job: Number of the request.
        model: Path of its weights, or name of its description.
        classes: How many classes would be trained.
        imgsz: Side of the pictures.
        device: Where; empty for the best one.
    """

    job: int
    model: str
    classes: int
    imgsz: int
    device: str = ""


@dataclass(frozen=True, slots=True)
class Encode:
    """Let a promptable segmenter look at an image, so that prompts are answered at once; the result is an :class:`Encoded`.

    Attributes:
        job: Number of the request.
        model: Name or path of its weights; ``auto`` takes the best that is there.
        image: Path of the image.
        ahead: It is not wanted yet: what was seen is kept, the segmenter goes on looking at the present one.
    """

    job: int
    model: str
    image: str
    ahead: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """Ask a promptable segmenter for the object at some places; the result is a :class:`Segmented`.

    Attributes:
        job: Number of the request.
        model: As for :class:`Encode`.
        image: Path of the image.
        prompts: What was pointed at.
    """

    job: int
    model: str
    image: str
    prompts: Prompts


@dataclass(frozen=True, slots=True)
class Survey:
    """Choose the images that are worth labelling next; the result is a :class:`Surveyed`.

    Attributes:
        job: Number of the request.
        model: Path of a model file.
        images: ``(key, path)`` of the images to choose from.
        covered: The same of images that are labelled: what is like them is worth less.
        count: How many to choose.
        diversity: What being unlike the others counts against the model's uncertainty, 0..1.
        arguments: Engine arguments of prediction.
    """

    job: int
    model: str
    images: tuple[tuple[int, str], ...]
    covered: tuple[tuple[int, str], ...]
    count: int
    diversity: float
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MarkedShape:
    """A shape to follow: the number of its track, the name of its class, where it is in the first image."""

    track: int
    class_name: str
    geometry: Geometry


@dataclass(frozen=True, slots=True)
class Track:
    """Follow shapes through successive images; each image's shapes come as one :class:`Followed`.

    Attributes:
        job: Number of the request.
        images: ``(key, path)`` pairs; the shapes are marked on the first.
        shapes: What to follow.
        method: ``motion`` needs no model, ``model`` follows what a detector finds, ``sam2`` asks SAM 2.
        model: Path of the detector, or name of the weights of SAM 2.
        segmenter: Outlines each polygon and mask again where it was found; empty for what the method gives.
        arguments: Engine arguments of prediction, for ``model``.
    """

    job: int
    images: tuple[tuple[int, str], ...]
    shapes: tuple[MarkedShape, ...]
    method: TrackMethod = "motion"
    model: str = ""
    segmenter: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cancel:
    """Give up a request as soon as its present step is done."""

    job: int


Request = (
    Predict | Validate | Export | Inspect | Weigh | Encode | Segment | Outline | Survey | Track
)

"""What the lasting worker answers: plain values, nothing that needs Qt or torch.

What was asked is in :mod:`studio.jobs.requests`; both are given by :mod:`studio.jobs.messages`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.data.annotations import Geometry
from studio.model.next_images import NextImage
from studio.tools.prompting import Candidate


@dataclass(frozen=True, slots=True)
class Started:
    """The worker has begun with a request."""

    job: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a request is; ``total`` 0 means that nobody knows."""

    job: int
    done: int
    total: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class PredictedShape:
    """One object, or the class of the whole image.

    Attributes:
        class_id: The model's class number, and ``class_name`` its name.
        score: Confidence, 0..1; None for a region of a map of classes, which has none.
        geometry: Where it is, in pixels of the upright image.
    """

    class_id: int
    class_name: str
    score: float | None
    geometry: Geometry


@dataclass(frozen=True, slots=True)
class Predicted:
    """The objects of one image; ``problem`` says why an image could not be read."""

    job: int
    key: int
    shapes: tuple[PredictedShape, ...]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class PredictionDone:
    """How a whole prediction went."""

    images: int
    shapes: int
    problems: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Validated:
    """Where the validation was written (``validation.json`` is in ``folder``) and its figures."""

    folder: str
    metrics: Mapping[str, float]
    seconds: float


@dataclass(frozen=True, slots=True)
class Exported:
    """An exported file.

    Attributes:
        path: The file or folder written.
        format: Name of the target.
        size_bytes: Its size; of a folder, of all its files.
        seconds: Time to write it, without the comparison.
        max_abs_diff: Largest difference of any output value against the PyTorch model.
        image: The image on which the two were compared.
        details: Further figures of the comparison.
    """

    path: str
    format: str
    size_bytes: int
    seconds: float
    max_abs_diff: float | None
    image: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Takeover:
    """What a training with other classes keeps of a model.

    Attributes:
        kept: Tensors that are taken over.
        total: Tensors in all.
        initial: What starts at its initial values, in words, as in ``class scores``.
    """

    kept: int
    total: int
    initial: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a model file says of itself.

    Attributes:
        path: The file.
        format: ``pt``, ``safetensors``, ``onnx`` or ``torchscript``.
        task: What it does.
        names: Its classes in order.
        architecture: Name of its description, as in ``yolo11n-seg``; empty where the file does not say.
        parameters: Numbers in all parameters; None where the file does not say.
        written_by: Program and version.
        imgsz: Image size of its training or export; None where the file does not say.
        epoch: Number of the last finished epoch, from 1, of a training that can go on; else None.
        train_args: Arguments of its training.
        metrics: Figures of its last validation.
        notes: Further facts in words.
        is_open: It can be told in words what to look for.
        is_fixed: It could be, before the classes went into its weights.
        words_problem: Why words cannot be encoded on this computer, empty where they can.
        takeover: What a training would keep of it; None where that was not asked or it cannot be trained.
    """

    path: str
    format: str
    task: str
    names: tuple[str, ...]
    architecture: str = ""
    parameters: int | None = None
    written_by: str = ""
    imgsz: tuple[int, int] | None = None
    epoch: int | None = None
    train_args: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    takeover: Takeover | None = None
    is_open: bool = False
    is_fixed: bool = False
    words_problem: str = ""


@dataclass(frozen=True, slots=True)
class Weighed:
    """What trainings of an open-vocabulary model cost on this computer.

    Attributes:
        full_s: Seconds for an image when everything learns.
        probe_s: Seconds for an image when only what tells the classes learns.
        seen_s: Seconds for an image of a validation.
        imgsz: Side of the pictures that this is about.
        words_problem: Why class names cannot be encoded on this computer, empty where they can.
    """

    full_s: float
    probe_s: float
    seen_s: float
    imgsz: int
    words_problem: str = ""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A segmenter has seen an image.

    Attributes:
        title: What the segmenter is, for people.
        seconds: Time for reading and encoding.
    """

    title: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Segmented:
    """What a segmenter found, the best first, and how long the answer took."""

    candidates: tuple[Candidate, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Surveyed:
    """Images worth labelling, the best first.

    Attributes:
        ranked: The chosen ones.
        images: How many there were to choose from.
        covered: With how many labelled ones they were compared.
        problems: Why images could not be read.
        seconds: Time in all.
    """

    ranked: tuple[NextImage, ...]
    images: int
    covered: int
    problems: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class FollowedShape:
    """A shape that was found again: the number of its track, where it is, how sure that is, 0..1."""

    track: int
    geometry: Geometry
    score: float


@dataclass(frozen=True, slots=True)
class Followed:
    """The shapes that were found again in one image; ``problem`` says why an image was passed over."""

    job: int
    key: int
    shapes: tuple[FollowedShape, ...]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class TrackingDone:
    """How many images were looked at, and the key of the last one on which each track was seen."""

    images: int
    last: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Result:
    """A request ended well."""

    job: int
    value: (
        PredictionDone
        | Validated
        | Exported
        | ModelFacts
        | Weighed
        | Encoded
        | Segmented
        | Surveyed
        | TrackingDone
    )


FailureKind = Literal[
    "cancelled",
    "crashed",
    "out_of_memory",
    "data",
    "checkpoint",
    "config",
    "disk",
    "export",
    "error",
]


@dataclass(frozen=True, slots=True)
class Failed:
    """A request ended without a result: what happened, what to do, and the record to copy."""

    job: int
    kind: FailureKind
    message: str
    remedy: str = ""
    details: str = ""


Report = Started | Progress | Predicted | Result | Failed | Followed

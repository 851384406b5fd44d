"""What the window and its lasting worker say to one another: plain values, nothing that needs Qt or torch.

Every request ends with exactly one of :class:`Result` and :class:`Failed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.data.annotations import Geometry
from studio.model.auto_annotation import Examples
from studio.model.next_images import NextImage
from studio.tools.prompting import Candidate, Prompts

TrackMethod = Literal["motion", "model", "sam2"]

# --- to the worker


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

# --- from the worker


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

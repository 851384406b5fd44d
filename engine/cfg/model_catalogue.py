"""The models that come with the engine, with task and size: for pickers and pages. Loads no torch.

The descriptions in ``models/`` say what there is. What only a built model knows is in ``models/sizes.json``,
made by ``python -m engine.nn.sizes``; a test holds it equal to the models.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SIZES_JSON = Path(__file__).parent / "models" / "sizes.json"

SCALE_WORDS = {"n": "nano", "s": "small", "m": "medium", "l": "large", "x": "extra large"}
# As in "yolo11n-seg", "yolov8x", "yoloe-26s-seg", "yoloe-v8l-seg"
_NAME = re.compile(r"^(?P<kind>yoloe-v?|yolov?)(?P<number>\d+)(?P<scale>[nsmlx])?(?=-|$)")
_KINDS = {"yolo": "YOLO", "yolov": "YOLOv", "yoloe-": "YOLOE-", "yoloe-v": "YOLOE-v"}
# Newest first would change under a person's hands with every release: the order of a picker is decided here.
_FAMILY_ORDER = ("YOLO11", "YOLO26", "YOLO12", "YOLOv8")
# Our own head, and models of which only the descriptions were published: nothing to fetch.
_UNPUBLISHED = re.compile(r"-semseg$|^yolo12.-seg$|^yoloe-[^-]+$|^yoloe-(11|v8)[nx]-")
_BYTES_A_PARAMETER = 2  # trained weights are published as 16-bit numbers


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One model at one scale.

    Attributes:
        name: Its description, as in ``yolo11n-seg.yaml``.
        task: What it does, one of ``engine.cfg.schema.TASKS``.
        parameters: Numbers in all parameters.
        gflops: 10^9 additions and multiplications for one image.
        imgsz: Side of that image in pixels.
        classes: How many classes the description has.
    """

    name: str
    task: str
    parameters: int
    gflops: float
    imgsz: int
    classes: int

    @property
    def family(self) -> str:
        """Return the family's name, as in ``YOLO11``."""
        return family_of(self.name)

    @property
    def scale(self) -> str:
        """Return the scale's letter, empty for a description without scales."""
        return scale_of(self.name)

    @property
    def weights(self) -> str:
        """Return the name of the file with its trained weights."""
        return Path(self.name).with_suffix(".pt").name

    @property
    def weights_bytes(self) -> int:
        """Return about how large that file is."""
        return self.parameters * _BYTES_A_PARAMETER

    @property
    def is_published(self) -> bool:
        """Whether trained weights are known to be published; in the end only the server knows."""
        return not _UNPUBLISHED.search(Path(self.name).stem)

    @property
    def is_open_vocabulary(self) -> bool:
        """Whether its classes are given as words when it is used."""
        return self.family.startswith("YOLOE")


@cache
def catalogue() -> tuple[CatalogueEntry, ...]:
    """Return every model at every scale: by family, then task, then size."""
    sizes = json.loads(SIZES_JSON.read_text(encoding="utf-8"))
    entries = [CatalogueEntry(name, **values) for name, values in sizes.items()]
    return tuple(sorted(entries, key=_place))


def models_for(task: str, *, open_vocabulary: bool = False) -> list[CatalogueEntry]:
    """Return the models of a task in the order of a picker, those with a fixed list of classes by default."""
    return [
        entry
        for entry in catalogue()
        if entry.task == task and entry.is_open_vocabulary == open_vocabulary
    ]


def find_entry(name: str | Path) -> CatalogueEntry | None:
    """Return the model of a description or of a file of weights, by its name; None for others."""
    path = Path(name)
    if path.suffix not in (".yaml", ".yml", ".pt"):
        return None
    description = f"{path.stem}.yaml"
    return next((entry for entry in catalogue() if entry.name == description), None)


def description_for(name: str | Path, task: str) -> str | None:
    """Return the description of the same family and size for another task, None where there is none.

    >>> description_for("yolo11n-seg.pt", "pose")
    'yolo11n-pose.yaml'
    """
    entry = find_entry(Path(name).with_suffix(".yaml").name)
    if entry is None:
        return None
    same = (
        other
        for other in models_for(task, open_vocabulary=entry.is_open_vocabulary)
        if (other.family, other.scale) == (entry.family, entry.scale)
    )
    return next((other.name for other in same), None)


def family_of(name: str | Path) -> str:
    """Return the family of a description or file by its name: ``YOLO11``, ``YOLOv8``, ``YOLOE-26``; else its stem.

    >>> family_of("yoloe-11s-seg.pt")
    'YOLOE-11'
    """
    stem = Path(name).stem
    found = _NAME.match(stem)
    return stem if found is None else f"{_KINDS[found['kind']]}{found['number']}"


def scale_of(name: str | Path) -> str:
    """Return the scale letter in the name of a description or file, empty without one."""
    found = _NAME.match(Path(name).stem)
    return (found["scale"] or "") if found else ""


def title_of(name: str | Path) -> str:
    """Return a model's name in words: ``YOLO11 nano``; an unknown name stays as it is."""
    word = SCALE_WORDS.get(scale_of(name), "")
    return f"{family_of(name)} {word}".strip()


def _place(entry: CatalogueEntry) -> tuple[int, str, str, int]:
    family = entry.family
    known = _FAMILY_ORDER.index(family) if family in _FAMILY_ORDER else len(_FAMILY_ORDER)
    return known, family, entry.task, entry.parameters

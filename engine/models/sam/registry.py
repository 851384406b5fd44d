"""Back ends by the name of their weights, and which one to take where nobody says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from engine.cfg.weights import local_weights
from engine.models.sam.segmenter import Segmenter
from engine.runtime.device import select_device
from engine.runtime.errors import ModelError

CLASSIC = "classic"
SMALL = "sam_small"


@dataclass(frozen=True)
class BackEnd:
    """One way to answer prompts.

    Attributes:
        name: What it is called.
        takes: Whether a name of weights is for it.
        home: ``module:name`` of what opens it, called with the weights and the device.
        package: What must be installed besides, empty for nothing.
        install: The command that installs it.
        about: For people who choose.
    """

    name: str
    takes: Callable[[str], bool]
    home: str
    package: str
    install: str
    about: str

    @property
    def is_installed(self) -> bool:
        """Whether the package that it needs is there."""
        return not self.package or find_spec(self.package) is not None


def _starts(*prefixes: str) -> Callable[[str], bool]:
    return lambda name: Path(name).name.lower().startswith(prefixes)


BACK_ENDS: tuple[BackEnd, ...] = (
    BackEnd(
        CLASSIC,
        lambda name: name.lower() == CLASSIC,
        "engine.models.sam.classic:open_classic",
        "",
        "",
        "no network: GrabCut and a flood of colour, always there",
    ),
    BackEnd(
        "onnx",
        lambda name: name.lower().endswith((".encoder.onnx", ".decoder.onnx")),
        "engine.models.sam.onnx_pair:OnnxSegmenter",
        "onnxruntime",
        "pip install onnxruntime",
        "a pair of ONNX files, as export_pair writes them",
    ),
    BackEnd(
        "sam3",
        _starts("sam3"),
        "engine.models.sam.packages:Sam3Segmenter",
        "sam3",
        "pip install git+https://github.com/facebookresearch/sam3",
        "SAM 3 through its authors' package",
    ),
    BackEnd(
        "sam2",
        _starts("sam2"),
        "engine.models.sam.packages:Sam2Segmenter",
        "sam2",
        "pip install sam2",
        "SAM 2 through its authors' package",
    ),
    BackEnd(
        SMALL,
        _starts(SMALL),
        "engine.models.sam.small:SmallSegmenter.open",
        "",
        "",
        "the small network that comes with the program, trained on drawn pictures",
    ),
    BackEnd(
        "network",
        lambda name: True,
        "engine.models.sam.network:NetworkSegmenter.open",
        "",
        "",
        "SAM and MobileSAM",
    ),
)
# Weights to take where nobody says, the first that is on this computer; a GPU has time for larger ones
PREFERRED = {
    "cuda": ("sam_l.pt", "sam_vit_l_0b3195.pth", "sam_b.pt", "sam_vit_b_01ec64.pth", "mobile_sam.pt"),
    "cpu": ("mobile_sam.pt", "sam_b.pt", "sam_vit_b_01ec64.pth"),
}  # fmt: skip


def open_segmenter(weights: str | Path | None = None, device: Any = None) -> Segmenter:
    """Open a back end.

    Args:
        weights: A path or a name: ``mobile_sam.pt``, ``sam_b.pt``, ``sam_small``, ``PATH.encoder.onnx``,
            ``sam2.1_b.pt``, ``classic``, ... None takes what :func:`choose_segmenter` says.
        device: Where it runs; None for the first GPU, else the CPU.

    Raises:
        CheckpointError: The weights are of another architecture, damaged or hostile.
        MissingCheckpointError: They are not here and cannot be fetched.
        ModelError: A package is missing, or a pair is not whole.
    """
    name = choose_segmenter(device) if weights is None else str(weights)
    row = back_end_of(name)
    if not row.is_installed:
        raise ModelError(
            f"{name} needs the package {row.package}, which is not installed.",
            value=name,
            remedy=f"Install it: {row.install}. Or take mobile_sam.pt, which needs none.",
        )
    module, _, path = row.home.partition(":")
    make: Any = import_module(module)
    for part in path.split("."):
        make = getattr(make, part)
    return make(_full(name) if row.name == "network" else name, device)


def back_end_of(weights: str | Path) -> BackEnd:
    """Return the row of :data:`BACK_ENDS` that weights of a name belong to."""
    return next(row for row in BACK_ENDS if row.takes(str(weights)))


def choose_segmenter(device: Any = None) -> str:
    """Return the name of the best weights on this computer: nothing is fetched.

    Args:
        device: Where it would run.
    """
    kind = select_device(device).type
    for name in PREFERRED.get(kind, PREFERRED["cpu"]):
        if local_weights(name) is not None:
            return name
    from engine.models.sam.weights import SMALL_FILE

    return SMALL if SMALL_FILE.is_file() else CLASSIC


def _full(name: str) -> str:
    """Return the file name that a network's bare name stands for."""
    bare = not Path(name).suffix and not Path(name).exists()
    return f"{name}.pt" if bare else name

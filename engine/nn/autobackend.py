"""One way to run a model, whatever kind of file it is in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from engine.cfg.weights import find_weights
from engine.nn.backends.backend import Backend, run_in_batches
from engine.nn.backends.coreml import CoreMlBackend
from engine.nn.backends.executorch import ExecuTorchBackend
from engine.nn.backends.graphdef import GraphDefBackend
from engine.nn.backends.metadata import Metadata
from engine.nn.backends.mnn import MnnBackend
from engine.nn.backends.ncnn import NcnnBackend
from engine.nn.backends.onnx import OnnxBackend
from engine.nn.backends.onnx_entries import read_entries
from engine.nn.backends.opencv import OpenCvBackend
from engine.nn.backends.openvino import OpenVinoBackend
from engine.nn.backends.paddle import PaddleBackend
from engine.nn.backends.pytorch import PyTorchBackend
from engine.nn.backends.saved_model import SavedModelBackend
from engine.nn.backends.tensorrt import TensorRtBackend
from engine.nn.backends.tflite import TfliteBackend
from engine.nn.backends.torchscript import TorchScriptBackend
from engine.nn.checkpoint import SUFFIXES, load_checkpoint
from engine.nn.tasks import BaseModel
from engine.runtime.errors import MissingCheckpointError, ModelError
from engine.runtime.settings import settings

# what the name of an exported file or folder ends with -> what runs it
EXPORTED: dict[str, Callable[[Path, torch.device], Backend]] = {
    ".onnx": OnnxBackend,
    ".torchscript": TorchScriptBackend,
    "_openvino_model": OpenVinoBackend,
    ".engine": TensorRtBackend,
    ".mlpackage": CoreMlBackend,
    "_saved_model": SavedModelBackend,
    ".pb": GraphDefBackend,
    ".tflite": TfliteBackend,
    "_paddle_model": PaddleBackend,
    ".mnn": MnnBackend,
    "_ncnn_model": NcnnBackend,
    "_executorch_model": ExecuTorchBackend,
}
# the same for those that only run elsewhere -> where
ELSEWHERE = {
    "_edgetpu.tflite": "on an Edge TPU, with Google's own runtime",
    "_web_model": "in a browser, with TensorFlow.js",
    "_imx_model": "on Sony's IMX500 sensor",
    "_rknn_model": "on Rockchip's processors, with rknn-toolkit-lite2",
}


class AutoBackend:
    """A model ready for inference.

    Attributes:
        backend: What runs it.
        device: Where its outputs are.
    """

    def __init__(
        self,
        model: str | Path | nn.Module,
        device: str | torch.device = "cpu",
        half: bool = False,
        fuse: bool = True,
        end2end: bool | None = None,
        dnn: bool = False,
    ) -> None:
        """Open a model.

        Args:
            model: A ``.pt`` file, an exported file or folder of :data:`EXPORTED`, or a model of ours, which
                is copied.
            device: Where to run it.
            half: Compute in float16 where device and file allow it; see :attr:`fp16` for whether they do.
            fuse: Fold batch normalisation into the convolutions.
            end2end: Which branch of the head answers: True takes the one that makes no duplicates, False
                the other, None the one that the model or file is set to.
            dnn: Run an ONNX file with OpenCV instead of ONNX Runtime.

        Raises:
            CheckpointError: A ``.pt`` file cannot be read.
            ModelError: An exported file cannot be read, the kind of file is unknown or is not what ``dnn``
                runs, or the branch that is asked for is not there.
        """
        self.device = torch.device(device)
        if dnn:
            self.backend: Backend = _opened_by_opencv(model, self.device, end2end)
        else:
            self.backend = _open(model, self.device, half, fuse, end2end)

    @property
    def metadata(self) -> Metadata:
        """All that the model says of itself."""
        return self.backend.metadata

    @property
    def names(self) -> dict[int, str]:
        """Class id to class name."""
        return self.metadata.names

    @property
    def stride(self) -> int:
        """Height and width of the images must be multiples of this."""
        return self.metadata.stride

    @property
    def task(self) -> str:
        """What the model does."""
        return self.metadata.task

    @property
    def imgsz(self) -> tuple[int, int]:
        """Height and width that the model was made for, in pixels."""
        return self.metadata.imgsz

    @property
    def batch(self) -> int:
        """Images a call that the file was made for; other numbers are cut or filled up."""
        return self.metadata.batch

    @property
    def dynamic(self) -> bool:
        """Whether images may have other sizes than :attr:`imgsz`."""
        return self.metadata.dynamic

    @property
    def end2end(self) -> bool:
        """Whether the first output is rows in which nothing is twice, see :meth:`forward`."""
        return self.metadata.end2end

    @property
    def kpt_shape(self) -> tuple[int, int] | None:
        """Number of keypoints and of values to each; None for models without."""
        return self.metadata.kpt_shape

    @property
    def fp16(self) -> bool:
        """Whether images go in as float16."""
        return self.backend.fp16

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Run the model.

        Args:
            images: (B, C, H, W), values 0..1.

        Returns:
            The final output. Boxes: (B, 4 + nc + extras, A), xywh in pixels, scores, what the task adds; with
            :attr:`end2end` rows (B, N, 6 + extras), best first: corners (oriented boxes: xywh), score,
            class, extras. Segmentation: a pair of it and the prototypes (B, nm, H / 4, W / 4).
            Classification: probabilities (B, nc). Semantic segmentation: logits (B, nc, h, w).

        Raises:
            ModelError: The file was made for images of another size.
        """
        dtype = torch.float16 if self.fp16 else torch.float32
        outputs = run_in_batches(self.backend, images.to(self.device, dtype))
        return outputs[0] if len(outputs) == 1 else outputs

    __call__ = forward

    def eval(self) -> AutoBackend:
        """Return itself: it is never in training mode."""
        return self

    def warmup(self, imgsz: tuple[int, int] | None = None) -> None:
        """Run an empty image, so that the first real one does not wait for the device to get ready."""
        height, width = imgsz or self.imgsz
        batch = 1 if self.metadata.free_batch else self.batch
        self.forward(torch.zeros(batch, self.metadata.channels, height, width, device=self.device))


def _open(
    model: str | Path | nn.Module,
    device: torch.device,
    half: bool,
    fuse: bool,
    end2end: bool | None,
) -> Backend:
    if isinstance(model, BaseModel):
        return PyTorchBackend(model, device, half, fuse, end2end)
    if isinstance(model, nn.Module):
        raise ModelError(f"expected a model of engine.nn.tasks, received {type(model).__name__}.")
    suffix = Path(model).suffix.lower()
    if suffix in SUFFIXES:
        found = load_checkpoint(model, device).model
        return PyTorchBackend(found, device, half, fuse, end2end)
    exported = exported_suffix(model)
    if exported in ELSEWHERE:
        raise ModelError(
            f"runs {ELSEWHERE[exported]}, not here.",
            path=model,
            remedy="Use the .pt file that it was exported from.",
        )
    if exported is not None:
        backend = EXPORTED[exported](find_exported(model), device)
        _check_branch(backend.metadata, end2end, model)
        return backend
    raise ModelError(
        f"models end in {', '.join((*SUFFIXES, *EXPORTED))}; received {suffix or 'no suffix'!r}.",
        path=model,
        remedy="A description (.yaml) has no weights yet: train it first.",
    )


def _opened_by_opencv(
    model: str | Path | nn.Module, device: torch.device, end2end: bool | None
) -> Backend:
    if isinstance(model, nn.Module) or exported_suffix(model) != ".onnx":
        what = type(model).__name__ if isinstance(model, nn.Module) else Path(model).name
        raise ModelError(
            f"dnn=True runs ONNX files with OpenCV, received {what}.",
            value=what,
            remedy="Export format=onnx and name that file, or leave dnn out.",
        )
    backend = OpenCvBackend(find_exported(model), device)
    _check_branch(backend.metadata, end2end, model)
    return backend


def stated_metadata(model: str | Path) -> Metadata:
    """Return what a model file says of itself; of an ONNX file without what would run it.

    Raises:
        CheckpointError: A ``.pt`` file cannot be read.
        ModelError: An exported file cannot be read, or the kind of file is unknown.
    """
    if exported_suffix(model) != ".onnx":
        return AutoBackend(model).metadata
    path = find_exported(model)
    return Metadata.from_text(read_entries(path), path)


def exported_suffix(model: str | Path) -> str | None:
    """Return what the name of an exported file or folder ends with; None where it is no such name."""
    name = Path(model).name.lower()
    known = sorted((*EXPORTED, *ELSEWHERE), key=len, reverse=True)
    return next((suffix for suffix in known if name.endswith(suffix)), None)


def find_exported(model: str | Path) -> Path:
    """Return the path of an exported file or folder: as given, or in ``weights_dir``.

    Raises:
        MissingCheckpointError: It is in neither place.
    """
    path = Path(model).expanduser()
    is_folder = exported_suffix(path) == ".mlpackage" or not path.suffix
    if not is_folder:
        return find_weights(path)
    places = (path, settings.folder("weights_dir") / path)
    found = next((place for place in places if place.is_dir()), None)
    if found is None:
        raise MissingCheckpointError(
            "there is no such folder of an exported model.",
            path=path,
            remedy=f"Put it there or at {places[1]}; it is moved as a whole.",
        )
    return found


def _check_branch(metadata: Metadata, end2end: bool | None, path: str | Path) -> None:
    """Refuse to run a file in another way than it was written in."""
    if end2end is None or end2end == metadata.end2end:
        return
    inside, wanted = ("nms=None", "nms=False") if end2end else ("nms=False", "nms=None")
    raise ModelError(
        f"was exported with {inside} and holds only that branch of the head.",
        path=path,
        value=end2end,
        remedy=f"Export it again with {wanted}, if the model has both branches.",
    )

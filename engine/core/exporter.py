"""Export: one model in, one file or folder of another kind out, next to its weights."""

from __future__ import annotations

import platform
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.cfg.arguments import resolve
from engine.cfg.weights import local_weights
from engine.core.callbacks import CallbackHost, new_callbacks
from engine.export.formats import (
    ALWAYS_INT8,
    ExportFormat,
    check_options,
    check_ready,
    find_format,
)
from engine.export.graph import ExportGraph
from engine.export.onnx import check_opset
from engine.export.rknn import check_processor
from engine.export.verify import compare, size_of
from engine.export.writers import WRITERS
from engine.nn.backends.metadata import METADATA_YAML, NOT_STATED, TASKS_WITHOUT_BOXES, Metadata
from engine.nn.checkpoint import SUFFIXES, load_checkpoint
from engine.nn.tasks import BaseModel, build_model
from engine.ops.numbers import make_divisible
from engine.runtime.atomic import atomic_folder, atomic_path
from engine.runtime.device import select_device
from engine.runtime.errors import ExportError
from engine.runtime.log import LOGGER

MIB = 2**20
# Score from which a built-in duplicate removal lets boxes through, unless conf= says otherwise
DEFAULT_CONF = 0.25
# A file, its simplified successor and the metadata, beside each other for a moment
SPACE_FACTOR = 2.2


class Exporter(CallbackHost):
    """Writes a model in another format.

    Attributes:
        args: The arguments.
        format: The format that is written.
        model: The model as given.
        file: The file that was written; None before.
        metadata: What the file says of itself; None before.
        seconds: How long writing took.
    """

    def __init__(
        self,
        overrides: Mapping[str, Any] | None = None,
        _callbacks: Mapping[str, Any] | None = None,
    ) -> None:
        """Check the arguments.

        Args:
            overrides: Export arguments, see the schema; ``model`` says next to which file to write.
            _callbacks: Event to functions that are called then.

        Raises:
            ExportError: The format cannot be written here, or an option has no effect on it.
            ConfigError: An argument is unknown or out of range.
        """
        given = dict(overrides or {})
        # before the schema looks at it, which can only say that the word is wrong, not why
        self.format: ExportFormat = find_format(given.get("format") or "torchscript")
        self.args = resolve({**given, "format": self.format.key}, "export")
        check_options(self.format, vars(self.args))
        check_ready(self.format, self.args.int8)
        if "opset" in self.format.options:
            check_opset(self.args.opset)
        if self.format.key == "rknn":
            check_processor(self.args.name)
        self.callbacks = new_callbacks(_callbacks)
        self.model: BaseModel | None = None
        self.file: Path | None = None
        self.metadata: Metadata | None = None
        self.seconds = 0.0

    def __call__(self, model: BaseModel | None = None, file: str | Path | None = None) -> Path:
        """Write the file.

        Args:
            model: The model; it stays as it is. None reads the weights that ``model=`` names.
            file: Where to write; None writes next to the weights, under their name.

        Returns:
            The path of the written file. If anything fails, an older file there is unharmed.

        Raises:
            ExportError: It cannot be written.
            CheckpointError: The weights cannot be read.
        """
        started = time.perf_counter()
        model = _open_model(self.args.model) if model is None else model
        self.model = model
        self.run_callbacks("on_export_start")
        target = Path(file) if file is not None else self._target(model)
        device = select_device(self.args.device)
        check_device(self.format, device)
        metadata = self._describe(model)
        graph = ExportGraph(
            model, metadata, device, in_half=metadata.half and self.format.half == "graph"
        )
        images = torch.zeros(metadata.batch, metadata.channels, *metadata.imgsz, device=device)
        with torch.no_grad():
            graph(images)  # what cannot run says so here, and the anchors are made once
        _check_space(target, graph)
        self._write(graph, images, target)
        self.file, self.metadata = target, metadata
        self.seconds = time.perf_counter() - started
        LOGGER.info(
            "%s: wrote %s, %.1f MiB, %s, in %.1f s.",
            self.format.name,
            target,
            size_of(target) / MIB,
            "any size" if metadata.dynamic else "{} x {} pixels".format(*metadata.imgsz),
            self.seconds,
        )
        self.run_callbacks("on_export_end")
        return target

    @property
    def runs_here(self) -> bool:
        """Whether what it writes can be run on this computer and compared."""
        return self.format.runs and (self.format.key != "coreml" or platform.system() == "Darwin")

    def verify(self, image_bgr: np.ndarray) -> dict[str, Any]:
        """Run the written file and the model on an image; see :func:`engine.export.verify.compare`.

        Raises:
            ExportError: Nothing was written yet.
        """
        if self.file is None or self.model is None or self.metadata is None:
            raise ExportError("there is no exported file yet.", remedy="Call the exporter first.")
        device = select_device(self.args.device)
        return compare(self.model, self.file, image_bgr, self.metadata.imgsz, device)

    def _write(self, graph: ExportGraph, images: Tensor, target: Path) -> None:
        _check_replaceable(target, self.format)
        place = atomic_folder if self.format.is_folder else atomic_path
        try:
            with place(target) as temporary:
                WRITERS[self.format.key](graph, images, temporary, self.args)
        except ImportError as error:
            raise ExportError(
                f"the tools that write {self.format.name} are installed and cannot be loaded ({error}).",
                value=error.name,
                remedy="Install them in an environment of their own, where nothing else decides versions: "
                + " ".join(dict.fromkeys(tool.install for tool in self.format.needs)),
            ) from error
        except OSError as error:
            raise ExportError(
                f"cannot be written ({error.strerror or error}).",
                path=target,
                remedy="Check the free space and the permissions of the folder.",
            ) from error

    def _target(self, model: BaseModel) -> Path:
        """Return the path next to the weights; models without a file go into the working folder."""
        source = Path(str(self.args.model or ""))
        if source.suffix.lower() in SUFFIXES:
            source = local_weights(source) or source  # without a file, where it will be saved
            return source.with_name(source.stem + self.format.suffix)
        name = source.name or str(model.yaml.get("yaml_file") or model.task)
        return Path.cwd() / (Path(name).stem + self.format.suffix)

    def _describe(self, model: BaseModel) -> Metadata:
        args, stride = self.args, int(model.stride.max())
        check_removal(args.nms, model)
        check_classes(model)
        if "data" in self.format.options and not args.data:
            args.data = getattr(model.args, "data", None)  # what it was trained on
        return Metadata(
            task=model.task,
            names=dict(model.names),
            stride=stride,
            imgsz=input_size(args.imgsz, stride),
            batch=max(int(args.batch), 1),
            channels=model.yaml["channels"],
            dynamic=args.dynamic,
            nms=bool(args.nms),
            half=args.half,
            int8=bool(args.int8) or self.format.key in ALWAYS_INT8,
            conf=DEFAULT_CONF if args.conf is None else args.conf,
            iou=args.iou,
            max_det=args.max_det,
            agnostic_nms=args.agnostic_nms,
            end2end=answers_end2end(args.nms, model),
            kpt_shape=getattr(model, "kpt_shape", None),
            crop_fraction=getattr(model.args, "crop_fraction", None) or 1.0,
            author=stated(model, "author"),
            license=stated(model, "license"),
        )


def stated(model: BaseModel, name: str) -> str:
    """Return what the file of the weights says of their author or licence, or that it says nothing."""
    return str(getattr(model, "origin", {}).get(name) or NOT_STATED)


def check_device(found: ExportFormat, device: torch.device) -> None:
    """Refuse a format that only GPUs write and run on another device.

    Raises:
        ExportError: It needs a GPU.
    """
    if found.gpu and not found.cpu and device.type != "cuda":
        raise ExportError(
            f"{found.name} files are built on the NVIDIA GPU that will run them, received "
            f"device={device.type}.",
            value=str(device),
            remedy="Write device=0 on a computer with one; here export format=onnx.",
        )


def answers_end2end(nms: bool | None, model: BaseModel) -> bool:
    """Tell which branch of a model's head a file is to hold.

    Args:
        nms: True, the one whose duplicates are removed inside; False, the one that makes none, where there
            is one; None, the one that the model is set to.
        model: The model.
    """
    if nms is None:
        return model.end2end
    return not nms and getattr(model.head, "has_one2one", False)


def check_removal(nms: bool | None, model: BaseModel) -> None:
    """Refuse to remove duplicates where there are no boxes.

    Raises:
        ExportError: ``nms`` is True and the model's task gives none.
    """
    if nms and model.task in TASKS_WITHOUT_BOXES:
        raise ExportError(
            f"nms=True has no effect on a model for {model.task}: it gives no boxes.",
            value=nms,
            remedy="Leave nms out.",
        )


def check_classes(model: BaseModel) -> None:
    """Refuse a model with an open vocabulary that was given no classes yet.

    Raises:
        ExportError: It waits for embeddings of classes.
    """
    if getattr(model.head, "takes_embeddings", False) and getattr(model, "pe", None) is None:
        raise ExportError(
            "this model has an open vocabulary, and a file needs a fixed list of classes.",
            remedy='Give it some first: model.set_classes(["person", "bus"]).',
        )


def input_size(imgsz: int | list[int] | tuple[int, ...], stride: int) -> tuple[int, int]:
    """Return (height, width), each raised to a multiple of the stride, which is said if it changes."""
    wanted = (imgsz, imgsz) if isinstance(imgsz, int) else tuple(imgsz)
    wanted = (wanted[0], wanted[-1])
    height, width = (make_divisible(side, stride) for side in wanted)
    if (height, width) != wanted:
        LOGGER.warning(
            "imgsz %s is raised to %s, multiples of %d.", wanted, (height, width), stride
        )
    return height, width


def _open_model(source: str | None) -> BaseModel:
    if not source:
        raise ExportError("export needs model=.", remedy="Write model=PATH/best.pt.")
    is_weights = Path(source).suffix.lower() in SUFFIXES
    return load_checkpoint(source).model if is_weights else build_model(source, verbose=False)


def _check_replaceable(target: Path, found: ExportFormat) -> None:
    """Refuse to replace a folder that is no export, and a folder by a file.

    Raises:
        ExportError: Something else lies there.
    """
    known = (METADATA_YAML, "Manifest.json")  # the second is CoreML's
    if found.is_folder and target.is_dir():
        is_ours = any((target / name).is_file() for name in known) or not any(target.iterdir())
    else:
        is_ours = not target.exists() or target.is_dir() == found.is_folder
    if not is_ours:
        raise ExportError(
            "something else than an export lies there, and stays.",
            path=target,
            remedy="Move it away, or name another place.",
        )


def _check_space(target: Path, graph: ExportGraph) -> None:
    """Refuse to begin where the disk cannot hold the file."""
    folder = next(p for p in target.absolute().parents if p.is_dir())
    needed = SPACE_FACTOR * sum(p.numel() * p.element_size() for p in graph.parameters())
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ExportError(
            f"needs about {needed / MIB:.0f} MiB, and {free / MIB:.0f} MiB are free.",
            path=target,
            remedy="Free some space, or write to another disk.",
        )

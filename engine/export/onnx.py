"""Writing ONNX files."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.export.graph import ExportGraph
from engine.export.origin import entries_of
from engine.nn.backends.metadata import Metadata
from engine.runtime.errors import ExportError
from engine.runtime.log import LOGGER

# Read by every runtime of the last three years; torch writes no newer one in this way than MAX_OPSET
DEFAULT_OPSET = 18
MIN_OPSET, MAX_OPSET = 12, 20
INPUT_NAME = "images"
# task -> free dimensions of the first output, beside the batch, where they are not the anchors
_FREE_OF_TASK: dict[str, dict[int, str]] = {
    "classify": {},
    "semseg": {2: "map_height", 3: "map_width"},
}


def write_onnx(
    graph: ExportGraph,
    images: Tensor,
    path: Path,
    opset: int | None = None,
    simplify: bool = True,
) -> None:
    """Write a model as ONNX, checked, with its metadata inside.

    Args:
        graph: The model.
        images: An input of the wanted shape, on the graph's device.
        path: The file.
        opset: Version of the operator set; None takes one that runs widely.
        simplify: Fold constants and remove needless operations.

    Raises:
        ExportError: The operator set cannot be written, or the model cannot be expressed in it.
    """
    opset = check_opset(opset)
    _record(graph, images, path, opset)
    finish(path, graph.metadata, simplify)


@contextmanager
def passing_onnx(
    graph: ExportGraph, images: Tensor, opset: int | None = None, simplify: bool = False
) -> Iterator[Path]:
    """Give an ONNX file that is there while another tool, which simplifies by itself, makes its own of it.

    Raises:
        ExportError: It cannot be written.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        write_onnx(graph, images, path, opset, simplify)
        yield path


def check_opset(opset: int | None) -> int:
    """Return the operator set to write.

    Raises:
        ExportError: It cannot be written.
    """
    if opset is None:
        return DEFAULT_OPSET
    if not MIN_OPSET <= opset <= MAX_OPSET:
        raise ExportError(
            f"opset expects a number from {MIN_OPSET} to {MAX_OPSET}, received {opset}.",
            value=opset,
            remedy=f"Leave it out for {DEFAULT_OPSET}, which runs nearly everywhere.",
        )
    return opset


def _record(graph: ExportGraph, images: Tensor, path: Path, opset: int) -> None:
    names = graph.output_names
    try:
        with warnings.catch_warnings(), torch.no_grad():
            # the recorder warns of its own age and of every shape that is fixed on purpose
            warnings.simplefilter("ignore")
            torch.onnx.export(
                graph,
                (images,),
                str(path),
                # the newer way needs onnxscript, and unrolls free sizes less reliably
                dynamo=False,
                opset_version=opset,
                input_names=[INPUT_NAME],
                output_names=names,
                dynamic_axes=dynamic_axes(graph.metadata, names, graph.chooses_cells),
            )
    except (RuntimeError, TypeError, ValueError) as error:
        raise ExportError(
            f"the model cannot be written in ONNX operator set {opset} ({_first_line(error)}).",
            value=opset,
            remedy=f"Use opset={DEFAULT_OPSET}, without half and nms.",
        ) from error


def dynamic_axes(
    metadata: Metadata, names: list[str], chooses_cells: bool = False
) -> dict[str, dict[int, str]]:
    """Return which dimensions of input and outputs stay free.

    Args:
        metadata: Of the file; where it is not dynamic only what hangs on the image itself is free.
        names: The outputs.
        chooses_cells: Whether the number of anchors depends on the image.
    """
    has_rows = metadata.nms or metadata.end2end
    first = {} if has_rows else _FREE_OF_TASK.get(metadata.task, {2: "anchors"})
    if not metadata.dynamic:
        return {names[0]: first} if chooses_cells and first else {}
    batch = {} if metadata.nms else {0: "batch"}
    axes = {INPUT_NAME: {**batch, 2: "height", 3: "width"}, names[0]: {**batch, **first}}
    if len(names) > 1:
        axes[names[1]] = {**batch, 2: "mask_height", 3: "mask_width"}
    return axes


def finish(path: Path, metadata: Metadata, simplify: bool) -> None:
    """Simplify a written file if asked, store the metadata in it and check it.

    Raises:
        ExportError: The file is not valid ONNX.
    """
    import onnx

    model = onnx.load(str(path))
    if simplify:
        model = _simplified(model)
    for key, value in entries_of(metadata).items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise ExportError(
            f"the written ONNX is not valid ({_first_line(error)}).", path=path
        ) from error
    onnx.save(model, str(path))


def _simplified(model: Any) -> Any:
    try:
        import onnxslim
    except ImportError:
        LOGGER.warning(
            "The ONNX file is written without simplification, which needs the package onnxslim: "
            "pip install onnxslim. It gives the same results either way."
        )
        return model
    return onnxslim.slim(model)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]

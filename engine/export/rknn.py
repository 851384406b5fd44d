"""Writing RKNN folders for Rockchip's processors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from engine.export.graph import ExportGraph
from engine.export.onnx import passing_onnx
from engine.export.origin import write_metadata
from engine.runtime.errors import ExportError

# Processors that the toolkit knows; name= chooses one
PROCESSORS = (
    "rk3588",
    "rk3576",
    "rk3566",
    "rk3568",
    "rk3562",
    "rv1103",
    "rv1106",
    "rv1103b",
    "rv1106b",
    "rk2118",
    "rv1126b",
)
_OPSET = 19  # the newest that the toolkit reads


def check_processor(name: str | None) -> str:
    """Return the processor to write for.

    Raises:
        ExportError: The toolkit does not know it.
    """
    wanted = (name or PROCESSORS[0]).lower()
    if wanted not in PROCESSORS:
        raise ExportError(
            f"name expects one of Rockchip's processors, received {name!r}.",
            value=name,
            remedy=f"There are: {', '.join(PROCESSORS)}.",
        )
    return wanted


def write_rknn(graph: ExportGraph, images: Tensor, path: Path, args: Any) -> None:
    """Write a model for the NPU of a Rockchip processor.

    Args:
        graph: The model, in float32.
        images: An input of the wanted shape.
        path: An empty folder.
        args: ``name`` is the processor.

    Raises:
        ExportError: One of the toolkit's steps fails.
    """
    from rknn.api import RKNN

    processor = check_processor(args.name)
    toolkit = RKNN(verbose=False)
    try:
        # pictures come in 0..1 already: nothing is taken away, nothing divided
        channels = graph.metadata.channels
        toolkit.config(
            mean_values=[[0] * channels], std_values=[[1] * channels], target_platform=processor
        )
        with passing_onnx(graph, images, _OPSET) as file:
            _done("load", toolkit.load_onnx(model=str(file)))
            _done("build", toolkit.build(do_quantization=False))
        _done("export", toolkit.export_rknn(str(path / f"model-{processor}.rknn")))
    finally:
        toolkit.release()
    write_metadata(path, graph.metadata)


def _done(step: str, code: int) -> None:
    if code != 0:
        raise ExportError(
            f"rknn-toolkit2 could not {step} the model (code {code}).",
            value=code,
            remedy="Its own lines above say why.",
        )

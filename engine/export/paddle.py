"""Writing PaddlePaddle folders: a model for its inference library, and what it says of itself."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from torch import Tensor

from engine.export.graph import ExportGraph
from engine.export.onnx import passing_onnx
from engine.export.origin import write_metadata
from engine.export.tools import run_tool
from engine.runtime.errors import ExportError

# x2paddle knows operator sets up to this one
_OPSET = 13
_CONVERT = "import sys; from x2paddle.convert import onnx2paddle; onnx2paddle(*sys.argv[1:3])"


def write_paddle(graph: ExportGraph, images: Tensor, path: Path, args: Any) -> None:
    """Write a model for PaddlePaddle by way of ONNX.

    Args:
        graph: The model, in float32.
        images: An input of the wanted shape.
        path: An empty folder.
        args: Nothing of them is read.

    Raises:
        ExportError: It cannot be converted.
    """
    with passing_onnx(graph, images, _OPSET) as file, tempfile.TemporaryDirectory() as name:
        made = Path(name) / "paddle"
        said = run_tool("PaddlePaddle", [sys.executable, "-c", _CONVERT, file, made], file.parent)
        found = made / "inference_model"
        if not found.is_dir():
            last = said.splitlines()[-1] if said else ""
            raise ExportError(f"x2paddle wrote no model ({last}).")
        shutil.copytree(found, path, dirs_exist_ok=True)
    write_metadata(path, graph.metadata)

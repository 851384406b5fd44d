"""Writing MNN files."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from torch import Tensor

from engine.export.graph import ExportGraph
from engine.export.onnx import passing_onnx
from engine.export.origin import entries_of
from engine.export.tools import run_tool
from engine.runtime.errors import ExportError

# Not MNN.tools.mnnconvert: importing that installs a package by itself and reports to its makers
_CONVERT = "import sys, _tools; _tools.mnnconvert(sys.argv)"


def write_mnn(graph: ExportGraph, images: Tensor, path: Path, args: Any) -> None:
    """Write a model for MNN, the entries in the place that MNN leaves for its users.

    Args:
        graph: The model, in float32.
        images: An input of the wanted shape.
        path: The file.
        args: ``half`` stores the weights as float16, ``int8`` as eight bits; both compute in float32 where
            the processor has nothing faster.

    Raises:
        ExportError: It cannot be converted.
    """
    options = ["--fp16"] if args.half else []
    if args.int8:
        options += ["--weightQuantBits", "8"]
    with passing_onnx(graph, images) as file:
        command: list[str | Path] = [sys.executable, "-c", _CONVERT]
        command += ["-f", "ONNX", "--modelFile", file]
        entries = json.dumps(entries_of(graph.metadata))
        said = run_tool(
            "MNN",
            [*command, "--MNNModel", path.absolute(), "--bizCode", entries, *options],
            file.parent,
        )
    if not path.is_file():  # it reports failures in words only
        raise ExportError(f"MNN cannot convert this model ({said.splitlines()[-1:]}).")

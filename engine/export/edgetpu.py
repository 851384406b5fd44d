"""Writing TensorFlow Lite files for Google's Edge TPU."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from torch import Tensor

from engine.export.calibration import Calibration
from engine.export.graph import ExportGraph
from engine.export.tflite import append_metadata, tflite_bytes
from engine.export.tools import find_program, run_tool
from engine.runtime.errors import ExportError

PROGRAM = "edgetpu_compiler"


def write_edgetpu(graph: ExportGraph, images: Tensor, path: Path, args: Any) -> None:
    """Write a model for the Edge TPU, which computes with eight bits only.

    Args:
        graph: The model, in float32.
        images: An input of the wanted shape.
        path: The file.
        args: ``data`` and ``fraction`` say which pictures to calibrate with.

    Raises:
        ExportError: There is nothing to calibrate with, or the compiler refuses the model.
    """
    pictures = Calibration(args, graph.metadata)
    program = find_program(PROGRAM)
    if program is None:
        raise ExportError(f"writing Edge TPU files needs {PROGRAM}.", value=PROGRAM)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(tflite_bytes(graph, images, pictures, only_int8=True))
        # -d: where the whole is too large for the chip's memory, as much of it as fits
        run_tool("Edge TPU", [program, "-s", "-d", "-o", folder, "model.tflite"], folder)
        path.write_bytes((folder / "model_edgetpu.tflite").read_bytes())
    append_metadata(path, graph.metadata)

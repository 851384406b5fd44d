"""Writing IMX folders for Sony's IMX500 sensor, whose processor takes eight-bit models."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.export.calibration import Calibration
from engine.export.graph import ExportGraph
from engine.export.origin import write_metadata
from engine.export.tools import find_program, run_tool
from engine.runtime.errors import ExportError

PROGRAM = "imxconv-pt"


def write_imx(graph: ExportGraph, images: Tensor, path: Path, args: Any) -> None:
    """Write a model for the IMX500: quantised by Sony's toolkit, packed by its converter.

    Args:
        graph: The model, in float32.
        images: An input of the wanted shape.
        path: An empty folder.
        args: ``data`` and ``fraction`` say which pictures to calibrate with.

    Raises:
        ExportError: There is nothing to calibrate with, or the converter refuses the model.
    """
    pictures = Calibration(args, graph.metadata)
    program = find_program(PROGRAM)
    if program is None:
        raise ExportError("writing IMX needs imxconv-pt.", remedy="pip install imx500-converter")
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "model.onnx"
        quantized_onnx(graph, pictures, file)
        made = Path(name) / "packed"
        run_tool(
            "IMX",
            [program, "-i", file, "-o", made, "--no-input-persistency", "--overwrite-output"],
            Path(name),
        )
        shutil.copytree(made, path, dirs_exist_ok=True)
    (path / "labels.txt").write_text(
        "\n".join(graph.metadata.names.values()) + "\n", encoding="utf-8"
    )
    write_metadata(path, graph.metadata)


def quantized_onnx(graph: ExportGraph, pictures: Calibration, file: Path) -> None:
    """Quantise a model for the sensor and write it as ONNX with the toolkit's own nodes.

    Raises:
        ExportError: The toolkit cannot record the model, or not write it.
    """
    import model_compression_toolkit as mct

    graph.hold_sizes()

    def batches() -> Iterator[list[Tensor]]:
        for array in pictures.batches(graph.metadata.batch):
            yield [torch.from_numpy(array)]

    try:
        sensor = mct.get_target_platform_capabilities(tpc_version="1.0", device_type="imx500")
        quantized, _information = mct.ptq.pytorch_post_training_quantization(
            in_module=graph, representative_data_gen=batches, target_platform_capabilities=sensor
        )
        mct.exporter.pytorch_export_model(
            model=quantized, save_model_path=str(file), repr_dataset=batches
        )
    except (RuntimeError, TypeError, ValueError, NotImplementedError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ExportError(
            f"Sony's toolkit cannot take this model ({reason}).",
            remedy="Export format=tflite int8=True, or format=onnx for other tools.",
        ) from error

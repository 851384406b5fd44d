"""Writing NCNN folders: a graph in text (.param), its weights (.bin) and what they say of themselves."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from torch import Tensor

from engine.export.graph import ExportGraph
from engine.export.origin import write_metadata
from engine.export.tools import find_program, run_tool
from engine.export.torchscript import write_torchscript
from engine.runtime.errors import ExportError

PARAM_NAME, BIN_NAME = "model.ncnn.param", "model.ncnn.bin"


def write_ncnn(graph: ExportGraph, images: Tensor, path: Path, args: Any) -> None:
    """Write a model for NCNN by way of TorchScript, which its converter pnnx reads.

    Args:
        graph: The model, in float32.
        images: An input of the wanted shape.
        path: An empty folder.
        args: ``half`` stores the weights as float16.

    Raises:
        ExportError: It cannot be converted.
    """
    program = find_program("pnnx")
    if program is None:
        raise ExportError("writing NCNN needs pnnx.", remedy="pip install pnnx ncnn")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_torchscript(graph, images, folder / "model.torchscript")
        said = run_tool(
            "NCNN",
            [
                program,
                "model.torchscript",
                f"ncnnparam={PARAM_NAME}",
                f"ncnnbin={BIN_NAME}",
                f"fp16={int(bool(args.half))}",
                f"device={images.device.type}",
                f"inputshape=[{','.join(map(str, images.shape))}]",
            ],
            folder,
        )
        for file in (PARAM_NAME, BIN_NAME):
            if not (folder / file).is_file():
                last = said.splitlines()[-1] if said else ""
                raise ExportError(f"pnnx wrote no {file} ({last}).")
            (path / file).write_bytes((folder / file).read_bytes())
    write_metadata(path, graph.metadata)

"""Writing TensorFlow.js folders, which browsers run."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from torch import Tensor

from engine.export.graph import ExportGraph
from engine.export.graphdef import frozen_graph
from engine.export.origin import write_metadata
from engine.export.tools import run_tool

_CONVERT = "import sys; from tensorflowjs.converters.converter import pip_main; sys.argv[0] = 'tfjs'; pip_main()"


def write_tfjs(graph: ExportGraph, images: Tensor, path: Path, args: Any) -> None:
    """Write a model for browsers: images (B, H, W, C) float32 in, outputs as ours out.

    Args:
        graph: The model, in float32.
        images: An input of the wanted shape.
        path: An empty folder.
        args: ``half`` stores the weights as float16, ``int8`` as eight bits.

    Raises:
        ExportError: It cannot be translated or converted.
    """
    options = ["--quantize_float16=*"] if args.half else []
    options = ["--quantize_uint8=*"] if args.int8 else options
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "frozen.pb"
        file.write_bytes(frozen_graph(graph, images).SerializeToString())
        run_tool(
            "TensorFlow.js",
            [
                sys.executable,
                "-c",
                _CONVERT,
                "--input_format=tf_frozen_model",
                f"--output_node_names={','.join(graph.output_names)}",
                *options,
                file,
                path.absolute(),
            ],
            Path(name),
        )
    write_metadata(path, graph.metadata)

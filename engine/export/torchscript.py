"""Writing TorchScript files."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import torch
from torch import Tensor

from engine.export.duplicates import suppress_by_loop
from engine.export.graph import ExportGraph
from engine.nn.backends.torchscript import METADATA_FILE
from engine.runtime.errors import ExportError


def write_torchscript(
    graph: ExportGraph, images: Tensor, path: Path, optimize: bool = False
) -> None:
    """Write a model as TorchScript, with its metadata inside.

    Args:
        graph: The model.
        images: An input of the wanted shape, on the graph's device.
        path: The file.
        optimize: Freeze the recorded graph: weights become constants and what depends on them only is
            computed once. Such a file stays on the kind of device that it was written on.

    Raises:
        ExportError: The model cannot be recorded.
    """
    entries = {METADATA_FILE: json.dumps(graph.metadata.to_text())}
    try:
        with warnings.catch_warnings(), torch.no_grad():
            # torch.jit announces its end, and the recorder every shape that is fixed on purpose
            warnings.simplefilter("ignore")
            graph.suppress = torch.jit.script(suppress_by_loop)
            module = torch.jit.trace(graph, images, strict=False, check_trace=False)
            if optimize:
                module = torch.jit.freeze(module)
            torch.jit.save(module, str(path), _extra_files=entries)
    except RuntimeError as error:
        reason = str(error).strip().partition("\n")[0]
        raise ExportError(f"the model cannot be written as TorchScript ({reason}).") from error

"""Writing ExecuTorch folders: a program (.pte) for phones and boards, and what it says of itself."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.export.graph import ExportGraph
from engine.export.origin import write_metadata
from engine.runtime.errors import ExportError

PROGRAM_NAME = "model.pte"


def write_executorch(graph: ExportGraph, images: Tensor, path: Path, args: Any) -> None:
    """Write a model for ExecuTorch, its heavy layers given to XNNPACK, which is on every processor.

    Args:
        graph: The model, in float32.
        images: An input of the wanted shape.
        path: An empty folder.
        args: Nothing of them is read.

    Raises:
        ExportError: It cannot be recorded or lowered.
    """
    quiet = logging.root.manager.disable
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of its own parts and their age
            logging.disable(logging.WARNING)
            program = _lowered(graph, images)
    except (RuntimeError, TypeError, ValueError, NotImplementedError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ExportError(f"the model cannot be written for ExecuTorch ({reason}).") from error
    finally:
        logging.disable(quiet)
    (path / PROGRAM_NAME).write_bytes(program)
    write_metadata(path, graph.metadata)


def _lowered(graph: ExportGraph, images: Tensor) -> bytes:
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    recorded = torch.export.export(graph, (images,))
    lowered = to_edge_transform_and_lower(recorded, partitioner=[XnnpackPartitioner()])
    return bytes(lowered.to_executorch().buffer)

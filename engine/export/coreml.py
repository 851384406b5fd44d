"""Writing CoreML packages, which Apple's devices run."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.export.graph import ExportGraph
from engine.export.onnx import INPUT_NAME
from engine.export.origin import entries_of
from engine.runtime.errors import ExportError


def write_coreml(graph: ExportGraph, images: Tensor, path: Path, args: Any) -> None:
    """Write a model as a CoreML program.

    Args:
        graph: The model, in float32.
        images: An input of the wanted shape.
        path: An empty folder, whose name ends in ``.mlpackage``.
        args: ``half`` stores and computes in float16; ``int8`` stores the weights in eight bits.

    Raises:
        ExportError: It cannot be converted.
    """
    quiet = logging.root.manager.disable
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter(
                "ignore"
            )  # of versions it was not tried with, and on fixed shapes
            logging.disable(logging.WARNING)
            package = _converted(graph, images, args)
            package.save(str(path))
    except (RuntimeError, TypeError, ValueError, NotImplementedError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ExportError(f"the model cannot be written for CoreML ({reason}).") from error
    finally:
        logging.disable(quiet)


def _converted(graph: ExportGraph, images: Tensor, args: Any) -> Any:
    import coremltools as ct

    # not jit.trace: it records sizes as arrays of one number, which numpy no longer turns into an int
    recorded = torch.export.export(graph, (images,)).run_decompositions({})
    precision = ct.precision.FLOAT16 if args.half else ct.precision.FLOAT32
    package = ct.convert(
        recorded,
        inputs=[ct.TensorType(INPUT_NAME, shape=images.shape)],
        outputs=[ct.TensorType(name) for name in graph.output_names],
        convert_to="mlprogram",
        compute_precision=precision,
        skip_model_load=True,  # only Apple's systems could
    )
    if args.int8:
        import coremltools.optimize.coreml as smaller

        linear = smaller.OpLinearQuantizerConfig(mode="linear_symmetric")
        package = smaller.linear_quantize_weights(
            package, smaller.OptimizationConfig(global_config=linear)
        )
    entries = entries_of(graph.metadata)
    package.short_description, package.version = entries["description"], entries["version"]
    package.author, package.license = entries["author"], entries["license"]
    package.user_defined_metadata.update(entries)
    return package

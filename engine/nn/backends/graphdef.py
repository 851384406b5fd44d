"""Running a TensorFlow GraphDef file."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor

from engine.nn.backends.backend import Outputs, brought_to_form
from engine.nn.backends.metadata import Metadata
from engine.nn.backends.runtime_package import unreadable
from engine.nn.backends.saved_model import channels_last, in_order, tensorflow_for

# The constant in the graph that holds what the file says of itself
METADATA_NODE = "maskwright_metadata"


class GraphDefBackend:
    """A frozen graph, wrapped as a function.

    Attributes:
        metadata: What the file says of itself.
        fp16: Whether images go in as float16; never.
    """

    fp16 = False

    def __init__(self, path: Path, device: torch.device) -> None:
        self._tf = tensorflow_for(path)
        definition = self._tf.compat.v1.GraphDef()
        try:
            definition.ParseFromString(path.read_bytes())
            nodes = {node.name: node for node in definition.node}
            told = nodes[METADATA_NODE].attr["value"].tensor.string_val[0]
            self.metadata = Metadata.from_text(json.loads(told), path)
        except KeyError as error:
            raise unreadable(path, "a GraphDef of ours", "it does not say what it is") from error
        except (ValueError, IndexError, self._tf.errors.OpError) as error:
            raise unreadable(path, "a GraphDef", error) from error
        except self._message_errors() as error:
            raise unreadable(path, "a GraphDef", error) from error
        names = ["output0", "output1"] if self.metadata.task == "segment" else ["output0"]
        wrapped = self._tf.compat.v1.wrap_function(
            lambda: self._tf.compat.v1.import_graph_def(definition, name=""), []
        )
        outputs = {name: wrapped.graph.get_tensor_by_name(f"{name}:0") for name in names}
        self._run = wrapped.prune(wrapped.graph.get_tensor_by_name("images:0"), outputs)
        self.device = device

    def run(self, images: Tensor) -> Outputs:
        """Return the final outputs for images (B, C, H, W), values 0..1."""
        found = self._run(self._tf.constant(channels_last(images)))
        return brought_to_form(in_order(found, self.device), self.metadata)

    @staticmethod
    def _message_errors() -> type[Exception]:
        """Return what the parser of the file's encoding raises."""
        from google.protobuf.message import DecodeError

        return DecodeError

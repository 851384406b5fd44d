"""An encoder and a decoder as ONNX files, written from any of our networks, and run by ONNX Runtime.

``NAME.encoder.onnx``: ``image`` (1, 3, h, w), RGB 0..255, its longer side the network's, to ``embedding``.
``NAME.decoder.onnx``: ``embedding``, ``points`` (B, N, 2) in the network's pixels, ``labels`` (B, N), ``masks``
(B, 1, h, w) and ``has_masks`` (1,) to ``logits`` (B, 4, h, w) and ``scores`` (B, 4).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.models.sam.decoding import answer
from engine.models.sam.frame import Frame
from engine.models.sam.prompts import Prompt
from engine.models.sam.registry import back_end_of
from engine.models.sam.segmenter import Candidates, Embedding
from engine.models.sam.weights import file_digest, load_network
from engine.nn.modules.sam import Sam
from engine.runtime.atomic import atomic_path
from engine.runtime.device import select_device, tune_cpu
from engine.runtime.errors import ExportError, ModelError
from engine.runtime.log import LOGGER

ENCODER, DECODER = ".encoder.onnx", ".decoder.onnx"
OPSET = 17
# What the written files may differ from the network by, in logits and embedding values
TOLERANCE = 2e-3
# The same for an int8 encoder, as a share of the spread of the values: more makes masks useless
INT8_TOLERANCE = 0.5
_SIDE, _MASK_SIDE, _NAME = "img_size", "mask_size", "name"


class OnnxSegmenter:
    """The pair through ONNX Runtime.

    Attributes:
        identity: Name of the network and a digest of the encoder.
        about: What it is.
        shares: Embeddings are worth keeping on disk.
        judges: Its scores say how good masks are.
        providers: What runs it, the first first.
    """

    shares = True
    judges = True

    def __init__(self, encoder: str | Path, device: object = None) -> None:
        """Open the pair that an encoder's file belongs to.

        Raises:
            ModelError: One of the two is missing or cannot be opened.
        """
        first, second = pair_paths(encoder)
        where = select_device(device)
        self._encoder, self._decoder = _open(first, where), _open(second, where)
        says = self._encoder.get_modelmeta().custom_metadata_map
        try:
            self._side, self._mask_side = int(says[_SIDE]), int(says[_MASK_SIDE])
        except (KeyError, ValueError) as error:
            raise ModelError(
                "does not say for which sizes it is.",
                path=first,
                remedy="Write the pair with export_pair().",
            ) from error
        self.providers: list[str] = self._encoder.get_providers()
        self.identity = f"{says.get(_NAME, 'onnx')}-onnx-{file_digest(first)}"
        self.about = f"{says.get(_NAME, 'a promptable network')} through ONNX Runtime"

    def embed(self, image: np.ndarray) -> Embedding:
        """Look at a picture, (H, W, 3) uint8 RGB."""
        size = (image.shape[0], image.shape[1])
        small = Frame(size, self._side).shrink(image)
        pixels = np.ascontiguousarray(small.transpose(2, 0, 1), dtype=np.float32)[None]
        return Embedding({"image": self._encoder.run(None, {"image": pixels})[0]}, size)

    def segment(
        self, embedding: Embedding, prompts: Sequence[Prompt], multimask: bool
    ) -> list[Candidates]:
        """Answer prompts, see `Segmenter.segment`."""
        return answer(self._decode, self._side, self._mask_side, embedding, prompts, multimask)

    def _decode(
        self,
        embedding: Embedding,
        points: np.ndarray,
        labels: np.ndarray,
        masks: np.ndarray | None,
    ) -> tuple[np.ndarray, np.ndarray]:
        none = np.zeros((len(points), 1, self._mask_side, self._mask_side), np.float32)
        logits, scores = self._decoder.run(
            None,
            {
                "embedding": embedding.arrays["image"].astype(np.float32, copy=False),
                "points": points,
                "labels": labels,
                "masks": none if masks is None else masks,
                "has_masks": np.array([masks is not None], np.float32),
            },
        )
        return logits, scores


def pair_paths(path: str | Path) -> tuple[Path, Path]:
    """Return the encoder's and the decoder's file of a pair that either of them names.

    Raises:
        ModelError: The name is none of a pair.
    """
    path = Path(path)
    for suffix in (ENCODER, DECODER):
        if path.name.endswith(suffix):
            stem = path.name.removesuffix(suffix)
            return path.with_name(stem + ENCODER), path.with_name(stem + DECODER)
    raise ModelError(
        f"expected a name that ends in {ENCODER} or {DECODER}.",
        path=path,
        remedy="Write the pair with export_pair().",
    )


def export_pair(
    weights: str | Path, folder: str | Path | None = None, int8: bool = False
) -> tuple[Path, Path]:
    """Write a network as a pair of ONNX files and compare them with it.

    Args:
        weights: Of the network, a path or a name.
        folder: Where to; None takes the folder of the weights, or the working folder for a name.
        int8: Keep the encoder's linear layers as 8-bit numbers: a smaller file, and faster on many processors.

    Returns:
        The encoder's file and the decoder's.

    Raises:
        CheckpointError: The weights cannot be used.
        ExportError: A file cannot be written, or does not do what the network does.
        ModelError: The weights belong to a back end that has no encoder and decoder.
    """
    kind = back_end_of(weights).name
    if kind != "network":
        raise ModelError(
            f"{weights} cannot become a pair of ONNX files: {kind} has no encoder and decoder of ours.",
            value=str(weights),
            remedy="Export mobile_sam.pt or one of the SAM weights.",
        )
    network, _ = load_network(weights)
    network.fold()
    place = Path(folder) if folder is not None else Path(weights).parent
    stem = Path(weights).stem + ("_int8" if int8 else "")
    files = pair_paths(place / f"{stem}{ENCODER}")
    encoder, decoder = _Encoder(network).eval(), _Decoder(network).eval()
    image, prompts = _examples(network)
    embedding = encoder(image)
    says = {_SIDE: str(network.img_size), _MASK_SIDE: str(4 * network.prompt_encoder.size)}
    says[_NAME] = network.name
    sizes = {"image": {2: "height", 3: "width"}}
    _write(encoder, (image,), files[0], ["image"], ["embedding"], sizes, says)
    count = {0: "prompts"}
    names = ["embedding", "points", "labels", "masks", "has_masks"]
    axes = {"points": {**count, 1: "tokens"}, "labels": {**count, 1: "tokens"}, "masks": count}
    axes |= {"logits": count, "scores": count}
    _write(decoder, (embedding, *prompts), files[1], names, ["logits", "scores"], axes, says)
    if int8:
        _quantise(files[0], says)
    _compare(files, encoder, decoder, image, prompts, int8)
    return files


class _Encoder(nn.Module):
    def __init__(self, network: Sam) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return self.network.encode(image)


class _Decoder(nn.Module):
    def __init__(self, network: Sam) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, embedding: Tensor, points: Tensor, labels: Tensor, masks: Tensor, has_masks: Tensor
    ) -> tuple[Tensor, Tensor]:
        prompts = self.network.prompt_encoder
        dense = has_masks * prompts.dense(masks) + (1 - has_masks) * prompts.no_mask()
        sparse = prompts.sparse(points, labels)
        return self.network.mask_decoder(embedding, prompts.positions(), sparse, dense)


def _examples(network: Sam) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return a picture and two prompts of three tokens, drawn at random but always the same."""
    draw = torch.Generator().manual_seed(0)
    side = network.img_size
    image = torch.rand((1, 3, side, side), generator=draw) * 255
    points = torch.rand((2, 3, 2), generator=draw) * side
    mask_side = 4 * network.prompt_encoder.size
    masks = torch.randn((2, 1, mask_side, mask_side), generator=draw)
    return image, (points, torch.tensor([[1, 0, -1], [1, 2, 3]]), masks, torch.ones(1))


def _write(
    module: nn.Module,
    inputs: tuple[Tensor, ...],
    path: Path,
    names: list[str],
    outputs: list[str],
    axes: dict[str, dict[int, str]],
    says: dict[str, str],
) -> None:
    """Trace a module into a file that says what it is."""
    import onnx

    try:
        with atomic_path(path) as temporary:
            with warnings.catch_warnings(), torch.no_grad():
                # sizes that are numbers of the network become constants, which is what they are
                warnings.simplefilter("ignore")
                torch.onnx.export(
                    module,
                    inputs,
                    str(temporary),
                    input_names=names,
                    output_names=outputs,
                    dynamic_axes=axes,
                    opset_version=OPSET,
                    dynamo=False,
                )
            model = onnx.load(str(temporary))
            onnx.helper.set_model_props(model, says)
            onnx.save(model, str(temporary))
    except OSError as error:
        raise ExportError(f"cannot be written ({error.strerror or error}).", path=path) from error


def _quantise(path: Path, says: dict[str, str]) -> None:
    """Turn the weights of linear layers into 8-bit numbers, in place."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with atomic_path(path) as temporary:
        quantize_dynamic(
            str(path),
            str(temporary),
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            weight_type=QuantType.QInt8,
        )
        model = onnx.load(str(temporary))
        onnx.helper.set_model_props(model, {**says, "int8": "true"})
        onnx.save(model, str(temporary))


def _compare(
    files: tuple[Path, Path],
    encoder: nn.Module,
    decoder: nn.Module,
    image: Tensor,
    prompts: tuple[Tensor, ...],
    int8: bool,
) -> None:
    """Refuse files whose numbers are not the network's."""
    cpu = torch.device("cpu")
    with torch.no_grad():
        wanted = encoder(image)
        logits, scores = decoder(wanted, *prompts)
    (found,) = _open(files[0], cpu).run(None, {"image": image.numpy()})
    names = ("embedding", "points", "labels", "masks", "has_masks")
    given = dict(zip(names, (t.numpy() for t in (wanted, *prompts)), strict=True))
    decoded = _open(files[1], cpu).run(None, given)
    off = float(np.abs(found - wanted.numpy()).max())
    limit = INT8_TOLERANCE * float(wanted.std()) * 10 if int8 else TOLERANCE
    other = max(
        float(np.abs(decoded[0] - logits.numpy()).max()),
        float(np.abs(decoded[1] - scores.numpy()).max()),
    )
    LOGGER.info("%s: differs from the network by %.2g, the decoder by %.2g.", files[0].name, off, other)  # fmt: skip
    if off > limit or other > TOLERANCE:
        raise ExportError(
            f"what it computes differs from the network by {max(off, other):.3g}.", path=files[0]
        )


def _open(path: Path, device: torch.device) -> Any:
    """Return a session of ONNX Runtime."""
    import onnxruntime

    if not path.is_file():
        raise ModelError(
            "is missing: a promptable network in ONNX is a pair of files.",
            path=path,
            remedy=f"Put it beside the other one, or write both with export_pair(); they end in {ENCODER} and {DECODER}.",
        )
    if device.type == "cpu":
        tune_cpu()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; nobody can change the graphs that it warns of
    options.intra_op_num_threads = torch.get_num_threads()
    providers: list[Any] = ["CPUExecutionProvider"]
    if device.type == "cuda" and "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        providers.insert(0, ("CUDAExecutionProvider", {"device_id": device.index or 0}))
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except _errors_of(onnxruntime) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ModelError(
            f"cannot be opened as ONNX ({reason}).", path=path, remedy="Write the pair again."
        ) from error


def _errors_of(onnxruntime: Any) -> tuple[type[Exception], ...]:
    """Return the package's exceptions, which have no base class of their own."""
    state = onnxruntime.capi.onnxruntime_pybind11_state
    found = (e for e in vars(state).values() if isinstance(e, type) and issubclass(e, Exception))
    return RuntimeError, *found

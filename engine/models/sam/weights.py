"""Files of weights for the promptable networks: ours, and the published ones as they are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from engine.cfg.weights import SAM_WEIGHTS, find_weights
from engine.models.sam.architectures import ARCHITECTURES, build, recognise
from engine.nn.model_file import read_values
from engine.nn.modules.click_net import ClickNet
from engine.nn.modules.sam import Sam
from engine.nn.partial_load import check_finite, unwrapped
from engine.nn.quick_build import Uninitialised
from engine.nn.safetensors_file import SUFFIX, read_safetensors
from engine.runtime.errors import CheckpointError, MissingCheckpointError

# The small network that comes with the program
SMALL_FILE = Path(__file__).with_name("sam_small.safetensors")
# Keys under which other programs put a state dict, the deepest one first
_HOLDERS = ("model", "state_dict", "ema")
# Tables that some files carry and that are made anew here
_MADE_ANEW = ("attention_bias_idxs", "pixel_mean", "pixel_std")
_DIGEST_BYTES = 1 << 20


def load_network(weights: str | Path) -> tuple[Sam, str]:
    """Return a network with its weights, and what tells it from others.

    Args:
        weights: A path or a name.

    Raises:
        CheckpointError: It is of another architecture, damaged or hostile.
        MissingCheckpointError: It is not here and cannot be fetched.
    """
    path = find_weights(weights)
    state = _clean(_read(path), path)
    name = recognise(state)
    if name is None:
        raise _of_another_kind(state, path)
    with Uninitialised():
        network = build(name)
    _fill(network, state, path)
    return network.eval(), f"{name}-{file_digest(path)}"


def read_small(path: Path, network: ClickNet) -> ClickNet:
    """Return the small network with the weights of a file.

    Raises:
        CheckpointError: They are of another architecture, damaged or hostile.
        MissingCheckpointError: There is no file.
    """
    if not path.is_file():
        raise MissingCheckpointError(
            "the small network is not part of this copy of the program.",
            path=path,
            remedy="Make it with python -m engine.models.sam.train_small, or take mobile_sam.pt or classic.",
        )
    _fill(network, _clean(_read(path), path), path)
    return network.eval()


def file_digest(path: Path) -> str:
    """Return what tells a file from others: of its size, its first and last megabyte, and one in the middle."""
    size = path.stat().st_size
    digest = hashlib.blake2b(str(size).encode(), digest_size=8)
    with path.open("rb") as file:
        for place in (0, max(size // 2, 0), max(size - _DIGEST_BYTES, 0)):
            file.seek(place)
            digest.update(file.read(_DIGEST_BYTES))
    return digest.hexdigest()


def _read(path: Path) -> Any:
    return read_safetensors(path)[0] if path.suffix.lower() == SUFFIX else read_values(path)


def _clean(values: Any, path: Path) -> Mapping[str, Tensor]:
    """Return the state dict that a file holds, without wrappers around it and tables that are made anew."""
    for holder in _HOLDERS:
        if isinstance(values, Mapping) and isinstance(values.get(holder), Mapping):
            values = values[holder]
    if not isinstance(values, Mapping) or not all(isinstance(t, Tensor) for t in values.values()):
        raise CheckpointError(
            "holds no weights of a promptable segmenter: expected tensors by name.",
            path=path,
            remedy=_remedy(),
        )
    state = unwrapped(values)
    return {k: t for k, t in state.items() if k.rpartition(".")[2] not in _MADE_ANEW}


def _fill(network: Sam | ClickNet, state: Mapping[str, Tensor], path: Path) -> None:
    """Give a network the tensors of a file, as 32-bit numbers."""
    _check(network, state, path)
    floats = {k: t.float() if t.is_floating_point() else t for k, t in state.items()}
    network.load_state_dict(floats, assign=True)


def _check(network: Sam | ClickNet, state: Mapping[str, Tensor], path: Path) -> None:
    own = network.state_dict()
    wrong = [k for k in own if k not in state or state[k].shape != own[k].shape]
    wrong += [k for k in state if k not in own]
    if wrong:
        has = tuple(state[wrong[0]].shape) if wrong[0] in state else "nothing"
        wants = tuple(own[wrong[0]].shape) if wrong[0] in own else "nothing"
        raise CheckpointError(
            f"its tensors are not those of {network.name}: {len(wrong)} differ, first {wrong[0]} "
            f"(expected {wants}, received {has}).",
            path=path,
            value=wrong,
            remedy=_remedy(),
        )
    check_finite(state, path)


def _of_another_kind(state: Mapping[str, Tensor], path: Path) -> CheckpointError:
    names = list(state)
    looks = "SAM 2" if any(n.startswith(("sam_mask_decoder", "image_encoder.trunk")) for n in names) else None  # fmt: skip
    looks = looks or ("a YOLO model" if any(n.startswith("model.0.") for n in names) else None)
    what = f"it looks like {looks}" if looks else f"it has {len(names)} tensors, first {names[:1]}"
    remedy = "SAM 2 needs its package: name the file like sam2.1_b.pt." if looks == "SAM 2" else _remedy()  # fmt: skip
    return CheckpointError(
        f"is of another architecture than the promptable networks ({what}).",
        path=path,
        remedy=remedy,
    )


def _remedy() -> str:
    return f"Give the weights of {', '.join(ARCHITECTURES)}, such as {', '.join(SAM_WEIGHTS[:3])}."

"""SAM 2's video predictor, through its authors' package: masks of the first frame carried through the others.

Ravi et al., SAM 2: Segment Anything in Images and Videos, 2024.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.cfg.weights import find_weights, local_weights
from engine.data.images import read_image, write_image
from engine.models.sam.packages import sam2_config
from engine.runtime.device import select_device
from engine.runtime.errors import ModelError

NAMES = tuple(f"sam2{v}_{size}.pt" for v in (".1", "") for size in ("l", "b", "s", "t"))
_NOT_AN_OBJECT = 0.0  # logit above which a pixel belongs to an object


def choose_sam2() -> str:
    """Return the name of the largest weights of SAM 2 on this computer; where there are none, of the smallest."""
    return next((name for name in NAMES if local_weights(name) is not None), "sam2.1_t.pt")


class Sam2Video:
    """Carries masks through the frames of one video.

    Args:
        frames: Files of the frames in their order, all of one size; masks belong to the first.
        masks: (N, H, W) bool, one an object.
        weights: Name or path, as in ``sam2.1_b.pt``; None takes `choose_sam2`.
        device: Where it runs; None for the first GPU, else the CPU.

    Raises:
        ModelError: The package is not installed, or cannot load the weights.
        MissingCheckpointError: The weights are not here.
        ImageError: A frame cannot be read.
    """

    def __init__(
        self,
        frames: Sequence[str | Path],
        masks: np.ndarray,
        weights: str | Path | None = None,
        device: object = None,
    ) -> None:
        if find_spec("sam2") is None:
            raise ModelError(
                "Following by SAM 2 needs the package sam2, which is not installed.",
                remedy="Install it (pip install sam2) and put weights such as sam2.1_t.pt into the "
                "weights folder, or follow by how the picture moves, which needs neither.",
            )
        self._frames = list(frames)
        self._device = select_device(device)
        path = find_weights(weights or choose_sam2())
        self._predictor = _build(sam2_config(path), path, self._device)
        self._masks = np.asarray(masks, dtype=bool)

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield (N, H, W) bool for each frame after the first; an object that is out of sight has no pixel."""
        with tempfile.TemporaryDirectory(prefix="maskwright-frames-") as folder:
            for number, file in enumerate(
                self._frames
            ):  # the package reads JPEG files with numbers
                write_image(Path(folder) / f"{number:06d}.jpg", read_image(file), quality=100)
            yield from self._propagate(folder)

    def _propagate(self, folder: str) -> Iterator[np.ndarray]:
        predictor: Any = self._predictor
        precise = torch.autocast("cuda", torch.bfloat16) if self._device.type == "cuda" else nullcontext()  # fmt: skip
        with torch.inference_mode(), precise:
            state = predictor.init_state(video_path=folder, offload_video_to_cpu=True)
            for number, mask in enumerate(self._masks):
                predictor.add_new_mask(state, frame_idx=0, obj_id=number, mask=mask)
            for index, objects, logits in predictor.propagate_in_video(state):
                if not index:
                    continue
                found = np.zeros_like(self._masks)
                for number, logit in zip(objects, logits, strict=True):
                    found[int(number)] = (logit[0] > _NOT_AN_OBJECT).cpu().numpy()
                yield found


def _build(config: str, path: Path, device: torch.device) -> Any:
    from sam2.build_sam import build_sam2_video_predictor

    try:
        return build_sam2_video_predictor(config, str(path), device=str(device))
    except (RuntimeError, KeyError, OSError) as error:
        reason = str(error).strip().partition("\n")[0][:200]
        raise ModelError(
            f"the package sam2 cannot load it ({reason}).",
            path=path,
            remedy="Download it again, or update the package.",
        ) from error

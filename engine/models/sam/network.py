"""The networks through PyTorch, on any of its devices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.models.sam.decoding import answer
from engine.models.sam.frame import Frame
from engine.models.sam.prompts import Prompt
from engine.models.sam.segmenter import Candidates, Embedding
from engine.models.sam.weights import load_network
from engine.nn.modules.sam import Sam
from engine.nn.modules.sam_decoder import Prepared
from engine.runtime.device import select_device, tune_cpu


class NetworkSegmenter:
    """A promptable network through PyTorch.

    Attributes:
        identity: Name of the network and a digest of its weights.
        about: What it is.
        shares: Embeddings are worth keeping on disk.
        judges: Its scores say how good masks are.
        network: The module, in eval mode, batch normalisations folded.
        device: Where it runs.
    """

    shares = True
    judges = True

    def __init__(self, network: Sam, identity: str, device: torch.device | str = "cpu") -> None:
        """Take a network; it is made ready for inference in place."""
        self.identity = identity
        self.about = f"{network.name} on {device}"
        self.device = torch.device(device)
        network.fold()
        network = network.eval().to(self.device)
        if self.device.type == "cpu":
            tune_cpu()
            network.image_encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network = network.requires_grad_(False)
        self._prepared: tuple[Embedding, Prepared] | None = None

    @classmethod
    def open(cls, weights: str | Path, device: object = None) -> NetworkSegmenter:
        """Read a file of weights, fetched first where it is public.

        Raises:
            CheckpointError: It is of another architecture, damaged or hostile.
            MissingCheckpointError: It is not here and cannot be fetched.
        """
        network, identity = load_network(weights)
        return cls(network, identity, select_device(device))

    @torch.inference_mode()
    def embed(self, image: np.ndarray) -> Embedding:
        """Look at a picture, (H, W, 3) uint8 RGB."""
        size = (image.shape[0], image.shape[1])
        small = Frame(size, self.network.img_size).shrink(image)
        pixels = torch.from_numpy(small.transpose(2, 0, 1).astype(np.float32))[None]
        found = self.network.encode(pixels.to(self.device))
        return Embedding({"image": found.float().cpu().contiguous().numpy()}, size)

    @torch.inference_mode()
    def prepare(self, embedding: Embedding) -> None:
        """Work out what all prompts about a picture share, so that the first need not wait for it."""
        self._known(embedding, self._tensor(embedding.arrays["image"]).float())

    def segment(
        self, embedding: Embedding, prompts: Sequence[Prompt], multimask: bool
    ) -> list[Candidates]:
        """Answer prompts, see `Segmenter.segment`."""
        mask_side = 4 * self.network.prompt_encoder.size
        return answer(self._decode, self.network.img_size, mask_side, embedding, prompts, multimask)

    @torch.inference_mode()
    def _decode(
        self,
        embedding: Embedding,
        points: np.ndarray,
        labels: np.ndarray,
        masks: np.ndarray | None,
    ) -> tuple[np.ndarray, np.ndarray]:
        image = self._tensor(embedding.arrays["image"]).float()
        places, kinds = self._tensor(points), self._tensor(labels)
        if masks is None:
            known = self._known(embedding, image)
            logits, scores = self.network.answer(known, places, kinds)
        else:
            logits, scores = self.network.decode(image, places, kinds, self._tensor(masks))
        return logits.float().cpu().numpy(), scores.float().cpu().numpy()

    def _known(self, embedding: Embedding, image: Tensor) -> Prepared:
        """Return what depends on the picture alone; of the last picture it is still there."""
        before = self._prepared
        if before is None or before[0] is not embedding:
            before = self._prepared = (embedding, self.network.prepare(image))
        return before[1]

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

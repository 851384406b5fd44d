"""A text encoder in a TorchScript file, as MobileCLIP's are published: tokens (N, 77) to vectors (N, D)."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.nn.text.encoder import check_phrases, unit_rows
from engine.nn.text.tokens import tokenize
from engine.runtime.errors import CheckpointError, ModelError

# Phrases run at once: the attention of a base-size encoder then stays under a quarter of a gigabyte.
BATCH = 80


class TorchScriptEncoder:
    """Runs a TorchScript text encoder; the file is opened when the first phrase comes.

    Vasu et al., MobileCLIP: Fast Image-Text Models through Multi-Modal Reinforced Training, 2024.

    Attributes:
        path: The file.
        name: Its name.
        device: Where it runs.
    """

    def __init__(self, path: str | Path, device: str | torch.device = "cpu") -> None:
        self.path = Path(path)
        self.name = self.path.name
        self.device = torch.device(device)

    @cached_property
    def identity(self) -> str:
        """The file's content as a checksum: the same file under another name keeps its vectors.

        Raises:
            CheckpointError: The file cannot be read.
        """
        return f"torchscript-{file_checksum(self.path)}"

    @cached_property
    def dimension(self) -> int:
        """Length of its vectors."""
        return self.encode(["object"]).shape[1]

    @torch.no_grad()
    def encode(self, phrases: Sequence[str]) -> Tensor:
        """Return one unit vector a phrase, (N, D) float32 on the CPU.

        Raises:
            CheckpointError: The file is not TorchScript.
            ModelError: It is no text encoder, or a phrase is empty.
        """
        phrases = check_phrases(phrases)
        if not phrases:
            return torch.zeros(0, self.dimension)
        tokens = tokenize(phrases)
        return torch.cat([self._run(part) for part in tokens.split(BATCH)])

    def _run(self, tokens: Tensor) -> Tensor:
        try:
            values = self._module(tokens.to(self.device))
        except RuntimeError as error:
            # the last line of such an error names the cause; those before quote the file's code
            reason = str(error).strip().rpartition("\n")[2]
            raise ModelError(
                f"cannot encode tokens of shape {tuple(tokens.shape)} ({reason}).",
                path=self.path,
                remedy="Name the TorchScript file of a text encoder, such as mobileclip_blt.ts.",
            ) from error
        return unit_rows(values, len(tokens), self.name)

    @cached_property
    def _module(self) -> Any:
        try:
            with warnings.catch_warnings():
                # torch.jit is to go one day; its files stay in use
                warnings.filterwarnings("ignore", ".*torch.jit", FutureWarning)
                warnings.filterwarnings("ignore", ".*torch.jit", DeprecationWarning)
                return torch.jit.load(str(self.path), map_location=self.device).eval()
        except (RuntimeError, ValueError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise CheckpointError(
                f"cannot be opened as TorchScript ({reason}).",
                path=self.path,
                remedy="Name the TorchScript file of a text encoder; a broken download must be fetched again.",
            ) from error


def file_checksum(path: Path) -> str:
    """Return what differs whenever the content of a file does.

    Raises:
        CheckpointError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:32]
    except OSError as error:
        raise CheckpointError(f"cannot be read ({error.strerror}).", path=path) from error

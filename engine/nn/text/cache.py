"""Vectors of phrases kept on disk, so that the same class names are encoded once in a computer's life.

One ``.npz`` file an encoder: the phrases as a JSON list in UTF-8 bytes and a matrix of float32. Nothing in it
is pickled.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.nn.text.encoder import IdentifiedEncoder, check_phrases
from engine.runtime.log import LOGGER
from engine.runtime.paths import cache_dir, write_atomic

FOLDER = "text_embeddings"
_SAFE = "-_."


class CachedEncoder:
    """A text encoder that asks another one only for phrases whose vectors are not on disk yet.

    Attributes:
        encoder: The one that is asked.
        name: Its name.
        path: The file of vectors.
    """

    def __init__(self, encoder: IdentifiedEncoder, folder: str | Path | None = None) -> None:
        """Wrap an encoder.

        Args:
            encoder: The one to ask.
            folder: Where to keep the vectors; None for the program's cache folder.
        """
        self.encoder = encoder
        self.name = encoder.name
        folder = Path(folder) if folder is not None else cache_dir() / FOLDER
        self.path = folder / f"{_file_name(encoder.identity)}.npz"
        self._known: dict[str, np.ndarray] = {}

    @property
    def identity(self) -> str:
        """What tells these vectors from another encoder's."""
        return self.encoder.identity

    @property
    def dimension(self) -> int:
        """Length of its vectors."""
        if not self._known:
            self._known = read_vectors(self.path)
        for vector in self._known.values():
            return len(vector)
        return self.encoder.dimension

    def encode(self, phrases: Sequence[str]) -> Tensor:
        """Return one unit vector a phrase, (N, D) float32 on the CPU.

        Raises:
            ModelError: A phrase is empty, or the encoder cannot work.
        """
        phrases = check_phrases(phrases)
        if not phrases:
            return torch.zeros(0, self.dimension)
        if any(phrase not in self._known for phrase in phrases):
            self._known |= read_vectors(self.path)
        missing = [p for p in dict.fromkeys(phrases) if p not in self._known]
        if missing:
            made = self.encoder.encode(missing).numpy()
            self._known |= dict(zip(missing, made, strict=True))
            self._keep()
        return torch.from_numpy(np.stack([self._known[phrase] for phrase in phrases]))

    def _keep(self) -> None:
        """Write all vectors, those that another process added meanwhile too."""
        try:
            write_vectors(self.path, read_vectors(self.path) | self._known)
        except OSError as error:
            LOGGER.warning(
                "%s: the vectors of class names cannot be kept (%s); they are made again next time.",
                self.path,
                error.strerror or error,
            )


def read_vectors(path: Path) -> dict[str, np.ndarray]:
    """Return phrase to vector (D,) float32; nothing where the file is missing or damaged."""
    try:
        # from memory: numpy leaves a damaged file open
        stored = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
        phrases = json.loads(stored["phrases"].tobytes().decode("utf-8"))
        vectors = stored["vectors"]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, LookupError, EOFError, zipfile.BadZipFile) as error:
        LOGGER.warning("%s: damaged (%s), its vectors are made again.", path, error)
        return {}
    fits = (
        isinstance(phrases, list)
        and vectors.dtype == np.float32
        and vectors.ndim == 2
        and len(vectors) == len(phrases)
        and bool(np.isfinite(vectors).all())
        and all(isinstance(phrase, str) for phrase in phrases)
    )
    if not fits:
        LOGGER.warning("%s: damaged (vectors do not fit), they are made again.", path)
        return {}
    return dict(zip(phrases, vectors, strict=True))


def write_vectors(path: Path, known: Mapping[str, np.ndarray]) -> None:
    """Write phrases with their vectors, completely or not at all.

    Raises:
        OSError: The folder cannot be written or the disk is full.
    """
    phrases = np.frombuffer(json.dumps(list(known)).encode("utf-8"), dtype=np.uint8)
    vectors = np.stack(list(known.values())).astype(np.float32)
    content = io.BytesIO()
    np.savez(content, phrases=phrases, vectors=vectors)
    write_atomic(path, content.getvalue())


def _file_name(identity: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in _SAFE) else "_" for c in identity)

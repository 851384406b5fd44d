"""Embeddings of pictures seen before: the newest in memory, more on disk, both within limits.

A picture is known by its pixels and the back end by its identity, so a file that moved is found and one that changed
is not. A disk that is full or cannot be written costs time only.
"""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

import numpy as np

from engine.models.sam.segmenter import Embedding
from engine.runtime.log import LOGGER
from engine.runtime.paths import cache_dir, write_atomic

FOLDER = "sam_embeddings"
MEMORY_BYTES = 256 * 2**20
DISK_BYTES = 2 * 2**30
_SUFFIX = ".npz"
_SIZE = "size_hw"
# Looking through the folder costs time: not at each file
_WRITES_BETWEEN_LOOKS = 16


class EmbeddingCache:
    """Keeps embeddings.

    Attributes:
        folder: Where files lie; None keeps in memory only.
        memory_bytes: Most bytes in memory.
        disk_bytes: Most bytes on disk.
    """

    def __init__(
        self,
        folder: str | Path | None = None,
        memory_bytes: int = MEMORY_BYTES,
        disk_bytes: int = DISK_BYTES,
    ) -> None:
        """Make a cache.

        Args:
            folder: Where files lie; None takes the program's cache folder.
            memory_bytes: Most bytes in memory.
            disk_bytes: Most bytes on disk; 0 writes none.
        """
        chosen = Path(folder) if folder is not None else cache_dir() / FOLDER
        self.folder: Path | None = chosen if disk_bytes > 0 else None
        self.memory_bytes, self.disk_bytes = memory_bytes, disk_bytes
        self._memory: OrderedDict[str, Embedding] = OrderedDict()
        self._lock = threading.Lock()
        self._writes = 0

    def get(self, key: str) -> Embedding | None:
        """Return an embedding; None where it is in neither place."""
        with self._lock:
            found = self._memory.get(key)
            if found is not None:
                self._memory.move_to_end(key)
                return found
        found = self._read(key)
        if found is not None:
            self._keep(key, found)
        return found

    def put(self, key: str, embedding: Embedding, on_disk: bool = True) -> None:
        """Keep an embedding."""
        self._keep(key, embedding)
        if on_disk and self.folder is not None:
            self._write(key, embedding)

    def __contains__(self, key: str) -> bool:
        with self._lock:
            known = key in self._memory
        return known or (self.folder is not None and self._file(key).is_file())

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        with self._lock:
            return sum(embedding.nbytes for embedding in self._memory.values())

    def clear(self) -> None:
        """Forget everything, on disk too."""
        with self._lock:
            self._memory.clear()
        for file in self._files():
            with suppress(OSError):
                file.unlink()

    def _keep(self, key: str, embedding: Embedding) -> None:
        with self._lock:
            self._memory[key] = embedding
            self._memory.move_to_end(key)
            total = sum(kept.nbytes for kept in self._memory.values())
            while total > self.memory_bytes and len(self._memory) > 1:  # the one in use stays
                total -= self._memory.popitem(last=False)[1].nbytes

    def _read(self, key: str) -> Embedding | None:
        if self.folder is None:
            return None
        file = self._file(key)
        try:
            data = file.read_bytes()
            file.touch()  # what is used stays longest
        except OSError:
            return None
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                found = {name: arrays[name] for name in arrays.files}
            height, width = found.pop(_SIZE).tolist()
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            LOGGER.warning("%s: a damaged embedding is made anew (%s).", file, error)
            with suppress(OSError):
                file.unlink()
            return None
        return Embedding(found, (height, width))

    def _write(self, key: str, embedding: Embedding) -> None:
        """Write a file; where that fails the disk is left alone from then on."""
        content = io.BytesIO()
        np.savez(content, **embedding.arrays, **{_SIZE: np.array(embedding.size_hw)})  # type: ignore[arg-type]
        try:
            write_atomic(self._file(key), content.getvalue())
        except OSError as error:
            LOGGER.warning(
                "Embeddings of pictures are kept in memory only: %s cannot be written (%s).",
                self.folder,
                error.strerror or error,
            )
            self.folder = None
            return
        self._writes += 1
        if (self._writes - 1) % _WRITES_BETWEEN_LOOKS == 0:
            self._make_room()

    def _make_room(self) -> None:
        """Remove the files that were not used for longest."""
        sizes = []
        for file in self._files():
            with suppress(OSError):
                status = file.stat()
                sizes.append((status.st_mtime_ns, status.st_size, file))
        total = sum(size for _, size, _ in sizes)
        for _, size, file in sorted(sizes):
            if total <= self.disk_bytes:
                break
            with suppress(OSError):
                file.unlink()
                total -= size

    def _files(self) -> list[Path]:
        if self.folder is None or not self.folder.is_dir():
            return []
        return [file for file in self.folder.iterdir() if file.suffix == _SUFFIX]

    def _file(self, key: str) -> Path:
        return (self.folder or Path()) / f"{key}{_SUFFIX}"


def embedding_key(image: np.ndarray, identity: str) -> str:
    """Return the name under which a back end's embedding of a picture is kept.

    Args:
        image: (H, W, 3) uint8.
        identity: Of the back end.
    """
    digest = hashlib.blake2b(f"{identity} {image.shape}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()

"""What glibc's heap does with memory that a program frees. A network frees and takes the same memory each step."""

from __future__ import annotations

import ctypes
import functools
import platform
from collections.abc import Iterator
from contextlib import contextmanager

# Parameters of mallopt(3). It takes a C int; -1 as the threshold of trimming turns trimming off.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_NO_TRIMMING = -1
_LARGEST_MMAP_THRESHOLDS = (
    2**30,
    32 * 2**20,
)  # glibc takes the first; its older versions no more than the second
_AT_REST = 256 * 2**20


def keep_freed_memory(limit: int = _AT_REST) -> None:
    """Let the heap keep up to ``limit`` bytes of freed memory at its end for what is asked for next.

    By itself glibc takes a tensor of a megabyte or more from the system and gives it back when it is freed; the
    system clears each page anew. A training step of yolo11n-seg (320 pixels, 8 pictures) met 40,000 to 55,000
    such pages, a fifth of its time; afterwards two. Systems without glibc are left as they are.

    Args:
        limit: Bytes, 0 or more; -1: whatever was freed.
    """
    libc = _glibc()
    if libc is None:
        return
    libc.mallopt(_TRIM_THRESHOLD, min(limit, 2**31 - 1))
    for threshold in _LARGEST_MMAP_THRESHOLDS:
        if libc.mallopt(_MMAP_THRESHOLD, threshold):
            break


@contextmanager
def all_freed_memory_kept() -> Iterator[None]:
    """Keep all freed memory for the steps inside; give it back to the system at the end."""
    keep_freed_memory(_NO_TRIMMING)
    try:
        yield
    finally:
        keep_freed_memory()
        give_freed_memory_back()


def give_freed_memory_back() -> None:
    """Give the system what the heap keeps and nobody uses."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


@functools.cache
def _glibc() -> ctypes.CDLL | None:
    """Return the process's own C library where it is glibc."""
    if platform.libc_ver()[0] != "glibc":
        return None
    libc = ctypes.CDLL(None)
    libc.mallopt.argtypes = [ctypes.c_int, ctypes.c_int]
    libc.malloc_trim.argtypes = [ctypes.c_size_t]
    return libc

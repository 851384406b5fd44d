"""What makes reading a model quick: no random numbers that the file replaces, no search for garbage meanwhile."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch.nn import init
from torch.overrides import TorchFunctionMode

# Functions that give a new layer its first weights
_SKIPPED = frozenset({init.kaiming_uniform_, init.uniform_, init.normal_, init.ones_, init.zeros_})


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Switch off the search for reference cycles for a while.

    The many new lists and tables of a checkpoint would start it again and again; it takes more than half of
    the time of reading one, and finds nothing.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class Uninitialised(TorchFunctionMode):
    """Within it, in its thread, new layers keep the memory they get as it is.

    Whatever is built so must be loaded completely before it is used.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Give the tensor back where it would be initialised; run everything else."""
        if func in _SKIPPED:
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))

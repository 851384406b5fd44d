"""Giving up a look at a picture before it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from engine.models.sam.segmenter import Segmenter


@contextmanager
def interruptible(segmenter: Segmenter, check: Callable[[], None]) -> Iterator[None]:
    """Call ``check`` before each layer of a segmenter's image encoder; what it raises ends the look at the picture.

    It may ask the same segmenter about another picture: what is under way is not disturbed.

    Back ends without a network of ours go on to their end: they are quick, or ask nobody.
    """
    network = getattr(segmenter, "network", None)
    encoder = getattr(network, "image_encoder", None)
    layers: list[Any] = [] if encoder is None else list(encoder.modules())
    hooks = [layer.register_forward_pre_hook(lambda *_: check()) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()

"""What networks and exported files return, brought to one form."""

from __future__ import annotations

from typing import Any

import torch


def decoded(outputs: Any) -> tuple[torch.Tensor, ...]:
    """Give the decoded tensors: detections (B, 4 + nc + extras, A), for masks the prototypes after them.

    A network in eval mode returns ``(final, raw)`` with ``raw`` a dictionary; opened through
    `AutoBackend`, and as an exported file, it returns the final tensor or tensors alone.
    """
    if isinstance(outputs, tuple | list) and isinstance(outputs[-1], dict):
        outputs = outputs[0]
    return (outputs,) if isinstance(outputs, torch.Tensor) else tuple(outputs)

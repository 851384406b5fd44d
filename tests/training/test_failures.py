from __future__ import annotations

import errno

import pytest
import torch

from engine.runtime.errors import ConfigError, DatasetError, ImageError
from engine.training.failures import DivergedError, describe


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MemoryError(), "out_of_memory"),
        (torch.cuda.OutOfMemoryError("CUDA out of memory"), "out_of_memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 80000000"), "out_of_memory"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED"), "out_of_memory"),
        (RuntimeError("Unable to find a valid cuDNN algorithm to run"), "out_of_memory"),
        (DatasetError("no images found."), "data"),
        (ImageError("cannot be read."), "data"),
        (ConfigError("expected a number."), "config"),
        (DivergedError("the loss is nan."), "diverged"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk"),
        (PermissionError(errno.EACCES, "Permission denied"), "disk"),
        (KeyError("boxes"), "crash"),
    ],
)
def test_each_error_has_a_kind_and_a_remedy(error, kind):
    failure = describe(error)
    assert failure.kind == kind
    assert failure.message
    assert failure.remedy


def test_an_errors_own_place_and_remedy_win():
    error = DatasetError(
        "expected 5 numbers, received 4.", path="a/b.txt", line=3, remedy="Fix the line."
    )
    failure = describe(error)
    assert failure.message == "a/b.txt, line 3: expected 5 numbers, received 4."
    assert failure.remedy == "Fix the line."


def test_details_keep_the_traceback():
    try:
        raise KeyError("boxes")
    except KeyError as error:
        failure = describe(error)
    assert "test_failures.py" in failure.details
    assert "KeyError" in failure.message

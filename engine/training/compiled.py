"""`compile=`: a network whose training steps torch has translated into kernels of their own."""

from __future__ import annotations

import importlib.util
import os
import shutil
from typing import Any

import torch
from torch import nn

from engine.runtime.errors import ConfigError

# What torch takes for a C++ compiler on a processor, unless CXX names another.
_COMPILERS = ("g++", "clang++", "cl")
_REMEDY = "Train with compile=False; the results are the same."


class CompiledNetwork:
    """Calls a network through torch's compiler.

    The network stays as it is: its weights, names and modes are the ones that run.
    """

    def __init__(self, network: nn.Module, mode: str = "default") -> None:
        self._run: Any = torch.compile(network, mode=mode)

    def __call__(self, images: torch.Tensor) -> Any:
        """Run the network; the first call, and the first of each new size of images, compiles.

        Raises:
            ConfigError: The compiler cannot do it.
        """
        from torch._dynamo.exc import TorchDynamoException  # imports the compiler: 2.6 s

        try:
            return self._run(images)
        except TorchDynamoException as error:
            reason = str(error).strip().splitlines()[0]
            raise ConfigError(
                f"torch could not compile this network ({reason}).", remedy=_REMEDY
            ) from error


def compiled(network: nn.Module, wanted: bool | str, device: torch.device) -> Any:
    """Give what to call for a forward pass in training: the network, or its compiled form.

    Args:
        network: On ``device``.
        wanted: False for the network itself, True or the name of one of torch's modes.
        device: Where it trains.

    Raises:
        ConfigError: This computer has no compiler for the device.
    """
    if not wanted:
        return network
    missing = missing_compiler(device)
    if missing:
        raise ConfigError(f"compile={wanted}: {missing}.", value=wanted, remedy=_REMEDY)
    return CompiledNetwork(network, "default" if wanted is True else str(wanted))


def missing_compiler(device: torch.device) -> str:
    """Say what a device's kernels cannot be made without here; empty where everything is there."""
    if device.type == "cuda":
        found = importlib.util.find_spec("triton") is not None
        return "" if found else "the package triton, which makes kernels for GPUs, is not installed"
    if device.type != "cpu":
        return f"torch does not compile for {device.type}"
    names = (os.environ["CXX"],) if os.environ.get("CXX") else _COMPILERS
    found = any(shutil.which(name) for name in names)
    return "" if found else f"no C++ compiler was found (looked for {', '.join(names)})"

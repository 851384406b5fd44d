"""Gradients of convolutions' weights, worked out beside the backward pass on the CPU.

The backward pass goes from layer to layer, but no layer waits for the gradient of another's weights. So the
cores are divided: one half follows the pass, the other works out the weights' gradients behind it. Two coarse
pieces of work wait for one another less often than all cores do over every small operation.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

# Each gradient that waits holds a layer's input and output in memory.
WAITING = 8

_backward = torch.ops.aten.convolution_backward.default


class UndividedPass:
    """All of a backward pass in one piece, as torch does it."""

    def forward(self) -> AbstractContextManager[Any]:
        """Do nothing about a forward pass."""
        return nullcontext()

    def backward(self) -> AbstractContextManager[Any]:
        """Do nothing about a backward pass."""
        return nullcontext()

    def close(self) -> None:
        """Do nothing."""


class SideGradients(UndividedPass):
    """Works out gradients of convolutions' weights beside the backward pass of a network on the CPU.

    Gradients are what they are without it, but for the order of sums. Weights with hooks, which wait for
    autograd's own gradients, are left to autograd; so is whatever is no plain convolution of a whole batch.

    Examples:
        >>> side = SideGradients(threads=2)
        >>> with side.forward():
        ...     loss = network(images).sum()
        >>> with side.backward():
        ...     loss.backward()
    """

    def __init__(self, threads: int) -> None:
        """Divide the cores.

        Args:
            threads: Torch's threads in all, 2 or more.
        """
        self._half = threads // 2
        self._threads = threads
        self._pool = ThreadPoolExecutor(1, "gradients", torch.set_num_threads, (self._half,))
        self._waiting: deque[tuple[Future[None], Callable[[], None]]] = deque()
        self._adding = threading.Lock()

    def forward(self) -> AbstractContextManager[Any]:
        """Note the convolutions of a forward pass."""
        return _Convolutions(self)

    @contextmanager
    def backward(self) -> Iterator[None]:
        """Run a backward pass; afterwards all gradients are there."""
        torch.set_num_threads(self._half)
        try:
            yield
            self._finish()
        finally:
            for future, _ in self._waiting:
                future.cancel()
            self._waiting.clear()
            torch.set_num_threads(self._threads)

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown(cancel_futures=True)

    def add(self, weight: Tensor, gradient: Callable[[], Tensor]) -> None:
        """Add a gradient to a weight's, soon."""

        def work() -> None:
            with torch.no_grad():
                found = gradient()
                with self._adding:
                    _accumulate(weight, found)

        self._waiting.append((self._pool.submit(work), work))
        while self._waiting and self._waiting[0][0].done():
            self._waiting.popleft()[0].result()
        if len(self._waiting) > WAITING:
            self._take(*self._waiting.pop())

    def _finish(self) -> None:
        while self._waiting:
            self._take(*self._waiting.pop())

    @staticmethod
    def _take(future: Future[None], work: Callable[[], None]) -> None:
        """Do work here that the thread has not begun; else wait for it."""
        if future.cancel():
            work()
        else:
            future.result()


def side_gradients(device: torch.device, compiled: bool) -> UndividedPass:
    """Return what divides the cores in a training, or what leaves them where there is nothing to divide."""
    threads = torch.get_num_threads()
    whole = device.type != "cpu" or compiled or threads < 2
    return UndividedPass() if whole else SideGradients(threads)


class _Convolutions(TorchFunctionMode):
    """Sends a network's convolutions through `_Convolution` while it is entered."""

    def __init__(self, side: SideGradients) -> None:
        super().__init__()
        self._side = side

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is torch.conv2d and not kwargs and _is_plain(*args):
            return _Convolution.apply(self._side, args[0], args[1], *args[3:6])
        return func(*args, **(kwargs or {}))


def _is_plain(
    images: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> bool:
    """Say whether a convolution has a float32 weight of its own, nobody waiting for its gradient."""
    return (
        bias is None
        and groups == 1
        and all(isinstance(value, tuple) for value in (stride, padding, dilation))
        and images.dim() == 4
        and weight.dtype is torch.float32
        and (images.dtype is torch.float32 or torch.is_autocast_enabled("cpu"))
        and weight.requires_grad
        and weight.is_leaf
        and torch.is_grad_enabled()
        and not weight._backward_hooks  # noqa: SLF001  # torch has no other word for them
        and not getattr(weight, "_post_accumulate_grad_hooks", None)
    )


class _Convolution(torch.autograd.Function):
    """A convolution without bias whose weight gets its gradient from the side."""

    @staticmethod
    def forward(  # type: ignore[override]  # torch declares only *args
        ctx: Any,
        side: SideGradients,
        images: Tensor,
        weight: Tensor,
        stride: tuple[int, ...],
        padding: tuple[int, ...],
        dilation: tuple[int, ...],
    ) -> Tensor:
        ctx.side, ctx.steps, ctx.leaf, ctx.given = (
            side,
            (stride, padding, dilation),
            weight,
            images.dtype,
        )
        if torch.is_autocast_enabled("cpu"):
            dtype = torch.get_autocast_dtype("cpu")
            images, weight = images.to(dtype), weight.detach().to(dtype)
        ctx.save_for_backward(images, weight)
        with torch.autocast("cpu", enabled=False):
            return torch.conv2d(images, weight, None, stride, padding, dilation)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:  # type: ignore[override]
        images, weight = ctx.saved_tensors
        onward = ctx.needs_input_grad[1]
        if _is_pointwise(images, weight, ctx.steps):
            to_weight, to_images = _pointwise(gradient, images, weight)
        else:
            to_weight, to_images = _spatial(gradient, images, weight, ctx.steps)
        ctx.side.add(ctx.leaf, to_weight)
        return None, to_images().to(ctx.given) if onward else None, None, None, None, None


Gradients = tuple[Callable[[], Tensor], Callable[[], Tensor]]


def _is_pointwise(images: Tensor, weight: Tensor, steps: tuple[tuple[int, ...], ...]) -> bool:
    """Say whether a convolution is a product of matrices: one pixel's channels in, one pixel's out."""
    stride, padding, _ = steps
    return (
        weight.shape[2:] == (1, 1)
        and stride == (1, 1)
        and padding == (0, 0)
        and images.is_contiguous(memory_format=torch.channels_last)
    )


def _pointwise(gradient: Tensor, images: Tensor, weight: Tensor) -> Gradients:
    """Return what works out the gradients of a pointwise convolution's weight and input.

    Torch's convolutions take a way for one thread that goes picture by picture; the products take all at once.
    """
    batch, channels, height, width = images.shape
    after, before = (
        gradient.permute(0, 2, 3, 1).reshape(-1, len(weight)),
        images.permute(0, 2, 3, 1),
    )

    def to_weight() -> Tensor:
        return torch.mm(after.t(), before.reshape(-1, channels)).view_as(weight)

    def to_images() -> Tensor:
        found = torch.mm(after, weight.view(-1, channels))
        return found.view(batch, height, width, channels).permute(0, 3, 1, 2)

    return to_weight, to_images


def _spatial(gradient: Tensor, images: Tensor, weight: Tensor, steps: Any) -> Gradients:
    """Return what works out the gradients of a convolution's weight and input."""

    def passed(mask: list[bool]) -> Any:
        return _backward(gradient, images, weight, None, *steps, False, [0, 0], 1, mask)

    return lambda: passed([False, True, False])[1], lambda: passed([True, False, False])[0]


def _accumulate(weight: Tensor, gradient: Tensor) -> None:
    """Do what autograd does with a leaf's gradient: keep it in the leaf's layout and format, or add it."""
    if weight.grad is None:
        same = gradient.stride() == weight.stride() and gradient.dtype is weight.dtype
        weight.grad = gradient if same else torch.empty_like(weight).copy_(gradient)
    else:
        weight.grad += gradient

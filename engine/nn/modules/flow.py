"""A normalising flow: the density of a two-dimensional error, learned."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

COUPLINGS = 6
HIDDEN = 64
# Weights start this small (as in Li et al. 2021): the flow begins next to leaving errors as they are, so that
# it learns their shape and need not first unlearn a random one.
FIRST_GAIN = 0.01


class RealNVP(nn.Module):
    """Affine couplings from an error in the plane to a standard normal (Dinh et al. 2017).

    Attributes:
        loc: (2,) mean of the normal.
        cov: (2, 2) its covariance.
        mask: (6, 2) which coordinate a coupling leaves as it is.
    """

    loc: Tensor
    cov: Tensor
    mask: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("loc", torch.zeros(2))
        self.register_buffer("cov", torch.eye(2))
        kept = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).repeat(COUPLINGS // 2, 1)
        self.register_buffer("mask", kept)
        self.s = nn.ModuleList(nn.Sequential(*_layers(), nn.Tanh()) for _ in range(COUPLINGS))
        self.t = nn.ModuleList(nn.Sequential(*_layers()) for _ in range(COUPLINGS))
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight, gain=FIRST_GAIN)

    def log_prob(self, error: Tensor) -> Tensor:
        """Return the log density (N,) of errors (N, 2)."""
        z, log_determinant = error, error.new_zeros(error.shape[0])
        for i in reversed(range(COUPLINGS)):
            kept, moved = self.mask[i], 1 - self.mask[i]
            fixed = z * kept
            scale, shift = self.s[i](fixed) * moved, self.t[i](fixed) * moved
            z = moved * (z - shift) * torch.exp(-scale) + fixed
            log_determinant = log_determinant - scale.sum(1)
        offset = z - self.loc
        distance = (offset @ torch.linalg.inv(self.cov) * offset).sum(1)
        normal = -0.5 * distance - math.log(2 * math.pi) - 0.5 * torch.logdet(self.cov)
        return normal + log_determinant


def _layers() -> tuple[nn.Module, ...]:
    return (
        nn.Linear(2, HIDDEN),
        nn.SiLU(),
        nn.Linear(HIDDEN, HIDDEN),
        nn.SiLU(),
        nn.Linear(HIDDEN, 2),
    )

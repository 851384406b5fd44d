"""The parts that let a head take its classes from embeddings: YOLOE, Wang et al. 2025.

- :class:`BNContrastiveHead`, :class:`ContrastiveHead`: class scores as similarities with embeddings;
- :class:`Residual` around :class:`SwiGLU`: the adapter of text embeddings (RepRTA in the paper);
- :class:`SAVPE`: embeddings of what masks point at (semantic-activated visual prompt encoder);
- :class:`LRPC`: names from a long vocabulary, only where something is (lazy region-prompt contrast).

Attribute names are those under which published weights store their tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.nn.modules.conv import BN_EPS, BN_MOMENTUM, Conv

# Score of an untrained class, before the number of classes and cells is known
PRIOR_LOGIT = -10.0
# Groups of channels that are weighted each by an own map over the image (the paper's A)
ACTIVATION_MAPS = 16
# Temperature with which CLIP starts (Radford et al. 2021)
CLIP_TEMPERATURE = 0.07


class ContrastiveHead(nn.Module):
    """Similarities of cells and embeddings, both of length one, with a learnt scale and offset.

    Attributes:
        bias: Offset of all similarities.
        logit_scale: Logarithm of the factor.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.tensor([PRIOR_LOGIT]))
        self.logit_scale = nn.Parameter(torch.tensor(1 / CLIP_TEMPERATURE).log())

    def forward(self, cells: Tensor, embeddings: Tensor) -> Tensor:
        """Compare every cell with every embedding.

        Args:
            cells: (B, D, H, W).
            embeddings: (B or 1, N, D), of any length.

        Returns:
            Logits (B, N, H, W).
        """
        units = F.normalize(embeddings, dim=-1)
        similar = torch.matmul(units, self.normalised(cells).flatten(2))  # (B, N, H * W)
        return (similar * self.logit_scale.exp() + self.bias).unflatten(2, cells.shape[2:])

    def normalised(self, cells: Tensor) -> Tensor:
        """Bring the embeddings of the cells (B, D, H, W) to one scale."""
        return F.normalize(cells, dim=1)


class BNContrastiveHead(ContrastiveHead):
    """The same with a batch normalisation over the cells, which later folds into one convolution.

    Attributes:
        norm: The normalisation.
    """

    def __init__(self, embed: int) -> None:
        """Make the head.

        Args:
            embed: Length D of the embeddings.
        """
        super().__init__()
        self.norm = nn.BatchNorm2d(embed, eps=BN_EPS, momentum=BN_MOMENTUM)
        self.logit_scale = nn.Parameter(torch.tensor(-1.0))

    def normalised(self, cells: Tensor) -> Tensor:
        """Bring the embeddings of the cells (B, D, H, W) to one scale."""
        return self.norm(cells)

    @torch.no_grad()
    def folded(self, last: nn.Conv2d, embeddings: Tensor) -> nn.Conv2d:
        """Return the one convolution that does what ``last`` and then this head do in eval mode.

        Args:
            last: The convolution (1 x 1, with bias) that gives the embeddings of the cells.
            embeddings: (N, D), of any length.
        """
        mean, variance = self.norm.running_mean, self.norm.running_var
        if mean is None or variance is None or last.bias is None:
            raise ValueError("expected statistics of the normalisation and a convolution with bias")
        scale = self.norm.weight / torch.sqrt(variance + self.norm.eps)  # (D,)
        shifted = (last.bias - mean) * scale + self.norm.bias
        units = F.normalize(embeddings, dim=-1) * self.logit_scale.exp()
        weight = (units * scale) @ last.weight.flatten(1)  # (N, C)
        folded = nn.Conv2d(last.in_channels, len(units), 1).to(weight)
        folded.weight.copy_(weight[:, :, None, None])
        folded.bias = nn.Parameter(units @ shifted + self.bias)
        return folded.requires_grad_(last.weight.requires_grad)


class SwiGLU(nn.Module):
    """Feed-forward network with a gate (Shazeer 2020)."""

    def __init__(self, c1: int, c2: int, expansion: int = 4) -> None:
        """Make the network.

        Args:
            c1: Features in.
            c2: Features out.
            expansion: Features of gate and value together, as a multiple of ``c2``.
        """
        super().__init__()
        self.w12 = nn.Linear(c1, expansion * c2)
        self.w3 = nn.Linear(expansion * c2 // 2, c2)

    def forward(self, x: Tensor) -> Tensor:
        """(..., c1) to (..., c2)."""
        gate, value = self.w12(x).chunk(2, -1)
        return self.w3(F.silu(gate) * value)


class Residual(nn.Module):
    """A network added to its input; untrained it adds nothing.

    Attributes:
        m: The network, with a last layer ``w3``.
    """

    def __init__(self, m: SwiGLU) -> None:
        super().__init__()
        self.m = m
        nn.init.zeros_(m.w3.weight)
        nn.init.zeros_(m.w3.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(..., C) to the same shape."""
        return x + self.m(x)


class SAVPE(nn.Module):
    """Embeddings of the things that masks point at, from the feature maps of their image.

    One branch makes the embeddings of all cells, another, which sees the mask too, says how much each cell
    under the mask counts, separately for :data:`ACTIVATION_MAPS` groups of channels.
    """

    def __init__(self, ch: Sequence[int], hidden: int, embed: int) -> None:
        """Make the encoder.

        Args:
            ch: Channels of the maps, the finest first, each of half the size of the one before.
            hidden: Channels that each map is brought to.
            embed: Length of the embeddings.
        """
        super().__init__()
        self.cv1 = nn.ModuleList(
            nn.Sequential(Conv(c, hidden, 3), Conv(hidden, hidden, 3), _to_finest(level))
            for level, c in enumerate(ch)
        )
        self.cv2 = nn.ModuleList(
            nn.Sequential(Conv(c, hidden), _to_finest(level)) for level, c in enumerate(ch)
        )
        maps = ACTIVATION_MAPS
        self.cv3 = nn.Conv2d(len(ch) * hidden, embed, 1)
        self.cv4 = nn.Conv2d(len(ch) * hidden, maps, 3, padding=1)
        self.cv5 = nn.Conv2d(1, maps, 3, padding=1)
        self.cv6 = nn.Sequential(Conv(2 * maps, maps, 3), nn.Conv2d(maps, maps, 3, padding=1))

    def forward(self, feats: Sequence[Tensor], masks: Tensor) -> Tensor:
        """Encode visual prompts.

        Args:
            feats: The maps, [(B, C, H, W), (B, C2, H / 2, W / 2), ...].
            masks: (B, N, H, W), 1 on the thing that prompt n points at and 0 elsewhere.

        Returns:
            (B, N, embed), each of length one. A mask of zeros averages the whole image.
        """
        batch, prompts = masks.shape[:2]
        meaning = self.cv3(_joined(self.cv1, feats))
        weights = self._weights(_joined(self.cv2, feats), masks)  # (B, N, maps, H * W)
        groups = meaning.flatten(2).unflatten(1, (ACTIVATION_MAPS, -1))  # (B, maps, embed/maps, HW)
        summed = torch.einsum("bnmp,bmcp->bnmc", weights, groups)
        return F.normalize(summed.reshape(batch, prompts, -1), dim=-1)

    def _weights(self, activation: Tensor, masks: Tensor) -> Tensor:
        """Return how much each cell counts, summing up to one over the cells: (B, N, maps, H * W)."""
        batch, prompts, height, width = masks.shape
        pointed = self.cv5(masks.reshape(batch * prompts, 1, height, width))
        seen = self.cv4(activation).repeat_interleave(prompts, 0)  # (B * N, maps, H, W)
        logits = self.cv6(torch.cat((seen, pointed), 1)).view(batch, prompts, ACTIVATION_MAPS, -1)
        flat = masks.reshape(batch, prompts, 1, -1)
        outside = torch.finfo(logits.dtype).min
        return torch.where(flat == 0, outside, logits * flat).softmax(-1)


class Kept(NamedTuple):
    """What :class:`LRPC` gives for one map of A cells, K of which may hold something.

    Attributes:
        boxes: (B, 4 * bins, A) raw boxes of all cells.
        scores: (B, N, K) class logits.
        kept: (A,) which cells may hold something.
    """

    boxes: Tensor
    scores: Tensor
    kept: Tensor


class LRPC(nn.Module):
    """The last layers of a level without prompts: something or nothing, box, and name.

    Comparing every cell with thousands of names costs more than the network itself; only cells that may
    hold something are compared.

    Attributes:
        vocab: Class logits of a cell; a linear layer where cells are chosen, else a convolution.
        pf: Logit that a cell holds something.
        loc: Raw box of a cell.
        enabled: Whether cells are chosen; on the coarsest map all few of them are compared.
    """

    def __init__(self, vocab: nn.Module, pf: nn.Module, loc: nn.Module, enabled: bool) -> None:
        """Make the layer.

        Args:
            vocab: A 1 x 1 convolution (or its linear form) from features to class logits.
            pf: A 1 x 1 convolution to one channel.
            loc: A 1 x 1 convolution to the raw boxes.
            enabled: Choose cells.
        """
        super().__init__()
        self.vocab = linear_of(vocab) if enabled and isinstance(vocab, nn.Conv2d) else vocab
        self.pf = pf
        self.loc = loc
        self.enabled = enabled

    def forward(self, cls_feat: Tensor, loc_feat: Tensor, conf: float) -> Kept:
        """Apply the layer.

        Args:
            cls_feat: (B, C, H, W) features of the class branch.
            loc_feat: (B, C2, H, W) features of the box branch.
            conf: Cells whose score for holding something is at most this are left out, none at 0; of a
                batch a cell stays where any image needs it, so that one set of cells serves all.
        """
        boxes, cells = self.loc(loc_feat).flatten(2), cls_feat.flatten(2)
        kept = torch.ones(cells.shape[2], dtype=torch.bool, device=cells.device)
        if self.enabled and conf > 0:
            kept = (self.pf(cls_feat).sigmoid().flatten(1) > conf).any(0)
            cells = cells[:, :, kept]
        return Kept(boxes, self._named(cells), kept)

    def _named(self, cells: Tensor) -> Tensor:
        """Return class logits (B, N, K) of cells (B, C, K)."""
        if isinstance(self.vocab, nn.Linear):
            return self.vocab(cells.transpose(1, 2)).transpose(1, 2)
        return self.vocab(cells[..., None])[..., 0]


@torch.no_grad()
def linear_of(conv: nn.Conv2d) -> nn.Linear:
    """Return the linear layer that does to a vector what a 1 x 1 convolution does to each cell."""
    linear = nn.Linear(conv.in_channels, conv.out_channels, conv.bias is not None).to(conv.weight)
    linear.weight.copy_(conv.weight.flatten(1))
    if conv.bias is not None:
        linear.bias.copy_(conv.bias)
    return linear.requires_grad_(conv.weight.requires_grad)


def _to_finest(level: int) -> nn.Module:
    """Return what brings a level to the size of the finest one."""
    return nn.Upsample(scale_factor=float(2**level)) if level else nn.Identity()


def _joined(branches: nn.ModuleList, feats: Sequence[Tensor]) -> Tensor:
    return torch.cat([branch(x) for branch, x in zip(branches, feats, strict=True)], 1)

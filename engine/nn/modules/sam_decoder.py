"""From an image embedding and prompts to masks (Kirillov et al., Segment Anything, 2023)."""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.nn.modules.sam_blocks import MLP, LayerNorm2d, MLPBlock

CANDIDATES = 3  # masks for one ambiguous prompt, beside the one for a clear prompt


class Prepared(NamedTuple):
    """What of decoding depends on the image alone, for prompts without a rough mask.

    Attributes:
        cells: (1, HW, dim) the image.
        places: (1, HW, dim) positions of its cells.
        placed: (1, HW, dim) the two together.
        keys: (1, heads, HW, d) of the first block's look at the image.
        values: (1, heads, HW, d) of the same.
        queries: (1, heads, HW, d) of the image's first look at the tokens.
        shape: (h, w) of the image in cells.
    """

    cells: Tensor
    places: Tensor
    placed: Tensor
    keys: Tensor
    values: Tensor
    queries: Tensor
    shape: tuple[int, int]


class Attention(nn.Module):
    """Multi-head attention whose inside may be narrower than its outside.

    Between few tokens and very many cells it is cheaper to bring the projections of the cells over to the tokens,
    which gives the same numbers in another order of multiplication: see `gather` and `spread`.
    """

    def __init__(self, dim: int, heads: int, narrower: int = 1) -> None:
        super().__init__()
        inner = dim // narrower
        self.heads = heads
        self.q_proj = nn.Linear(dim, inner)
        self.k_proj = nn.Linear(dim, inner)
        self.v_proj = nn.Linear(dim, inner)
        self.out_proj = nn.Linear(inner, dim)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Queries (B, N, dim), keys and values (B, M, dim) to (B, N, dim)."""
        return self.look(
            self.apart(self.q_proj(query)),
            self.apart(self.k_proj(key)),
            self.apart(self.v_proj(value)),
        )

    def look(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """The same from what is projected and laid out by heads already; a batch of one serves all."""
        batch = max(query.shape[0], key.shape[0])
        q, k, v = (x.expand(batch, -1, -1, -1) for x in (query, key, value))
        seen = F.scaled_dot_product_attention(q, k, v)
        return self.out_proj(seen.transpose(1, 2).flatten(2))

    def apart(self, x: Tensor) -> Tensor:
        """Lay (B, N, inner) out by heads: (B, heads, N, d)."""
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)

    def gather(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """The same as `forward` for few queries (B, N, dim) and many keys and values (B, M, dim).

        The bias of the keys adds the same to all scores of a query: it changes nothing and is left out.
        """
        if not self._are_few(query):
            return self.forward(query, key, value)
        asked = self.apart(self.q_proj(query)) * self._scale  # (B, heads, N, d)
        wide = (asked @ self._by_heads(self.k_proj)).flatten(1, 2)  # (B, heads * N, dim)
        shares = (wide @ key.transpose(1, 2)).softmax(-1)
        mixed = (shares @ value).unflatten(1, (self.heads, -1))
        seen = mixed @ self._by_heads(self.v_proj).transpose(1, 2)
        return self.out_proj(seen.transpose(1, 2).flatten(2) + self.v_proj.bias)

    def spread(
        self,
        onto: Tensor,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        asked: Tensor | None = None,
    ) -> Tensor:
        """The same as ``onto + forward`` for many queries (B, M, dim) and few keys and values (B, N, dim).

        Args:
            onto: What the answer is added to, (B, M, dim).
            query: The cells.
            key: The tokens.
            value: The tokens.
            asked: The queries projected and laid out by heads, where they are known already.
        """
        if not self._are_few(key):
            return onto + self.forward(query, key, value)
        keys = self.apart(self.k_proj(key)) * self._scale  # (B, heads, N, d)
        if asked is None:
            wide = (keys @ self._by_heads(self.q_proj)).flatten(1, 2)  # (B, heads * N, dim)
            added = keys @ self.q_proj.bias.view(self.heads, -1, 1)  # (B, heads, N, 1)
            scores = (wide @ query.transpose(1, 2)).unflatten(1, (self.heads, -1)) + added
        else:
            scores = keys @ asked.transpose(2, 3)
        # (B, heads * N, M): the cells lie side by side, which is quick
        shares = scores.softmax(2).flatten(1, 2)
        outward = self.out_proj.weight.T.unflatten(0, (self.heads, -1))
        told = self.apart(self.v_proj(value)) @ outward
        # a cell's shares of a head are one in all: with each goes as much of the bias
        told = told + self.out_proj.bias / self.heads
        return torch.baddbmm(onto, shares.transpose(1, 2), told.flatten(1, 2))

    @property
    def _scale(self) -> float:
        return (self.q_proj.out_features // self.heads) ** -0.5

    def _are_few(self, tokens: Tensor) -> bool:
        if torch.onnx.is_in_onnx_export():  # the file takes any number of them
            return False
        return tokens.shape[1] * self.heads < self.q_proj.out_features

    def _by_heads(self, layer: nn.Linear) -> Tensor:
        """Return the weights of a projection, (heads, d, dim)."""
        return layer.weight.unflatten(0, (self.heads, -1))


class TwoWayBlock(nn.Module):
    """Tokens attend to themselves and to the image, then the image to the tokens."""

    def __init__(self, dim: int, heads: int, hidden: int, first: bool) -> None:
        super().__init__()
        self.first = first
        self.self_attn = Attention(dim, heads)
        self.norm1 = nn.LayerNorm(dim)
        self.cross_attn_token_to_image = Attention(dim, heads, 2)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = MLPBlock(dim, hidden, nn.ReLU)
        self.norm3 = nn.LayerNorm(dim)
        self.norm4 = nn.LayerNorm(dim)
        self.cross_attn_image_to_token = Attention(dim, heads, 2)

    def forward(
        self,
        tokens: Tensor,
        image: Tensor,
        token_places: Tensor,
        image_places: Tensor,
        known: Prepared | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Tokens (B, N, dim) and cells (B, HW, dim), each with its positions, to the same shapes.

        ``known`` saves projecting an image that no prompt has changed yet.
        """
        if self.first:  # the tokens are their own positions still
            tokens = self.self_attn(tokens, tokens, tokens)
        else:
            placed = tokens + token_places
            tokens = tokens + self.self_attn(placed, placed, tokens)
        tokens = self.norm1(tokens)
        there, back = self.cross_attn_token_to_image, self.cross_attn_image_to_token
        if known is None:
            keys, asked = image + image_places, None
            looked = there.gather(tokens + token_places, keys, image)
        else:
            keys, asked = known.placed, known.queries
            query = there.apart(there.q_proj(tokens + token_places))
            looked = there.look(query, known.keys, known.values)
        tokens = self.norm2(tokens + looked)
        tokens = self.norm3(tokens + self.mlp(tokens))
        placed = tokens + token_places
        image = self.norm4(back.spread(image, keys, placed, tokens, asked))
        return tokens, image


class TwoWayTransformer(nn.Module):
    """Blocks in which tokens and image look at each other, and a last look of the tokens."""

    def __init__(self, dim: int, heads: int, hidden: int, depth: int = 2) -> None:
        super().__init__()
        self.layers = nn.ModuleList(TwoWayBlock(dim, heads, hidden, i == 0) for i in range(depth))
        self.final_attn_token_to_image = Attention(dim, heads, 2)
        self.norm_final_attn = nn.LayerNorm(dim)

    def forward(
        self, image: Tensor, places: Tensor, tokens: Tensor, known: Prepared | None = None
    ) -> tuple[Tensor, Tensor]:
        """Cells (B, HW, dim) with their positions and tokens (B, N, dim), both changed: tokens, cells."""
        found = tokens
        for layer in self.layers:
            found, image = layer(found, image, tokens, places, known)
            known = None  # from here on the image has seen the prompts
        looked = self.final_attn_token_to_image.gather(found + tokens, image + places, image)
        return self.norm_final_attn(found + looked), image


class MaskDecoder(nn.Module):
    """Predicts four masks for a prompt: one for a clear prompt, three for an ambiguous one."""

    def __init__(self, dim: int = 256, heads: int = 8, hidden: int = 2048, depth: int = 2) -> None:
        super().__init__()
        masks = CANDIDATES + 1
        self.transformer = TwoWayTransformer(dim, heads, hidden, depth)
        self.iou_token = nn.Embedding(1, dim)
        self.mask_tokens = nn.Embedding(masks, dim)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(dim, dim // 4, 2, 2),
            LayerNorm2d(dim // 4),
            nn.GELU(),
            nn.ConvTranspose2d(dim // 4, dim // 8, 2, 2),
            nn.GELU(),
        )
        self.output_hypernetworks_mlps = nn.ModuleList(
            MLP(dim, dim, dim // 8, 3) for _ in range(masks)
        )
        self.iou_prediction_head = MLP(dim, dim, masks, 3)

    def forward(
        self, image: Tensor, places: Tensor, sparse: Tensor, dense: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Predict masks.

        Args:
            image: Embedding of one image, (1, dim, h, w), or one a prompt.
            places: Positions of its cells, (1, dim, h, w).
            sparse: Vectors of the prompts, (B, N, dim).
            dense: Rough masks as maps, (B, dim, h, w) or (1, dim, 1, 1).

        Returns:
            Logits (B, 4, 4 * h, 4 * w), and what each mask's IoU with the truth should be (B, 4).
        """
        count, (dim, height, width) = sparse.shape[0], image.shape[1:]
        cells = (image + dense).expand(count, dim, height, width).flatten(2).transpose(1, 2)
        found, cells = self.transformer(
            cells, places.flatten(2).transpose(1, 2), self._tokens(sparse)
        )
        return self._masks(found, cells, (height, width))

    def prepare(self, image: Tensor, places: Tensor, dense: Tensor) -> Prepared:
        """Return what `answer` needs of an image (1, dim, h, w); ``dense`` stands for no rough mask."""
        cells = (image + dense).flatten(2).transpose(1, 2).contiguous()
        at = places.flatten(2).transpose(1, 2).contiguous()
        first = cast("TwoWayBlock", self.transformer.layers[0])
        there, back = first.cross_attn_token_to_image, first.cross_attn_image_to_token
        placed = cells + at
        return Prepared(
            cells,
            at,
            placed,
            there.apart(there.k_proj(placed)).contiguous(),
            there.apart(there.v_proj(cells)).contiguous(),
            back.apart(back.q_proj(placed)).contiguous(),
            (image.shape[2], image.shape[3]),
        )

    def answer(self, known: Prepared, sparse: Tensor) -> tuple[Tensor, Tensor]:
        """Predict as `forward` does, for prompts (B, N, dim) without rough masks."""
        cells = known.cells.expand(sparse.shape[0], -1, -1)
        found, cells = self.transformer(cells, known.places, self._tokens(sparse), known)
        return self._masks(found, cells, known.shape)

    def _tokens(self, sparse: Tensor) -> Tensor:
        own = torch.cat((self.iou_token.weight, self.mask_tokens.weight))
        return torch.cat((own[None].expand(sparse.shape[0], -1, -1), sparse), 1)

    def _masks(self, found: Tensor, cells: Tensor, shape: tuple[int, int]) -> tuple[Tensor, Tensor]:
        mixed = torch.stack(
            [mlp(found[:, i + 1]) for i, mlp in enumerate(self.output_hypernetworks_mlps)], 1
        )
        if torch.onnx.is_in_onnx_export():  # its convolutions are what runtimes know to do quickly
            maps = self.output_upscaling(cells.transpose(1, 2).unflatten(2, shape))
            logits = (mixed @ maps.flatten(2)).unflatten(2, (4 * shape[0], 4 * shape[1]))
            return logits, self.iou_prediction_head(found[:, 0])
        maps = self._enlarged(cells)
        inner = (mixed @ maps.transpose(1, 2)).unflatten(2, (*shape, 2, 2, 2, 2))
        # rows lie at 2, 4 and 6, columns at 3, 5 and 7; those of 7 stay side by side and move as one number
        pairs = torch.view_as_complex(inner).permute(0, 1, 2, 4, 6, 3, 5).contiguous()
        logits = torch.view_as_real(pairs).flatten(2, 4).flatten(3, 5)
        return logits, self.iou_prediction_head(found[:, 0])

    def _enlarged(self, cells: Tensor) -> Tensor:
        """Do what `output_upscaling` does, each cell's sixteen parts one after the other: (B, HW * 16, dim / 8).

        Its convolutions look at one cell each, so they are products of matrices, and nothing is moved.
        """
        first, norm, _, second, _ = self.output_upscaling
        halves = _parted(cells, cast("nn.ConvTranspose2d", first))
        norm = cast("LayerNorm2d", norm)
        size = (norm.weight.shape[0],)
        halves = F.gelu(F.layer_norm(halves, size, norm.weight, norm.bias, norm.eps))
        return F.gelu(_parted(halves, cast("nn.ConvTranspose2d", second)))


def _parted(cells: Tensor, layer: nn.ConvTranspose2d) -> Tensor:
    """Return the four parts of each cell (B, N, c1) that a 2 x 2 convolution with stride 2 makes: (B, N * 4, c2)."""
    weight = layer.weight.permute(2, 3, 1, 0).flatten(0, 2)  # (4 * c2, c1)
    bias = cast("Tensor", layer.bias).repeat(4)
    return F.linear(cells, weight, bias).unflatten(2, (4, -1)).flatten(1, 2)

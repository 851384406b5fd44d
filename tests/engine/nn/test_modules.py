import pytest
import torch
from torch import nn

from engine.nn.modules.attention import C2PSA, Attention, PSABlock
from engine.nn.modules.block import C3, DFL, SPPF, Bottleneck, C2f, C3k, C3k2, Proto
from engine.nn.modules.conv import Concat, Conv, DWConv


@pytest.mark.parametrize(
    ("block", "channels_out", "scale"),
    [
        (Conv(16, 24), 24, 1),
        (Conv(16, 24, 3, 2), 24, 0.5),
        (Conv(16, 24, 3, d=2), 24, 1),
        (DWConv(16, 32, 3), 32, 1),
        (Bottleneck(16, 16), 16, 1),
        (C3(16, 32, 2), 32, 1),
        (C3k(16, 32, 2), 32, 1),
        (C2f(16, 32, 2), 32, 1),
        (C3k2(16, 32, 2, c3k=False, e=0.25), 32, 1),
        (C3k2(16, 32, 1, c3k=True), 32, 1),
        (SPPF(16, 24), 24, 1),
        (Attention(16, num_heads=2), 16, 1),
        (PSABlock(16, num_heads=2), 16, 1),
        (C2PSA(32, 32, 2), 32, 1),
        (Proto(16, 24, 8), 8, 2),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_blocks_give_their_shape_in_both_memory_formats(block, channels_out, scale):
    block.eval()
    channels_in = next(m.in_channels for m in block.modules() if isinstance(m, nn.Conv2d))
    x = torch.randn(2, channels_in, 8, 12, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        y = block(x)
        again = block(x.contiguous(memory_format=torch.channels_last))
    assert y.shape == (2, channels_out, 8 * scale, 12 * scale)
    torch.testing.assert_close(y, again, rtol=1e-4, atol=1e-5)


def test_conv_is_convolution_norm_activation():
    block = Conv(1, 1, 1, act=False).eval()
    block.conv.weight.data.fill_(3.0)
    block.bn.running_mean.fill_(1.0)
    block.bn.running_var.fill_(4.0 - block.bn.eps)
    assert block(torch.full((1, 1, 1, 1), 2.0)).item() == pytest.approx((2 * 3 - 1) / 2)


def test_activation_is_silu_unless_said():
    assert isinstance(Conv(1, 1).act, nn.SiLU)
    assert isinstance(Conv(1, 1, act=False).act, nn.Identity)
    assert isinstance(Conv(1, 1, act=nn.ReLU()).act, nn.ReLU)


def test_bottleneck_adds_its_input_only_where_channels_agree():
    assert Bottleneck(8, 8).add
    assert not Bottleneck(8, 16).add
    assert not Bottleneck(8, 8, shortcut=False).add
    block = Bottleneck(8, 8).eval()
    block.cv2.conv.weight.data.zero_()
    x = torch.rand(1, 8, 4, 4)
    with torch.no_grad():
        torch.testing.assert_close(block(x), x)  # silu(0) = 0, so the input alone is left


def test_concat_joins_channels():
    joined = Concat(1)([torch.zeros(1, 2, 4, 4), torch.ones(1, 3, 4, 4)])
    assert joined.sum((0, 2, 3)).tolist() == [0, 0, 16, 16, 16]


def test_dfl_gives_the_mean_of_the_distribution():
    dfl = DFL(16)
    logits = torch.full((1, 4, 16, 3), -100.0)
    logits[0, 0, 5, 0] = logits[0, 1, 0, 0] = logits[0, 2, 15, 0] = 100.0
    logits[0, 3, 2:4, 0] = 100.0  # two equal neighbours: half-way between them
    distances = dfl(logits.view(1, 64, 3))
    assert distances.shape == (1, 4, 3)
    assert distances[0, :, 0].tolist() == pytest.approx([5, 0, 15, 2.5])
    assert distances[0, 0, 1].item() == pytest.approx(7.5)  # equal logits: the middle of 0..15
    assert not dfl.conv.weight.requires_grad


def test_sppf_sees_as_far_as_three_pools():
    block = SPPF(2, 2, 5).eval()
    seen = nn.Sequential(block.m, block.m, block.m)(torch.eye(15)[7].view(1, 1, 15, 1))
    assert seen.flatten().tolist() == [0] + [1] * 13 + [0]


def test_c2psa_refuses_other_channels_out():
    with pytest.raises(ValueError, match="as many channels out as in"):
        C2PSA(64, 32)
